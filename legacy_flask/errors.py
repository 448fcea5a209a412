"""Errors: `{"error": …}` for the API, a page for people."""

from __future__ import annotations

from flask import Flask, Response, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

PAGE_BLUEPRINTS = {"pages", "guestbook", "members"}


def init_app(app: Flask) -> None:
    """Render every HTTP error, and the 500 that Flask makes of an unexpected exception."""
    app.register_error_handler(HTTPException, render_error)


def render_error(error: HTTPException) -> Response:
    """Return `error` in the form its reader wants, with its own headers, such as `Allow`."""
    if wants_page():
        response = make_response(render_template("error.html", error=error))
    else:
        response = jsonify(error=error.description)
    response.status_code = error.code or 500
    for name, value in error.get_headers(request.environ):
        if name.lower() != "content-type":
            response.headers[name] = value
    return response


def wants_page() -> bool:
    """Tell a person from a program: by the blueprint, or by `Accept` where the URL has none."""
    if request.blueprint is not None:
        return request.blueprint in PAGE_BLUEPRINTS
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"
