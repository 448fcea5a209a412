"""A native route inside the Flask application's machinery: who may skip it, and who runs in it."""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

import flask
from flask import has_request_context
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crossfade.bridge.plain import answer, send_all, send_refusal, unavailable
from crossfade.bridge.pool import BridgeStats
from crossfade.bridge.upload import check_length
from crossfade.logs import Logs
from crossfade.model import BridgeSettings
from crossfade.native.context_use import leaves_hooks, needs_flask
from crossfade.native.exceptions import (
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
from crossfade.native.flask_phases import FlaskSide
from crossfade.native.hooks import LENDING, Around, Needs
from crossfade.native.lifecycle import Exchange
from crossfade.native.loop_watchdog import Watch
from crossfade.native.request.body import KEPT, SHARED_BODY, SharedBody
from crossfade.native.request.early_guards import EarlyGuards
from crossfade.native.request.flask_input import FlaskInput
from crossfade.native.request.spool import IN_MEMORY
from crossfade.native.threads import Busy, Hopper
from crossfade.native.url_for import find_legacy_urls, find_native_urls
from crossfade.routing import LegacyApp, LegacyRule, NativeApp, NativeRoute, Target
from crossfade.scope.environ import build_environ
from crossfade.scope.framing import FRAMING, Framing, RequestRefused

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

logger = Logs("crossfade.compat")

_DEFAULTS: Final = BridgeSettings()
_EVERYTHING: Final = Needs(context=True, before=True, after=True)


class Borrower:
    """Lends the Flask application's machinery to native routes.

    Args:
        legacy: the Flask application, and the way that requests take to it.
        native: the FastAPI application. Its built-in exception handlers are replaced.
        settings: how many threads run hooks, how many requests wait for one, how long a body may
            be and take: as for legacy requests.
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
        self.hopper = Hopper(settings)
        self.on_validation_error = on_validation_error or legacy_validation_error
        self._legacy = legacy
        self._routes: dict[tuple[LegacyRule | None, NativeRoute], BorrowedRoute] = {}
        take_over_default_handlers(native.app)
        find_native_urls(legacy.flask_app, native.app)
        find_legacy_urls(native.app, legacy.flask_app)
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
            RequestRefused: it would not have reached Flask.
        """
        software = self.settings.server_software
        environ = self._legacy.enter(build_environ(scope, body, software))
        if environ is None:
            raise RequestRefused(404, "This request does not reach the Flask application")
        return environ

    def stats(self) -> BridgeStats:
        """Return what the threads of hooks are doing and have done, as `Bridge.stats` does."""
        return self.hopper.stats()

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
        read = target.legacy.own_converters if target.legacy else frozenset[str]()
        self._own_converters = frozenset(
            name for name in read if native.takes_any_text(target.names.get(name, name))
        )
        own_mapper = mapper_of(native.endpoint)
        self._is_mapped = own_mapper is not None
        self._mapper = own_mapper or borrower.on_validation_error
        # What a mounted application uses can't be seen, and it has no way to ask for the context.
        self._uses_flask = native.is_mount or needs_flask(native.dependant)
        self._leaves_hooks = leaves_hooks(native.dependant)
        self._early_guards = EarlyGuards(native.dependant, borrower.app)
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
        if needs.context or self._uses_flask or (self._has_own_limit and scope[FRAMING].may_follow):
            return self._run(scope, receive, send, needs)
        return self._run_bare(scope, receive, send)

    async def _run(self, scope: Scope, receive: Receive, send: Send, needs: Needs) -> None:
        body = None
        try:
            body = self._shared_body(scope, receive, KEPT)
            if body is not None:
                receive = body.receive
                await body.prefetch()
                if body.gone:
                    return
            exchange = self._exchange(scope, send, body, needs)
            app = self._early_guards.before(self._app())
            await self._guard(exchange, exchange.run(app, scope, receive), send)
        except RequestRefused as refused:
            await _refuse(refused, scope, send)
        finally:
            if body is not None:
                body.close()

    async def _run_bare(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the handler alone: Flask does nothing around it, but shows its errors."""
        try:
            # Only error handlers may read it after the handler has.
            body = self._shared_body(scope, receive, IN_MEMORY)
        except RequestRefused as refused:
            await _refuse(refused, scope, send)
            return
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
                await _refuse(refused, scope, send)
                return
            await self._guard(exchange, exchange.fail(error), send)
        finally:
            if body is not None:
                body.close()

    def _shared_body(self, scope: Scope, receive: Receive, kept: int) -> SharedBody | None:
        """Return the body of a request that has one.

        Raises:
            RequestRefused: it is longer than `max_body`.
        """
        # By what the server was sent: middleware may have changed the headers since.
        framing: Framing = scope[FRAMING]
        if not framing.may_follow:
            return None
        borrower = self._borrower
        check_length(framing.length, borrower.settings.max_body)
        return SharedBody(
            receive, borrower.settings, borrower.hopper, self._limit, framing.length or 0, kept
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
        except RequestRefused:
            raise
        except Exception:
            if not exchange.started and not self._borrower.app.debug:
                await send_all(send, answer(500))
            raise

    def _exchange(
        self, scope: Scope, send: Send, body: SharedBody | None, needs: Needs
    ) -> Exchange:
        borrower = self._borrower
        environ = borrower.environ(scope, io.BytesIO())
        shown = None
        if body is not None:
            environ[SHARED_BODY] = body
            shown = FlaskInput(body, environ)
        return Exchange(
            borrower.flask_app,
            FlaskSide(borrower.flask_app, environ, self._endpoint, shown),
            borrower.hopper,
            needs,
            self._mapper,
            self._put_values,
            send,
            None if body is None else body.abandon,
        )

    def _put_values(self, scope: Scope, side: FlaskSide) -> None:
        """Give the handler the URL's values as the view would have got them.

        What a `url_value_preprocessor` changed, and what a converter of the application's own
        made: in Flask's context, in which a row of a database may still be asked for others.
        """
        params: dict[str, Any] = scope.get("path_params", {})
        for name in side.changed:
            params[self._names.get(name, name)] = side.values[name]
        for name in self._own_converters - side.changed:
            value, ours = side.values.get(name), self._names.get(name, name)
            if ours in params and not isinstance(params[ours], str):
                params[ours] = value

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


def bounded(app: ASGIApp, settings: BridgeSettings) -> ASGIApp:
    """Return a route that borrows nothing, held to the bounds that `[bridge]` sets for bodies."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        framing: Framing = scope[FRAMING]
        if not framing.may_follow:
            await app(scope, receive, send)
            return
        try:
            check_length(framing.length, settings.max_body)
        except RequestRefused as refused:
            await _refuse(refused, scope, send)
            return
        body = SharedBody(receive, settings, None, lambda: None, framing.length or 0, kept=0)
        try:
            await app(scope, body.receive, send)
        finally:
            body.close()

    return call


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


async def _refuse(refused: RequestRefused, scope: Scope, send: Send) -> None:
    """Answer as the bridge answers such a request."""
    if isinstance(refused, Busy):
        await send_all(send, unavailable(refused.retry_after))
    else:
        await send_refusal(refused, scope, send)
