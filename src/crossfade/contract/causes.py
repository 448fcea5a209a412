"""The likely cause of a difference, and the fix, where they are known.

Each rule looks at one difference with both exchanges and gives an `Advice` or None; the first that
speaks is believed. What is said here was measured with the versions that the project tests.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from crossfade.compare import Difference, Kind
from crossfade.exchange import Exchange
from crossfade.model import Side

_HTTP_DATE: Final = re.compile(r'"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"')
_ISO_DATE: Final = re.compile(r'"\d{4}-\d\d-\d\d')
_REDIRECTS: Final = frozenset({"301", "302", "303", "307", "308"})


@dataclass(frozen=True, slots=True)
class Advice:
    """Why two responses differ, most likely, and what to change."""

    cause: str
    fix: str


def advise(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """The cause and the fix of a difference, or None where nothing is known."""
    if native.side is Side.LEGACY:
        return Advice(
            "Flask answered both times, and not alike: the answer depends on the time, on chance "
            "or on something that was not reset between the two",
            "reset it in `contract_state`, or freeze it in a fixture",
        )
    if native.error is not None:
        return Advice(
            "the native endpoint raised: " + native.error.rpartition("\n")[2],
            "the traceback is below",
        )
    rules = _RULES.get(difference.kind, ())
    if legacy.response.status != native.response.status and difference.kind in _BODIES:
        rules = _OF_ANOTHER_ANSWER
    for rule in rules:
        advice = rule(difference, legacy, native)
        if advice is not None:
            return advice
    return None


Rule = Callable[[Difference, Exchange, Exchange], Advice | None]

# --- status ------------------------------------------------------------------------------------


def _validation(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    if native.response.status != 422 or legacy.response.status == 422:
        return None
    return Advice(
        "FastAPI answers input that its parameters or models refuse with 422, before the endpoint "
        "runs",
        "give the RequestValidationError a handler that answers as Flask does, or read the "
        "input from `request: Request` and check it as the Flask view does",
    )


def _redirect(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    if difference.legacy in _REDIRECTS and difference.native == "307":
        return Advice(
            "RedirectResponse answers 307 unless told, and a client repeats its method and body",
            f"RedirectResponse(url, status_code={difference.legacy})",
        )
    return None


def _missing_method(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    method = native.request.method
    if difference.native == "405" and method in ("HEAD", "OPTIONS"):
        return Advice(
            f"a FastAPI route answers the methods that it names; Flask adds {method}",
            f"add {method!r} to the route's methods",
        )
    return None


def _skipped_guard(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    if legacy.response.status in (401, 403, 302, 429) and native.response.status < 300:
        return Advice(
            "Flask refused this request and FastAPI served it: a `before_request` hook, a "
            "decorator such as `login_required`, or a rate limit has no native counterpart",
            "make it a dependency of the native route. This is a security hole until then",
        )
    return None


def _no_such_route(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    if legacy.response.status == 404 and legacy.route is None and native.route is not None:
        return Advice(
            "Flask has no such route",
            "a route that is new has nothing to agree with: test it without `contract`",
        )
    return None


def _success_code(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    if 200 < legacy.response.status < 300 and native.response.status == 200:
        return Advice(
            "a FastAPI endpoint answers 200 unless told",
            f"name the status in the decorator: status_code={legacy.response.status}",
        )
    return None


def _unread_body(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    if legacy.response.status in (400, 415) and native.response.status < 300:
        return Advice(
            "Flask refuses a JSON body that is malformed (400) or is not declared as "
            "application/json (415)",
            "check both before the body is used",
        )
    return None


# --- headers -----------------------------------------------------------------------------------


def _content_type(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    if difference.where != "header.content-type":
        return None
    ours, theirs = legacy.response, native.response
    if ours.media_type == "text/html" and theirs.media_type == "application/json":
        if theirs.status >= 400:
            return Advice(
                "FastAPI writes an HTTPException as JSON, Werkzeug's abort writes a page of HTML",
                "render it in an exception handler of the FastAPI app as Flask's error handlers do",
            )
        return Advice(
            "a `str` that a Flask view returns is HTML; FastAPI makes it a JSON string",
            "return HTMLResponse(...), or name it: response_class=HTMLResponse",
        )
    if ours.media_type == theirs.media_type:
        return Advice(
            "the same media type with other parameters",
            f"give the response media_type={difference.legacy!r}",
        )
    return None


def _framing(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    if difference.where != "header.content-length":
        return None
    if difference.legacy is None:
        return Advice(
            "Flask streams this answer, FastAPI sends it whole",
            "return a StreamingResponse",
        )
    if difference.native is None:
        return Advice(
            "FastAPI streams this answer, Flask sends it whole",
            "return a Response with the whole body",
        )
    return Advice("the lengths of two bodies that are not sent", "compare the GET as well")


_HEADER_ADVICE: Final = {
    "vary": Advice(
        "Flask adds `Vary: Cookie` when a view or a hook touches the session",
        'add it natively where the session is read: response.headers["Vary"] = "Cookie"',
    ),
    "location": Advice(
        "Flask sends a redirect's URL as it is given; Starlette builds absolute URLs in `url_for` "
        "and quotes what it is given",
        "give RedirectResponse the same text",
    ),
    "etag": Advice(
        "FileResponse makes its ETag of time and size by MD5, Flask's send_file by Adler-32",
        "set the `etag` header yourself",
    ),
    "allow": Advice(
        "Flask lists HEAD and OPTIONS; Starlette only the methods that the route names",
        "let Flask answer OPTIONS and wrong methods (it does, through the gateway)",
    ),
}


def _known_header(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    name = difference.where.partition(".")[2]
    if name.startswith("access-control-"):
        return Advice(
            "CORS headers are added by different middleware on the two sides",
            "let one of them add the headers for both: remove CORSMiddleware, or give it "
            "the options that Flask-CORS has",
        )
    return _HEADER_ADVICE.get(name)


def _hook_header(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    if difference.native is None:
        return Advice(
            "set by the Flask view, by an `after_request` hook or by an extension",
            "set it natively as well",
        )
    return None


# --- cookies -----------------------------------------------------------------------------------


def _samesite(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    if difference.where.endswith(".samesite") and difference.legacy is None:
        return Advice(
            "Starlette's default is SameSite=lax, Flask's is to send none",
            "response.set_cookie(..., samesite=None)",
        )
    return None


def _session(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    if difference.where != "cookie.session":
        return None
    return Advice(
        "Flask writes its session as its own signed cookie; Starlette's SessionMiddleware has "
        "another format under the same name, and one write of it logs the user out",
        "write the session by Flask's own session interface",
    )


def _cookie_value(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    ours, theirs = difference.legacy or "", difference.native or ""
    if ours and theirs and difference.where.count(".") == 1:
        return Advice(
            "Werkzeug quotes a value and writes non-ASCII as octal escapes of UTF-8; Starlette "
            "sends latin-1",
            "write the cookie with werkzeug.http.dump_cookie",
        )
    return None


# --- bodies ------------------------------------------------------------------------------------


def _json_form(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    return Advice(
        "Flask sorts keys, escapes what is not ASCII, writes no blanks and ends with a newline; "
        "Starlette keeps the order, writes UTF-8 and no newline",
        "write the body as Flask's JSON provider does: "
        'json.dumps(data, sort_keys=True, separators=(",", ":")) + "\\n"',
    )


def _detail(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    if difference.where != "body.detail" or difference.legacy is not None:
        return None
    return _validation(difference, legacy, native) or Advice(
        'FastAPI writes an HTTPException as {"detail": …}',
        "render it in an exception handler of the FastAPI app as Flask's error handlers do",
    )


def _dates(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    if _HTTP_DATE.fullmatch(difference.legacy or "") and _ISO_DATE.match(difference.native or ""):
        return Advice(
            "Flask writes dates as HTTP dates in GMT, pydantic as ISO 8601",
            "serialise with werkzeug.http.http_date(value)",
        )
    return None


def _numbers(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    ours, theirs = difference.legacy or "", difference.native or ""
    quoted = ours.startswith('"') + theirs.startswith('"')
    if quoted == 1 and _same_number(ours.strip('"'), theirs.strip('"')):
        return Advice(
            "a number on one side, a string on the other: Flask writes Decimal as a string; "
            'pydantic turns "1" into 1 and a bare Decimal into a number',
            "declare the field's type as Flask sends it, strictly: StrictInt, StrictStr",
        )
    if {ours, theirs} in ({"1", "true"}, {"0", "false"}) or _same_number(ours, theirs):
        return Advice(
            "the same number in another type: pydantic converts input to the declared type",
            "declare it strictly: StrictInt, StrictFloat, StrictBool",
        )
    if (ours, theirs) in (("NaN", "null"), ("Infinity", "null"), ("-Infinity", "null")):
        return Advice(
            "Flask writes NaN and Infinity, which are not JSON; pydantic writes null",
            "write the body as Flask's JSON provider does",
        )
    return None


def _same_number(legacy: str, native: str) -> bool:
    try:
        return float(legacy) == float(native)
    except ValueError:
        return False


def _null(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    if difference.native == "null" and difference.legacy is None:
        return Advice(
            "pydantic writes a field that has no value as null",
            "response_model_exclude_none=True or response_model_exclude_unset=True",
        )
    if difference.native is None and difference.legacy is not None:
        return Advice(
            "FastAPI drops what the response model does not declare",
            "declare the field in the model",
        )
    return None


def _json_string(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    ours, theirs = legacy.response, native.response
    if theirs.media_type == "application/json" and ours.media_type != "application/json":
        return _content_type(
            Difference(Kind.HEADER, "header.content-type", None, None), legacy, native
        )
    return None


def _empty(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    if legacy.response.status in (204, 304) and difference.legacy is None:
        return Advice(
            f"a {legacy.response.status} has no body; a server breaks the connection over one",
            f"return Response(status_code={legacy.response.status})",
        )
    return None


# --- state -------------------------------------------------------------------------------------


def _state(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    if difference.native is None:
        return Advice(
            "Flask stored this and FastAPI did not, though it may have answered alike",
            "commit the session natively: await session.commit()",
        )
    if difference.legacy is None:
        return Advice(
            "FastAPI stored this and Flask did not (or Flask deleted it)",
            "let the native endpoint write what the Flask view writes",
        )
    return None


_BODIES: Final = (Kind.JSON_VALUE, Kind.JSON_FORM, Kind.TEXT, Kind.BYTES)

_OF_ANOTHER_ANSWER: Final[tuple[Rule, ...]] = (_detail, _empty)
"""Rules for the body of an answer whose status differs: the status is the cause of the rest."""

_RULES: Final[dict[Kind, tuple[Rule, ...]]] = {
    Kind.STATUS: (
        _no_such_route,
        _validation,
        _redirect,
        _missing_method,
        _skipped_guard,
        _unread_body,
        _success_code,
    ),
    Kind.HEADER: (_content_type, _framing, _known_header, _hook_header),
    Kind.COOKIE: (_samesite, _session, _cookie_value),
    Kind.JSON_FORM: (_json_form,),
    Kind.JSON_VALUE: (_detail, _dates, _numbers, _null),
    Kind.TEXT: (_json_string,),
    Kind.BYTES: (_empty, _json_string),
    Kind.STATE: (_state,),
}
