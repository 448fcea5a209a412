"""Downloads that the server in front is to send: `USE_X_SENDFILE`, and nginx's own header."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from fastapi import FastAPI
from flask import Flask, Response, request, send_file

from crossfade import mount_legacy


def create_app() -> FastAPI:
    """Return the gateway; the file is the one at `SENDFILE_PATH`."""
    path = Path(os.environ["SENDFILE_PATH"])
    legacy = Flask("legacy")
    legacy.config["USE_X_SENDFILE"] = True

    @legacy.before_request
    def download_early() -> Response | None:
        return send_file(path, mimetype="a/b") if "early" in request.args else None

    @legacy.get("/download")
    def download() -> Response:
        return send_file(path, mimetype="a/b")

    @legacy.get("/accelerated")
    def accelerated() -> Response:
        response = Response(status=200, mimetype="a/b")
        response.headers["X-Accel-Redirect"] = f"/files/{path.name}"
        response.content_length = path.stat().st_size
        return response

    @legacy.get("/generated")
    def generated() -> Response:
        def nothing() -> Iterator[bytes]:
            yield b""

        headers = {"X-Sendfile": str(path), "Content-Length": "5"}
        return Response(nothing(), headers=headers, direct_passthrough=True)

    @legacy.get("/native")
    def native() -> str:
        return "flask"

    @legacy.get("/short")
    def short() -> Response:
        headers = {"X-Sendfile": str(path), "Content-Length": "5"}
        return Response(iter([b"ab"]), headers=headers, direct_passthrough=True)

    app = FastAPI()
    app.add_api_route("/native", lambda: "fastapi")
    with tempfile.TemporaryDirectory() as folder:
        path_of_map = Path(folder) / "migration_map.toml"
        path_of_map.write_text('[routes]\n"GET /native" = "native"\n', encoding="utf-8")
        mount_legacy(app, legacy, migration_map=path_of_map)
    return app
