"""The headers that Flask's `after_request` adds to every answer."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CLUB_HEADERS = {"X-API-Version": "1", "Vary": "Cookie"}


class FlaskHeaders:
    """Middleware that adds `CLUB_HEADERS` where the answer does not have them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and the answer back with the headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-API-Version", CLUB_HEADERS["X-API-Version"])
                if "Cookie" not in headers.get("Vary", ""):
                    headers.add_vary_header("Cookie")
            await send(message)

        await self.app(scope, receive, send_with_headers)
