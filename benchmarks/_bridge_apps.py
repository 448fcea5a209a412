"""One Flask application, served in every way that `benchmarks.bridge` compares."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import a2wsgi
from fastapi import FastAPI
from flask import Flask, Response, jsonify, request

from crossfade import mount_legacy
from crossfade.bridge import Bridge
from crossfade.scope.environ import build_environ

MEGABYTE = b"x" * 1_048_576
CHUNK = b"x" * 65536

flask_app = Flask(__name__)


@flask_app.get("/")
def index() -> str:
    """Tell that it is ready."""
    return "ready"


@flask_app.get("/json")
def small() -> Response:
    """A small JSON answer."""
    return jsonify(hello="world")


@flask_app.get("/down")
def down() -> Response:
    """One megabyte, at once."""
    return Response(MEGABYTE, mimetype="application/octet-stream")


@flask_app.post("/up")
def up() -> str:
    """The length of a body, read in pieces."""
    size = 0
    while data := request.stream.read(65536):
        size += len(data)
    return str(size)


@flask_app.get("/chunks/<int:count>")
def chunks(count: int) -> Response:
    """A stream of chunks of 64 kB."""

    def each() -> Iterator[bytes]:
        for _ in range(count):
            yield CHUNK

    return Response(each(), mimetype="application/octet-stream")


def mount() -> FastAPI:
    """The plain mount that the issue names."""
    app = FastAPI(openapi_url=None)
    app.mount("/", a2wsgi.WSGIMiddleware(flask_app, workers=10))  # type: ignore[arg-type]
    return app


def mounted_bridge() -> FastAPI:
    """The same mount with the bridge in a2wsgi's place."""
    app = FastAPI(openapi_url=None)
    app.mount("/", Bridge(flask_app))
    return app


def gateway() -> FastAPI:
    """What users get: `mount_legacy` with an empty map."""
    empty_map = Path(tempfile.mkdtemp(prefix="crossfade-")) / "migration_map.toml"
    empty_map.touch()
    app = FastAPI(openapi_url=None)
    mount_legacy(app, flask_app, migration_map=empty_map)
    return app


def bridge() -> Bridge:
    """The bridge alone."""
    return Bridge(flask_app)


def ceiling() -> Any:
    """The application called on the event loop: no thread, no safety, the least there can be."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = io.BytesIO()
        if scope["method"] == "POST":
            more = True
            while more:
                message = await receive()
                body.write(message["body"])
                more = message["more_body"]
            body.seek(0)
        head: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            raw = [(name.lower().encode(), value.encode()) for name, value in headers]
            head.append({"type": "http.response.start", "status": int(status[:3]), "headers": raw})

        iterable = flask_app(build_environ(scope, body), start)
        answer = list(iterable)
        iterable.close()  # type: ignore[attr-defined]
        await send(head[0])
        for chunk in answer:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    return app
