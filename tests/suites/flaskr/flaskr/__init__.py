"""A blog in the spirit of the tutorial of Flask's documentation, as a team may have it today."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from flaskr import auth, blog, db


def create_app(settings: Mapping[str, Any] | None = None) -> Flask:
    """Return a new application; the settings replace its defaults."""
    app = Flask(__name__)
    app.config.from_mapping(
        SECRET_KEY="dev",
        DATABASE=str(Path(app.instance_path) / "flaskr.sqlite"),
    )
    app.config.update(settings or {})

    @app.get("/hello")
    def hello() -> str:
        return "Hello, World!"

    db.init_app(app)
    app.register_blueprint(auth.bp)
    app.register_blueprint(blog.bp)
    app.add_url_rule("/", endpoint="index")
    return app
