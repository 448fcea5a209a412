"""Why values of JSON bodies differ."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any, Final

from crossfade.contract.comparison.dates import http_date, iso_moment
from crossfade.contract.diagnosis.pages import json_of
from crossfade.contract.diagnosis.rule import Cause, Severity, View, rule
from crossfade.messages.compare import Kind

_VALUE: Final = Kind.JSON_VALUE
_ISO_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d(?P<time>[T ].*)?")
_PROVIDER: Final = "return FlaskJSONResponse(data)"


def _moment(text: str | None) -> datetime | None:
    """The moment of a JSON text, in UTC where it names no zone."""
    try:
        return iso_moment((text or "").strip('"'))
    except ValueError:
        return None


@rule(
    "XF403", "HTTP dates and ISO dates", "the same moment, as HTTP date and as ISO 8601", _VALUE,
    Severity.FORM,
)  # fmt: skip
def http_dates(view: View) -> Cause | None:
    """Flask's JSON provider writes HTTP dates."""
    ours, theirs = ((each or "").strip('"') for each in _pair(view))
    iso, moment = _ISO_DATE.fullmatch(theirs), http_date(ours)
    if iso is None or moment is None:
        return None
    other = _moment(theirs)
    if other is None or other.replace(microsecond=0) != moment:
        return None
    kind = "HttpDateTime" if iso["time"] else "HttpDate"
    return Cause(
        "Flask writes dates as HTTP dates in GMT, pydantic as ISO 8601",
        view.compat(f"declare the field as {kind}, or {_PROVIDER}"),
        f"{ours} and {theirs} are one moment",
        kind,
    )


@rule(
    "XF404", "A moment that is written otherwise", "the same moment, twice as ISO 8601", _VALUE,
    Severity.FORM,
)  # fmt: skip
def iso_dates(view: View) -> Cause | None:
    """Z, +00:00, fractions."""
    ours, theirs = ((each or "").strip('"') for each in _pair(view))
    if not (_ISO_DATE.fullmatch(ours) and _ISO_DATE.fullmatch(theirs)):
        return None
    if _moment(ours) is None or _moment(ours) != _moment(theirs):
        return None
    return Cause(
        "the same moment, written otherwise: pydantic writes what isoformat() does, with Z for "
        "+00:00, and no fraction where it is zero",
        "write the field as the view does (a field_serializer), or send the text that the view "
        "makes",
        f"{ours} and {theirs} are one moment",
        "iso dates",
    )


def _pair(view: View) -> tuple[str | None, str | None]:
    return view.difference.legacy, view.difference.native


def _same_number(ours: str | None, theirs: str | None) -> bool:
    try:
        return float((ours or "").strip('"')) == float((theirs or "").strip('"'))
    except ValueError:
        return False


def _is_text(value: str | None) -> bool:
    return (value or "").startswith('"')


def _was_sent(view: View) -> bool:
    """Whether Flask's value stands in the JSON that was sent, under the same name."""
    try:
        asked: Any = json.loads(view.request.body)
    except (ValueError, RecursionError):
        return False
    name = view.difference.where.rpartition(".")[2]
    if not isinstance(asked, dict) or name not in asked:
        return False
    return json.dumps(asked[name], ensure_ascii=False) == view.difference.legacy


@rule(
    "XF405", "A number with other digits", "two texts that are one number", _VALUE, Severity.FORM
)  # fmt: skip
def digits(view: View) -> Cause | None:
    """A Decimal that became a float."""
    ours, theirs = _pair(view)
    if not (_is_text(ours) and _is_text(theirs) and _same_number(ours, theirs)):
        return None
    return Cause(
        "the same number with other digits: a Decimal keeps its zeros, a float does not",
        "keep it a Decimal from the request to the answer, quantized as the view does",
        f"{ours} and {theirs} are one number",
        "digits",
    )


@rule(
    "XF406", "Input that pydantic converted",
    "Flask's value is the one that was sent, and FastAPI's the same number in another JSON type",
    _VALUE,
)  # fmt: skip
def converted(view: View) -> Cause | None:
    """`"1"`, `true` and `1.0` become 1."""
    ours, theirs = _pair(view)
    booleans = ({ours, theirs} == {"1", "true"}) or ({ours, theirs} == {"0", "false"})
    if ours is None or theirs is None or not (_same_number(ours, theirs) or booleans):
        return None
    if (_is_text(ours) and _is_text(theirs)) or not _was_sent(view):
        return None
    return Cause(
        "pydantic converts input to the declared type; Flask leaves it as it came",
        "read it strictly: "
        + view.compat(
            "Annotated[Model, json_model(Model)] with openapi_extra=json_body(Model) on the route"
        )
        + ", or StrictInt, StrictFloat, StrictBool, StrictStr",
        f"{ours} was sent; FastAPI answers {theirs}",
        "converted",
    )


@rule(
    "XF407", "A number in another JSON type",
    "one number, as a string or boolean on one side, and not as it was sent", _VALUE,
)  # fmt: skip
def number_type(view: View) -> Cause | None:
    """Decimal is a string in Flask."""
    ours, theirs = _pair(view)
    booleans = ({ours, theirs} == {"1", "true"}) or ({ours, theirs} == {"0", "false"})
    if ours is None or theirs is None or not (_same_number(ours, theirs) or booleans):
        return None
    if (_is_text(ours) and _is_text(theirs)) or _was_sent(view):
        return None
    if _is_text(ours) and not _is_text(theirs):
        return Cause(
            "a number that Flask writes as a string, as it does a Decimal; FastAPI writes a number",
            view.compat("for a Decimal declare the field as DecimalString")
            + "; for another number declare it as str",
            f"{ours} and {theirs} are one number",
            "decimal",
        )
    return Cause(
        "the same number in another type: the field's declared type is not that of the view's "
        "value",
        "declare the field with the type that the view sends",
        f"{ours} and {theirs} are one number",
        "number type",
    )


@rule("XF408", "NaN and Infinity", "Flask writes NaN or Infinity and FastAPI null", _VALUE)
def nan(view: View) -> Cause | None:
    """Which are not JSON."""
    ours, theirs = _pair(view)
    if ours not in ("NaN", "Infinity", "-Infinity") or theirs != "null":
        return None
    return Cause(
        "Flask writes NaN and Infinity, which are not JSON; pydantic writes null",
        view.compat(_PROVIDER),
        f"Flask writes {ours}",
        "nan",
    )


_KEYS: Final = {"null": "None", "true": "True", "false": "False"}


@rule(
    "XF409", "Keys that are not strings",
    "one side has a member null, true or false where the other has None, True or False", _VALUE,
    Severity.FORM,
)  # fmt: skip
def keys(view: View) -> Cause | None:
    """None as a key."""
    name = view.difference.where.rpartition(".")[2]
    flasks = next((key for key, text in _KEYS.items() if name in (key, text)), None)
    if flasks is None:
        return None
    if not (
        _has_key(json_of(view.legacy), flasks) and _has_key(json_of(view.native), _KEYS[flasks])
    ):
        return None
    return Cause(
        "JSON has only strings as keys: Flask writes None as a key as `null` and True as `true`, "
        "pydantic as `None` and `True`",
        view.compat(_PROVIDER),
        f"Flask has the key {flasks}, FastAPI {_KEYS[flasks]}",
        "keys",
    )


def _has_key(value: Any, key: str) -> bool:
    if isinstance(value, dict):
        return key in value or any(_has_key(each, key) for each in value.values())
    return isinstance(value, list) and any(_has_key(each, key) for each in value)


VALUES = (http_dates, iso_dates, digits, converted, number_type, nan, keys)
