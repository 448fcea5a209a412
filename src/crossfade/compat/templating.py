"""Pages: Flask's templates, rendered by the Flask application itself for native handlers."""

from __future__ import annotations

from typing import Any

import flask
from jinja2 import Template
from starlette.responses import HTMLResponse

from crossfade.errors import CrossfadeError


def render_template(
    name: str | Template | list[str | Template],
    /,
    status_code: int = 200,
    **context: Any,
) -> HTMLResponse:
    """Return a page that `flask.render_template` renders, with the bytes that a view would answer.

    The application's own environment, filters, context processors, `url_for`, `g`, `session`,
    `csrf_token()` and `get_flashed_messages()` are there, as in a view; the route has to borrow
    Flask. What an asynchronous session would load while the template is rendered has to be loaded
    before.

    Args:
        name: of the template, or several of which the first that exists is taken.
        status_code: of the answer.
        context: the template's variables.

    Raises:
        CrossfadeError: the route borrows nothing from Flask.
    """
    if not flask.has_app_context():
        raise CrossfadeError(
            f"render_template({name!r}) needs Flask's context, but the route runs without Flask "
            '(hooks = "none", or outside of the gateway): render it with Jinja2Templates there'
        )
    return HTMLResponse(flask.render_template(name, **context), status_code)
