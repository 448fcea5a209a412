"""Answers with Flask's and Werkzeug's own bytes, for native handlers."""

from __future__ import annotations

import dataclasses
import decimal
import functools
import inspect
import json
import uuid
from collections.abc import Callable, Mapping
from contextvars import copy_context
from datetime import date, datetime
from typing import Annotated, Any, Final, TypeVar

import flask
from flask import Flask, current_app, has_app_context
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, PlainSerializer
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from werkzeug.http import dump_cookie, http_date

from crossfade.compat.recursion import with_room
from crossfade.native.context_use import WITHOUT_CONTEXT
from crossfade.native.hooks import LENDING
from crossfade.native.wsgi_response import PASSTHROUGH, Answer

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


class FlaskJSONResponse(JSONResponse):
    """JSON in the bytes of the Flask application's own JSON provider.

    Give it what `jsonify` was given: then dates, decimals and UUIDs are spelt as Flask spells them.
    As a `default_response_class` it gets what FastAPI has made JSON of already; the types
    `HttpDate`, `HttpDateTime` and `DecimalString` keep Flask's spelling there.

    On a route that doesn't borrow Flask it writes what Flask's default provider writes.
    """

    __crossfade_without_flask__ = True

    def __init__(
        self,
        content: Any = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        media_type: str | None = None,
        background: Any = None,
    ) -> None:
        app = _lender()
        if app is not None and media_type is None:
            media_type = str(getattr(app.json, "mimetype", None) or self.media_type)
        super().__init__(content, status_code, headers, media_type, background)

    def render(self, content: Any) -> bytes:
        """Return the body."""
        content = _plain(content)
        return with_room(lambda: self._bytes_of(content))

    def _bytes_of(self, content: Any) -> bytes:
        app = _lender()
        if app is not None:
            answer: flask.Response = app.json.response(content)  # type: ignore[assignment]
            return answer.get_data()
        text = json.dumps(content, default=_default, sort_keys=True, separators=(",", ":"))
        return f"{text}\n".encode()


def jsonify(*args: Any, **kwargs: Any) -> FlaskJSONResponse:
    """Return what `flask.jsonify` returns, for a native handler.

    Raises:
        TypeError: given both kinds of arguments, as Flask does.
    """
    if args and kwargs:
        raise TypeError("jsonify() takes either args or kwargs, not both")
    if kwargs or not args:
        return FlaskJSONResponse(kwargs or None)
    return FlaskJSONResponse(args[0] if len(args) == 1 else args)


class FlaskResponse(Response):
    """What a Flask view would have returned: `"", 204`, a redirect, `send_file(…)`, a generator.

    Werkzeug itself writes it: redirects with their page, cookies with their quoting, files with
    their ETag, ranges and conditions. A generator or a file is read on a thread.

    Args:
        value: anything that a view may return.
    """

    def __init__(self, value: ResponseReturnValue, background: Any = None) -> None:
        self.flask = with_room(lambda: current_app.make_response(value))
        self.background = background
        environ = flask.request.environ
        if self.flask.is_sequence:
            # HEAD loses its body after the hooks, as under Flask: they hash and pack it.
            environ = {**environ, "REQUEST_METHOD": "GET"}
        answer = self._answer = Answer(self.flask, environ)
        self.status_code = answer.start["status"]
        self.body = answer.body or b""
        self.raw_headers = answer.start["headers"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        start = {"status": self.status_code, "headers": self.raw_headers}
        passed = self.flask.direct_passthrough
        await send({"type": "http.response.start", **start, PASSTHROUGH: passed})
        answer = self._answer
        try:
            if answer.body is not None:
                await send({"type": "http.response.body", "body": answer.body})
            else:
                context = copy_context()  # one for all chunks: `stream_with_context` needs it
                while (chunk := await run_in_threadpool(context.run, answer.next)) is not None:
                    message = {"type": "http.response.body", "body": chunk, "more_body": True}
                    await send(message)
                await send({"type": "http.response.body", "body": b""})
        finally:
            answer.close()
        if self.background is not None:
            await self.background()


def flask_view(endpoint: Endpoint) -> Endpoint:
    """Decorate a native handler that returns what a Flask view returns.

    It goes below FastAPI's decorator, which needs `response_model=None` where the handler's
    annotation is not one of a model:

        @app.get("/old", response_model=None)
        @flask_view
        async def old() -> tuple[str, int]:
            return "gone", 410
    """
    if inspect.iscoroutinefunction(endpoint):

        @functools.wraps(endpoint)
        async def call(*args: Any, **kwargs: Any) -> Response:
            return _answered(await endpoint(*args, **kwargs))

    else:

        @functools.wraps(endpoint)
        def call(*args: Any, **kwargs: Any) -> Response:
            return _answered(endpoint(*args, **kwargs))

    # FastAPI looks behind `__wrapped__`, and would take a view that generates for its own kind.
    del call.__wrapped__
    call.__signature__ = _signature(endpoint)  # type: ignore[attr-defined]
    return call  # type: ignore[return-value]


def _signature(endpoint: Callable[..., Any]) -> inspect.Signature:
    """Return the signature with its annotations resolved where the endpoint was written."""
    try:
        return inspect.signature(endpoint, eval_str=True)
    except NameError:  # a name that is only imported for type checkers
        return inspect.signature(endpoint)


def _answered(value: Any) -> Response:
    return value if isinstance(value, Response) else FlaskResponse(value)


def set_cookie(response: Response, key: str, value: str = "", **options: Any) -> None:
    """Add a cookie as `flask.Response.set_cookie` writes it.

    Args:
        response: of Starlette or FastAPI.
        key: the cookie's name.
        value: its value.
        options: as for `werkzeug.http.dump_cookie`: `max_age`, `expires`, `path`, `samesite`, …
    """
    response.headers.append("Set-Cookie", dump_cookie(key, value, **options))


def delete_cookie(response: Response, key: str, **options: Any) -> None:
    """Delete a cookie as `flask.Response.delete_cookie` does."""
    set_cookie(response, key, expires=0, max_age=0, **options)


def _http_date(value: date) -> str:
    return http_date(value)


HttpDate = Annotated[date, PlainSerializer(_http_date, return_type=str)]
"""A day that a model writes as Flask's JSON does: `Sun, 01 Mar 2026 00:00:00 GMT`."""

HttpDateTime = Annotated[datetime, PlainSerializer(_http_date, return_type=str)]
"""A moment that a model writes as Flask's JSON does."""

DecimalString = Annotated[decimal.Decimal, PlainSerializer(str, return_type=str)]
"""A decimal number that a model writes as Flask's JSON does: `"1.10"`."""


def _lender() -> Flask | None:
    """Return the application whose JSON is wanted: `app.json` needs no context, only the app."""
    if has_app_context():
        return current_app._get_current_object()  # type: ignore[attr-defined,no-any-return]
    return LENDING.get()


for _works in (set_cookie, delete_cookie, jsonify):
    setattr(_works, WITHOUT_CONTEXT, True)


def _plain(content: Any) -> Any:
    """Return content with pydantic's models as dicts, their values untouched.

    However deep it is nested; and what is inside of itself stays so, for the encoder to refuse.
    """
    holder = [content]
    made: dict[int, Any] = {}
    todo: list[tuple[Any, Any]] = [(holder, 0)]  # a container of ours, and what to look at in it
    while todo:
        container, key = todo.pop()
        value = container[key]
        copy = made.get(id(value))
        if copy is None:
            if isinstance(value, BaseModel | dict):
                copy = dict(value)
                todo += [(copy, inner) for inner in copy]
            elif isinstance(value, list | tuple):
                copy = list(value)
                todo += [(copy, inner) for inner in range(len(copy))]
            else:
                continue
            made[id(value)] = copy  # `content` keeps the value, and so its `id`, to itself
        container[key] = copy
    return holder[0]


_STRINGS: Final = (decimal.Decimal, uuid.UUID)


def _default(value: Any) -> Any:
    """As `flask.json.provider._default`."""
    if isinstance(value, date):
        return http_date(value)
    if isinstance(value, _STRINGS):
        return str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if hasattr(value, "__html__"):
        return str(value.__html__())
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
