"""Native handlers behind decorators of Flask views.

What a legacy view is decorated with is not borrowed: Flask would call it, and Flask's view is not
called. A handler that stands in the view's place says what it stood behind:

    @router.post("/orders", dependencies=[decorated(login_required, limiter.limit("10/hour"))])
    async def order(...) -> Order: ...
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import flask
from fastapi import Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from crossfade.compat.context import flask_context
from crossfade.errors import CrossfadeError
from crossfade.native.exceptions import refuse
from crossfade.native.request.early_guards import as_early_guard, once

_LISTS: Final = frozenset({"set-cookie", "vary"})
"""Headers that a decorator adds to; it puts any other in the place of the view's."""


def decorated(*decorators: Callable[[Any], Any]) -> Any:
    """Return a dependency: decorators of Flask views, which let the request pass or answer it.

    They run before the handler, in the order in which they stand above a view, on a thread, in
    Flask's request context: `flask.request.endpoint`, `current_user` and all else are the view's.
    What one of them returns without calling the view, or raises, is the answer, and the handler is
    not called. Headers and cookies that one adds to the view's response are added to the answer.

    As one of the route's own `dependencies=[…]` it goes before the handler's parameters are looked
    at, and before anything of the body is read that it doesn't read itself. One that reads the body
    sees what the handler will see. Only a dependency of your own that stands before it goes first.

    Args:
        decorators: `login_required`, `limiter.limit("5/minute")`, `cross_origin()`, one of your
            own: anything that looks at the request, or at the response's headers.

    Raises:
        CrossfadeError: when asked, if a decorator makes another answer of the view's answer, as a
            cache does. What the handler answers is not known when it is called.
    """
    if not decorators:
        raise TypeError("decorated() needs the decorators of the view: decorated(login_required)")

    def view(**_: Any) -> flask.Response:
        """Stand where the view stood, and note that it would have been called."""
        response = _stand_in()
        setattr(flask.g, _PASSED, response)
        return response

    # A name of its own: extensions know views by their module and name.
    view.__name__ = view.__qualname__ = f"native_view_{id(view):x}"
    behind: Callable[..., Any] = view
    for decorator in reversed(decorators):
        behind = decorator(behind)

    def run(behind: Callable[..., Any]) -> None:
        setattr(flask.g, _PASSED, None)
        values = flask.request.view_args or {}
        result = flask.current_app.make_response(behind(**values))
        response: _StandIn | None = getattr(flask.g, _PASSED)
        if response is None and not isinstance(result, _StandIn):
            refuse(result)
        if response is None or result is not response or response.was_used:
            names = ", ".join(getattr(each, "__qualname__", repr(each)) for each in decorators)
            raise CrossfadeError(
                f"a decorator of {flask.request.endpoint} keeps or changes the view's answer: "
                f"decorated({names}) can only let a request pass, refuse it, or add headers"
            )
        if response.headers:
            _add_headers(response)

    async def guard(connection: HTTPConnection) -> None:
        # `behind` is in this function's closure, where the checks at start find the decorators.
        flask_context(connection)
        await once(connection, guard, partial(run_in_threadpool, run, behind))

    as_early_guard(guard, guard, effects=True)
    return Depends(guard)


_PASSED: Final = "_crossfade_passed"


class _StandIn(flask.Response):
    """What the handler will answer, as decorators see it: headers may be added to it."""

    _was_kept = False

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Refuse to be kept: a cache would give it to the next who asks, also on Flask's side."""
        self._was_kept = True
        raise CrossfadeError(
            "what a native handler will answer is not known yet: nobody can keep it"
        )

    @property
    def was_used(self) -> bool:
        """Whether a decorator did more to it than to add headers."""
        untouched = type(self)()
        return self._was_kept or self.status != untouched.status or bool(self.get_data())


_stand_ins: Final[dict[type[flask.Response], type[_StandIn]]] = {}


def _stand_in() -> _StandIn:
    """Return an empty response of the application's own class."""
    own = flask.current_app.response_class
    cls = _stand_ins.get(own)
    if cls is None:
        cls = _stand_ins[own] = type("StandIn", (_StandIn, own), {})
    response = cls()
    response.headers.clear()
    return response


def _add_headers(asked: flask.Response) -> None:
    """Add to the answer what decorators have added to the response that stood for it."""

    @flask.after_this_request
    def add(response: flask.Response) -> flask.Response:
        for name in dict.fromkeys(name.lower() for name, _ in asked.headers):
            values = asked.headers.getlist(name)
            if name in _LISTS:
                for value in values:
                    response.headers.add(name, value)
            else:
                response.headers.setlist(name, values)
        return response
