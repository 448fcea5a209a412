"""Two native routes, one with Flask's hooks and one without, that say what they read."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fastapi import FastAPI, Request
from flask import Flask

from crossfade import mount_legacy

MAP = """
[routes]
"GET /" = "native"
"POST /borrowed" = "native"
"POST /alone" = { stage = "native", hooks = "none" }
"GET /smuggled" = "native"
"""


def create_app() -> FastAPI:
    """Return the gateway."""
    legacy = Flask("legacy", static_folder=None)
    legacy.before_request(lambda: None)
    for rule in ("/", "/smuggled"):
        legacy.add_url_rule(rule, endpoint=rule, view_func=lambda: "flask")
    for rule in ("/borrowed", "/alone"):
        legacy.add_url_rule(rule, endpoint=rule, view_func=lambda: "flask", methods=["POST"])
    app = FastAPI()

    @app.get("/")
    @app.get("/smuggled")
    @app.post("/borrowed")
    @app.post("/alone")
    async def echo(request: Request) -> dict[str, str]:
        return {"path": request.url.path, "body": (await request.body()).decode("latin-1")}

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "migration_map.toml"
        path.write_text(MAP, encoding="utf-8")
        mount_legacy(app, legacy, migration_map=path)
    return app
