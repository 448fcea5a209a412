"""The native route that the gateway has chosen, in the place of FastAPI's scan of its routes.

Nothing is added to the list of FastAPI's routes, which much software walks.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Awaitable, Mapping
from typing import Any, Final

from fastapi import FastAPI
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from crossfade.routing.native import TAKES_ANY_TEXT, NativeRoute, ask
from crossfade.routing.table import Target

CHOSEN: Final = "crossfade.chosen"
"""Scope key: the `Chosen` of a request that the router shall not look for a route for."""

Values = tuple[Mapping[str, Any], Mapping[str, Any]]
"""A URL's variables by Flask's names, and what the application's own converters make of some."""

Chosen = tuple[Scope, ASGIApp, ASGIApp, Mapping[str, Any]]
"""A native answer: what the route adds to the scope, the application that answers, the router that
has the route alone, and what FastAPI is shown of the request in another way than it was sent."""


class RouterEntry:
    """Stands in front of FastAPI's router.

    The router's own code runs for a chosen route as for any other, by a copy of the router that
    has the one route.
    """

    def __init__(self, app: FastAPI) -> None:
        self._router = app.router
        self._inner = app.router.middleware_stack
        self._of_one: dict[int, tuple[BaseRoute, ASGIApp]] = {}
        app.router.middleware_stack = self  # type: ignore[assignment]

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer by the chosen route, or by the router where none was chosen."""
        chosen: Chosen | None = scope.get(CHOSEN)
        if chosen is None:
            return self._inner(scope, receive, send)
        if "router" not in scope:
            scope["router"] = self._router
        return chosen[2](scope, receive, send)

    def of_one(self, route: BaseRoute) -> ASGIApp:
        """Return a router that has one route, which is always chosen."""
        known = self._of_one.get(id(route))
        if known is not None:
            return known[1]
        only: Any = copy.copy(route)
        only.matches, only.handle = _match_chosen, _call_chosen
        twin = copy.copy(self._router)
        twin.routes = [only]
        self._of_one[id(route)] = (route, twin.app)  # the route is kept, and its id with it
        return twin.app


def _match_chosen(scope: Scope) -> tuple[Match, Scope]:
    return Match.FULL, scope[CHOSEN][0]


def _call_chosen(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
    # A mounted application may have a gateway of its own.
    app: ASGIApp = scope.pop(CHOSEN)[1]
    return app(scope, receive, send)


def child_scope(target: Target, native: NativeRoute, values: Values, scope: Scope) -> Scope | None:
    """Return what Starlette's router would add to the scope; None where it would not match."""
    if native.is_mount or native.decides:
        if scope["method"] == "HEAD" and not native.names_head:
            scope = {**scope, "method": "GET"}
        asked = ask(native.route, scope, is_mount=native.is_mount)
        return asked if asked is None else {"route": native.route, **asked}
    path_params = dict(scope.get("path_params", ()))
    read, own_values = values
    for legacy_name, value in read.items():
        name = target.names.get(legacy_name, legacy_name)
        convertor = native.convertors.get(name)
        if convertor is None:  # of Flask's host or `defaults`
            path_params[name] = value
            continue
        text = value if type(value) is str else str(value)
        if type(convertor) in TAKES_ANY_TEXT:
            own = own_values.get(legacy_name)
            path_params[name] = text if own is None or not native.takes(name, own) else own
        elif type(value) is not str or re.fullmatch(convertor.regex, text):
            path_params[name] = convertor.convert(text)
        else:
            return None
    return {"endpoint": native.endpoint, "path_params": path_params, "route": native.route}
