"""The hot path: read the snapshot once, match, choose, call."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Awaitable
from typing import Any, Final

from starlette.datastructures import URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crossfade.bridge import Bridge
from crossfade.live import LiveMap, Snapshot
from crossfade.model import FORCE_SIDE, SELECTION, Selection, Side, Stage
from crossfade.routing import NativeApp, Target

access_logger = logging.getLogger("crossfade.access")

_CHOSEN: Final = "crossfade.chosen"
"""Scope key: the child scope and ASGI app of the native route that was chosen."""

_SERVED_BY: Final = {side: (b"x-served-by", side.framework.encode("ascii")) for side in Side}


class ChosenRoute(BaseRoute):
    """Stands at the head of FastAPI's router and answers where the gateway has chosen already.

    FastAPI's own scan of its routes, which costs time for each route, is then never reached.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match if, and only if, the gateway has chosen a native route."""
        chosen = scope.get(_CHOSEN)
        return (Match.NONE, {}) if chosen is None else (Match.FULL, chosen[0])

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the chosen route."""
        await scope[_CHOSEN][1](scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Raise `NoMatchFound`: it has no URL of its own."""
        raise NoMatchFound(name, path_params)


class Gateway:
    """Decides for each request who answers it, and calls them.

    Attributes:
        live: the migration map in force.
        bridge: the legacy application under ASGI.
    """

    def __init__(self, live: LiveMap, bridge: Bridge, native: NativeApp) -> None:
        self.live = live
        self.bridge = bridge
        self._native = native

    async def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection.

        Args:
            app: what stands behind the gateway: FastAPI's middleware and router.
            scope: of type `http`, `websocket` or `lifespan`.
            receive: as in ASGI.
            send: as in ASGI.
        """
        if scope["type"] == "http":
            await self._http(app, scope, receive, send)
        elif scope["type"] == "websocket":
            native = self._native.takes_websocket(scope)
            await (app if native else self.bridge)(scope, receive, send)
        else:
            await self._lifespan(app, scope, receive, send)

    async def _http(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self.live.start()
        snapshot = self.live.snapshot
        gateway = snapshot.map.gateway
        if gateway.status_path == scope["path"] and scope["method"] == "GET":
            await self._status(snapshot, send)
            return
        selection, chosen = self._choose(snapshot, scope)
        scope[SELECTION] = selection
        if gateway.served_by_header or access_logger.isEnabledFor(logging.INFO):
            send = _Outbound(send, scope, selection, gateway.served_by_header)
        if chosen is None:
            await self.bridge(scope, receive, send)
            return
        scope[_CHOSEN] = chosen
        await app(scope, receive, _without_body(send) if scope["method"] == "HEAD" else send)

    def _choose(
        self, snapshot: Snapshot, scope: Scope
    ) -> tuple[Selection, tuple[Scope, ASGIApp] | None]:
        """Return who answers, and for a native answer the child scope and the route's app."""
        table = snapshot.table
        found = table.match(scope)
        target = found.target
        route = None if target is None else target.route
        if target is not None and target.native is not None:
            forced = scope.get(FORCE_SIDE)
            native = target.stage is Stage.NATIVE if forced is None else forced is Side.NATIVE
            if native and not _upgrades(scope) and table.confirms(target, scope):
                chosen = (_child_scope(target, found.values, scope), target.native.app)
                return Selection(Side.NATIVE, route, snapshot.revision), chosen
        return Selection(Side.LEGACY, route, snapshot.revision), None

    async def _lifespan(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async def watch(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self.live.start()
            await send(message)

        try:
            await app(scope, receive, watch)
        finally:
            self.live.stop()
            await self.bridge.aclose()

    def status(self) -> dict[str, Any]:
        """Return the live state as plain values; `[gateway] status_path` serves it as JSON."""
        return _status(self.live.snapshot, self.live)

    async def _status(self, snapshot: Snapshot, send: Send) -> None:
        body = json.dumps(_status(snapshot, self.live), indent=2).encode()
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class GatewayMiddleware:
    """The ASGI middleware that `mount_legacy` adds: around FastAPI, inside what is added later."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self.app = app
        self.gateway = gateway

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Hand the connection to the gateway."""
        return self.gateway(self.app, scope, receive, send)


def _child_scope(target: Target, values: Any, scope: Scope) -> Scope:
    """Return what Starlette's router would add to the scope for this route."""
    native = target.native
    assert native is not None  # the caller chose it
    if native.matches is not None:
        return native.matches(scope)[1]
    return {
        "endpoint": native.endpoint,
        "path_params": {**scope.get("path_params", {}), **target.path_params(values)},
        "route": native.route,
    }


def _upgrades(scope: Scope) -> bool:
    """Whether this HTTP request asks for a WebSocket: Flask answers that it has none."""
    return any(
        name == b"upgrade" and value.strip().lower() == b"websocket"
        for name, value in scope["headers"]
    )


def _without_body(send: Send) -> Send:
    """HEAD runs the GET handler: its head is the answer (RFC 9110 9.3.2)."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_head


class _Outbound:
    """Names who served, in a header and in a log record, as the head of the answer passes."""

    __slots__ = ("_header", "_scope", "_selection", "_send")

    def __init__(self, send: Send, scope: Scope, selection: Selection, header: bool) -> None:
        self._send = send
        self._scope = scope
        self._selection = selection
        self._header = header

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            if self._header:
                served_by = _SERVED_BY[self._selection.side]
                message = {**message, "headers": [*message.get("headers", ()), served_by]}
            self._log(message["status"])
        return self._send(message)

    def _log(self, status: int) -> None:
        side = self._selection.side.framework
        method, path = self._scope["method"], self._scope["path"]
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


def _status(snapshot: Snapshot, live: LiveMap) -> dict[str, Any]:
    rejected = live.rejected
    return {
        "pid": os.getpid(),
        "map": snapshot.map.file,
        "revision": snapshot.revision,
        "problems": [str(problem) for problem in rejected.problems] if rejected else [],
        "routes": [route_status(target) for target in snapshot.table.targets()],
    }


def route_status(target: Target) -> dict[str, Any]:
    """Return one route as plain values: who answers it, and what each side has."""
    return {
        "route": target.route,
        "stage": target.stage.value,
        "served_by": Side(target.stage.value).framework,
        "flask": None if target.legacy is None else str(target.legacy.endpoint),
        "fastapi": None if target.native is None else target.native.handler,
    }
