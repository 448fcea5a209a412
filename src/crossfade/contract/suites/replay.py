"""The second mode: a Flask test suite whose chosen routes FastAPI answers.

Each Flask application that a test makes gets a gateway of its own. What stays with Flask is called
as the suite has always called it, on the test's own thread; what is native goes through the
gateway, inside the context of the test and, but for what is `async def`, on its thread.
"""

from __future__ import annotations

import copy
import json
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import unquote
from weakref import WeakSet

from fastapi import FastAPI
from flask import Flask, request_tearing_down
from flask import globals as flask_globals
from werkzeug.http import HTTP_STATUS_CODES

from crossfade.apidoc.document import ApiDocument
from crossfade.contract.errors import ContractError
from crossfade.contract.suites.threads import HooksInWaitingThread, ThreadCalls, WaitingThread
from crossfade.contract.transport.asgi import InProcessApp
from crossfade.errors import MapError
from crossfade.gateway.dispatch import Gateway, GatewayMiddleware
from crossfade.messages.exchange import Request, Response
from crossfade.migration_map.parse import MigrationMap, parse_map, read_map
from crossfade.model import FORCE_SIDE, Hooks, Side, Stage
from crossfade.native.exceptions import CatchAll
from crossfade.routing import LegacyApp, NativeApp, RouteTableBuilder

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ALL: Final = "all"
AS_MAPPED: Final = "map"

MOST_OPEN: Final = 4
"""Applications of wider scope than a test whose gateways stay open between tests."""

Mount = Callable[..., Gateway]
NativeSource = Callable[[Flask], Any]
"""Returns the FastAPI application for a Flask application, or None to leave that to Flask."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What FastAPI answered.

    Attributes:
        route: as the gateway spells it.
        response: the answer.
        error: what reaches the test in place of an answer: an exception that Flask would have let
            pass as well.
    """

    route: str
    response: Response
    error: BaseException | None = None

    def start(self, start: StartResponse) -> Iterable[bytes]:
        """Answer as a WSGI application does, in Werkzeug's spelling of the status."""
        status = self.response.status
        phrase = HTTP_STATUS_CODES.get(status, "Unknown").upper()
        start(f"{status} {phrase}", list(self.response.headers))
        return [self.response.body]


class Notes(Protocol):
    """Where it is noted what a test sent."""

    ready: set[str]
    left: set[str]


class Replay:
    """Answers what is to be native.

    Args:
        mount: `crossfade.mount_legacy`.
        native: gives the FastAPI application.
        chosen: routes that are native, spelt as in a map; or `all` that have a counterpart; or
            `map` for what the migration map says.
        map_file: the migration map; None where there is none.
        timeout: seconds after which an answer counts as endless.
    """

    def __init__(
        self,
        mount: Mount,
        native: NativeSource,
        chosen: Sequence[str],
        map_file: Path | None,
        timeout: float,
    ) -> None:
        self._mount = mount
        self._native = native
        self._chosen = tuple(chosen)
        self._map = read_map(map_file) if map_file is not None else parse_map(b"")
        self._timeout = timeout
        self._calls = ThreadCalls()
        self._calls.install()
        self._folder = tempfile.TemporaryDirectory(prefix="crossfade-")
        self._lock = threading.Lock()
        self._open: dict[int, _Mounted] = {}
        self._left: dict[int, tuple[Flask, str]] = {}
        self._wide: WeakSet[Flask] = WeakSet()
        self._seen: WeakSet[Flask] = WeakSet()
        self._mounted: WeakSet[FastAPI] = WeakSet()

    def answer(
        self, app: Flask, request: Request, environ: WSGIEnvironment, notes: Notes
    ) -> Answered | None:
        """Return the native answer to a request; None where the request is Flask's."""
        with self._lock:  # a test may ask in several threads
            mounted = self._open.pop(id(app), None)
            if mounted is None and id(app) not in self._left:
                if app in self._seen:
                    self._wide.add(app)
                self._seen.add(app)
                mounted = self._open_for(app)
            if mounted is None:
                notes.left.add(self._left[id(app)][1])
                return None
            self._open[id(app)] = mounted  # the last one used stands last
            notes.ready |= mounted.ready
        return mounted.answer(request, environ, self._timeout)

    def end_of_test(self) -> None:
        """Close the gateways of applications that no other test will use."""
        self._left.clear()
        for mounted in [m for m in self._open.values() if m.app not in self._wide]:
            self._close(mounted)
        while len(self._open) > MOST_OPEN:
            self._close(next(iter(self._open.values())))

    def close(self) -> None:
        """Close everything."""
        for mounted in list(self._open.values()):
            self._close(mounted)
        self._calls.uninstall()
        self._folder.cleanup()

    def _close(self, mounted: _Mounted) -> None:
        del self._open[id(mounted.app)]
        mounted.close()

    def _open_for(self, app: Flask) -> _Mounted | None:
        found = self._native(app)
        if found is None:
            self._left[id(app)] = (
                app,
                f"{app.name}: it is another application than the one that moves",
            )
            return None
        if not isinstance(found, FastAPI):
            raise ContractError(f"crossfade_native_app gave {found!r}; it has to give a FastAPI")
        used = found in self._mounted or found.middleware_stack is not None
        if used or hasattr(found.state, "crossfade"):
            native, outer = _fresh(found)
        else:
            native, outer = found, []
        self._mounted.add(native)
        chosen = self._names(app, native)
        if self._chosen not in ((ALL,), (AS_MAPPED,)) and not chosen:
            reason = f"{app.name}: it has none of the routes that were named"
            self._left[id(app)] = (app, reason)
            return None
        handlers = len(app.url_build_error_handlers)
        gateway = self._mounted_on(native, app)
        native.user_middleware[:0] = outer
        restore = ExitStack()
        restore.callback(app.url_build_error_handlers.__delitem__, slice(handlers, None))
        return _Mounted(app, native, gateway, chosen, restore)

    def _mounted_on(self, native: FastAPI, app: Flask) -> Gateway:
        """Mount; a copy shares its state with the original, whose own gateway stays there."""
        own = getattr(native.state, "crossfade", None)
        if own is not None:
            del native.state.crossfade
        try:
            return self._mount(native, app, migration_map=self._map_for(app, native))
        finally:
            if own is not None:
                native.state.crossfade = own

    def _names(self, app: Flask, native: FastAPI) -> frozenset[str] | None:
        """The routes to be native as the gateway spells them; None leaves it to the map."""
        if self._chosen == (AS_MAPPED,):
            return None
        builder = RouteTableBuilder(LegacyApp(app, app), NativeApp(native))
        if self._chosen == (ALL,):
            targets = builder.build(parse_map(b"")).targets()
            return frozenset(t.route for t in targets if t.legacy and t.native)
        names: set[str] = set()
        for route in self._chosen:
            line = parse_map(
                f"[routes]\n{json.dumps(route)} = 'native'\n".encode(), "--crossfade-native"
            )
            try:
                targets = builder.build(line).targets()
            except MapError:
                continue  # another application of the suite has it, or the account will say
            names.update(t.route for t in targets if t.stage is Stage.NATIVE and t.legacy)
        return frozenset(names)

    def _map_for(self, app: Flask, native: FastAPI) -> Path:
        """A file with the map's routes that this application has, and nothing else of it."""
        builder = RouteTableBuilder(LegacyApp(app, app), NativeApp(native))
        unknown: set[str] = set()
        try:
            builder.build(self._map)
        except MapError as error:
            unknown = {problem.subject for problem in error.problems}
        text = map_text(self._map, unknown)
        path = Path(self._folder.name) / f"{sha256(text.encode()).hexdigest()[:16]}.toml"
        path.write_text(text, encoding="utf-8")
        return path


def map_text(found: MigrationMap, without: set[str]) -> str:
    """The routes of a map as TOML."""
    lines = ["[routes]"]
    for entry in found.entries:
        if entry.key not in without:
            hooks = f', hooks = "{entry.hooks.value}"' if entry.hooks is not Hooks.FLASK else ""
            lines.append(f'{json.dumps(entry.key)} = {{ stage = "{entry.stage.value}"{hooks} }}')
    return "\n".join([*lines, ""])


class _Mounted:
    """One Flask application with its gateway, started."""

    def __init__(
        self,
        app: Flask,
        native: FastAPI,
        gateway: Gateway,
        chosen: frozenset[str] | None,
        restore: ExitStack,
    ) -> None:
        self.app = app
        self._gateway = gateway
        self._chosen = chosen
        self._restore = restore
        targets = list(gateway.live.snapshot.table.targets())
        self.ready = (
            {t.route for t in targets if t.stage is Stage.NATIVE} if chosen is None else set(chosen)
        )
        self._native = native
        if gateway.borrower is not None:
            borrower = gateway.borrower
            borrower.hopper = HooksInWaitingThread(borrower.settings)
        self._runs = InProcessApp(self._asgi)
        self._runs.start()

    async def _asgi(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await self._native(scope, receive, send)
        except BaseException as error:
            scope.get(_FAILURES, []).append(error)
            raise

    def close(self) -> None:
        self._restore.close()
        self._runs.close()

    def answer(self, request: Request, environ: WSGIEnvironment, timeout: float) -> Answered | None:
        """Return the native answer to a request; None where the request is Flask's."""
        scheme = environ.get("wsgi.url_scheme", "http")
        extra = _scope_of(request, environ)
        scope = dict(extra)
        snapshot = self._gateway.live.snapshot
        if self._chosen is not None:
            target = snapshot.table.match(scope).target
            is_native = target is not None and target.route in self._chosen
            extra[FORCE_SIDE] = scope[FORCE_SIDE] = Side.NATIVE if is_native else Side.LEGACY
        selection, _ = self._gateway.choose(snapshot, scope)
        if selection.side is Side.LEGACY:
            return None
        failures: list[BaseException] = []
        extra[_FAILURES] = failures
        with ExitStack() as stack:
            self._preserve(environ, stack)
            reply = self._runs.send(
                request,
                scheme=scheme,
                extra=extra,
                timeout=timeout,
                wait=WaitingThread().wait_for,
            )
        error = failures[0] if failures and _propagates(self.app) else None
        if reply.gave_up:
            error = ContractError(f"{request.line}: FastAPI's answer had {reply.gave_up}")
        return Answered(selection.route or request.line, reply.response, error)

    def _preserve(self, environ: WSGIEnvironment, stack: ExitStack) -> None:
        """`with client:` keeps the request's context, as `Flask.wsgi_app` does."""
        keep = environ.get("werkzeug.debug.preserve_context")
        if keep is None:
            return
        kept = False

        def note(sender: object, **extra: object) -> None:
            nonlocal kept
            if kept:
                return
            kept = True
            for name in ("app_ctx", "request_ctx"):
                local = getattr(flask_globals, name, None)
                if local is not None:
                    keep(local._get_current_object())

        stack.enter_context(request_tearing_down.connected_to(note, sender=self.app))


_FAILURES: Final = "crossfade.failures"
"""Scope key: a list of what left the application for this request."""


def _scope_of(request: Request, environ: WSGIEnvironment) -> dict[str, object]:
    port = str(environ.get("REMOTE_PORT", ""))
    address = environ.get("REMOTE_ADDR")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": environ.get("SERVER_PROTOCOL", "HTTP/1.1").partition("/")[2],
        "method": request.method,
        "scheme": environ.get("wsgi.url_scheme", "http"),
        "path": unquote(request.raw_path.decode("latin-1")),
        "raw_path": request.raw_path,
        "query_string": request.query_string,
        "root_path": environ.get("SCRIPT_NAME", "").encode("latin-1").decode(errors="replace"),
        "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in request.headers],
        "client": None if not address else (address, int(port) if port.isdigit() else 50000),
        "server": (environ.get("SERVER_NAME", "localhost"), int(environ.get("SERVER_PORT", 80))),
    }


def _propagates(app: Flask) -> bool:
    """Whether Flask itself would let an exception reach the test."""
    propagate = app.config["PROPAGATE_EXCEPTIONS"]
    return bool(app.testing or app.debug) if propagate is None else bool(propagate)


def _fresh(app: FastAPI) -> tuple[FastAPI, list[Any]]:
    """A copy of an application that can be mounted once more, and the middleware outside of it."""
    fresh = copy.copy(app)
    # What `mount_legacy` put into this one is no part of the copy.
    vars(fresh).pop("build_middleware_stack", None)
    fresh.router = copy.copy(app.router)
    vars(fresh.router).pop("url_path_for", None)
    fresh.router.middleware_stack = fresh.router.app
    fresh.exception_handlers = {
        kind: handler.handler if isinstance(handler, CatchAll) else handler
        for kind, handler in app.exception_handlers.items()
    }
    fresh.middleware_stack = None
    if isinstance(vars(fresh).get("openapi"), ApiDocument):
        del fresh.openapi
    own: list[object] = [each.cls for each in app.user_middleware]
    inner = own.index(GatewayMiddleware) + 1 if GatewayMiddleware in own else 0
    fresh.user_middleware = app.user_middleware[inner:]
    return fresh, app.user_middleware[: max(inner - 1, 0)]
