"""Flask's session, `g`, request and flashes, as typed dependencies of native handlers.

    @router.post("/cart")
    async def add(item: Item, session: Session) -> Cart: ...

They work wherever the route borrows Flask, in `async def` and `def` handlers alike. Flask itself
opens and saves the session, so any session interface will do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import flask
from fastapi import Depends
from flask import has_request_context
from flask.sessions import SessionMixin
from starlette.requests import HTTPConnection

from crossfade.errors import CrossfadeError
from crossfade.native.exceptions import BORROWING


def flask_context(connection: HTTPConnection) -> None:
    """Ask for Flask's request context: a dependency of handlers that use `flask.request` and such.

    Where the Flask application does nothing around a view, its context is only there for
    native handlers that ask.

    Raises:
        CrossfadeError: the route doesn't borrow Flask.
    """
    if has_request_context():
        return
    route = connection.scope.get("route")
    path = getattr(route, "path", connection.scope.get("path"))
    if connection.scope["type"] == "websocket":
        reason = "a WebSocket borrows nothing: to Flask there is no request, and no hook has run"
    elif BORROWING in connection.scope:
        reason = "the dependency is not declared on the route itself; add Depends(flask_context)"
    else:
        reason = 'it runs without Flask (hooks = "none", or outside of the gateway)'
    raise CrossfadeError(f"the handler of {path} needs Flask's request context, but {reason}")


async def _session(connection: HTTPConnection) -> Any:
    flask_context(connection)
    return flask.session


async def _g(connection: HTTPConnection) -> Any:
    flask_context(connection)
    return flask.g


async def _flask_request(connection: HTTPConnection) -> Any:
    flask_context(connection)
    return flask.request


async def _flash(connection: HTTPConnection) -> Callable[..., None]:
    flask_context(connection)
    return flask.flash


Session = Annotated[SessionMixin, Depends(_session)]
"""The Flask session, opened and saved by the application's own session interface."""

G = Annotated[Any, Depends(_g)]
"""`flask.g`, with what `before_request` left there."""

FlaskRequest = Annotated[flask.Request, Depends(_flask_request)]
"""The request as Flask sees it, the application's own class of it."""

Flash = Annotated[Callable[..., None], Depends(_flash)]
"""`flask.flash`: the message is shown by whichever side renders the next page."""
