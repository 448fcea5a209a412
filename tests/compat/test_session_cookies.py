"""Session middleware of FastAPI's that takes Flask's cookie is named at the start."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, Request
from flask import Flask, session
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.routing import Mount as StarletteMount
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.asgi.kit import Mount, ask, flask_with, running


class Renamed(SessionMiddleware):
    """A subclass, whose arguments don't show the name."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, "fake", session_cookie="session")


class ServerSide:
    """Middleware of another package, which calls the argument otherwise."""

    def __init__(self, app: ASGIApp, store: Any = None, cookie_name: str = "session") -> None:
        self.app = app
        self.kept_under = cookie_name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on."""
        await self.app(scope, receive, send)


class ByOptions(ServerSide):
    """One that takes anything."""

    def __init__(self, app: ASGIApp, **options: Any) -> None:
        super().__init__(app, None, options.get("session_cookie_name", "other"))


def legacy_app(cookie: str | None = None) -> Flask:
    """Return a Flask application with sessions."""
    legacy = flask_with("GET /a")
    legacy.secret_key = "fake"
    if cookie is not None:
        legacy.config["SESSION_COOKIE_NAME"] = cookie
    return legacy


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged of cookies."""
    texts = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    return [text for text in texts if "keeps its session in the cookie" in text]


STARLETTES = ("starlette.middleware.sessions.SessionMiddleware", "session_cookie=")


@pytest.mark.parametrize(
    ("cls", "options", "names"),
    [
        (SessionMiddleware, {"secret_key": "fake"}, STARLETTES),
        (SessionMiddleware, {"secret_key": "fake", "session_cookie": "session"}, STARLETTES),
        (ServerSide, {}, ("ServerSide", "cookie_name=")),
        (ServerSide, {"cookie_name": "session"}, ("ServerSide", "cookie_name=")),
        (ByOptions, {"session_cookie_name": "session"}, ("ByOptions", "session_cookie_name=")),
    ],
)
def test_middleware_with_flasks_session_cookie_is_named_when_mounted(
    mount: Mount, caplog: pytest.LogCaptureFixture, cls: Any, options: Any, names: tuple[str, str]
) -> None:
    """With its cause, what it means for users, and what to do."""
    app = FastAPI(openapi_url=None)
    app.add_middleware(cls, **options)
    mount(app, legacy_app())
    (text,) = said(caplog)
    for part in (*names, "'session'", "logs its user out", "shared_session_cookie = true"):
        assert part in text


def test_middleware_that_hides_the_name_is_named_at_the_start(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """Once the application has made it."""
    app = FastAPI(openapi_url=None)
    app.add_middleware(Renamed)
    mount(app, legacy_app())

    async def start() -> None:
        async with running(app):
            pass

    asyncio.run(start())
    (text,) = said(caplog)
    assert "Renamed" in text


def test_middleware_added_after_the_mount_is_named_at_the_start(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """It wraps both sides."""
    app = FastAPI(openapi_url=None)
    mount(app, legacy_app("sid"))
    app.add_middleware(SessionMiddleware, secret_key="fake", session_cookie="sid")

    async def start() -> None:
        async with running(app):
            pass

    asyncio.run(start())
    assert len(said(caplog)) == 1


def test_middleware_of_a_mount_or_a_route_is_named(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """Wherever it stands: the browser knows one cookie of that name."""
    sessions = [Middleware(SessionMiddleware, secret_key="fake")]
    for inner in (
        FastAPI(middleware=sessions),
        Starlette(routes=[StarletteMount("/deep", app=Starlette(), middleware=sessions)]),
    ):
        caplog.clear()
        app, router = FastAPI(openapi_url=None), APIRouter()
        router.mount("/inner", inner)
        app.include_router(router, prefix="/in")
        app.mount("/direct", inner)
        mount(app, legacy_app())
        assert len(said(caplog)) == 1


@pytest.mark.parametrize(
    ("legacy", "options", "settings"),
    [
        (legacy_app("sid"), {}, ""),
        (legacy_app(), {"session_cookie": "native_session"}, ""),
        (flask_with("GET /a"), {}, ""),
        (legacy_app(), {}, "[gateway]\nshared_session_cookie = true"),
    ],
    ids=["Flask's has another name", "FastAPI's has", "Flask has none", "on purpose"],
)
def test_middleware_that_shares_nothing_is_not_named(
    mount: Mount, caplog: pytest.LogCaptureFixture, legacy: Flask, options: Any, settings: str
) -> None:
    """Or shares it on purpose."""
    app = FastAPI(openapi_url=None)
    app.add_middleware(SessionMiddleware, secret_key="fake", **options)
    mount(app, legacy, settings=settings)
    assert said(caplog) == []


def test_what_the_message_says_is_true(mount: Mount) -> None:
    """One native write, and Flask doesn't know its user any more."""
    legacy = legacy_app()
    legacy.add_url_rule("/login", "login", lambda: session.update(user="ada") or "in")
    legacy.add_url_rule("/who", "who", lambda: str(session.get("user")))
    app = FastAPI(openapi_url=None)
    app.add_middleware(SessionMiddleware, secret_key="fake")

    @app.get("/native")
    async def native(request: Request) -> None:
        request.session["seen"] = True

    mount(app, legacy, "GET /native")

    def cookie_of(target: str, cookie: str) -> str:
        answer = ask(app, "GET", target, ("Cookie", cookie))
        return (answer.get("set-cookie") or "").partition(";")[0]

    user = cookie_of("/login", "")
    assert ask(app, "GET", "/who", ("Cookie", user)).text == "ada"
    other = cookie_of("/native", user)
    assert other.startswith("session=")
    assert ask(app, "GET", "/who", ("Cookie", other)).text == "None"
