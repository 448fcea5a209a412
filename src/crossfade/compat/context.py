"""Flask's session, `g`, flashes and Flask-Login's user, as typed dependencies of native handlers.

    @router.post("/cart")
    async def add(item: Item, session: Session, user: LoggedIn) -> Cart: ...

They work wherever the route borrows Flask, in `async def` and `def` handlers alike. Flask itself
opens and saves the session, so any session interface will do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from flask import has_request_context
from starlette.requests import HTTPConnection

from crossfade.compat.errors import BORROWING
from crossfade.errors import CrossfadeError

_MARK: Final = "__crossfade_needs_flask__"


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
    if BORROWING in connection.scope:
        reason = "the dependency is not declared on the route itself; add Depends(flask_context)"
    else:
        reason = 'it runs without Flask (hooks = "none", or outside of the gateway)'
    raise CrossfadeError(f"the handler of {path} needs Flask's request context, but {reason}")


setattr(flask_context, _MARK, True)


def needs_flask(dependant: Any) -> bool:
    """Whether an endpoint or anything that it depends on asks for Flask's request context.

    Args:
        dependant: FastAPI's tree of the endpoint's dependencies; None for what has none.
    """
    return dependant is not None and any(hasattr(call, _MARK) for call in _calls(dependant))


def _calls(dependant: Any) -> Iterator[Callable[..., Any]]:
    if dependant.call is not None:
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)
