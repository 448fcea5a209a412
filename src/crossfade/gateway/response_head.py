"""An answer on its way out: who served it, and the body that HEAD has not."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import Final

from starlette.types import Message, Scope, Send

from crossfade.logs import Logs
from crossfade.model import Selection, Side
from crossfade.scope.framing import sent_target

access_logger = Logs("crossfade.access")

_SERVED_BY: Final = {side: (b"x-served-by", side.framework.encode("ascii")) for side in Side}


def without_body(scope: Scope, send: Send) -> Send:
    """Return a `send` that ends the answer with its head (RFC 9110 9.3.2: HEAD runs GET's handler).

    The server then tells the handler that the client has gone, so that a stream stops. Applications
    listen for that up to ASGI 2.3; from 2.4 on they wait for `send` to raise, which would
    show to dependencies and middleware as an error that it is not.
    """
    scope["asgi"] = {**scope["asgi"], "spec_version": "2.3"}
    ended = False

    async def send_head(message: Message) -> None:
        nonlocal ended
        if ended:
            return
        if message["type"] == "http.response.body":
            ended = True
            message = {"type": "http.response.body", "body": b""}
        await send(message)

    return send_head


class Outbound:
    """Names who served, in a header and in a log record, as the head of the answer passes."""

    __slots__ = ("_header", "_scope", "_selection", "_send")

    def __init__(self, send: Send, scope: Scope, selection: Selection, header: bool) -> None:
        self._send = send
        self._scope = scope
        self._selection = selection
        self._header = header

    def __call__(self, message: Message) -> Awaitable[None]:
        """Send a message on."""
        if message["type"] == "http.response.start":
            if self._header:
                served_by = _SERVED_BY[self._selection.side]
                message = {**message, "headers": [*message.get("headers", ()), served_by]}
            if access_logger.asks_for(logging.INFO):
                self._log(message["status"])
        return self._send(message)

    def _log(self, status: int) -> None:
        side = self._selection.side.framework
        method = self._scope["method"]
        # As it was sent; a quotation mark would end what stands between them.
        path = sent_target(self._scope).decode("latin-1").replace('"', "%22")
        access_logger.info(
            '%s answered "%s %s" with %d',
            side,
            method,
            path,
            status,
            extra={
                "served_by": side,
                "route": self._selection.route,
                "status": status,
                "revision": self._selection.revision,
            },
        )
