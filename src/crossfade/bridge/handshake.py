"""A WebSocket handshake, answered as by a WSGI server: it is a GET request like any other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

_LIMIT: Final = 16 * 1024 * 1024

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


def as_http(scope: Any, receive: Receive, send: Send) -> tuple[Any, Receive, Send]:
    """Return the `http` scope of a handshake and the callables that speak for it.

    The answer goes out through the extension `websocket.http.response`. uvicorn holds all of it
    until its end, so one without an end is cut off after 16 MB.
    """
    http = dict(scope, type="http", method="GET")
    sent = 0

    async def receive_http() -> Any:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return {"type": "http.disconnect"}
            if message["type"] == "websocket.connect":
                return {"type": "http.request", "body": b"", "more_body": False}

    async def send_http(message: Any) -> None:
        nonlocal sent
        sent += len(message.get("body", b""))
        if sent > _LIMIT:
            raise RuntimeError("the answer to a WebSocket handshake is too long")
        await send({**message, "type": f"websocket.{message['type']}"})

    return http, receive_http, send_http
