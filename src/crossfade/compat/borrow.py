"""A native route inside the Flask application's machinery: who may skip it, and who runs in it."""

from __future__ import annotations

import io
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import flask
from flask import has_request_context
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crossfade.bridge.plain import answer
from crossfade.compat.around import Around, Needs
from crossfade.compat.blocking import Watch
from crossfade.compat.body import SHARED_BODY, SharedBody
from crossfade.compat.errors import (
    BORROWING,
    MAPPED,
    CatchAll,
    ValidationMapper,
    call_handler,
    catch_all_of,
    has_own_handler,
    is_http_error,
    legacy_validation_error,
    mapper_of,
    note_raised,
    take_over_default_handlers,
)
from crossfade.compat.exchange import Exchange
from crossfade.compat.flaskside import FlaskSide
from crossfade.compat.hops import Hopper
from crossfade.compat.reach import leaves_hooks, needs_flask
from crossfade.compat.responses import LENDING
from crossfade.compat.urls import LegacyUrls, find_native_urls
from crossfade.environ import RequestRefused, build_environ
from crossfade.model import BridgeSettings
from crossfade.routing import LegacyApp, LegacyRule, NativeApp, NativeRoute, Target

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = logging.getLogger("crossfade.compat")

ROOT_PATH: Final = "crossfade.root_path"
"""Scope key: the root path in front of a mounted application that was chosen."""

_DEFAULTS: Final = BridgeSettings()
_EVERYTHING: Final = Needs(context=True, before=True, after=True)
_BODILESS: Final = frozenset({"GET", "HEAD"})


class Borrower:
    """Lends the Flask application's machinery to native routes.

    Args:
        legacy: the Flask application, and the way that requests take to it.
        native: the FastAPI application. Its built-in exception handlers are replaced.
        settings: how many threads run hooks, how much of a body is read ahead, how long a client
            may be silent: as for legacy requests.
        on_validation_error: what validation errors are, where the endpoint doesn't say.
    """

    def __init__(
        self,
        legacy: LegacyApp,
        native: NativeApp,
        settings: BridgeSettings = _DEFAULTS,
        on_validation_error: ValidationMapper | None = None,
    ) -> None:
        self.flask_app = legacy.flask_app
        self.app = native.app
        self.settings = settings
        self.hopper = Hopper(settings.threads)
        self.on_validation_error = on_validation_error or legacy_validation_error
        self._legacy = legacy
        self._routes: dict[tuple[LegacyRule | None, NativeRoute], BorrowedRoute] = {}
        take_over_default_handlers(native.app)
        find_native_urls(legacy.flask_app, native.app)
        native.app.router.routes.append(LegacyUrls(legacy.flask_app))
        self.watch = Watch() if legacy.flask_app.debug or native.app.debug else None

    def route(self, target: Target, native: NativeRoute, app: ASGIApp) -> BorrowedRoute:
        """Return a native route inside what Flask does around its rule.

        Args:
            target: which rule.
            native: the route.
            app: what answers when the route is chosen.
        """
        route = self._routes.get((target.legacy, native))
        if route is None:
            route = self._routes[target.legacy, native] = BorrowedRoute(self, target, native, app)
        return route

    def hooks_around(self, legacy: LegacyRule | None) -> list[str]:
        """Name what Flask does around a rule, or around a URL that it doesn't know."""
        return Around(self.flask_app, None if legacy is None else str(legacy.endpoint)).names()

    def environ(self, scope: Scope, body: Any) -> WSGIEnvironment:
        """Return the request as it reaches Flask.

        Raises:
            RequestRefused: it can be read in two ways, or would not have reached Flask.
        """
        environ = self._legacy.enter(build_environ(scope, body))
        if environ is None:
            raise RequestRefused(404, "This request does not reach the Flask application")
        return environ

    def close(self) -> None:
        """Wait for the hooks that run. From a thread."""
        self.hopper.close(self.settings.shutdown_timeout)


class BorrowedRoute:
    """One native route as an ASGI application, with Flask around it.

    Attributes:
        around: what Flask does around it.
    """

    def __init__(
        self, borrower: Borrower, target: Target, native: NativeRoute, app: ASGIApp
    ) -> None:
        endpoint = None if target.legacy is None else str(target.legacy.endpoint)
        self.around = Around(borrower.flask_app, endpoint)
        self._borrower = borrower
        self._native_app = app
        self._endpoint = endpoint
        self._names = target.names
        own_mapper = mapper_of(native.endpoint)
        self._is_mapped = own_mapper is not None
        self._mapper = own_mapper or borrower.on_validation_error
        # What a mounted application uses can't be seen, and it has no way to ask for the context.
        self._is_mount = native.matches is not None
        self._uses_flask = self._is_mount or needs_flask(native.dependant)
        self._leaves_hooks = leaves_hooks(native.dependant)
        own = borrower.flask_app.request_class.max_content_length
        self._has_own_limit = own is not flask.Request.max_content_length

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer one request, for which this route is chosen already."""
        borrower = self._borrower
        scope[BORROWING] = True
        if self._is_mapped:
            scope[MAPPED] = True
        LENDING.set(borrower.flask_app)
        needs = self.around.needs(scope["headers"])
        if self._leaves_hooks:
            needs = needs._replace(after=True)
        if needs.context or self._uses_flask or (self._has_own_limit and _has_body(scope)):
            return self._run(scope, receive, send, needs)
        return self._run_bare(scope, receive, send)

    async def _run(self, scope: Scope, receive: Receive, send: Send, needs: Needs) -> None:
        body = self._shared_body(scope, receive)
        try:
            if body is not None:
                receive = body.receive
                await body.prefetch()
                if body.gone:
                    return
            exchange = self._exchange(scope, send, body, needs)
            await self._guard(exchange, exchange.run(self._app(), scope, receive), send)
        except RequestRefused as error:
            for message in answer(error.status, error.reason):
                await send(message)
        finally:
            if body is not None:
                body.close()

    async def _run_bare(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the handler alone: Flask does nothing around it, but shows its errors."""
        body = self._shared_body(scope, receive)
        if body is not None:
            receive = body.receive
        started = False

        def note(message: Message) -> Awaitable[None]:
            nonlocal started
            started = True
            return send(message)

        try:
            await self._app()(scope, receive, note)
        except Exception as error:
            if started:
                raise
            note_raised(scope, error)
            try:
                exchange = self._exchange(scope, send, body, _EVERYTHING)
            except RequestRefused as refused:
                for message in answer(refused.status, refused.reason):
                    await send(message)
                return
            await self._guard(exchange, exchange.fail(error), send)
        finally:
            if body is not None:
                body.close()

    def _shared_body(self, scope: Scope, receive: Receive) -> SharedBody | None:
        if not _has_body(scope):
            return None
        settings = self._borrower.settings
        return SharedBody(
            receive, settings.request_buffer, settings.client_timeout, self._limit, _length(scope)
        )

    def _limit(self) -> int | None:
        """Return the most bytes of a body that Flask allows: a hook may have said so."""
        if has_request_context():
            return flask.request.max_content_length
        limit: int | None = self._borrower.flask_app.config.get("MAX_CONTENT_LENGTH")
        return limit

    async def _guard(self, exchange: Exchange, running: Awaitable[None], send: Send) -> None:
        """Answer what Flask lets pass as a WSGI server does, and let the server log it."""
        try:
            await running
        except Exception:
            if not exchange.started and not self._borrower.app.debug:
                for message in answer(500):
                    await send(message)
            raise

    def _exchange(
        self, scope: Scope, send: Send, body: SharedBody | None, needs: Needs
    ) -> Exchange:
        borrower = self._borrower
        if self._is_mount:
            scope = {**scope, "root_path": scope[ROOT_PATH]}
        environ = borrower.environ(scope, io.BytesIO() if body is None else body.input)
        if body is not None:
            environ[SHARED_BODY] = body
        side = FlaskSide(borrower.flask_app, environ, self._endpoint)
        return Exchange(
            borrower.flask_app, side, borrower.hopper, needs, self._mapper, self._names, send
        )

    def _app(self) -> ASGIApp:
        """Return the route's own application, inside FastAPI's handler of any exception.

        That stands outside of FastAPI's middleware otherwise, where no hook would see its answer.
        What Flask has a handler of its own for is more than any exception: that is Flask's.
        """
        app, borrower = self._native_app, self._borrower
        if borrower.watch is not None:
            app = borrower.watch.watched(app)
        catch_all = catch_all_of(borrower.app)
        return app if catch_all is None else _with_catch_all(app, catch_all, self._is_flasks)

    def _is_flasks(self, error: Exception) -> bool:
        """Whether Flask has more to say of an exception than FastAPI's handler of any."""
        return is_http_error(error) or has_own_handler(
            self._borrower.flask_app, self._endpoint, error
        )


def _with_catch_all(
    app: ASGIApp, handler: Callable[..., Any], is_flasks: Callable[[Exception], bool]
) -> ASGIApp:
    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await app(scope, receive, note)
        except Exception as error:
            if started or is_flasks(error):
                raise
            known = isinstance(handler, CatchAll)
            inner = handler.handler if isinstance(handler, CatchAll) else handler
            response = await call_handler(inner, Request(scope, receive, note), error)
            await response(scope, receive, send)
            scope[BORROWING] = error
            if known:
                raise  # as Starlette does, for the server to log it
            # One registered after mount_legacy: FastAPI would call it a second time.
            logger.exception("%s failed; FastAPI's handler answered", scope["path"])

    return call


def _length(scope: Scope) -> int:
    """Return what the request says of its length; 0 where it doesn't."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _has_body(scope: Scope) -> bool:
    """Whether the request has a body, or may have one."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return bool(value != b"0")
        if name in (b"transfer-encoding", b"expect"):
            return True
    # HTTP/2 and 3 may frame a body without either header.
    return bool(scope.get("http_version", "1.1")[0] != "1" and scope["method"] not in _BODILESS)
