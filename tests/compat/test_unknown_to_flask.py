"""A route that only FastAPI has, next to a rule of Flask's that would take its URL."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask, Response, abort, copy_current_request_context, request, stream_with_context

from tests.asgi.kit import Mount, ask

OPEN = {"spa", "login", "static"}


def legacy_with_catch_all(rule: str = "/<path:p>", **options: Any) -> Flask:
    """Return a Flask application in which whatever Flask knows by another name is closed."""
    app = Flask("legacy", static_folder=None)
    app.add_url_rule("/login", "login", lambda: "login")
    app.add_url_rule(rule, "spa", lambda **values: f"spa {values}", **options)

    @app.before_request
    def require_login() -> None:
        if request.endpoint not in OPEN:
            abort(401)

    return app


def native(path: str = "/api/salaries") -> FastAPI:
    """Return a FastAPI application that Flask knows nothing of."""
    app = FastAPI(openapi_url=None)
    app.add_api_route(path, lambda: "secret", methods=["GET", "POST"])
    app.mount("/files", FastAPI())
    return app


@pytest.mark.parametrize(
    ("rule", "options"),
    [
        ("/<path:p>", {}),
        ("/<path:p>", {"methods": ["GET", "POST"]}),
        ("/<path:p>/", {}),
        ("/<a>/<b>", {}),
        ("/api/<name>", {"methods": ["POST"]}),
        ("/<path:p>", {"defaults": {"q": 1}}),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_hook_next_to_a_catch_all_sees_no_endpoint(
    mount: Mount, method: str, rule: str, options: dict[str, Any]
) -> None:
    """A login hook that lets the catch-all through doesn't let a stranger into the new route."""
    app = native()
    routes = ("GET /api/salaries", "POST /api/salaries", "GET /files/{path:path}")
    mount(app, legacy_with_catch_all(rule, **options), *routes)
    assert ask(app, method, "/api/salaries").status == 401
    assert ask(app, "GET", "/files/a").status == 401


def test_hooks_next_to_a_catch_all_see_an_unknown_url(mount: Mount) -> None:
    """Every hook does, whatever it does with Flask's context in between."""
    legacy = legacy_with_catch_all()
    legacy.before_request_funcs.clear()
    seen: list[Any] = []

    def note(*_: Any) -> None:
        values = (request.endpoint, request.url_rule, request.view_args, request.blueprint)
        seen.append((*values, getattr(request.routing_exception, "code", None)))

    @legacy.url_value_preprocessor
    def values(endpoint: str | None, view_args: dict[str, Any] | None) -> None:
        note()
        seen.append((endpoint, view_args, None, None, 404))

    @legacy.before_request
    def before() -> None:
        note()
        copy_current_request_context(note)()
        note()

    @legacy.after_request
    def after(response: Response) -> Response:
        note()
        list(stream_with_context(iter("ab")))
        note()
        return response

    legacy.teardown_request(note)
    app = native()
    mount(app, legacy, "GET /api/salaries")
    assert ask(app, "GET", "/api/salaries").text == '"secret"'
    assert len(seen) > 7
    assert set(seen) == {(None, None, None, None, 404)}
    assert ask(app, "GET", "/elsewhere").text == "spa {'p': 'elsewhere'}"


def test_an_error_next_to_a_catch_all_is_of_no_endpoint(mount: Mount) -> None:
    """Also where nothing runs around the route but Flask's error handlers."""
    legacy = legacy_with_catch_all()
    legacy.before_request_funcs.clear()

    @legacy.errorhandler(LookupError)
    def lost(error: Exception) -> tuple[str, int]:
        return f"lost {request.endpoint}", 500

    app = FastAPI(openapi_url=None)

    @app.get("/api/salaries")
    def read() -> None:
        raise LookupError

    mount(app, legacy, "GET /api/salaries")
    assert ask(app, "GET", "/api/salaries").text == "lost None"
