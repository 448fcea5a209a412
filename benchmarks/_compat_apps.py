"""One small route: in Flask, in FastAPI, and in FastAPI with what it borrows from Flask."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask
from fastapi import FastAPI
from flask import Flask, Response, g, jsonify, session
from flask_login import (  # type: ignore[import-untyped]
    LoginManager,
    UserMixin,
    current_user,
    login_user,
)

from crossfade import compat, mount_legacy


class User(UserMixin):  # type: ignore[misc]
    """A user who needs no database."""

    def __init__(self, name: str) -> None:
        self.id = name


def legacy(kind: str) -> Flask:
    """Return the Flask application: `bare`, `routes`, `hooks`, `session` or `login`."""
    app = Flask(__name__, static_folder=None)
    for number in range(50 if kind == "routes" else 0):
        app.add_url_rule(f"/other/{number}", f"other{number}", lambda: "other")
    app.add_url_rule("/", "ready", lambda: "ready")
    if kind == "hooks":
        _add_hooks(app)
    if kind in ("session", "login"):
        app.secret_key = "benchmark"  # noqa: S105 - it guards nothing
    if kind == "login":
        LoginManager(app).user_loader(User)

    @app.get("/enter")
    def enter() -> str:
        if kind == "login":
            login_user(User("ada"))
        session["user"] = "ada"
        return "in"

    @app.get("/json")
    def small() -> Response:
        if kind == "session":
            return jsonify(hello=session.get("user"))
        if kind == "login":
            return jsonify(hello=current_user.get_id())
        return jsonify(hello="world")

    return app


def _add_hooks(app: Flask) -> None:
    @app.before_request
    def before() -> None:
        g.user = "ada"

    @app.after_request
    def after(response: flask.Response) -> flask.Response:
        response.headers["X-User"] = g.user
        return response


def native(kind: str) -> FastAPI:
    """Return the FastAPI application alone."""
    app = FastAPI()
    for number in range(50 if kind == "routes" else 0):
        app.add_api_route(f"/other/{number}", lambda: "other")

    @app.get("/")
    async def ready() -> str:
        return "ready"

    if kind == "session":

        @app.get("/json")
        async def with_session(session: compat.Session) -> dict[str, Any]:
            return {"hello": session.get("user")}

    elif kind == "login":

        @app.get("/json")
        async def with_login(user: compat.LoggedIn) -> dict[str, Any]:
            return {"hello": user.get_id()}

    else:

        @app.get("/json")
        async def small() -> dict[str, Any]:
            return {"hello": "world"}

    return app


def _gateway(kind: str, stage: str = "native", hooks: str = "flask") -> FastAPI:
    app = native(kind)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "map.toml"
        path.write_text(f'[routes]\n"GET /json" = {{ stage = "{stage}", hooks = "{hooks}" }}\n')
        gateway = mount_legacy(app, legacy(kind), migration_map=path)
    gateway.live.start = lambda: None  # type: ignore[method-assign] # its file is gone
    return app


def _factories() -> dict[str, Callable[[], Any]]:
    found: dict[str, Callable[[], Any]] = {}
    for kind in ("bare", "routes", "hooks", "session", "login"):
        found[f"fastapi_{kind}"] = lambda kind=kind: native(kind)  # type: ignore[misc]
        found[f"alone_{kind}"] = lambda kind=kind: _gateway(kind, hooks="none")  # type: ignore[misc]
        found[f"flask_{kind}"] = lambda kind=kind: legacy(kind)  # type: ignore[misc]
        found[f"native_{kind}"] = lambda kind=kind: _gateway(kind)  # type: ignore[misc]
        found[f"legacy_{kind}"] = lambda kind=kind: _gateway(kind, "legacy")  # type: ignore[misc]
    return found


globals().update(_factories())
