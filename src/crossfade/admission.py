"""What must not reach a native route: requests that can be read in two ways.

The bridge refuses them in the words of a WSGI server, so they are given to it whoever owns the
route. An ordinary request costs one look at each header's name.
"""

from __future__ import annotations

import io
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crossfade.bridge.plain import answer
from crossfade.environ import RequestRefused, build_environ

_LENGTH: Final = 1
_CODING: Final = 2
_DOUBTFUL: Final = 4
# Of these, a second one makes a request doubtful; of the last two the first one does.
_BITS: Final = {
    b"host": 8,
    b"content-type": 16,
    b"authorization": 32,
    b"content-length": _LENGTH,
    b"transfer-encoding": _CODING,
    b"upgrade": _DOUBTFUL,
    b"expect": _DOUBTFUL,
}


def is_doubtful(scope: Scope) -> bool:
    """Whether a request needs a closer look. False for all but a few, and cheap."""
    seen = 0
    for name, _ in scope["headers"]:
        bit = _BITS.get(name)
        if bit is not None:
            if seen & bit:
                return True
            seen |= bit
    if seen & _DOUBTFUL or seen & (_LENGTH | _CODING) == _LENGTH | _CODING:
        return True
    raw: bytes | None = scope.get("raw_path")
    if raw is not None and (raw[:1] != b"/" or not raw.isascii()):
        return True
    return not scope["query_string"].isascii()


def is_refused(scope: Scope) -> bool:
    """Whether the bridge refuses a request or handshake, because it can be read in two ways."""
    try:
        build_environ(scope, io.BytesIO())
    except RequestRefused:
        return True
    return False


def is_bridges(scope: Scope) -> bool:
    """Whether a doubtful request is the bridge's to refuse, or Flask's to answer.

    Flask answers what asks for a WebSocket over HTTP: it says that it has none.
    """
    try:
        environ = build_environ(scope, io.BytesIO())
    except RequestRefused:
        return True
    # As Werkzeug's `Map.bind_to_environ`: `Upgrade` alone is no handshake.
    options = environ.get("HTTP_CONNECTION", "").lower().split(",")
    upgrades = any(option.strip() == "upgrade" for option in options)
    return upgrades and environ.get("HTTP_UPGRADE", "").lower() == "websocket"


def checking_body(app: ASGIApp) -> ASGIApp:
    """Refuse a request whose body the server has lost.

    uvicorn's httptools parser takes a request with `Upgrade` to end with its head: the body is
    dropped, or served as the next request. The answer closes the connection, which keeps that
    request from being served. Source: `docs/bridge.md`.
    """

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"0")
        first = None
        if length != b"0" or b"transfer-encoding" in headers:
            first = await receive()
            if first["type"] == "http.request" and not first.get("more_body", False):
                got = len(first.get("body", b""))
                if got != int(length) if b"content-length" in headers else not got:
                    for message in answer(400, "A body cannot go with an upgrade"):
                        await send(message)
                    return
        await app(scope, receive if first is None else _again(first, receive), send)

    return checked


def _again(first: Message, receive: Receive) -> Receive:
    messages = [first]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again
