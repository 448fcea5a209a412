"""What the gateway can know of the FastAPI application: its routes, each callable on its own."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Awaitable, Container, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.convertors import CONVERTOR_TYPES, Convertor
from starlette.routing import BaseRoute, Host, Match, Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from werkzeug.routing import BaseConverter, Map, PathConverter, Rule

from crossfade.routing.shapes import Shape, as_flask_rule, fastapi_shape
from crossfade.scope.environ import ROOT_PATH, root_path

TAKES_ANY_TEXT: Final = {type(CONVERTOR_TYPES["str"]), type(CONVERTOR_TYPES["path"])}
"""Starlette's convertors that convert nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class NativeRoute:
    """One HTTP route of the FastAPI application, an included one with its full path.

    Attributes:
        path: as FastAPI spells it, prefixes included; for a mounted application with
            `/{path:path}` at its end.
        methods: None where the route takes any method.
        name: the name that `url_for` knows.
        endpoint: the function, class or application that answers.
        route: the route on its own, with all that its routers give it; also `scope["route"]`.
        shape: the path without its dialect.
        convertors: Starlette's convertor of each path parameter.
        is_mount: whether it is a mounted application.
        decides: whether its class has a `matches` or `handle` of its own, which may be what
            guards it, so that it must be asked.
        is_bare: whether its `handle` is FastAPI's own, with nothing around it: tools that trace
            requests put something there. It does nothing then but to refuse methods.
        dependant: FastAPI's tree of what the endpoint depends on, its routers' dependencies
            included; None for what is no FastAPI endpoint.
    """

    path: str
    methods: frozenset[str] | None
    name: str
    endpoint: Any
    route: Any
    shape: Shape
    convertors: Mapping[str, Convertor[Any]]
    is_mount: bool
    decides: bool
    is_bare: bool
    dependant: Any

    def allows(self, method: str) -> bool:
        """Whether the route answers this method; HEAD is answered by what answers GET."""
        if self.methods is None or method in self.methods:
            return True
        return method == "HEAD" and "GET" in self.methods

    def app(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer a request for which the route is chosen already."""
        route: Any = self.route
        answered: Awaitable[None]
        if self.is_bare:
            answered = route.app(scope, receive, send)
        elif scope["method"] != "HEAD" or self.names_head:
            answered = route.handle(scope, receive, send)
        elif self.decides:  # it refuses HEAD where only GET is declared
            answered = route.handle({**scope, "method": "GET"}, receive, send)
        else:
            answered = route.app(scope, receive, send)
        return answered

    @property
    def names_head(self) -> bool:
        """Whether the route itself takes HEAD, which is answered by way of GET otherwise."""
        return self.methods is None or "HEAD" in self.methods

    def takes_any_text(self, name: str) -> bool:
        """Whether the path names no type for a parameter: the handler's own type decides."""
        return type(self.convertors.get(name)) in TAKES_ANY_TEXT

    def takes(self, name: str, value: Any) -> bool:
        """Whether a path parameter may be given a value that is no text.

        It may wherever it is declared with a type that takes it, or is not declared.
        """
        if value is None:  # to FastAPI that is a parameter which is missing
            return False
        fields = _path_fields(self.dependant, name)
        return not any(field.validate(value, {}, loc=("path", name))[1] for field in fields)

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
        self._known: dict[_Identity, NativeRoute] = {}
        self.read()

    def _relevant(self) -> list[RouteContext]:
        """Return what may answer something."""
        kinds = (Route, Mount, WebSocketRoute)
        # FastAPI makes the routes of an included router when it is first asked, and keeps them.
        # Until it serves, software may change what they are made of: so a copy is asked.
        contexts = iter_route_contexts([_unread(route) for route in self.app.routes])
        return [context for context in contexts if isinstance(context.original_route, kinds)]

    def has_changed(self) -> bool:
        """Whether the application has other routes than those that were read."""
        return list(map(_identity, self._relevant())) != list(map(_identity, self._contexts))

    def read(self) -> None:
        """Read the routes as they are now. One that was read before stays the same object."""
        app = self.app
        self._contexts = contexts = self._relevant()
        known = self._known
        self._known = {}
        routes = []
        for context in contexts:
            identity = _identity(context)
            route = known.get(identity) or _native_route(context)
            routes.append(route)
            if route is not None:
                self._known[identity] = route
        self.routes = tuple(route for route in routes if route is not None)
        by_route = dict(zip(map(id, contexts), routes, strict=True))
        self._websockets = [
            (context, by_route[id(context)], _alone(context))
            for context in contexts
            if isinstance(context.original_route, WebSocketRoute | Mount)
        ]
        urls, documents = _document_urls(app), dict[str, NativeRoute]()
        for route in self.routes:
            if route.path in urls and isinstance(route.route, Route):
                documents.setdefault(route.path, route)  # FastAPI asks the first one, too
        self.documents = documents

        self._included: list[tuple[Any, Any, NativeRoute]] = [
            (context.original_route, getattr(context.original_route, "app", None), route)
            for context, route in zip(contexts, routes, strict=True)
            if route is not None and _is_made_of(context)
        ]

    def refresh(self) -> None:
        """Take over what was put around the routes of included routers since they were read.

        Software that does so when the application starts sets their `app`.
        """
        if all(original.app is app for original, app, _ in self._included):
            return
        contexts = {
            (id(context.original_route), context.path): context
            for context in iter_route_contexts(self.app.routes)
        }
        for number, (original, _, route) in enumerate(self._included):
            context = contexts.get((id(original), route.path))
            if context is not None:
                _take_over(route.route, context)
                self._included[number] = (original, original.app, route)

    def websocket(
        self, scope: Scope, listed: Container[NativeRoute]
    ) -> tuple[Scope, BaseRoute] | None:
        """Return what answers a handshake, and what it adds to the scope; None if nothing does.

        Args:
            scope: of the handshake.
            listed: the mounted applications that may answer.
        """
        for context, mount, alone in self._websockets:
            if mount is None or mount in listed:
                child = ask(context, scope, is_mount=mount is not None)
                if child is not None:
                    return child, alone
        return None

    def alternatives(self, native: NativeRoute, method: str) -> Iterator[NativeRoute]:
        """Yield the other routes of the very same path and method, in FastAPI's order.

        By their own `matches` such routes may share a path, and one line of a migration map.
        """
        for route in self.routes:
            is_same = route.path == native.path and route.allows(method)
            if is_same and route.decides and route is not native:
                yield route

    def mounted_at(self, shape: Shape) -> NativeRoute | None:
        """Return the mounted application that has the URLs of a rule's shape; None without one."""
        text = shape.static_text
        found = [
            route
            for route in self.routes
            if route.is_mount
            and f"{text}/".startswith(f"{route.shape.static_text}/")
            and (route.shape.static_text or not text)  # one at the root would have all URLs
        ]
        return max(found, key=lambda route: len(route.path), default=None)


def _path_fields(dependant: Any, name: str) -> Iterator[Any]:
    """Return FastAPI's fields of a path parameter, in an endpoint and what it depends on."""
    if dependant is None:
        return
    yield from (field for field in dependant.path_params if field.alias == name)
    for inner in dependant.dependencies:
        yield from _path_fields(inner, name)


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


_Identity = tuple[int, str | None]


def _identity(context: RouteContext) -> _Identity:
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
    alone = _alone(context)
    return NativeRoute(
        path=path,
        methods=methods,
        name=context.name or "",
        endpoint=context.app if is_mount else context.endpoint,
        route=alone,
        shape=fastapi_shape(path),
        convertors=context.param_convertors,
        is_mount=is_mount,
        decides=_decides(alone),
        is_bare=_is_bare(alone),
        dependant=getattr(context, "dependant", None),
    )


def ask(route: Any, scope: Scope, *, is_mount: bool) -> Scope | None:
    """Ask a route itself what it adds to the scope; None where it doesn't match.

    Args:
        route: what has a `matches`.
        scope: of the request.
        is_mount: whether it is a mounted application, which splits the path.
    """
    root = root_path(scope)
    match, child = route.matches({**scope, "root_path": root})
    if match is not Match.FULL:
        return None
    if is_mount:
        # It moves the root path down to itself; Flask, around it, is where it was.
        child[ROOT_PATH] = root
        child["app_root_path"] = scope.get("app_root_path", scope.get("root_path", ""))
    return dict(child)


def _alone(context: RouteContext) -> BaseRoute:
    """Return a route that needs no router around it.

    What FastAPI makes of an `APIRoute` for an included router (its prefix, dependencies, …) is no
    route, so it is put into a copy of the route.
    """
    if _is_made_of(context):
        twin = copy.copy(context.original_route)
        _take_over(twin, context)
        return twin
    route: BaseRoute = getattr(context.handle, "__self__", context.original_route)
    return route


def _is_made_of(context: RouteContext) -> bool:
    """Whether FastAPI made what stands for the route, which is no route itself."""
    return not hasattr(context, "handle")


def _take_over(twin: Any, context: RouteContext) -> None:
    for name in ("path", "path_regex", "path_format", "param_convertors", "dependant", "app"):
        setattr(twin, name, getattr(context, name))


def _unread(route: BaseRoute) -> BaseRoute:
    """Return a route, or of an included router a copy."""
    is_route = isinstance(route, Route | WebSocketRoute | Mount | Host)
    return route if is_route else copy.copy(route)


def _decides(route: BaseRoute) -> bool:
    """Whether the class of a route has its own way to match or to handle."""
    own = type(route)
    known = next(kind for kind in (APIRoute, Route, Mount) if isinstance(route, kind))
    return any(
        inspect.getattr_static(own, name) is not inspect.getattr_static(known, name)
        for name in ("handle", "matches")
    )


def _is_bare(route: BaseRoute) -> bool:
    handle = inspect.getattr_static(route, "handle")
    return type(handle) is FunctionType and handle.__code__.co_filename in _FRAMEWORK


_FRAMEWORK: Final = {inspect.getfile(APIRoute), inspect.getfile(Route)}


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
