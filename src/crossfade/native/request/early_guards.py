"""Guards go before a body, as decorators of a Flask view do.

FastAPI reads and parses a body before it looks at any dependency, and asks dependencies in the
order of parameters: a stranger's upload is taken in before the guard that refuses it. In Flask the
decorators of a view come first. So on routes that read a body crossfade's own guards run before
FastAPI begins, and once only.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, TypeVar

from fastapi import FastAPI
from starlette.requests import HTTPConnection, Request
from starlette.routing import request_response
from starlette.types import ASGIApp, Receive, Scope, Send

T = TypeVar("T")
Dependency = TypeVar("Dependency", bound=Callable[..., Any])

READS_BODY: Final = "__crossfade_reads_body__"
"""Attribute of dependencies that read the request's body."""

_OWN: Final = ("crossfade.compat", "crossfade.native")

_EARLY: Final = "__crossfade_early__"
_EFFECTS: Final = "__crossfade_has_effects__"
_DONE: Final = "crossfade.guards_done"
"""Scope key: what guards that ran early returned, by the dependency."""

Guard = Callable[[HTTPConnection], Awaitable[Any]]


def as_early_guard(dependency: Callable[..., Any], guard: Guard, *, effects: bool = False) -> None:
    """Have a dependency run before bodies are read.

    Args:
        dependency: as FastAPI knows it. It has to ask `once` for what it returns.
        guard: does its work.
        effects: whether it counts or changes something, so that it overtakes no dependency of the
            team's: that may refuse whom it would count.
    """
    setattr(dependency, _EARLY, guard)
    setattr(dependency, _EFFECTS, effects)


async def once(connection: HTTPConnection, key: object, run: Callable[[], Awaitable[T]]) -> T:
    """Return what a guard returned when it ran early; otherwise have it run now."""
    done: dict[object, T] | None = connection.scope.get(_DONE)
    if done is None:
        return await run()
    if key not in done:
        done[key] = await run()
    return done[key]


class EarlyGuards:
    """Those of one route.

    Args:
        dependant: FastAPI's tree of what the endpoint depends on; None for what has none.
        app: the FastAPI application, whose `dependency_overrides` count.
    """

    def __init__(self, dependant: Any, app: FastAPI) -> None:
        self._dependant = dependant
        self._app = app
        self._guards = self._found()

    def before(self, app: ASGIApp) -> ASGIApp:
        """Return the route's application behind its guards."""
        guards = self._found() if self._app.dependency_overrides else self._guards
        return _behind(guards, app) if guards else app

    def _found(self) -> list[Guard]:
        if self._dependant is None or not _reads_body(self._dependant):
            return []
        guards = []
        overtakes = False
        for call in _calls(self._dependant, self._app.dependency_overrides):
            guard = getattr(call, _EARLY, None)
            if guard is not None and not (overtakes and getattr(call, _EFFECTS)):
                guards.append(guard)
            overtakes = overtakes or not str(getattr(call, "__module__", "")).startswith(_OWN)
        return guards


def _behind(guards: list[Guard], app: ASGIApp) -> ASGIApp:
    async def check(request: Request) -> Any:
        for guard in guards:
            await guard(request)
        return app

    # As an endpoint, so that FastAPI's exception handlers answer what a guard raises; and what it
    # returns is called as an answer is.
    checked = request_response(check)

    def call(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        scope[_DONE] = {}
        return checked(scope, receive, send)

    return call


def _calls(dependant: Any, overrides: dict[Any, Any]) -> Iterator[Any]:
    """Return the dependencies below a node in the order in which FastAPI asks them."""
    for inner in dependant.dependencies:
        if inner.call in overrides:
            yield overrides[inner.call]
            continue
        yield from _calls(inner, overrides)
        yield inner.call


def _reads_body(dependant: Any) -> bool:
    return bool(
        dependant.body_params
        or hasattr(dependant.call, READS_BODY)
        or any(map(_reads_body, dependant.dependencies))
    )
