"""What an application does around its views: hooks, sessions, CORS, limits."""

from __future__ import annotations

from typing import Any

import flask
from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from starlette.middleware.sessions import SessionMiddleware

from tests.catches.answers import Flasky
from tests.catches.kit import Rows

ROWS = Rows()
add = ROWS.add


def _view() -> flask.Response:
    return flask.jsonify(ok=True)


def _endpoint() -> Flasky:
    return Flasky({"ok": True})


for what, rule, where, cause, fix in [
    ("before_request: login", "/login-needed", "status", "before_request", "security hole"),
    ("CSRF protection", "/csrf", "status", "CSRF", "security hole"),
    ("limits", "/limited", "status", "limits the rate", "hooks"),
    ("after_request", "/after", "header.x-frame-options", "after_request", "hooks"),
    ("CORS", "/cors", "header.access-control-allow-origin", "by Flask's side only", "hooks"),
]:
    method = "POST" if rule == "/csrf" else "GET"
    add(what, _view, _endpoint, where, cause, fix, rule=rule, method=method)


def _count() -> flask.Response:
    flask.session["count"] = flask.session.get("count", 0) + 1
    return flask.jsonify(count=flask.session["count"])


def _forgets() -> Flasky:
    return Flasky({"count": 1})


def _remembers(request: Request) -> Flasky:
    request.session["count"] = request.session.get("count", 0) + 1
    return Flasky({"count": request.session["count"]})


add("session: not written", _count, _forgets, "cookie.session", "Flask writes its session",
    "Session")  # fmt: skip
add("session: Starlette's own of the same name", _count, _remembers, "cookie.session",
    "logs the user out", "Session")  # fmt: skip
add("session: Vary", _count, _forgets, "header.vary", "Vary: Cookie", "Session",
    rule="/session-vary")  # fmt: skip
add("CORSMiddleware beside Flask-CORS", _view, _endpoint, "header.access-control-allow-origin",
    "on both sides", "CORSMiddleware", rule="/cors-both")  # fmt: skip


def add_hooks(app: flask.Flask) -> None:
    """Give the Flask application what the rows are about."""

    @app.before_request
    def before() -> Any:
        path = flask.request.path
        if path == "/login-needed" and "Authorization" not in flask.request.headers:
            flask.abort(401)
        if path == "/csrf" and "X-CSRFToken" not in flask.request.headers:
            flask.abort(400, "The CSRF token is missing.")
        if path == "/limited" and "X-Forwarded-For" in flask.request.headers:
            flask.abort(429)

    @app.after_request
    def after(response: flask.Response) -> flask.Response:
        path = flask.request.path
        if path == "/after":
            response.headers["X-Frame-Options"] = "DENY"
        if path.startswith("/cors"):
            response.headers["Access-Control-Allow-Origin"] = flask.request.headers.get(
                "Origin", "https://shop.example"
            )
        return response


def add_middleware(app: FastAPI) -> None:
    """Give the FastAPI application what people add: it wraps native routes."""

    class OnlyBoth(CORSMiddleware):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            inside = scope["type"] == "http" and scope["path"] == "/cors-both"
            await (super().__call__ if inside else self.app)(scope, receive, send)

    class OnlySession(SessionMiddleware):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            inside = scope["type"] == "http" and scope["path"].startswith("/session--starlette")
            await (super().__call__ if inside else self.app)(scope, receive, send)

    app.add_middleware(OnlyBoth, allow_origins=["*"])
    app.add_middleware(OnlySession, secret_key="k")
