"""A native route behind path guards of both kinds, that says what everybody sees of a request."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import flask
from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import JSONResponse
from flask import Flask
from starlette.types import ASGIApp, Receive, Scope, Send

from crossfade import mount_legacy

MAP = """
[gateway]
served_by_header = true

[routes]
"GET /" = "native"
"GET /admin/<name>" = "native"
"POST /seen/<name>" = "native"
"POST /alone/<name>" = { stage = "native", hooks = "none" }
"GET /api/salaries" = "native"
"""


class Guard:
    """Refuses what is below `/admin`, and notes what it sees."""

    def __init__(self, app: ASGIApp, name: str, refuse: bool) -> None:
        self.app = app
        self.name = name
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "http":
            request = Request(scope)
            scope.setdefault("state", {})[self.name] = noted(request)
            if self.refuse and request.url.path.startswith("/admin"):
                await JSONResponse(f"refused {self.name}", 403)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def noted(request: Request) -> list[Any]:
    """Return what FastAPI's side sees."""
    return [
        request.scope["path"],
        request.scope["query_string"].decode(),
        request.headers.get("x-user"),
        request.cookies,
        request.headers.get("host"),
    ]


def create_app(guard: str = "before") -> FastAPI:
    """Return the gateway."""
    legacy = Flask("legacy", static_folder=None)
    legacy.add_url_rule("/", "root", lambda: "flask")
    for rule in ("/admin/<name>", "/seen/<name>", "/alone/<name>", "/old/<name>"):
        legacy.add_url_rule(rule, rule, lambda name: "flask", methods=["GET", "POST"])
    legacy.add_url_rule("/<path:page>", "spa", lambda page: "page")

    @legacy.before_request
    def hook() -> None:
        request = flask.request
        if request.path == "/api/salaries" and request.endpoint != "spa":
            flask.abort(401)
        flask.g.seen = [
            request.path,
            request.query_string.decode(),
            request.headers.get("X-User"),
            dict(request.cookies),
            request.host,
        ]

    app = FastAPI()

    @app.get("/")
    def root() -> str:
        return "fastapi"

    @app.get("/api/salaries")
    def salaries() -> str:
        return "secret"

    @app.get("/admin/{name}")
    def admin(name: str) -> str:
        return "secret"

    @app.post("/seen/{name}")
    @app.post("/alone/{name}")
    async def seen(request: Request, name: str) -> dict[str, Any]:
        hooked = getattr(flask.g, "seen", None) if flask.has_request_context() else None
        state = {each: getattr(request.state, each) for each in ("before", "after")}
        return {"handler": noted(request), "hook": hooked or noted(request), **state}

    @app.websocket("/talk")
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    app.add_middleware(Guard, name="before", refuse=guard == "before")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "migration_map.toml"
        path.write_text(MAP, encoding="utf-8")
        mount_legacy(app, legacy, migration_map=path)
    app.add_middleware(Guard, name="after", refuse=guard == "after")
    return app


def guarded_after() -> FastAPI:
    """Return the gateway with its guard around both sides."""
    return create_app("after")
