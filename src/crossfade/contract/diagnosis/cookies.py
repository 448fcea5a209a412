"""Why cookies differ."""

from __future__ import annotations

import ast
import base64
import binascii
import json
import re
from typing import Any, Final

from werkzeug.http import parse_cookie

from crossfade.contract.comparison.clock import READ_WITH_KEY
from crossfade.contract.diagnosis.rule import Cause, Severity, View, rule
from crossfade.messages.compare import Kind

_SET_COOKIE: Final = "set_cookie(response, …) of crossfade.compat writes it as Flask does"
_SESSION: Final = "by the dependency Session of crossfade.compat"


def _is_session(view: View) -> bool:
    return view.difference.where == f"cookie.{view.facts.session_cookie}"


@rule(
    "XF301", "Starlette's default SameSite", "only FastAPI's cookie has SameSite, and it is lax",
    Kind.COOKIE, Severity.FORM,
)  # fmt: skip
def samesite(view: View) -> Cause | None:
    """set_cookie's default."""
    seen = view.difference
    if not seen.where.endswith(".samesite") or seen.legacy is not None:
        return None
    if (seen.native or "").lower() != "lax":
        return None
    return Cause(
        "Starlette's default is SameSite=lax, Flask's is to send none",
        f"{_SET_COOKIE}; or response.set_cookie(..., samesite=None)",
        "FastAPI's cookie has SameSite=lax, Flask's has none",
    )


def _content(text: str | None) -> Any:
    """What a session's difference shows of its content; None where it is no dictionary."""
    try:
        value = ast.literal_eval(text or "")
    except (ValueError, SyntaxError):
        return None
    return value if isinstance(value, dict) else None


@rule(
    "XF310", "Another content of the session",
    "both cookies are signed with Flask's key and hold other values", Kind.COOKIE,
)  # fmt: skip
def session_content(view: View) -> Cause | None:
    """What the handler leaves in the session."""
    if not _is_session(view) or view.difference.note != READ_WITH_KEY:
        return None
    ours, theirs = _content(view.difference.legacy), _content(view.difference.native)
    if ours is not None and theirs is not None:
        if "_flashes" in ours and "_flashes" not in theirs:
            return Cause(
                "a message that the Flask view flashes is not flashed by the handler",
                "call flask.flash(…) in the handler, as the view does (it works in handlers that "
                'borrow Flask: hooks = "flask" in the map)',
                "Flask's session has _flashes, FastAPI's has none",
            )
        keys = sorted(
            key for key in {*ours, *theirs} if repr(ours.get(key)) != repr(theirs.get(key))
        )
        shown = f"they differ in {', '.join(map(str, keys))}"
    else:
        shown = "both are signed with Flask's key"
    return Cause(
        "the two sides leave other values in Flask's session",
        f"set in the handler what the view sets (session.permanent is one of them), {_SESSION}",
        shown,
    )


def _is_starlettes(value: str) -> bool:
    """Whether a cookie has the form of SessionMiddleware: JSON in base64, time and signature."""
    payload, _, rest = value.strip('"').partition(".")
    if not re.fullmatch(r"[\w-]+\.[\w-]+", rest):
        return False
    try:
        return isinstance(json.loads(base64.b64decode(payload, validate=True)), dict)
    except (ValueError, binascii.Error):
        return False


@rule(
    "XF311", "Starlette's session under Flask's name",
    "FastAPI's cookie has the form of SessionMiddleware's and Flask's key does not read it",
    Kind.COOKIE, Severity.SECURITY,
)  # fmt: skip
def starlettes_session(view: View) -> Cause | None:
    """SessionMiddleware."""
    value = view.difference.native or ""
    pair = value.partition(f"{view.facts.session_cookie}=")
    value = (pair[2] or value).partition(";")[0]
    if not _is_session(view) or view.difference.note == READ_WITH_KEY or not value:
        return None
    if not _is_starlettes(value):
        return None
    return Cause(
        "Starlette's SessionMiddleware writes another format under the name of Flask's session, "
        "and one write of it logs the user out",
        f"write the session by Flask's own session interface: {_SESSION}; remove SessionMiddleware",
        "FastAPI's cookie is JSON in base64, as SessionMiddleware writes it",
    )


@rule(
    "XF312", "The session is not written", "only Flask sets its session cookie", Kind.COOKIE
)  # fmt: skip
def session_unwritten(view: View) -> Cause | None:
    """The handler leaves the session alone."""
    if not _is_session(view) or view.difference.native is not None:
        return None
    return Cause(
        "Flask writes its session as its own signed cookie, and the handler writes none",
        f"write the session by Flask's own session interface: {_SESSION}",
        "FastAPI's answer sets no such cookie",
    )


@rule(
    "XF320", "A cookie's value that is written otherwise",
    "the two raw values are read as one and the same by Werkzeug, or FastAPI's is its text in "
    "latin-1", Kind.COOKIE, Severity.FORM,
)  # fmt: skip
def quoting(view: View) -> Cause | None:
    """Quotes and octal escapes."""
    ours, theirs = view.difference.legacy, view.difference.native
    if not ours or not theirs or view.difference.where.count(".") != 1 or _is_session(view):
        return None
    read = parse_cookie(f"a={ours}").get("a", "")
    plain = theirs.strip('"').replace('\\"', '"')
    if parse_cookie(f"a={theirs}").get("a") != read and read not in (plain, _octal(plain)):
        return None
    return Cause(
        "Werkzeug quotes a value and writes non-ASCII as octal escapes of UTF-8; Starlette sends "
        "latin-1",
        _SET_COOKIE,
        f"{ours} and {theirs} are both {read!r}",
    )


def _octal(text: str) -> str:
    """A text with the escapes of Python's http.cookies undone, each one character."""
    return re.sub(r"\\([0-3][0-7][0-7])", lambda match: chr(int(match[1], 8)), text)


@rule(
    "XF321", "Expires beside Max-Age", "only Flask's cookie has Expires, and both have Max-Age",
    Kind.COOKIE, Severity.FORM,
)  # fmt: skip
def expires(view: View) -> Cause | None:
    """Werkzeug sends both."""
    name = view.difference.where.split(".")[1]
    if not view.difference.where.endswith(".expires") or view.difference.native is not None:
        return None
    ages = [
        cookie.get("max-age")
        for exchange in (view.legacy, view.native)
        for cookie in exchange.response.cookies
        if cookie.name == name
    ]
    if len(ages) != 2 or None in ages:
        return None
    return Cause(
        "with a max_age Werkzeug sends Expires, too; Starlette Max-Age alone",
        _SET_COOKIE,
        "both cookies have Max-Age, and only Flask's has Expires",
    )


@rule(
    "XF322", "Another attribute", "an attribute of the cookie differs", Kind.COOKIE, general=True
)  # fmt: skip
def attribute(view: View) -> Cause | None:
    """Lifetime, HttpOnly, Secure, path and domain."""
    name = view.difference.where.rpartition(".")[2] if view.difference.where.count(".") > 1 else ""
    if name not in ("expires", "max-age", "httponly", "secure", "path", "domain", "samesite"):
        return None
    return Cause(
        f"the cookie has another {name} than the view gives it",
        f"{_SET_COOKIE}, with the view's own options",
        f"Flask {view.difference.legacy}, FastAPI {view.difference.native}",
    )


COOKIE = (
    samesite,
    session_content,
    starlettes_session,
    session_unwritten,
    quoting,
    expires,
    attribute,
)
