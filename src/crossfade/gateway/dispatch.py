"""The hot path: read the snapshot once, match, choose, call."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Protocol

from flask import Flask
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from crossfade.bridge import Bridge, refuse_greenlets, threads_are_greenlets
from crossfade.bridge.plain import send_refusal
from crossfade.checks.guards import Guard
from crossfade.checks.report import Message as Doubt
from crossfade.checks.report import Unborrowed
from crossfade.errors import MapError
from crossfade.gateway.admission import admit
from crossfade.gateway.doubts import NOT_KNOWN_TO_BE_FLASK, doubts_of, pages_that_are_off
from crossfade.gateway.lifespan import follow_lifespan
from crossfade.gateway.live_map import LiveMap, Snapshot
from crossfade.gateway.response_head import Outbound, access_logger, without_body
from crossfade.gateway.status_page import StatusPage
from crossfade.logs import Logs
from crossfade.model import FORCE_SIDE, SELECTION, Hooks, Selection, Side, Stage
from crossfade.native.route import Borrower, bounded
from crossfade.routing import (
    CHOSEN,
    Chosen,
    NativeApp,
    NativeRoute,
    RouterEntry,
    Target,
    Values,
    child_scope,
)
from crossfade.scope.environ import ROOT_PATH
from crossfade.scope.framing import FRAMING, RequestRefused, read_framing
from crossfade.scope.reading import SENT, as_sent, as_shown, is_plain, one_reading

logger = Logs("crossfade.dispatch")

_NONE: Mapping[str, Any] = {}

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
        self._entry = RouterEntry(native.app)
        self._said: set[str] = set()
        self._status_page = StatusPage(
            self.status, lambda scope: self.live.snapshot.table.takes_host(scope)
        )
        self.recorder = recorder
        self.unborrowed = unborrowed or Unborrowed(None, None)
        self._begin(live.snapshot)
        self._begun: Snapshot | None = None  # begun again by the first request

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
            return self._websocket(app, scope, receive, send)
        return follow_lifespan(app, scope, receive, send, started=self._started, close=self._close)

    def read(self, scope: Scope) -> dict[str, Any]:
        """Return what of a request is to be shown to FastAPI's middleware in another way."""
        self._note_root_path(scope)
        return one_reading(scope, self.live.snapshot.table.entered(scope))

    def _note_root_path(self, scope: Scope) -> None:
        """Keep the server's root path apart from the one that FastAPI was given.

        That is put into every scope, whatever the server says, and no server told Flask.
        """
        if self.native.app.root_path:
            scope[ROOT_PATH] = ""
        elif ROOT_PATH in scope:  # of a gateway around this one
            scope[ROOT_PATH] = scope["root_path"]

    def _http(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if not self.live.is_followed:
            self.settle()
            self.live.start()
        snapshot = self.live.snapshot
        if snapshot is not self._begun:
            self._begin(snapshot)
        self._note_root_path(scope)
        sent = as_sent(scope) if SENT in scope else scope
        try:
            sent[FRAMING] = scope[FRAMING] = read_framing(sent, self.bridge.settings)
        except RequestRefused as refused:
            return self._refuse(refused, scope, send)
        gateway = snapshot.map.gateway
        if gateway.status_path is not None:
            page = self._status_page.answering(sent, gateway)
            if page is not None:
                return page(sent, receive, send)
        selection, chosen = self.choose(snapshot, sent)
        sent[SELECTION] = scope[SELECTION] = selection
        if self._tap is not None:
            receive, send = self._tap(sent, receive, send)
        if gateway.served_by_header or access_logger.asks_for(logging.INFO):
            send = Outbound(send, sent, selection, gateway.served_by_header)
            if selection.side is Side.NATIVE:
                app = self._answering_errors(app)
        if chosen is None:
            return self.bridge(sent, receive, send)
        changes = chosen[-1]
        if changes or sent is not scope:
            scope = as_shown(scope, changes)
        if scope["method"] == "HEAD":
            send = without_body(scope, send)
        scope[CHOSEN] = chosen
        return admit(app, scope, self.bridge.settings)(scope, receive, send)

    def _refuse(self, refused: RequestRefused, scope: Scope, send: Send) -> Awaitable[None]:
        """Answer in Flask's place what reaches neither side, as the server in front of it would."""
        snapshot = self.live.snapshot
        scope[SELECTION] = selection = Selection(Side.LEGACY, None, snapshot.revision)
        served_by = snapshot.map.gateway.served_by_header
        return send_refusal(refused, scope, Outbound(send, scope, selection, served_by))

    def _websocket(
        self, app: ASGIApp, scope: Scope, receive: Receive, send: Send
    ) -> Awaitable[None]:
        """Hand a handshake to the native route of its path, or to Flask as the GET that it is."""
        self._note_root_path(scope)
        table = self.live.snapshot.table
        sent = as_sent(scope) if SENT in scope else scope
        try:
            sent[FRAMING] = read_framing(sent, self.bridge.settings)
        except RequestRefused:
            return self.bridge(sent, receive, send)  # which refuses it
        changes = one_reading(sent, table.entered(sent))
        shown = as_shown(scope, changes)
        found = self.native.websocket(shown, table.served)
        if found is None or not table.takes_host(sent):
            return self.bridge(sent, receive, send)
        child, route = found
        shown[CHOSEN] = (child, route.handle, self._entry.of_one(route), changes)
        return app(shown, receive, send)

    def _answering_errors(self, app: ASGIApp) -> ASGIApp:
        """Have an unhandled exception answered on this side of the gateway.

        Starlette answers it outside all middleware, where nothing would say who served it. It is
        raised again after the answer, so that what stands outside still sees it.
        """
        native = self.native.app
        handlers = native.exception_handlers
        handler = handlers.get(Exception) or handlers.get(500)
        return ServerErrorMiddleware(app, handler=handler, debug=native.debug)

    def choose(self, snapshot: Snapshot, scope: Scope) -> tuple[Selection, Chosen | None]:
        """Return who answers, and for a native answer what does so."""
        table = snapshot.table
        found = table.match(scope)
        target = found.target
        route = None if target is None else target.route
        if target is not None and target.native is not None:
            forced = scope.get(FORCE_SIDE)
            native = target.stage is Stage.NATIVE if forced is None else forced is Side.NATIVE
            own_values = None
            if native and not self._is_flasks(scope):
                own_values = table.own_values(target, scope)
            if own_values is not None:
                read = found.environ is None and is_plain(scope)
                changes = _NONE if read else one_reading(scope, found.environ)
                values = found.values, own_values
                chosen = self._chosen(target, target.native, values, scope, changes)
                if chosen is not None:
                    return Selection(Side.NATIVE, route, snapshot.revision), chosen
        return Selection(Side.LEGACY, route, snapshot.revision), None

    def _is_flasks(self, scope: Scope) -> bool:
        """Whether no native route may answer: Flask says of a WebSocket that it has none."""
        framing = scope.get(FRAMING)
        if framing is None:  # asked who would answer a request that is not sent yet
            try:
                framing = read_framing(scope, self.bridge.settings)
            except RequestRefused:
                return True
        return bool(framing.protocol == b"websocket")

    def _chosen(
        self,
        target: Target,
        native: NativeRoute,
        values: Values,
        scope: Scope,
        changes: Mapping[str, Any],
    ) -> Chosen | None:
        """Return a native route with what it adds to the scope and all that it borrows."""
        if changes:
            scope = {**scope, **changes}
        child = child_scope(target, native, values, scope)
        if child is None and native.decides:
            for other in self.native.alternatives(native, scope["method"]):
                child = child_scope(target, other, values, scope)
                if child is not None:
                    native = other
                    break
        if child is None:
            return None
        app: ASGIApp = native.route.app if native.is_bare else native.app
        if self.borrower is not None and target.hooks is Hooks.FLASK:
            app = self.borrower.route(target, native, app)
        else:
            app = bounded(app, self.bridge.settings)
        return child, app, self._routers[native], changes

    def settle(self) -> None:
        """Take note that the applications have all their routes now: whatever is missing is wrong.

        Raises:
            MapError: the map does not fit them.
        """
        self.native.may_grow = False
        self.live.catch_up()

    def _begin(self, snapshot: Snapshot) -> None:
        """Go by another version of the map, and by the routes as they are now."""
        self._begun = snapshot
        self.native.refresh()
        self._routers = {route: self._entry.of_one(route.route) for route in self.native.routes}
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
                logger.log(doubt.level, doubt.text)

    def doubts(self, snapshot: Snapshot) -> Iterator[Doubt]:
        """Return what a team may not have meant with a map, and what native routes do without."""
        if self.borrower is None and snapshot.map.entries:
            yield Doubt(logging.WARNING, NOT_KNOWN_TO_BE_FLASK)
        yield from doubts_of(snapshot, self.native, self.skipped_hooks)
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

    def _started(self) -> None:
        """Begin to follow the map: the application has started.

        Raises:
            MapError: the map does not fit what it has now, or would let strangers in.
            MountError: threads were replaced by greenlets since `mount_legacy`.
        """
        refuse_greenlets()
        self.settle()
        self.live.start()
        # What was registered, decorated or wrapped after mount_legacy was called.
        snapshot = self.live.snapshot
        openings = list(self.unborrowed.openings(snapshot.map, snapshot.table))
        if openings:
            raise MapError(openings)
        self._say_doubts(snapshot)
        off = pages_that_are_off(snapshot)
        if off:
            logger.warning(off)

    async def _close(self) -> None:
        """Wait for what still works for a request."""
        self.live.stop()
        if threads_are_greenlets():
            return  # so the start was refused: no request has come, and no thread would begin
        await self.bridge.aclose()
        if self.borrower is not None:
            await asyncio.to_thread(self.borrower.close)
        if self.recorder is not None:
            await asyncio.to_thread(self.recorder.close)

    def status(self) -> dict[str, Any]:
        """Return the live state as plain values; `[gateway] status_path` serves it as JSON."""
        snapshot, rejected = self.live.snapshot, self.live.rejected
        state: dict[str, Any] = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "map": snapshot.map.file,
            "revision": snapshot.revision,
            "problems": [str(problem) for problem in rejected.problems] if rejected else [],
            "routes": [self.route_status(target) for target in snapshot.table.targets()],
            "skipped_middleware": [layer.place for layer in self.unborrowed.middleware()],
        }
        if self.recorder is not None and self._tap is not None:
            state["recording"] = self.recorder.status()
        return state


class GatewayMiddleware:
    """The ASGI middleware that `mount_legacy` adds: around FastAPI, inside what is added later."""

    def __init__(self, app: ASGIApp, gateway: Gateway) -> None:
        self.app = app
        self.gateway = gateway

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Hand the connection to the gateway."""
        return self.gateway(self.app, scope, receive, send)
