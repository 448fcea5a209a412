"""A gateway of thirty lines that honours the scope keys, and two sides made of functions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from crossfade.model import FORCE_SIDE, SELECTION, Selection, Side

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
View = Callable[["Asked"], "Answer"]


class Asked(NamedTuple):
    """What a view is given."""

    scope: dict[str, Any]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers; of duplicates the last."""
        return {k.decode(): v.decode("latin-1") for k, v in self.scope["headers"]}


class Answer(NamedTuple):
    """What a view gives."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = (("content-type", "application/json"),)


class FakeGateway:
    """Serves `routes`: from `METHOD path` to the two views, the native one None if missing."""

    def __init__(self, routes: Mapping[str, tuple[View, View | None]]) -> None:
        self.routes = routes
        self.events: list[str] = []

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve a lifespan or one request."""
        if scope["type"] == "lifespan":
            for step in ("startup", "shutdown"):
                await receive()
                self.events.append(step)
                await send({"type": f"lifespan.{step}.complete"})
            return
        name = f"{scope['method']} {scope['raw_path'].decode('latin-1')}"
        views = self.routes.get(name)
        side = scope.get(FORCE_SIDE, Side.LEGACY)
        if views is None or views[1] is None:
            side = Side.LEGACY
        scope[SELECTION] = Selection(side, name if views else None, "r")
        view = (views[0] if side is Side.LEGACY else views[1]) if views else _not_found
        assert view is not None
        scope["endpoint"] = view
        asked = Asked(scope, (await receive())["body"])
        status, body, headers = view(asked)
        raw = [(k.title().encode(), v.encode("latin-1")) for k, v in headers]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})


def _not_found(asked: Asked) -> Answer:
    return Answer(404, b"not found", (("content-type", "text/html"),))
