"""Routes that FastAPI gets while it starts: they can be listed, and the start checks them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from flask import Flask
from flask import request as flask_request

from crossfade import MapError
from tests.asgi.kit import Answer, Mount, ask, ask_async, flask_with, http_scope, running, start

Late = Callable[[FastAPI], None]


def starting(late: Late, events: list[str] | None = None) -> FastAPI:
    """Return an application whose lifespan does something to it, and notes its end."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        late(app)
        yield
        if events is not None:
            events.append("closed")

    return FastAPI(lifespan=lifespan, openapi_url=None)


def plain(app: FastAPI) -> None:
    """Add a route."""
    app.add_api_route("/late/{number}", lambda number: f"native {number}", methods=["GET"])


def included(app: FastAPI) -> None:
    """Add a router."""
    router = APIRouter(prefix="/late")
    router.add_api_route("/{number}", lambda number: f"native {number}", methods=["GET"])
    app.include_router(router)


def nothing(app: FastAPI) -> None:
    """Add nothing."""


async def started(app: FastAPI, *targets: str) -> list[Answer]:
    """Return the answers of an application that has started."""
    async with running(app):
        return [await ask_async(app, http_scope("GET", target)) for target in targets]


@pytest.mark.parametrize("late", [plain, included])
def test_route_added_in_a_lifespan_is_served_when_listed(mount: Mount, late: Late) -> None:
    """Inside Flask's hooks, by Flask's rule, like any other; the mount does not refuse it."""
    app, legacy = starting(late), Flask("legacy", static_folder=None)
    seen: list[str | None] = []
    legacy.before_request(lambda: seen.append(flask_request.endpoint))
    legacy.add_url_rule("/late/<int:key>", "late", lambda key: f"flask {key}")
    mount(app, legacy, "GET /late/<int:key>")
    native, not_matched = asyncio.run(started(app, "/late/7", "/late/x"))
    assert (native.served_by, native.text) == ("fastapi", '"native 7"')
    assert (not_matched.served_by, not_matched.status) == ("flask", 404)
    assert seen == ["late", None]


def test_route_added_in_a_lifespan_that_only_fastapi_has_is_served(mount: Mount) -> None:
    """The map of URLs is made anew with it."""
    app = starting(plain)
    mount(app, flask_with("GET /a"), "GET /late/{number}")
    (answer,) = asyncio.run(started(app, "/late/7"))
    assert answer.served_by == "fastapi"


@pytest.mark.parametrize("hooks", ["flask", "none"])
def test_start_that_adds_nothing_builds_nothing_again(mount: Mount, hooks: str) -> None:
    """What crossfade itself adds to the router is no news: thousands of rules take a while."""
    app = starting(nothing)
    app.add_api_route("/a", lambda: "native", methods=["GET"])
    gateway = mount(app, flask_with("GET /a"), "GET /a", hooks=hooks)
    before = gateway.live.snapshot
    asyncio.run(started(app, "/a"))
    assert gateway.live.snapshot is before


def test_route_added_in_a_lifespan_that_is_not_listed_is_flasks(mount: Mount) -> None:
    """Nothing is served unasked."""
    app = starting(plain)
    mount(app, flask_with("GET /late/<int:key>"))
    (answer,) = asyncio.run(started(app, "/late/7"))
    assert answer.served_by == "flask"


def test_start_with_a_route_that_never_came_fails_with_the_problems_alone(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """No traceback in the server's log, and the application closes what it opened."""
    events: list[str] = []
    app = starting(nothing, events)
    gateway = mount(app, flask_with("GET /a"), "GET /late", "GET /a")
    sent = asyncio.run(start(app))
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    first, *problems = sent[0]["message"].splitlines()
    assert first == "the migration map has 2 problems:"
    assert "GET /late: unknown route" in problems[0]
    assert "GET /a: FastAPI has no route" in problems[1]
    assert events == ["closed"]
    assert gateway.live._thread is None
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []


def test_start_that_fails_and_a_shutdown_that_fails_are_both_said(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """The server hears of the map, the log has the rest."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        raise OSError("the pool would not close")

    app = FastAPI(lifespan=lifespan)
    mount(app, flask_with("GET /a"), "GET /late")
    (message,) = asyncio.run(start(app))
    assert "GET /late: unknown route" in message["message"]
    assert "the pool would not close" in caplog.text


def test_first_request_without_a_start_refuses_a_route_that_is_not_there(mount: Mount) -> None:
    """A server with `--lifespan off` starts nothing, so nothing more can come."""
    app = starting(plain)
    mount(app, flask_with("GET /late/<int:key>"), "GET /late/<int:key>")
    with pytest.raises(MapError, match="FastAPI has no route for GET /late/<int:key>"):
        ask(app, "GET", "/late/7")


def without_lifespan() -> FastAPI:
    """Return an application with nothing to do at its start."""
    return FastAPI()


def with_routers() -> FastAPI:
    """Return one whose routers, and theirs, have nothing to do either."""
    app, outer, inner = FastAPI(), APIRouter(), APIRouter()
    inner.add_api_route("/inner", lambda: "", methods=["GET"])
    outer.include_router(inner)
    app.include_router(outer)
    app.include_router(inner, prefix="/again")
    return app


@pytest.mark.parametrize("make", [without_lifespan, with_routers])
def test_mount_of_an_application_without_a_lifespan_refuses_what_is_not_there(
    mount: Mount, make: Callable[[], FastAPI]
) -> None:
    """It is refused when it is imported. Fails when FastAPI wraps lifespans in another way."""
    with pytest.raises(MapError, match="GET /late: unknown route"):
        mount(make(), flask_with("GET /a"), "GET /late")


def router_with_lifespan() -> FastAPI:
    """Return an application whose included router has a lifespan."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        yield

    app, router = FastAPI(), APIRouter(lifespan=lifespan)
    app.include_router(router)
    return app


def startup_handler() -> FastAPI:
    """Return an application with a handler of the old kind."""
    app = FastAPI()
    app.router.on_startup.append(lambda: None)
    return app


@pytest.mark.parametrize("make", [lambda: starting(nothing), router_with_lifespan, startup_handler])
def test_mount_of_an_application_with_a_lifespan_waits_for_what_is_not_there(
    mount: Mount, make: Callable[[], FastAPI]
) -> None:
    """Only for that: what can't become right is refused at once, with all the rest."""
    gateway = mount(make(), flask_with("GET /a"), "GET /late")
    assert [problem.subject for problem in gateway.live.snapshot.table.pending] == ["GET /late"]
    with pytest.raises(MapError) as caught:
        mount(make(), flask_with("GET /a"), "GET /late", settings="[gatewey]")
    assert [problem.subject for problem in caught.value.problems] == ["gatewey", "GET /late"]
