"""The hot path: read the snapshot once, match, choose, call."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from fastapi.routing import APIRoute
from flask import Flask
from starlette.convertors import CONVERTOR_TYPES
from starlette.datastructures import URLPath
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.routing import BaseRoute, Match, Mount, NoMatchFound, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crossfade.admission import checking_body, is_bridges, is_doubtful
from crossfade.bridge import Bridge
from crossfade.compat.borrow import ROOT_PATH, Borrower
from crossfade.compat.guards import Guard
from crossfade.compat.unborrowed import Message as Doubt
from crossfade.compat.unborrowed import Unborrowed
from crossfade.environ import path_info
from crossfade.errors import MapError
from crossfade.live import LiveMap, Snapshot
from crossfade.logs import Logs
from crossfade.model import FORCE_SIDE, SELECTION, Hooks, Selection, Side, Stage
from crossfade.outbound import Outbound, access_logger, without_body
from crossfade.routing import NativeApp, NativeRoute, Target, mount_doubts

logger = Logs("crossfade.dispatch")

_CHOSEN: Final = "crossfade.chosen"
"""Scope key: the child scope and ASGI app of the native route that was chosen."""

_TAKES_ANY_TEXT: Final = {type(CONVERTOR_TYPES["str"]), type(CONVERTOR_TYPES["path"])}


Tap = Callable[[Scope, Receive, Send], tuple[Receive, Send]]
"""What listens to one version of the map's traffic: gives back what to read from and write to."""


class Recorder(Protocol):
    """Keeps requests of live traffic. Nothing that it does may raise, or make a request wait."""

    def tap(self, snapshot: Snapshot) -> Tap | None:
        """Return what listens, or None where this version of the map records nothing."""

    def status(self) -> dict[str, Any]:
        """Return what was kept and what was not, as plain values."""

    def close(self) -> None:
        """Write what is still to be written. From a thread."""


class ChosenRoute(BaseRoute):
    """Stands at the head of FastAPI's router and answers where the gateway has chosen already.

    FastAPI's own scan of its routes, which costs time for each route, is then never reached.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match if, and only if, the gateway has chosen a native route."""
        chosen = scope.get(_CHOSEN)
        return (Match.NONE, {}) if chosen is None else (Match.FULL, chosen[0])

    def handle(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:  # type: ignore[override]
        """Call the chosen route."""
        app: ASGIApp = scope[_CHOSEN][1]
        return app(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Raise `NoMatchFound`: it has no URL of its own."""
        raise NoMatchFound(name, path_params)


class Gateway:
    """Decides for each request who answers it, and calls them.

    Attributes:
        live: the migration map in force.
        bridge: the legacy application under ASGI.
        native: the FastAPI application's routes.
        borrower: lends Flask's machinery to native routes; None where the legacy application is
            no Flask that could be looked into.
        flask_app: the Flask application that could be looked into, else None.
        recorder: keeps requests where the map's table `[record]` asks for it.
        unborrowed: knows what native routes do without.
        mounted_in: the name of the module that called `mount_legacy`.
        entry: the modules in which the two applications are put together, where receipts are to
            stand on them: those of the gateway that is served, not of one that a test makes.
    """

    mounted_in = ""
    entry: tuple[str, ...] = ()

    def __init__(
        self,
        live: LiveMap,
        bridge: Bridge,
        native: NativeApp,
        borrower: Borrower | None = None,
        flask_app: Flask | None = None,
        recorder: Recorder | None = None,
        unborrowed: Unborrowed | None = None,
    ) -> None:
        self.live = live
        live.on_change = self.announce
        self.bridge = bridge
        self.borrower = borrower
        self.flask_app = flask_app
        self.native = native
        self._left_to_router = frozenset(r for r in native.routes if _has_own_ways(r.route))
        self._said: set[str] = set()
        self.recorder = recorder
        self.unborrowed = unborrowed or Unborrowed(None, None)
        self._begin(live.snapshot)

    def __call__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one connection.

        Args:
            app: what stands behind the gateway: FastAPI's middleware and router.
            scope: of type `http`, `websocket` or `lifespan`.
            receive: as in ASGI.
            send: as in ASGI.
        """
        if scope["type"] == "http":
            return self._http(app, scope, receive, send)
        if scope["type"] == "websocket":
            native = self.native.takes_websocket(scope)
            return (app if native else self.bridge)(scope, receive, send)
        return self._lifespan(app, scope, receive, send)

    def _http(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        self.live.start()
        snapshot = self.live.snapshot
        if snapshot is not self._begun:
            self._begin(snapshot)
        gateway = snapshot.map.gateway
        if gateway.status_path is not None and _is_below_root(scope, gateway.status_path):
            return self._status(scope, send)
        selection, chosen = self.choose(snapshot, scope)
        scope[SELECTION] = selection
        if self._tap is not None:
            receive, send = self._tap(scope, receive, send)
        if gateway.served_by_header or access_logger.isEnabledFor(logging.INFO):
            send = Outbound(send, scope, selection, gateway.served_by_header)
            if selection.side is Side.NATIVE:
                app = self._answering_errors(app)
        if selection.side is Side.LEGACY:
            return self.bridge(scope, receive, send)
        if scope["method"] == "HEAD":
            send = without_body(scope, send)
        scope[_CHOSEN] = chosen
        return app(scope, receive, send)

    def _answering_errors(self, app: ASGIApp) -> ASGIApp:
        """Have an unhandled exception answered on this side of the gateway.

        Starlette answers it outside all middleware, where nothing would say who served it. It is
        raised again after the answer, so that what stands outside still sees it.
        """
        native = self.native.app
        handlers = native.exception_handlers
        handler = handlers.get(Exception) or handlers.get(500)
        return ServerErrorMiddleware(app, handler=handler, debug=native.debug)

    def choose(
        self, snapshot: Snapshot, scope: Scope
    ) -> tuple[Selection, tuple[Scope, ASGIApp] | None]:
        """Return who answers, and for a native answer the child scope and what to call."""
        table = snapshot.table
        found = table.match(scope)
        target = found.target
        route = None if target is None else target.route
        if target is not None and target.native is not None:
            forced = scope.get(FORCE_SIDE)
            native = target.stage is Stage.NATIVE if forced is None else forced is Side.NATIVE
            doubtful = native and is_doubtful(scope)
            if doubtful and is_bridges(scope):
                native = False
            if native and table.confirms(target, scope):
                child = _child_scope(target, found.values, scope)
                if child is not None:
                    child, app = self._chosen(target, target.native, child)
                    chosen = (child, checking_body(app) if doubtful else app)
                    return Selection(Side.NATIVE, route, snapshot.revision), chosen
        return Selection(Side.LEGACY, route, snapshot.revision), None

    def _chosen(self, target: Target, native: NativeRoute, child: Scope) -> tuple[Scope, ASGIApp]:
        """Return what a native route adds to the scope, and it with all that it borrows.

        A route whose class has a `handle` or `matches` of its own, which may be what guards it, is
        left to FastAPI's router.
        """
        app = native.app
        if native in self._left_to_router:
            child = {key: value for key, value in child.items() if key == ROOT_PATH}
            app = self._by_router
        if self.borrower is not None and target.hooks is Hooks.FLASK:
            app = self.borrower.route(target, native, app)
        return child, app

    async def _by_router(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let FastAPI's router find the route that was chosen."""
        del scope[_CHOSEN]
        if scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}
        await self.native.app.router(scope, receive, send)

    def _begin(self, snapshot: Snapshot) -> None:
        """Record by another version of the map."""
        self._begun = snapshot
        self._tap: Tap | None = None if self.recorder is None else self.recorder.tap(snapshot)

    def announce(self, snapshot: Snapshot) -> None:
        """Say what a version of the map may not have meant. Looks at every route."""
        self._said.clear()
        self._say_doubts(snapshot)

    def _say_doubts(self, snapshot: Snapshot) -> None:
        """Log what a map may not have meant, but for what was logged of this map already."""
        for doubt in self.doubts(snapshot):
            if doubt.text not in self._said:
                self._said.add(doubt.text)
                logger.log(doubt.level, "%s", doubt.text)

    def doubts(self, snapshot: Snapshot) -> Iterator[Doubt]:
        """Return what a team may not have meant with a map, and what native routes do without."""
        if self.borrower is None and snapshot.map.entries:
            yield Doubt(
                logging.WARNING,
                "the legacy application is not known to be Flask, so native routes run without "
                "whatever it does around its views. If there is a Flask inside, name it: "
                "mount_legacy(…, flask_app=…)",
            )
        for target in snapshot.table.targets():
            skipped = self.skipped_hooks(target)
            if skipped:
                yield Doubt(
                    logging.WARNING,
                    f'{target.route} has hooks = "none" in {snapshot.map.file}: a native answer '
                    f"skips {', '.join(skipped)}",
                )
        for text in mount_doubts(snapshot.table, self.native):
            yield Doubt(logging.WARNING, f"{snapshot.map.file}: {text}")
        yield from self.unborrowed.messages(snapshot.map, snapshot.table)

    def skipped_hooks(self, target: Target) -> list[str]:
        """Return what Flask does around a view that a native answer of this route does without."""
        if self.borrower is None or target.native is None or target.hooks is Hooks.FLASK:
            return []
        hooks = self.borrower.hooks_around(target.legacy)
        limit = self.borrower.flask_app.config.get("MAX_CONTENT_LENGTH")
        if limit is not None and not target.route.startswith(("GET ", "HEAD ", "OPTIONS ")):
            hooks.append(f"limit MAX_CONTENT_LENGTH={limit}")
        return hooks

    def route_status(self, target: Target) -> dict[str, Any]:
        """Return one route as plain values: who answers it, and what each side has."""
        return {
            "route": target.route,
            "stage": target.stage.value,
            "served_by": Side(target.stage.value).framework,
            "flask": target.handler(Side.LEGACY),
            "fastapi": target.handler(Side.NATIVE),
            "hooks": target.hooks.value,
            "skipped_hooks": self.skipped_hooks(target),
            "guards": [guard.values() for guard in self.guards(target)],
        }

    def guards(self, target: Target) -> list[Guard]:
        """Return what decorates the route's view, and what becomes of it on a native answer."""
        return self.unborrowed.guards(target, self.live.snapshot.map)

    async def _lifespan(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        async def watch(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                self.live.start()
                # What was registered, decorated or wrapped after mount_legacy was called.
                snapshot = self.live.snapshot
                openings = list(self.unborrowed.openings(snapshot.map, snapshot.table))
                if openings:
                    raise MapError(openings)
                self._say_doubts(snapshot)
            await send(message)

        closed = False

        async def receive_and_close() -> Message:
            nonlocal closed
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                # Now, while the application still has what it opened: a server ends its process
                # as soon as it hears that the shutdown is complete.
                await self._close()
                closed = True
            return message

        try:
            await app(scope, receive_and_close, watch)
        finally:
            if not closed:
                await self._close()

    async def _close(self) -> None:
        """Wait for what still works for a request."""
        self.live.stop()
        await self.bridge.aclose()
        if self.borrower is not None:
            await asyncio.to_thread(self.borrower.close)
        if self.recorder is not None:
            await asyncio.to_thread(self.recorder.close)

    def status(self) -> dict[str, Any]:
        """Return the live state as plain values; `[gateway] status_path` serves it as JSON."""
        return {**self._routing(), **self._recording()}

    def _routing(self) -> dict[str, Any]:
        snapshot, rejected = self.live.snapshot, self.live.rejected
        return {
            "pid": os.getpid(),
            "map": snapshot.map.file,
            "revision": snapshot.revision,
            "problems": [str(problem) for problem in rejected.problems] if rejected else [],
            "routes": [self.route_status(target) for target in snapshot.table.targets()],
            "skipped_middleware": [layer.place for layer in self.unborrowed.middleware()],
        }

    def _recording(self) -> dict[str, Any]:
        if self.recorder is None or self._tap is None:
            return {}
        return {"recording": self.recorder.status()}

    async def _status(self, scope: Scope, send: Send) -> None:
        recording = self._recording()
        # On a thread: with thousands of routes it takes a while, in which others are answered.
        text = await asyncio.to_thread(
            lambda: json.dumps({**self._routing(), **recording}, indent=2)
        )
        body = text.encode()
        is_head = scope["method"] == "HEAD"
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if is_head else body})


class GatewayMiddleware:
    """The ASGI middleware that `mount_legacy` adds: around FastAPI, inside what is added later."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self.app = app
        self.gateway = gateway

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Hand the connection to the gateway."""
        return self.gateway(self.app, scope, receive, send)


def _child_scope(target: Target, values: Mapping[str, Any], scope: Scope) -> Scope | None:
    """Return what Starlette's router would add to the scope; None where it would not match."""
    native = target.native
    assert native is not None  # the caller chose it
    if native.matches is not None:
        match, child = native.matches(scope)
        # It moves the root path down to itself; Flask, around it, is where it was.
        child[ROOT_PATH] = scope.get("root_path", "")
        return child if match is Match.FULL else None
    path_params = dict(scope.get("path_params", ()))
    for legacy_name, value in values.items():
        name = target.names.get(legacy_name, legacy_name)
        convertor = native.convertors.get(name)
        if convertor is None:  # of Flask's host or `defaults`
            path_params[name] = value
            continue
        text = value if type(value) is str else str(value)
        if type(convertor) in _TAKES_ANY_TEXT:
            path_params[name] = text
        elif type(value) is not str or re.fullmatch(convertor.regex, text):
            path_params[name] = convertor.convert(text)
        else:
            return None
    return {"endpoint": native.endpoint, "path_params": path_params, "route": native.route}


def _has_own_ways(route: BaseRoute) -> bool:
    own = type(route)
    known = (APIRoute, Route, Mount)
    return not any(own.handle is each.handle and own.matches is each.matches for each in known)


def _is_below_root(scope: Scope, path: str) -> bool:
    """Whether the request reads this path, counted from the server's root path like a rule's."""
    return (
        scope["path"].endswith(path)
        and scope["method"] in ("GET", "HEAD")
        and path_info(scope).encode("latin-1").decode(errors="replace") == path
    )
