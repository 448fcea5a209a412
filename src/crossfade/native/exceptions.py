"""What a native handler raises, as the exception that Flask's own error handlers know."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, NoReturn, TypeVar, cast

import flask
from fastapi import FastAPI, Request
from fastapi.exception_handlers import (
    http_exception_handler,
    request_validation_exception_handler,
)
from fastapi.exceptions import RequestValidationError
from flask import Flask
from flask.typing import ResponseReturnValue
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Scope
from werkzeug import exceptions as werkzeug_exceptions
from werkzeug.exceptions import BadRequest, ClientDisconnected, HTTPException, NotFound

from crossfade.model import RAISED

BORROWING: Final = "crossfade.borrowing"
"""Scope key: Flask's error handlers answer what the native handler of this request raises.

Its value is True, or the exception that the team's own handler of any exception has answered.
"""

MAPPED: Final = "crossfade.validation_error"
"""Scope key: the endpoint of this request says itself what its validation errors are."""

ValidationMapper = Callable[[RequestValidationError], Exception | ResponseReturnValue]
"""What a validation error is in the legacy application's words: an exception, or an answer.

Called with Flask's request context, on a thread: anything that a view could return or raise.
"""

_MAPPER: Final = "__crossfade_validation_error__"

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


def validation_error(mapper: ValidationMapper) -> Callable[[Endpoint], Endpoint]:
    """Decorate an endpoint: `mapper` says what its validation errors were in Flask.

    @router.post("/users")
    @validation_error(lambda error: BadRequest("name is required"))
    async def create_user(new: NewUser) -> User: ...
    """

    def decorate(endpoint: Endpoint) -> Endpoint:
        setattr(endpoint, _MAPPER, mapper)
        return endpoint

    return decorate


def mapper_of(endpoint: object) -> ValidationMapper | None:
    """Return what `validation_error` left at an endpoint."""
    mapper: ValidationMapper | None = getattr(endpoint, _MAPPER, None)
    return mapper


def legacy_validation_error(error: RequestValidationError) -> Exception:
    """Return what Flask answers by itself: 404 for a bad path, 400 for anything else.

    A path that FastAPI can't read is a URL that Flask's converter would not have matched.
    """
    in_path = all(detail["loc"][:1] == ("path",) for detail in error.errors())
    return NotFound() if in_path else BadRequest()


class Refusal(HTTPException):
    """What a decorator of the view would have returned in its place: to Flask, an answer.

    As an exception it would be trapped by `TRAP_HTTP_EXCEPTIONS`, which traps no answer.
    """


def refuse(response: flask.Response) -> NoReturn:
    """Answer in the place of the native handler. From one of its dependencies."""
    raise Refusal(response=response)


def render(error: Exception, mapper: ValidationMapper) -> ResponseReturnValue:
    """Return what the mapper answers to a validation error, or a refusal; raise all else for Flask.

    Raises:
        Exception: a werkzeug `HTTPException` for Starlette's, and what is neither as it is.
    """
    if isinstance(error, RequestValidationError):
        mapped = mapper(error)
        if isinstance(mapped, HTTPException | StarletteHTTPException):
            raise as_werkzeug(mapped) from error
        if isinstance(mapped, Exception):
            raise mapped from error
        return mapped
    if isinstance(error, Refusal):
        return cast(flask.Response, error.response)
    translated = as_werkzeug(error)
    if translated is error:
        raise error
    raise translated from error


def as_werkzeug(error: Exception) -> Exception:
    """Return Starlette's `HTTPException` as Werkzeug's, with its text and its headers.

    One without a text of its own gets the sentence that `abort` would have given.
    """
    if isinstance(error, ClientDisconnect):
        return ClientDisconnected()
    if not isinstance(error, StarletteHTTPException):
        return error
    cls = _class_of(error.status_code)
    detail: Any = error.detail
    if detail == _phrase(error.status_code):
        detail = None
    translated = cls(description=detail)
    translated.crossfade_headers = dict(error.headers or {})  # type: ignore[attr-defined]
    return translated


_classes: dict[int, type[HTTPException]] = {}


def _class_of(status: int) -> type[HTTPException]:
    """Return a class that Flask finds the handlers of `status` by, and that adds headers."""
    cls = _classes.get(status)
    if cls is None:
        base = werkzeug_exceptions.default_exceptions.get(status, HTTPException)
        cls = type(base.__name__, (_WithHeaders, base), {"code": status, "__module__": __name__})
        _classes[status] = cls
    return cls


class _WithHeaders(HTTPException):
    """Adds the headers that a Starlette exception carried to those of Werkzeug's."""

    crossfade_headers: dict[str, str]

    def get_headers(self, environ: Any = None, scope: Any = None) -> list[tuple[str, str]]:
        given = {name.lower() for name in self.crossfade_headers}
        own = super().get_headers(environ, scope)
        kept = [(name, value) for name, value in own if name.lower() not in given]
        return [*kept, *self.crossfade_headers.items()]


def is_http_error(error: Exception) -> bool:
    """Whether an exception says itself how it is answered."""
    return isinstance(error, HTTPException | StarletteHTTPException | RequestValidationError)


def has_own_handler(app: Flask, endpoint: str | None, error: Exception) -> bool:
    """Whether Flask has a handler for this kind of exception, or for any of this very view.

    One for any exception of the application is none: FastAPI's own goes before that.

    Args:
        app: the Flask application.
        endpoint: Flask's name of the view; its blueprints' handlers count.
        error: what the native handler raised.
    """
    if endpoint is not None and _is_answered_by_an_api(app, endpoint):
        return True
    kinds = [kind for kind in type(error).__mro__ if kind not in _ANY_KIND]
    names: list[str | None] = [None]
    blueprint = endpoint.rpartition(".")[0] if endpoint else ""
    while blueprint:
        names.append(blueprint)
        blueprint = blueprint.rpartition(".")[0]
    registered = [app.error_handler_spec.get(name, {}).get(None, {}) for name in names]
    return any(kind in handlers for handlers in registered for kind in kinds)


def _is_answered_by_an_api(app: Flask, endpoint: str) -> bool:
    """Whether an `Api` of Flask-RESTX or Flask-RESTful answers every exception of a view.

    Each puts itself before the application's handler, and before the `Api`s that came earlier.
    """
    handler = vars(app).get("handle_user_exception")
    while isinstance(handler, functools.partial):
        owns = getattr(getattr(handler.func, "__self__", None), "owns_endpoint", None)
        if owns is not None and owns(endpoint):
            return True
        handler = handler.args[0] if handler.args else None
    return False


_ANY_KIND: Final = (Exception, BaseException, object)


def headers_of(error: BaseException | None) -> dict[str, str]:
    """Return the headers that a Starlette exception asked for, now in Werkzeug's form."""
    headers: dict[str, str] = getattr(error, "crossfade_headers", {})
    return headers


def _phrase(status: int) -> str | None:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return None


def take_over_default_handlers(app: FastAPI) -> None:
    """Let what FastAPI's built-in handlers would answer pass on to Flask on borrowing routes.

    Handlers that the team registered are left alone, and go before Flask's; but what an endpoint
    says of its own validation errors goes before a handler for all of them.
    """
    for kind, default in (
        (StarletteHTTPException, http_exception_handler),
        (RequestValidationError, request_validation_exception_handler),
    ):
        if app.exception_handlers.get(kind) is default:
            app.exception_handlers[kind] = _unless_borrowing(default)
    own = app.exception_handlers.get(RequestValidationError)
    if own is not None and not isinstance(own, _UnlessMapped):
        app.exception_handlers[RequestValidationError] = _UnlessMapped(own)
    for key in (500, Exception):
        handler = app.exception_handlers.get(key)
        if handler is not None:
            app.exception_handlers[key] = CatchAll(handler)


def note_raised(scope: Scope, error: BaseException) -> None:
    """Leave the exception of a native route where the contracts look for it."""
    raised = scope.get(RAISED)
    if raised is not None:
        raised[:] = [(error, error.__traceback__)]  # which Starlette clears once it is answered


def _unless_borrowing(
    default: Callable[[Request, Any], Any],
) -> Callable[[Request, Exception], Any]:
    async def handle(request: Request, error: Exception) -> Response:
        note_raised(request.scope, error)
        if BORROWING in request.scope:
            raise error
        response: Response = await default(request, error)
        return response

    return handle


class _UnlessMapped:
    """A handler of validation errors, passed by where `validation_error` decorates the endpoint."""

    def __init__(self, handler: Callable[..., Any]) -> None:
        self.handler = handler

    async def __call__(self, request: Request, error: Exception) -> Response:
        note_raised(request.scope, error)
        if MAPPED in request.scope:
            raise error
        response: Response = await call_handler(self.handler, request, error)
        return response


class CatchAll:
    """The team's own handler of `Exception` or 500, in the place where it was registered.

    FastAPI calls it outside of all middleware, where no hook sees its answer. A route that borrows
    Flask calls it inside, and FastAPI, when the exception comes by, need not again.
    """

    def __init__(self, handler: Callable[..., Any]) -> None:
        self.handler = handler

    async def __call__(self, request: Request, error: Exception) -> Response:
        """Answer, unless the route has answered."""
        if request.scope.get(BORROWING) is error:
            return Response(status_code=500)  # never sent: Starlette sees that an answer has begun
        response: Response = await call_handler(self.handler, request, error)
        return response


async def call_handler(handler: Callable[..., Any], request: Request, error: Exception) -> Any:
    """Call an exception handler as Starlette does: a plain one on a thread."""
    if inspect.iscoroutinefunction(handler):
        return await handler(request, error)
    return await run_in_threadpool(handler, request, error)


def catch_all_of(app: FastAPI) -> Callable[..., Any] | None:
    """Return the handler that the team registered for `Exception` or 500, if any."""
    handlers = app.exception_handlers
    return handlers.get(500) or handlers.get(Exception)
