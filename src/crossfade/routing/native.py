"""What the gateway can know of the FastAPI application: its routes, each callable on its own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.convertors import CONVERTOR_TYPES, Convertor
from starlette.routing import BaseRoute, Match, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Scope
from werkzeug.routing import BaseConverter, Map, PathConverter, Rule

from crossfade.routing.shapes import Shape, as_flask_rule, fastapi_shape


@dataclass(frozen=True, slots=True, eq=False)
class NativeRoute:
    """One HTTP route of the FastAPI application, an included one with its full path.

    Attributes:
        path: as FastAPI spells it, prefixes included; for a mounted application with
            `/{path:path}` at its end.
        methods: None where the route takes any method.
        name: the name that `url_for` knows.
        endpoint: the function, class or application that answers.
        app: answers a request for which the route is already chosen.
        route: what `scope["route"]` holds.
        shape: the path without its dialect.
        convertors: Starlette's convertor of each path parameter.
        matches: a mounted application's own match, which splits the path; None for a route.
        dependant: FastAPI's tree of what the endpoint depends on, its routers' dependencies
            included; None for what is no FastAPI endpoint.
    """

    path: str
    methods: frozenset[str] | None
    name: str
    endpoint: Any
    app: ASGIApp
    route: BaseRoute
    shape: Shape
    convertors: Mapping[str, Convertor[Any]]
    matches: Callable[[Scope], tuple[Match, Scope]] | None
    dependant: Any

    def allows(self, method: str) -> bool:
        """Whether the route answers this method; HEAD is answered by what answers GET."""
        if self.methods is None or method in self.methods:
            return True
        return method == "HEAD" and "GET" in self.methods

    @property
    def handler(self) -> str:
        """The endpoint's place in the code: `new_fastapi.users.read_user`."""
        module = getattr(self.endpoint, "__module__", "?")
        return f"{module}.{getattr(self.endpoint, '__qualname__', type(self.endpoint).__name__)}"


class NativeApp:
    """The FastAPI application's routes.

    Attributes:
        app: the application.
        routes: its HTTP routes, as they were read last.
        documents: the pages that FastAPI makes of itself, by URL.
        may_grow: the application has not started yet, and what it does then (its lifespan) may
            add routes. Set to False once it has.
    """

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.routes: tuple[NativeRoute, ...] = ()
        self.documents: dict[str, NativeRoute] = {}
        self.may_grow = _does_something_at_start(app)
        self.read()

    def _relevant(self) -> list[RouteContext]:
        """Return what may answer something: without what crossfade adds to the router itself."""
        kinds = (Route, Mount, WebSocketRoute)
        contexts = iter_route_contexts(self.app.routes)
        return [context for context in contexts if isinstance(context.original_route, kinds)]

    def has_changed(self) -> bool:
        """Whether the application has other routes than those that were read."""
        return list(map(_identity, self._relevant())) != list(map(_identity, self._contexts))

    def read(self) -> None:
        """Read the routes as they are now. One that was read before stays the same object."""
        app = self.app
        known = {(id(route.route), route.path): route for route in self.routes}
        self._contexts = contexts = self._relevant()
        routes = [_native_route(context) for context in contexts]
        self.routes = tuple(
            known.get((id(route.route), route.path), route) for route in routes if route is not None
        )
        self._websockets = [
            context
            for context in contexts
            if isinstance(context.original_route, WebSocketRoute | Mount)
        ]
        urls, documents = _document_urls(app), dict[str, NativeRoute]()
        for route in self.routes:
            if route.path in urls and isinstance(route.route, Route):
                documents.setdefault(route.path, route)  # FastAPI asks the first one, too
        self.documents = documents

    def takes_websocket(self, scope: Scope) -> bool:
        """Whether a WebSocket route, or an application that may have one, matches the path."""
        return any(context.matches(scope)[0] is Match.FULL for context in self._websockets)

    def mounted_at(self, shape: Shape) -> NativeRoute | None:
        """Return the mounted application that has the URLs of a rule's shape; None without one."""
        text = shape.static_text
        found = [
            route
            for route in self.routes
            if route.matches is not None
            and f"{text}/".startswith(f"{route.shape.static_text}/")
            and (route.shape.static_text or not text)  # one at the root would have all URLs
        ]
        return max(found, key=lambda route: len(route.path), default=None)


def _does_something_at_start(app: FastAPI) -> bool:
    return bool(app.router.on_startup) or not _does_nothing(app.router.lifespan_context)


def _does_nothing(lifespan: Any) -> bool:
    """Whether a lifespan is FastAPI's own for an application that has none.

    Each router that is included makes FastAPI wrap two lifespans in a function of its own, which is
    looked into. Were it to do that in another way, such applications would count as those that add
    routes while they start: their map is checked when they have started, and not before.
    """
    if isinstance(lifespan, type(APIRouter().lifespan_context)):
        return True
    function = inspect.unwrap(lifespan)
    if getattr(function, "__module__", None) != APIRouter.__module__:
        return False
    inner = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    return bool(inner) and all(map(_does_nothing, inner))


def _identity(context: RouteContext) -> tuple[int, str | None]:
    return id(context.original_route), context.path


def _document_urls(app: FastAPI) -> tuple[str | None, ...]:
    if not app.openapi_url:
        return ()  # FastAPI then makes none of them, and a route of that path is the team's own
    redirect = app.swagger_ui_oauth2_redirect_url if app.docs_url else None
    return (app.openapi_url, app.docs_url, app.redoc_url, redirect)


def _native_route(context: RouteContext) -> NativeRoute | None:
    route = context.original_route
    if isinstance(route, Mount):
        path = (context.path or "").rstrip("/") + "/{path:path}"
        methods = None
    elif isinstance(route, Route):
        path = context.path or ""
        methods = None if context.methods is None else frozenset(context.methods)
    else:
        return None  # WebSockets are asked by scope; hosts and frontends can't be listed
    is_mount = isinstance(route, Mount)
    return NativeRoute(
        path=path,
        methods=methods,
        name=context.name or "",
        endpoint=context.app if is_mount else context.endpoint,
        app=context.app,
        route=route,
        shape=fastapi_shape(path),
        convertors=context.param_convertors,
        matches=context.matches if is_mount else None,
        dependant=getattr(context, "dependant", None),
    )


class NativeRule(Rule):
    """A route that only FastAPI has, in a Werkzeug map: Starlette's convertors decide."""

    def __init__(self, native: NativeRoute, method: str) -> None:
        self._convertors = native.convertors
        super().__init__(
            as_flask_rule(native.path), methods=[method], endpoint=native, merge_slashes=False
        )

    def get_converter(
        self, variable_name: str, converter_name: str, args: tuple[Any, ...], kwargs: Any
    ) -> BaseConverter:
        """Return a Werkzeug converter that stands for Starlette's."""
        assert self.map is not None  # Werkzeug binds a rule before it compiles it
        return _StarletteConverter(self.map, self._convertors[variable_name])


class _StarletteConverter(BaseConverter):
    def __init__(self, url_map: Map, convertor: Convertor[Any]) -> None:
        super().__init__(url_map)
        self.regex = convertor.regex
        self.to_python = convertor.convert  # type: ignore[method-assign]
        if type(convertor) not in _WITHIN_A_SEGMENT:
            self.part_isolating = False
            self.weight = PathConverter.weight


_WITHIN_A_SEGMENT = {type(CONVERTOR_TYPES[name]) for name in ("str", "int", "float", "uuid")}
