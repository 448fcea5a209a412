"""Why bodies differ, and what is left in a database."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, Final

from werkzeug.sansio.http import parse_cookie

from crossfade.codings import PACKAGES, unread
from crossfade.compare import Difference, Kind
from crossfade.contract import advice as look
from crossfade.contract.advice import Advice
from crossfade.contract.causes_head import content_type, default_page
from crossfade.contract.causes_status import validation
from crossfade.contract.dates import iso_moment
from crossfade.exchange import Exchange

_HTTP_DATE: Final = re.compile(r'"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"')
_ISO_DATE: Final = re.compile(r'"\d{4}-\d\d-\d\d(?P<time>[T ])?')
_PROVIDER: Final = "return FlaskJSONResponse(data) of crossfade.compat: Flask's own JSON provider"


def compressed(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Bodies that can't be read here."""
    coding = unread(legacy.response) or unread(native.response)
    if coding is None:
        return None
    return Advice(
        f"the bodies are compressed as {coding}, which can't be read here: they were compared byte "
        "for byte, and two compressors seldom agree on those",
        f"python3 -m pip install {PACKAGES[coding][0]}, so that what they hold is compared",
    )


def json_form(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """One value in two spellings."""
    return Advice(
        "Flask sorts keys, escapes what is not ASCII, writes no blanks, spells numbers as Python "
        "does and ends with a newline; Starlette keeps the order, writes UTF-8 and no newline",
        _PROVIDER,
    )


def detail(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """FastAPI's form of an error."""
    if difference.where != "body.detail" or difference.legacy is not None:
        return None
    return validation(difference, legacy, native) or Advice(
        'FastAPI writes an HTTPException as {"detail": …}',
        'keep hooks = "flask" in the map: Flask\'s own error handlers render it then; or render '
        "it in an exception handler of the FastAPI app",
    )


def dates(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Dates in two spellings."""
    iso = _ISO_DATE.match(difference.native or "")
    ours = _ISO_DATE.match(difference.legacy or "")
    if iso and ours and _moment(difference.legacy) == _moment(difference.native) is not None:
        return Advice(
            "the same moment in another spelling: pydantic writes what isoformat() does, with Z "
            "for +00:00, and no fraction where it is zero",
            "give the field the view's spelling (a field_serializer), or the text that the view "
            "makes",
        )
    if iso and _HTTP_DATE.fullmatch(difference.legacy or ""):
        kind = "HttpDateTime" if iso["time"] else "HttpDate"
        return Advice(
            "Flask writes dates as HTTP dates in GMT, pydantic as ISO 8601",
            f"declare the field as {kind} of crossfade.compat, or return FlaskJSONResponse(data)",
        )
    return None


def _moment(text: str | None) -> datetime | None:
    """The moment of a JSON text, in UTC where it names no zone."""
    try:
        return iso_moment((text or "").strip('"'))
    except ValueError:
        return None


def numbers(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """One number in two types."""
    ours, theirs = difference.legacy or "", difference.native or ""
    if ours.startswith('"') and theirs.startswith('"') and _same(ours, theirs):
        return Advice(
            "the same number with other digits: a Decimal keeps its zeros, a float does not",
            "keep it a Decimal from the request to the answer, quantized as the view does",
        )
    if ours.startswith('"') + theirs.startswith('"') == 1 and _same(ours, theirs):
        return Advice(
            "a number on one side, a string on the other: Flask writes Decimal as a string and "
            'leaves input as it is; pydantic converts "1" into 1 and a bare Decimal into a number',
            "for a Decimal declare DecimalString of crossfade.compat; read input strictly: "
            "json_model(Model) of crossfade.compat, or StrictInt, StrictStr",
        )
    if {ours, theirs} in ({"1", "true"}, {"0", "false"}) or _same(ours, theirs):
        return Advice(
            "the same number in another type: pydantic converts input to the declared type",
            "read it strictly: json_model(Model) of crossfade.compat, or StrictInt, StrictFloat, "
            "StrictBool",
        )
    if ours in ("NaN", "Infinity", "-Infinity") and theirs == "null":
        return Advice(
            "Flask writes NaN and Infinity, which are not JSON; pydantic writes null",
            _PROVIDER,
        )
    return None


def _same(legacy: str, native: str) -> bool:
    try:
        return float(legacy.strip('"')) == float(native.strip('"'))
    except ValueError:
        return False


def keys(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Keys that are no strings."""
    if difference.where.endswith((".null", ".None", ".true", ".True", ".false", ".False")):
        return Advice(
            "JSON has only strings as keys: Flask spells None as a key `null` and True `true`, "
            "pydantic `None` and `True`",
            _PROVIDER,
        )
    return None


def null(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Members that one side has not."""
    if difference.native == "null" and difference.legacy is None:
        return Advice(
            "pydantic writes a field that has no value as null",
            "response_model_exclude_none=True or response_model_exclude_unset=True",
        )
    if difference.native == "null" and difference.legacy == '""':
        return Advice(
            "Flask sends an empty string, FastAPI null",
            "give the field the default of Flask's: an empty string",
        )
    refused = min(legacy.response.status, native.response.status) >= 400
    if refused and None in (difference.legacy, difference.native):
        return Advice(
            "the two sides write an error in other members",
            'keep hooks = "flask" in the map and raise: Flask\'s own error handlers render it '
            "then; or return what the view returns",
        )
    of_an_object = not difference.where.endswith("]")
    if difference.legacy is None and difference.native is not None and of_an_object:
        return Advice(
            "FastAPI sends a member that Flask does not: one that nobody meant to publish, perhaps",
            "leave it out: a response_model without the field, or a dictionary of what the view "
            "sends",
        )
    if difference.native is None and difference.legacy == "null":
        return Advice(
            "FastAPI drops what the response model does not declare, and with "
            "response_model_exclude_none what is null",
            "declare the field in the model, and take response_model_exclude_none away",
        )
    if difference.native is None and difference.legacy is not None and of_an_object:
        return Advice(
            "FastAPI drops what the response model does not declare",
            "declare the field in the model",
        )
    return None


# --- what was sent -----------------------------------------------------------------------------


def repeated(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Input that comes twice."""
    request = native.request
    for name, place in (
        (look.repeated_query(request), "arg"),
        (look.repeated_field(request), "form"),
    ):
        if name is not None:
            return Advice(
                f"{name} came twice: Flask takes the first value, Starlette the last",
                f'Annotated[str, {place}("{name}")] of crossfade.compat',
            )
    return None


def cookies(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Cookies that the two frameworks read differently: FastAPI is shown those that Flask reads."""
    for name, value in parse_cookie("; ".join(native.request.values("cookie"))).items():
        if any(ord(letter) > 0xFF for letter in value):
            return Advice(
                f"the cookie {name} has letters in octal escapes: Werkzeug decodes them as UTF-8, "
                "Starlette as latin-1",
                f'Annotated[str, cookie("{name}")] of crossfade.compat',
            )
    return None


def forms(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Forms that the two frameworks read differently."""
    request = native.request
    kind = look.media_type(request)
    if kind == look.FORM and not request.body.isascii():
        return Advice(
            "Flask reads a form's raw bytes as UTF-8, Starlette as latin-1",
            'Annotated[str, form("…")] of crossfade.compat',
        )
    if kind in (look.FORM, look.MULTIPART) and difference.kind is Kind.JSON_VALUE:
        return Advice(
            "the two frameworks read this form differently",
            'Annotated[str, form("…")] and file("…") of crossfade.compat read as Flask does',
        )
    return None


def json_string(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """A text that became JSON."""
    ours, theirs = legacy.response, native.response
    if theirs.media_type == "application/json" and ours.media_type != "application/json":
        types = [next(iter(each.values("content-type")), None) for each in (ours, theirs)]
        header = Difference(Kind.HEADER, "header.content-type", types[0], types[1])
        return content_type(header, legacy, native)
    return None


def returned_tuple(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """(body, status, headers)."""
    try:
        found: Any = json.loads(native.response.body)
    except ValueError:
        return None
    if isinstance(found, list) and found[1:2] == [legacy.response.status] and len(found) < 4:
        return Advice(
            "to Flask a tuple is (body, status, headers), to FastAPI an array",
            "decorate the handler with flask_view of crossfade.compat, or return a Response",
        )
    return None


def empty(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Bodies where there must be none, and redirects."""
    status = legacy.response.status
    if status in (204, 304) and difference.legacy is None:
        return Advice(
            f"a {status} has no body; a server breaks the connection over one",
            f'return FlaskResponse(("", {status})) of crossfade.compat, or '
            f"Response(status_code={status}) where Flask's has no content type",
        )
    both_redirect = 300 <= status < 400 and 300 <= native.response.status < 400
    another = legacy.response.values("location") != native.response.values("location")
    if both_redirect and status != 304 and not another:
        return Advice(
            "Flask's redirect has a page of HTML, Starlette's is empty, and an HTTPException has "
            "another page",
            "FlaskResponse(flask.redirect(url)) of crossfade.compat, or a handler below flask_view "
            "that returns flask.redirect(url)",
        )
    return None


def error_page(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """The text of an error."""
    if min(legacy.response.status, native.response.status) >= 500:
        return Advice(
            "each framework writes its own 500: Flask a page or what its error handler makes, "
            "FastAPI a line of text",
            'keep hooks = "flask" in the map: Flask\'s own error handlers render it then',
        )
    return None


# --- state -------------------------------------------------------------------------------------


def state(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Rows."""
    if difference.native is None:
        return Advice(
            "Flask stored this and FastAPI did not, though it may have answered alike",
            "commit the session natively: await session.commit()",
        )
    if difference.legacy is None:
        return Advice(
            "FastAPI stored this and Flask did not (or Flask deleted it)",
            "let the native endpoint write and delete what the Flask view does, and commit it",
        )
    return Advice(
        "the two sides leave other values behind: one wrote, sent or counted something else",
        "let the native endpoint do what the Flask view does, and commit it",
    )


def blanks(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """Line ends."""
    if "line ends only" in difference.note:
        return Advice(
            "the text is the same but for blanks or line ends: csv.writer ends a line with "
            "\\r\\n, text files and templates with \\n",
            "write the same blanks and line ends natively",
        )
    return None


_SENT = (repeated, cookies, forms)

OF_ANOTHER_ANSWER = (default_page, detail, returned_tuple, empty, json_string)
"""Rules for the body of an answer whose status differs: the status is the cause of the rest."""

BODY = {
    Kind.JSON_FORM: (json_form,),
    Kind.JSON_VALUE: (detail, returned_tuple, dates, numbers, keys, null, *_SENT),
    Kind.TEXT: (default_page, empty, json_string, error_page, blanks, *_SENT),
    Kind.BYTES: (empty, compressed, json_string, error_page, blanks, *_SENT),
    Kind.STATE: (state,),
}
