"""A greeting: the first route to migrate."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

blueprint = Blueprint("hello", __name__)


@blueprint.get("/hello")
def hello() -> Response:
    """Greet `?name=`, or everybody."""
    return jsonify(message=f"Hello, {request.args.get('name', 'World')}!")
