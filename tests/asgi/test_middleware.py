"""Middleware: added before `mount_legacy` it wraps native routes, added after it wraps both."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crossfade.model import SELECTION
from tests.asgi.kit import Mount, ask, flask_with, native_with

RULES = ("GET /native", "GET /legacy")


class PureMiddleware:
    """Adds a header to every answer, in plain ASGI, on a copy of the scope."""

    def __init__(self, app: ASGIApp, word: str) -> None:
        self.app = app
        self.word = word

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""

        async def send_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                header = (b"x-middleware", self.word.encode())
                message = {**message, "headers": [*message["headers"], header]}
            await send(message)

        await self.app(dict(scope), receive, send_more)


class BaseMiddleware(BaseHTTPMiddleware):
    """The same by Starlette's base class."""

    def __init__(self, app: ASGIApp, word: str) -> None:
        super().__init__(app)
        self.word = word

    async def dispatch(
        self, request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        """Add the header."""
        response = await call_next(request)
        response.headers.append("x-middleware", self.word)
        return response


@pytest.mark.parametrize("kind", [PureMiddleware, BaseMiddleware])
def test_order_decides_what_is_wrapped(mount: Mount, kind: Any) -> None:
    """Before: native only. After: both. The last added is the outermost, as in FastAPI."""
    app = native_with("GET /native", "GET /legacy")
    app.add_middleware(kind, word="before")
    mount(app, flask_with(*RULES), "GET /native")
    app.add_middleware(kind, word="after")
    native, legacy = ask(app, "GET", "/native"), ask(app, "GET", "/legacy")
    assert native.text.startswith("fastapi")
    assert legacy.text.startswith("flask")
    assert native.all("x-middleware") == ["before", "after"]
    assert legacy.all("x-middleware") == ["after"]


@pytest.mark.parametrize("kind", [PureMiddleware, BaseMiddleware])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_middleware_that_copies_the_scope_keeps_the_choice(
    mount: Mount, kind: Any, method: str
) -> None:
    """The choice travels in the scope, so a copy of the scope has it too."""
    app = native_with("GET /users/{user_id}")
    app.add_middleware(kind, word="a")
    app.add_middleware(kind, word="b")
    mount(app, flask_with("GET /users/<int:user_id>"), "GET /users/<int:user_id>")
    answer = ask(app, method, "/users/3")
    assert (answer.status, answer.served_by) == (200, "fastapi")
    assert answer.all("x-middleware") == ["a", "b"]
    assert answer.body == (b"" if method == "HEAD" else b"fastapi GET {'user_id': '3'}")


def test_middleware_that_answers_itself(mount: Mount) -> None:
    """A refusal of FastAPI's middleware is the native answer; Flask's routes don't see it."""
    app = native_with(*RULES)

    @app.middleware("http")
    async def refuse(request: Request, call_next: Any) -> Response:
        return PlainTextResponse("refused", 403)

    mount(app, flask_with(*RULES), "GET /native")
    assert ask(app, "GET", "/native").status == 403
    assert ask(app, "GET", "/legacy").status == 200


def test_middleware_sees_who_was_chosen(mount: Mount) -> None:
    """`scope[SELECTION]` is there for what stands inside the gateway, and after for the rest."""
    seen: list[str] = []
    app = native_with(*RULES)

    @app.middleware("http")
    async def inside(request: Request, call_next: Any) -> Any:
        seen.append(f"inside {request.scope[SELECTION].route}")
        return await call_next(request)

    mount(app, flask_with(*RULES), "GET /native")

    @app.middleware("http")
    async def outside(request: Request, call_next: Any) -> Any:
        response = await call_next(request)
        seen.append(f"outside {request.scope[SELECTION].side.value}")
        return response

    ask(app, "GET", "/native")
    ask(app, "GET", "/legacy")
    assert seen == ["inside GET /native", "outside native", "outside legacy"]


def test_gzip_and_cors_of_fastapi_leave_flask_alone(mount: Mount) -> None:
    """Before the mount, neither compresses nor adds headers to what Flask answers."""
    app = native_with(*RULES)
    app.add_middleware(GZipMiddleware, minimum_size=1)
    app.add_middleware(CORSMiddleware, allow_origins=["*"])
    mount(app, flask_with(*RULES), "GET /native")
    headers = ("Origin", "http://a.example"), ("Accept-Encoding", "gzip")
    native, legacy = ask(app, "GET", "/native", *headers), ask(app, "GET", "/legacy", *headers)
    assert native.get("content-encoding") == "gzip"
    assert native.get("access-control-allow-origin") == "*"
    assert legacy.get("content-encoding") is legacy.get("access-control-allow-origin") is None
    assert legacy.text.startswith("flask GET /legacy")


def test_exceptions_pass_through_middleware(mount: Mount) -> None:
    """A middleware can turn the exception of a native endpoint into an answer."""
    app = FastAPI()

    @app.get("/native")
    def read() -> None:
        raise LookupError("lost")

    @app.middleware("http")
    async def catch(request: Request, call_next: Any) -> Response:
        try:
            response: Response = await call_next(request)
        except LookupError as error:
            return PlainTextResponse(f"caught {error}", 500)
        return response

    mount(app, flask_with(*RULES), "GET /native", hooks="none")
    assert ask(app, "GET", "/native").text == "caught lost"


def test_request_bodies_pass_through_middleware(mount: Mount) -> None:
    """A middleware that reads the body leaves it to the endpoint, on both sides."""
    app = FastAPI()

    @app.post("/native")
    async def echo(request: Request) -> PlainTextResponse:
        return PlainTextResponse(await request.body())

    legacy = flask_with()

    @legacy.post("/native")
    @legacy.post("/legacy")
    def flask_echo() -> bytes:
        from flask import request

        return request.get_data()

    mount(app, legacy, "POST /native")

    @app.middleware("http")
    async def reads(request: Request, call_next: Any) -> Any:
        assert await request.body() == b"payload"
        return await call_next(request)

    for target, side in (("/native", "fastapi"), ("/legacy", "flask")):
        answer = ask(app, "POST", target, body=b"payload")
        assert (answer.body, answer.served_by) == (b"payload", side)


def test_a_hook_that_exits_takes_no_loop_with_it(mount: Mount) -> None:
    """`sys.exit()` before a native route, in a task of Starlette's: an exception like any other."""
    legacy = flask_with("GET /native")
    legacy.before_request(sys.exit)
    app = native_with("GET /native")
    mount(app, legacy, "GET /native")
    app.add_middleware(BaseMiddleware, word="after")
    with pytest.raises(RuntimeError, match="the application raised SystemExit"):
        ask(app, "GET", "/native")
