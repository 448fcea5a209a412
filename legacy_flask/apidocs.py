"""Flasgger's document of the routes that it describes, and its page."""

from __future__ import annotations

from flasgger import Swagger  # type: ignore[import-untyped]
from flask import Flask
from werkzeug.routing import Rule


def init_app(app: Flask) -> None:
    """Serve the document at `/fees/swagger.json` and Swagger UI at `/fees/docs/`."""
    spec = {
        "endpoint": "fees_document",
        "route": "/fees/swagger.json",
        "rule_filter": _is_described,
        "model_filter": lambda tag: True,
    }
    config = {
        "headers": [],
        "specs": [spec],
        "static_url_path": "/fees/flasgger",
        "swagger_ui": True,
        "specs_route": "/fees/docs/",
        "title": "Fees",
    }
    Swagger(app, config=config)


def _is_described(rule: Rule) -> bool:
    return str(rule.endpoint).startswith("fees.")
