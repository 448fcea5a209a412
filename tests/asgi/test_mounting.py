"""`mount_legacy`: what it takes, what it refuses, what comes too late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from flask import Flask, Response
from starlette.types import Message

from crossfade import Gateway, MapError, MountError, mount_legacy
from tests.asgi.kit import (
    DEADLINE,
    Mount,
    ask,
    ask_async,
    flask_with,
    http_scope,
    native_with,
    running,
    save_map,
)


@pytest.fixture
def empty_map(tmp_path: Path) -> Path:
    """Return a map that lists nothing."""
    path = tmp_path / "map.toml"
    path.write_text("")
    return path


@pytest.mark.parametrize(
    ("app", "legacy", "flask_app", "message"),
    [
        (Flask("a"), FastAPI(), None, "needs a FastAPI application to mount on, not .*Flask"),
        (FastAPI(), FastAPI(), None, "needs a Flask application or WSGI callable to mount"),
        (FastAPI(), "legacy:app", None, "needs a Flask application or WSGI callable.*builtins.str"),
        (FastAPI(), lambda e, s: [], FastAPI(), "flask_app is the Flask inside the callable"),
    ],
)
def test_wrong_arguments(
    empty_map: Path, app: Any, legacy: Any, flask_app: Any, message: str
) -> None:
    """Each is refused in words that say which argument is meant."""
    with pytest.raises(MountError, match=message):
        mount_legacy(app, legacy, migration_map=empty_map, flask_app=flask_app)


def test_twice(mount: Mount) -> None:
    """One application has one gateway."""
    app = native_with()
    mount(app, flask_with())
    with pytest.raises(MountError, match="has a legacy application mounted already"):
        mount(app, flask_with())


def test_too_late(mount: Mount) -> None:
    """Once the application has served, its middleware is fixed."""
    app = native_with("GET /a")
    ask(app, "GET", "/a")
    with pytest.raises(MountError, match="has started"):
        mount(app, flask_with("GET /a"))


def test_a_bad_map_leaves_the_application_as_it_was(mount: Mount) -> None:
    """All problems at once, and nothing half mounted."""
    app = native_with("GET /a")
    with pytest.raises(MapError) as error:
        mount(app, flask_with("GET /a"), "GET /typo", "POST /a")
    assert [problem.subject for problem in error.value.problems] == ["GET /typo", "POST /a"]
    assert not hasattr(app.state, "crossfade")
    assert len(app.routes) == 1
    mount(app, flask_with("GET /a"), "GET /a")
    assert ask(app, "GET", "/a").served_by == "fastapi"


def test_a_missing_map(tmp_path: Path) -> None:
    """Names the place that was looked at."""
    missing = tmp_path / "none.toml"
    with pytest.raises(MapError, match="there is no such file"):
        mount_legacy(FastAPI(), flask_with(), migration_map=missing)


def test_the_handle_is_left_in_the_state(mount: Mount) -> None:
    """Where the command line and tests find it."""
    app = native_with()
    gateway = mount(app, flask_with())
    assert isinstance(gateway, Gateway)
    assert app.state.crossfade is gateway


def test_native_routes_added_after_mounting_can_be_listed(mount: Mount) -> None:
    """By an edit: the applications are looked at again with each version of the map."""
    app = native_with()
    gateway = mount(app, flask_with("GET /late"))
    app.add_api_route("/late", lambda: "native", methods=["GET"])
    assert ask(app, "GET", "/late").served_by == "flask"
    save_map(gateway, '[routes]\n"GET /late" = "native"\n')
    assert ask(app, "GET", "/late").served_by == "fastapi"


def test_flask_rules_added_later_are_flasks(mount: Mount) -> None:
    """A rule that the copy does not know is served by Flask."""
    app = native_with("GET /a")
    legacy = flask_with("GET /a")
    mount(app, legacy, "GET /a")
    legacy.add_url_rule("/late", view_func=lambda: "late")
    assert ask(app, "GET", "/late").text == "late"
    assert ask(app, "GET", "/a").served_by == "fastapi"


@pytest.mark.parametrize("lifespan", [True, False])
def test_flask_rules_added_before_the_start_count(mount: Mount, lifespan: bool) -> None:
    """A blueprint registered after mounting goes before a native route, as it would in Flask."""
    app = native_with("GET /users/{name}")
    legacy = flask_with("GET /users/<name>")
    gateway = mount(app, legacy, "GET /users/<name>")
    legacy.add_url_rule("/users/me", view_func=lambda: "me")

    async def visit() -> tuple[str, str]:
        async with running(app) if lifespan else nullcontext():
            later = await ask_async(app, http_scope("GET", "/users/me"))
            native = await ask_async(app, http_scope("GET", "/users/ann"))
        return later.text, native.served_by

    assert asyncio.run(visit()) == ("me", "fastapi")
    assert "GET /users/me" in {target.route for target in gateway.live.snapshot.table.targets()}


def test_lifespan_runs_once_and_its_state_is_seen(mount: Mount) -> None:
    """Startup before the first request, shutdown after the last; state on native requests."""
    events: list[str] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, str]]:
        events.append("startup")
        yield {"pool": "open"}
        events.append("shutdown")

    app = FastAPI(lifespan=lifespan)

    @app.get("/a")
    async def read(request: Request) -> str:
        return str(request.state.pool)

    gateway = mount(app, flask_with("GET /a", "GET /b"), "GET /a")

    async def visit(*during: str) -> None:
        async with running(app) as state:
            assert tuple(events) == during
            native = await ask_async(app, http_scope("GET", "/a", state=dict(state)))
            legacy = await ask_async(app, http_scope("GET", "/b", state=dict(state)))
            assert (native.text, legacy.status) == ('"open"', 200)
            assert gateway.live._thread is not None
            assert gateway.live._thread.is_alive()
        assert gateway.live._thread is None

    asyncio.run(visit("startup"))
    assert events == ["startup", "shutdown"]
    asyncio.run(visit("startup", "shutdown", "startup"))  # again, as test suites do


def test_nothing_is_waited_for_after_the_shutdown(
    mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that was interrupted cancels it then, and says that there was no lifespan."""
    app = FastAPI()
    gateway = mount(app, flask_with())
    closed: list[str] = []
    aclose = gateway.bridge.aclose

    async def counted() -> None:
        closed.append("bridge")
        await aclose()

    monkeypatch.setattr(gateway.bridge, "aclose", counted)

    async def visit() -> None:
        async with running(app):
            assert closed == []

    asyncio.run(visit())
    assert closed == ["bridge"]


def test_a_failing_startup_is_reported_and_stops_the_watch(mount: Mount) -> None:
    """As in FastAPI: the exception reaches the server."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        raise OSError("no database")
        yield

    app = FastAPI(lifespan=lifespan)
    gateway = mount(app, flask_with())

    async def start() -> None:
        async with running(app):
            pass

    with pytest.raises(OSError, match="no database"):
        asyncio.run(start())
    assert gateway.live._thread is None


def test_without_lifespan_the_map_is_followed_from_the_first_request(mount: Mount) -> None:
    """`--lifespan off`, or a server that has none."""
    app = native_with("GET /a")
    gateway = mount(app, flask_with("GET /a"))
    assert gateway.live._thread is None
    ask(app, "GET", "/a")
    assert gateway.live._thread is not None


def test_shutdown_lets_go_of_the_legacy_application(mount: Mount) -> None:
    """A request that still waits for its client when the server stops ends, and so does its thread.

    Both before FastAPI's own shutdown, and so before the server hears that all is done: uvicorn's
    process is gone a moment later. What the bridge then does in detail is its own tests' matter.
    """
    legacy = flask_with()
    events: list[str] = []

    @legacy.get("/endless")
    def endless() -> Response:
        def stream() -> Iterator[bytes]:
            try:
                while True:
                    yield b"x" * 100_000
            finally:
                events.append("closed")

        return Response(stream())

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        events.append("shutdown")

    app = FastAPI(lifespan=lifespan)
    mount(app, legacy)

    async def visit() -> None:
        started = asyncio.Event()

        async def receive() -> Message:
            await asyncio.Event().wait()
            raise AssertionError

        async def send(message: Message) -> None:
            started.set()
            await asyncio.Event().wait()  # a client that takes nothing

        async with running(app):
            request = asyncio.ensure_future(app(http_scope("GET", "/endless"), receive, send))
            await asyncio.wait_for(started.wait(), DEADLINE)
        assert events == ["closed", "shutdown"]
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)

    asyncio.run(visit())
