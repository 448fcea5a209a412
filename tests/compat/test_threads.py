"""What hooks keep by thread, as Flask's documents do with `scoped_session`: said, and mended."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import functools
import logging
import threading
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask, g, session
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from sqlalchemy.pool import StaticPool

from crossfade.checks.thread_locals import thread_states
from tests.asgi.kit import Mount, ask, flask_with

engine = create_engine("sqlite://", poolclass=StaticPool)
by_thread = scoped_session(sessionmaker(engine))
by_request = scoped_session(sessionmaker(engine), scopefunc=lambda: g.setdefault("scope", object()))
of_thread = threading.local()
a_lock = threading.Lock()

database = ModuleType("database")
database.session = by_thread  # type: ignore[attr-defined]
holder = SimpleNamespace(opened=by_thread)


def closing(sessions: Any) -> Callable[..., None]:
    """Return a hook that holds a session in its closure."""
    return lambda _error: sessions.remove()


class Database:
    """An extension as teams write them: its hooks are its methods."""

    session = by_thread

    def close(self, _error: object) -> None:
        """Close the session."""
        self.session.remove()


def logged(hook: Callable[..., None]) -> Callable[..., None]:
    """Decorate a hook."""

    @functools.wraps(hook)
    def inner(*arguments: Any) -> None:
        hook(*arguments)

    return inner


within = SimpleNamespace(db=Database())


HOOKS: dict[str, tuple[Callable[..., Any], str]] = {
    "of the module": (lambda _error: by_thread.remove(), "by_thread"),
    "of another module": (lambda _error: database.session.remove(), "session"),
    "of an object": (lambda _error: holder.opened.remove(), "opened"),
    "of an object's object": (lambda _error: within.db.session.remove(), "session"),
    "of the method's object": (Database().close, "session"),
    "below a decorator": (logged(closing(by_thread)), "sessions"),
    "in the closure": (closing(by_thread), "sessions"),
    "threading.local": (lambda _error: of_thread.__dict__.clear(), "of_thread"),
    "by request": (lambda _error: by_request.remove(), ""),
    "by request, in the closure": (closing(by_request), ""),
    "something else": (lambda _error: (a_lock.locked(), g.get("x"), session.new, logging.root), ""),
    "no function": (print, ""),
}


@pytest.mark.parametrize("name", HOOKS)
def test_what_a_hook_keeps_by_thread_is_seen(name: str) -> None:
    """By what the hook names, and by nothing that keeps to a request."""
    hook, seen = HOOKS[name]
    app = Flask("app")
    app.teardown_appcontext(hook)
    assert [state.name for state in thread_states(app)] == ([seen] if seen else [])


def test_it_is_said_once_where_routes_are_native(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """The line names the hook, what it keeps, and what to write instead."""
    legacy = flask_with("GET /a", "GET /b")

    @legacy.before_request
    def open_session() -> None:
        by_thread()

    legacy.teardown_request(lambda _error: by_thread.remove())
    for routes, times in ((), 0), (("GET /a", "GET /b"), 1):
        app = FastAPI()
        app.add_api_route("/a", lambda: "a")
        app.add_api_route("/b", lambda: "b")
        caplog.clear()
        mount(app, legacy, *routes)
        assert caplog.text.count("each thread has its own") == times
    assert "uses by_thread (sqlalchemy.orm.scoping.scoped_session)" in caplog.text
    assert "scopefunc=lambda: flask.g.setdefault('scope', object())" in caplog.text


@pytest.mark.parametrize(("sessions", "same"), [(by_request, True), (by_thread, False)])
def test_a_session_of_the_request_is_one_for_hooks_and_handler(
    mount: Mount, sessions: "scoped_session[Session]", same: bool
) -> None:
    """With the `scopefunc` that the warning names; without, the handler has another session."""
    seen: list[Any] = []
    legacy = flask_with("GET /a")
    legacy.before_request(lambda: seen.append(sessions()))

    @legacy.teardown_appcontext
    def remove(_error: object) -> None:
        seen.append(sessions.registry.has())
        sessions.remove()

    app = FastAPI()
    app.add_api_route("/a", lambda: seen.append(sessions()))
    mount(app, legacy, "GET /a")
    assert ask(app, "GET", "/a").status == 200
    before, handler, _ = seen
    assert (before is handler) == same
