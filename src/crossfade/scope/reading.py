"""One reading of a request: what FastAPI and its middleware see is what Flask sees.

ASGI hands on what was sent, and WSGI reads it: leading slashes, a fragment and the host of an
absolute target don't count, a header that came twice is one, of two cookies with one name the
first counts. A guard that goes by the one and a route that is chosen by the other could be played
off against each other, so FastAPI is shown what WSGI reads. Flask itself gets what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send
from werkzeug.http import dump_cookie
from werkzeug.sansio.http import parse_cookie

from crossfade.model import SELECTION
from crossfade.scope.environ import ROOT_PATH, path_info, whole_path
from crossfade.scope.framing import quoted

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_Headers = list[tuple[bytes, bytes]]

SENT: Final = "crossfade.sent"
"""Scope key: what was sent and what was shown in its place, each by the scope's keys."""

_ONCE: Final = frozenset({b"host", b"content-type", b"content-length"})
"""Headers that nobody joins: a request in which one comes twice is refused."""

_BLANKS: Final = re.compile(rb"\n[ \t]|[ \t]\n")
_COOKIE: Final = rb"[!#$%&'*+\-./0-9:<>?@A-Z\[\]^_`a-z{|}~]+=[!#-:<-\[\]-~]*"
_PLAIN_COOKIES: Final = re.compile(rb"%s(?:; %s)*" % (_COOKIE, _COOKIE))
"""Cookies that Werkzeug and Starlette read alike, unless a name comes twice."""
_BARE_VALUE: Final = re.compile(r"[!#-:<-\[\]-~\xa1-\xff]*")


class Entrance:
    """Middleware around all others, for those that were added after `mount_legacy`.

    Args:
        app: the next middleware.
        read: returns those of a scope's keys that are to be shown otherwise.
    """

    def __init__(self, app: ASGIApp, read: Callable[[Scope], dict[str, Any]]) -> None:
        self.app = app
        self.read = read

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Show the request as WSGI reads it."""
        changes = None if scope["type"] == "lifespan" else self.read(scope)
        if not changes:
            await self.app(scope, receive, send)
            return
        sent = {key: scope.get(key) for key in changes}
        # A copy, since the server logs what is in its own.
        shown = {**scope, **changes, SENT: (sent, changes)}
        shown["headers"] = list(shown["headers"])  # which middleware may add to
        try:
            await self.app(shown, receive, send)
        finally:
            if SELECTION in shown:
                scope[SELECTION] = shown[SELECTION]


def add_entrance(app: FastAPI, inside: type, read: Callable[[Scope], dict[str, Any]]) -> None:
    """Put an `Entrance` around the middleware that will be added around another one.

    Only when the application builds its stack is it known whether there is any.

    Args:
        app: the application.
        inside: the class of the middleware that needs none.
        read: see `Entrance`.
    """
    build = app.build_middleware_stack

    def build_middleware_stack() -> ASGIApp:
        outermost = next((each.cls for each in app.user_middleware), inside)
        if outermost not in (inside, Entrance):
            app.user_middleware.insert(0, Middleware(Entrance, read=read))
        return build()

    app.build_middleware_stack = build_middleware_stack  # type: ignore[method-assign]


def as_sent(scope: Scope) -> Scope:
    """Return a scope that has `SENT` as the server made it.

    But for what middleware has changed on purpose.
    """
    sent, shown = scope[SENT]
    same = {key for key in sent if scope.get(key) == shown[key]}
    if "path" not in same:
        same.discard("raw_path")
    restored = {**scope, **{key: sent[key] for key in same}}
    del restored[SENT]
    return restored


def as_shown(scope: Scope, changes: Mapping[str, Any]) -> Scope:
    """Return the scope for FastAPI, which need not know what was sent."""
    shown = {**scope, **changes}
    shown.pop(SENT, None)
    return shown


def is_plain(scope: Scope) -> bool:
    """Whether everybody reads an HTTP request alike. False where it takes a closer look; cheap."""
    path: str = scope["path"]
    raw: bytes | None = scope.get("raw_path")
    query: bytes = scope["query_string"]
    if (
        path[:1] != "/"
        or path[1:2] == "/"
        or not path.isascii()
        or (raw is not None and raw != path.encode())
        or scope.get(ROOT_PATH, scope.get("root_path"))
        or (query and (b"#" in query or not query.isascii()))
    ):
        return False
    headers = scope["headers"]
    return "#" not in path and _are_plain(headers, dict(headers))


def one_reading(scope: Scope, environ: WSGIEnvironment | None = None) -> dict[str, Any]:
    """Return those of the scope's keys that WSGI reads in another way, as it reads them.

    Args:
        scope: as the server made it.
        environ: the request as it reaches Flask, where middleware before it changes hosts or paths.
    """
    changes = _path(scope, path_info(scope) if environ is None else environ["PATH_INFO"])
    query: bytes = scope.get("query_string", b"")  # which a WebSocket's scope need not have
    if b"#" in query:
        changes.setdefault("query_string", query.partition(b"#")[0])
    headers = scope["headers"]
    if not _are_plain(headers, dict(headers)):
        headers = changes["headers"] = _joined(headers)
    if environ is not None:
        changes.update(_forwarded(scope, headers, environ))
    return changes


def _forwarded(scope: Scope, headers: _Headers, environ: WSGIEnvironment) -> dict[str, Any]:
    """Return the host, scheme and client that `ProxyFix` took from the headers of a proxy."""
    changes: dict[str, Any] = {}
    host = environ.get("HTTP_HOST", "").encode("latin-1")
    if host and (b"host", host) not in headers:
        others = [header for header in headers if header[0] != b"host"]
        changes["headers"] = [(b"host", host), *others]
    scheme = environ["wsgi.url_scheme"]
    if scope["type"] == "websocket":
        scheme = scheme.replace("http", "ws")
    if scheme != scope.get("scheme", scheme):
        changes["scheme"] = scheme
    address = environ["REMOTE_ADDR"]
    if address != (scope.get("client") or ("",))[0]:
        changes["client"] = (address, 0)  # nobody knows the port
    return changes


def _path(scope: Scope, below: str) -> dict[str, Any]:
    """Return the path that Flask's map matches, with what is in front of it."""
    whole = whole_path(scope)
    prefix = whole.removesuffix(below)
    if not below and prefix:
        return {}  # the root path itself
    # A root path of "/" is none.
    text = (prefix if prefix.strip("/") else "") + "/" + below.lstrip("/")
    path = text.encode("latin-1").decode(errors="replace")
    if path == scope["path"]:
        return {}
    changes: dict[str, Any] = {"path": path, "raw_path": quoted(path).encode("ascii")}
    if b"#" in (scope.get("raw_path") or b""):
        changes["query_string"] = b""  # what comes after a fragment is part of it
    return changes


def _are_plain(headers: _Headers, fields: dict[bytes, bytes]) -> bool:
    """Whether WSGI has the same headers: each came once, without blanks around it."""
    return (
        len(fields) == len(headers)
        and not _BLANKS.search(b"\n%s\n" % b"\n".join(fields.values()))
        and (b"cookie" not in fields or _are_plain_cookies(fields[b"cookie"]))
    )


def _are_plain_cookies(cookies: bytes) -> bool:
    """Whether Werkzeug and Starlette read the same cookies."""
    if not _PLAIN_COOKIES.fullmatch(cookies):
        return False
    names = [cookie.partition(b"=")[0] for cookie in cookies.split(b"; ")]
    return len(names) == len(set(names))


def _joined(headers: _Headers) -> _Headers:
    """Return headers as a WSGI server joins them, with the cookies that Flask finds."""
    joined: dict[bytes, bytes] = {}
    again: _Headers = []
    for name, value in headers:
        text = value.strip(b" \t")
        if name not in joined:
            joined[name] = text
        elif name in _ONCE:
            again.append((name, text))
        else:
            joined[name] += (b"; " if name == b"cookie" else b",") + text
    if b"cookie" in joined:
        joined[b"cookie"] = _cookies(joined[b"cookie"])
    return [*joined.items(), *again]


def _cookies(header: bytes) -> bytes:
    """Return a header of the cookies that Flask reads, the first of each name.

    So that Starlette reads them too: but for letters outside of Latin-1, which it never decodes.
    """
    cookies = parse_cookie(header.decode("latin-1"))
    pairs = [
        f"{name}={value if _BARE_VALUE.fullmatch(value) else _quoted(value)}"
        for name, value in cookies.items()
        if name == name.strip()
    ]
    return "; ".join(pairs).encode("latin-1")


def _quoted(value: str) -> str:
    return dump_cookie("_", value, path=None, max_size=0).removeprefix("_=")
