"""Three routes that say what they read: Flask's, native inside Flask's hooks, native without."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from fastapi import FastAPI, Request, Response
from flask import Flask, request

from crossfade import mount_legacy

PATHS = ("/legacy", "/borrowed", "/alone")
METHODS = ["GET", "POST", "PUT", "DELETE"]


def create_flask() -> Flask:
    """Return the legacy application: each of the three routes says what it read."""
    legacy = Flask("legacy", static_folder=None)
    legacy.before_request(read_body)
    for rule in PATHS:
        legacy.add_url_rule(rule, endpoint=rule, view_func=echo_flask, methods=METHODS)
    for rule in ("/", "/smuggled"):
        legacy.add_url_rule(rule, endpoint=rule, view_func=lambda: request.path)
    return legacy


def read_body() -> None:
    """Read the body before the view does, as a guard of signatures would."""
    request.get_data()


def echo_flask() -> str:
    """Say what was read."""
    return f"{request.method} {request.get_data()!r}"


async def echo(request: Request) -> Response:
    """Say what was read, as Flask says it."""
    text = f"{request.method} {await request.body()!r}"
    return Response(text, media_type="text/html; charset=utf-8")


async def echo_path(request: Request) -> Response:
    """Say which path was asked for."""
    return Response(request.url.path, media_type="text/html; charset=utf-8")


def create_app() -> FastAPI:
    """Return the gateway."""
    app = FastAPI(openapi_url=None)
    lines = ['"GET /" = "native"', '"GET /smuggled" = "native"']
    for method in METHODS:
        for path in PATHS[1:]:
            app.add_api_route(path, echo, methods=[method])
        lines.append(f'"{method} /borrowed" = "native"')
        lines.append(f'"{method} /alone" = {{ stage = "native", hooks = "none" }}')
    for path in ("/", "/smuggled"):
        app.add_api_route(path, echo_path)
    with tempfile.TemporaryDirectory() as folder:
        path_of_map = Path(folder) / "migration_map.toml"
        settings = os.environ.get("NATIVE_APP_SETTINGS", "")
        path_of_map.write_text("\n".join([settings, "[routes]", *lines]), encoding="utf-8")
        mount_legacy(app, create_flask(), migration_map=path_of_map)
    return app
