"""Who answers a request: one match in one Werkzeug `Map`, then one look-up.

A `RouteTable` is frozen. An edit of the migration map builds a new one, which shares the compiled
`Map` with its predecessor unless the set of native-only routes changed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.types import Scope
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import Map, MapAdapter

from crossfade.errors import MapError, Problem
from crossfade.migration_map.parse import MigrationMap
from crossfade.model import Hooks, Side, Stage
from crossfade.routing.legacy import LegacyApp, LegacyRule
from crossfade.routing.native import NativeApp, NativeRoute, NativeRule
from crossfade.routing.resolve import Resolver, Route
from crossfade.scope.environ import build_environ, path_info

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_MOST_HOSTS = 1024  # adapters kept; a client can invent hosts without end
# Most requests of a service are for few URLs, and what owns a URL is the same as long as the table
# is. A client can invent URLs too.
_MOST_REMEMBERED = 4096
_LONGEST_REMEMBERED = 256


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What can answer one method of one rule.

    Attributes:
        route: the route as the migration map spells it.
        stage: who shall answer.
        legacy: the Flask rule; None for a route that only FastAPI has.
        native: the FastAPI route; None where there is none.
        names: Flask's name of each URL variable to FastAPI's, paired by their order in the URL.
        hooks: what a native answer borrows from Flask.
        guards: decorators of Flask's view whose work the native handler does itself.
    """

    route: str
    stage: Stage
    legacy: LegacyRule | None
    native: NativeRoute | None
    names: Mapping[str, str]
    hooks: Hooks = Hooks.FLASK
    guards: tuple[str, ...] = ()

    def handler(self, side: Side) -> str | None:
        """Return the name of what one side has: Flask's endpoint, FastAPI's function."""
        if side is Side.LEGACY:
            return None if self.legacy is None else str(self.legacy.endpoint)
        return None if self.native is None else self.native.handler

    def path_params(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the URL's values under FastAPI's names; a host's and defaults keep Flask's."""
        return {self.names.get(name, name): value for name, value in values.items()}


class Found(NamedTuple):
    """The outcome of a match: `target` is None where no rule of the map owns the request.

    `environ` is the request as middleware in front of Flask has made it, where there is some that
    rewrites hosts or paths.
    """

    target: Target | None
    values: Mapping[str, Any]
    environ: WSGIEnvironment | None = None


_NOTHING = Found(None, {})
_NO_VALUES: Mapping[str, Any] = {}
_Targets = dict[int, dict[str, Target]]


class RouteTable:
    """A frozen answer to "who answers this request?".

    Attributes:
        routes: the lines of the map, with what each speaks of.
        served: the native routes that answer what the map gives them.
        pending: what is wrong with lines of the map that `routes` leaves out, because the
            application has not started and may add their routes when it does.
    """

    def __init__(
        self,
        url_map: Map,
        targets: _Targets,
        legacy: LegacyApp | None,
        native: NativeApp,
        routes: tuple[Route, ...],
        *,
        documents: bool = False,
        pending: tuple[Problem, ...] = (),
    ) -> None:
        self._map = url_map
        self._targets = targets
        self._legacy = legacy
        self._native = native
        self._documents = {
            path: Target(f"GET {path}", Stage.NATIVE, None, route, {})
            for path, route in native.documents.items()
            if documents
        }
        self._adapters: dict[object, MapAdapter | None] = {}
        self._remembered: dict[tuple[object, str, str], Found] = {}
        self._rules = () if legacy is None else legacy.rules
        # An application that chooses the adapter itself may look at more than the host.
        self._native_routes = native.routes
        self.pending = pending
        self._may_remember = legacy is None or not legacy.binds_by_itself
        self._follows_middleware = legacy is not None and legacy.follows_middleware
        self.routes = routes
        self.served = frozenset(
            route.native
            for route in routes
            if route.native is not None and route.entry.stage is Stage.NATIVE
        )
        self._plain = url_map.bind("localhost")

    def targets(self) -> Iterator[Target]:
        """Return every route of Flask's that a person wrote, and FastAPI's own that are listed.

        HEAD beside GET and the OPTIONS that Flask answers by itself are no routes of their own.
        """
        for by_method in self._targets.values():
            for method, target in by_method.items():
                rule = target.legacy
                methods = ("GET",) if rule is None else rule.listed_methods or by_method
                if method in methods or (rule is None and method != "HEAD"):
                    yield target

    def unserved_documents(self) -> list[str]:
        """Return the URLs of FastAPI's own pages that Flask answers, and has nothing at."""
        flask = {rule.shape.spelling for rule in self._rules}
        listed = {route.native for route in self.routes}
        return [
            path
            for path, route in self._native.documents.items()
            if path not in self._documents and path not in flask and route not in listed
        ]

    def is_outdated(self) -> bool:
        """Whether the applications have other routes than those that the table was built of.

        Or whether it was built without lines of the map whose routes were still to come.
        """
        legacy, native = self._legacy, self._native
        if self.pending and not native.may_grow:
            return True
        if legacy is not None and (legacy.rules is not self._rules or legacy.has_changed()):
            return True
        return native.routes is not self._native_routes or native.has_changed()

    @cached_property
    def by_name(self) -> Mapping[str, Target]:
        """Return the targets by the map's spelling of their route."""
        return {target.route: target for target in self.targets()}

    def match(self, scope: Scope) -> Found:
        """Return what may answer an HTTP request.

        Args:
            scope: of type `http`, as the ASGI server made it.
        """
        path = path_info(scope)
        method: str = scope["method"]
        if self._follows_middleware:
            environ = self._environ(scope)
            if environ is None:
                return _NOTHING
            entered = self._match(self._adapter_of(environ), method, environ["PATH_INFO"])
            return entered._replace(environ=environ)
        host = self._host(scope)
        if host is None:
            return _NOTHING
        key = (host, method, path)
        found = self._remembered.get(key)
        if found is None:
            found = self._match(self._adapter(host, scope), method, path)
            if found.target is not None and self._worth_it(host[0], path):
                if len(self._remembered) >= _MOST_REMEMBERED:
                    self._remembered.clear()
                self._remembered[key] = found
        return found

    def takes_host(self, scope: Scope) -> bool:
        """Whether Flask takes requests for this host: `TRUSTED_HOSTS` may say otherwise."""
        if self._follows_middleware:
            environ = self._environ(scope)
            return environ is not None and self._adapter_of(environ) is not None
        host = self._host(scope)
        return host is not None and self._adapter(host, scope) is not None

    def _worth_it(self, host: object, path: str) -> bool:
        """Whether to remember: a client chooses how long a host and a path are."""
        long = len(path) > _LONGEST_REMEMBERED or (
            isinstance(host, bytes | str) and len(host) > _LONGEST_REMEMBERED
        )
        return self._may_remember and not long

    def _match(self, adapter: MapAdapter | None, method: str, path: str) -> Found:
        if adapter is None:
            return _NOTHING
        if not path.isascii():
            path = path.encode("latin-1").decode(errors="replace")  # as Werkzeug reads PATH_INFO
        try:
            rule, values = adapter.match(path, method, return_rule=True, websocket=False)
        except NotFound:
            document = self._document(path, method)
            return _NOTHING if document is None else Found(document, {})
        except (HTTPException, ValueError):
            # ValueError: more digits than Python reads, which older versions of Werkzeug let pass.
            return _NOTHING
        target = self._targets[id(rule)].get(method)
        if target is None:
            return _NOTHING
        if target.legacy is None:
            # A page of FastAPI's goes before FastAPI's own catch-all, never before Flask's.
            document = self._document(path, method)
            if document is not None and document.native is not target.native:
                return Found(document, {})
        return Found(target, values)

    def _document(self, path: str, method: str) -> Target | None:
        return self._documents.get(path) if method in ("GET", "HEAD") else None

    def own_values(self, target: Target, scope: Scope) -> Mapping[str, Any] | None:
        """Return what converters of the application's own make of the URL, by Flask's names.

        None where Flask's own map gives the request to another rule. It is asked before a native
        answer wherever the compiled copy can't know: see `LegacyRule`.
        """
        rule = target.legacy
        if rule is None or not rule.needs_flask or self._legacy is None:
            return _NO_VALUES
        environ = self._environ(scope)
        if environ is None:
            return None
        values = self._legacy.values(rule, environ, scope["method"])
        if values is None:
            return None
        return {name: values[name] for name in rule.own_converters if name in values}

    def entered(self, scope: Scope) -> WSGIEnvironment | None:
        """Return the request as it reaches Flask, if middleware before it may have changed it."""
        return self._environ(scope) if self._follows_middleware else None

    def _environ(self, scope: Scope) -> WSGIEnvironment | None:
        """Return the environ that reaches Flask, without a body; None where none does."""
        assert self._legacy is not None  # a table without Flask asks nobody
        return self._legacy.enter(build_environ(scope, io.BytesIO()))

    def _host(self, scope: Scope) -> tuple[object, object] | None:
        """Return what a match depends on beside method and path; None where Flask has to decide."""
        host: object = None
        for name, value in scope["headers"]:
            if name == b"host":
                if host is not None:
                    return None  # two readings of one request
                host = value
        return (scope.get("server") if host is None else host, scope.get("scheme"))

    def _adapter(self, host: tuple[object, object], scope: Scope) -> MapAdapter | None:
        """Return the map bound to the request's host."""
        if self._legacy is None:
            return self._plain
        try:
            return self._adapters[host]
        except KeyError:
            environ = self._environ(scope)
            return None if environ is None else self._bind(host, environ)

    def _adapter_of(self, environ: WSGIEnvironment) -> MapAdapter | None:
        names = ("HTTP_HOST", "SERVER_NAME", "SERVER_PORT", "wsgi.url_scheme")
        key = tuple(environ.get(name) for name in names)
        try:
            return self._adapters[key]
        except KeyError:
            return self._bind(key, environ)

    def _bind(self, key: tuple[object, ...], environ: WSGIEnvironment) -> MapAdapter | None:
        assert self._legacy is not None  # a table without Flask has one adapter
        original = self._legacy.bind(environ)
        adapter = None
        if original is not None:
            adapter = self._map.bind(
                original.server_name, subdomain=original.subdomain, path_info="/"
            )
        if self._worth_it(key[0], ""):
            if len(self._adapters) >= _MOST_HOSTS:
                self._adapters.clear()
            self._adapters[key] = adapter
        return adapter


class RouteTableBuilder:
    """Builds a table from each version of the migration map; keeps what versions share."""

    def __init__(self, legacy: LegacyApp | None, native: NativeApp) -> None:
        self._legacy = legacy
        self._native = native
        self._resolver = Resolver(legacy, native)
        self._copy_of: dict[int, int] = {}
        self._compiled: tuple[frozenset[tuple[int, str, Hooks]], Map, _Targets] | None = None

    def build(self, migration_map: MigrationMap) -> RouteTable:
        """Return the table for a map.

        Raises:
            MapError: with every route of the map that can't be served as it says. A route that is
                not there is no such problem while FastAPI may still get it: see `pending`.
        """
        self._read_again()
        routes, problems = self._resolver.resolve(migration_map)
        # A route that FastAPI gets while it starts can be listed. Until then it is Flask's.
        pending = tuple(problem for problem in problems if problem.absent and self._native.may_grow)
        if len(pending) < len(problems):
            raise MapError(problems)
        url_map, defaults = self._compile([route for route in routes if not route.rules])
        targets = dict(defaults)
        for route in routes:
            for rule in route.rules:
                rule_id = self._copy_of[id(rule)]
                targets[rule_id] = {
                    method: (
                        replace(
                            target,
                            stage=route.entry.stage,
                            hooks=route.entry.hooks,
                            guards=route.entry.guards,
                        )
                        if _listed_method(method, rule) == route.entry.name.method
                        else target
                    )
                    for method, target in targets[rule_id].items()
                }
        return RouteTable(
            url_map,
            targets,
            self._legacy,
            self._native,
            tuple(routes),
            documents=bool(migration_map.gateway.api_docs),
            pending=pending,
        )

    def _read_again(self) -> None:
        """Take note of blueprints, rules and routes that were added since."""
        changed = False
        for side in (self._legacy, self._native):
            if side is not None and side.has_changed():
                side.read()
                changed = True
        if changed:
            self._resolver = Resolver(self._legacy, self._native)
            self._compiled = None

    def _compile(self, native_only: list[Route]) -> tuple[Map, _Targets]:
        """Return the combined map, and each rule's targets as if the map listed none of Flask's."""
        key = frozenset(
            (id(route.native), route.entry.name.method, route.entry.hooks) for route in native_only
        )
        if self._compiled is not None and self._compiled[0] == key:
            return self._compiled[1:]
        url_map, copies = (Map(), {}) if self._legacy is None else self._legacy.copy_map()
        self._copy_of = {id(rule): copy_id for copy_id, rule in copies.items()}
        targets: _Targets = {
            rule_id: {
                method: self._paired(rule, method)
                for method in sorted(rule.methods or _methods_of(self._native))
            }
            for rule_id, rule in copies.items()
        }
        for route in native_only:
            if route.native is None:
                continue
            method = route.entry.name.method
            native_rule = NativeRule(route.native, method)
            url_map.add(native_rule)
            entry = route.entry
            target = Target(str(entry.name), entry.stage, None, route.native, {}, entry.hooks)
            targets[id(native_rule)] = dict.fromkeys(native_rule.methods or (), target)
        url_map.update()
        self._compiled = (key, url_map, targets)
        return url_map, targets

    def _paired(self, rule: LegacyRule, method: str) -> Target:
        native = None if rule.moved_by_flask else self._resolver.counterpart(rule, method)
        ours = native.shape.variables if native else rule.shape.variables
        names = dict(zip(rule.shape.variables, ours, strict=True))
        route = f"{_listed_method(method, rule)} {rule.spelling}"
        return Target(route, Stage.LEGACY, rule, native, names)


def _listed_method(method: str, rule: LegacyRule | None) -> str:
    """Return the method under which a map lists this one: HEAD follows GET."""
    return "GET" if method == "HEAD" and rule is not None and rule.allows("GET") else method


def _methods_of(native: NativeApp) -> set[str]:
    """The methods to pair where a Flask rule takes any."""
    return {"GET", "HEAD"}.union(*(route.methods or () for route in native.routes))
