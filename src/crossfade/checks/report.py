"""What native routes do not borrow from Flask, said before somebody relies on it.

Hooks are borrowed. The decorators of a view and WSGI middleware around the application are not:
this finds them, at start and with each change of the map. A map that may let in whom Flask turns
away is refused until it names what the handler does itself. What decides nothing is logged, and
what the team has acknowledged in the map is said no more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Flask

from crossfade.checks.extensions import Extension, extensions_of
from crossfade.checks.guards import (
    Guard,
    Guards,
    State,
    dependencies_of,
    guards_behind_body,
    is_borrowed,
    is_named,
    name_of,
)
from crossfade.checks.session_cookies import shared_session_cookies
from crossfade.checks.thread_locals import thread_states
from crossfade.checks.wsgi_middleware import Layer, middleware_around
from crossfade.errors import MapError, Problem
from crossfade.migration_map.parse import MigrationMap
from crossfade.model import Hooks, Stage
from crossfade.native.context_use import WITHOUT_CONTEXT, needs_flask
from crossfade.routing import LegacyRule, NativeApp, NativeRoute, RouteTable, Target
from crossfade.wording import some

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Message(NamedTuple):
    """One line for the log.

    Attributes:
        level: of `logging`.
        text: what is not borrowed, where, and what to do.
    """

    level: int
    text: str


class Unborrowed:
    """Looks at a Flask application for what its native routes do without.

    Args:
        flask_app: the Flask application; None where the legacy side can't be looked into.
        wsgi: what was mounted: the application itself, or middleware around it.
        native: the FastAPI application.
    """

    def __init__(
        self,
        flask_app: Flask | None,
        wsgi: WSGIApplication | None,
        native: NativeApp | None = None,
    ) -> None:
        self._flask = flask_app
        self._wsgi = wsgi
        self._native = native
        self._looked: dict[tuple[int, int, str], tuple[object, NativeRoute, Guards]] = {}

    def guards(self, target: Target, migration_map: MigrationMap) -> list[Guard]:
        """Return what decorates a route's view, with what becomes of it on a native answer."""
        if self._flask is None or target.legacy is None or target.native is None:
            return []
        method = target.route.partition(" ")[0]
        found = self._guards(target.legacy, method, target.native)
        return found.judged(target.guards, migration_map.gateway.harmless_decorators)

    def _guards(self, rule: LegacyRule, method: str, native: NativeRoute) -> Guards:
        """Look at two handlers: once, as long as Flask's view is the same object."""
        assert self._flask is not None  # whose rule it is
        view = self._flask.view_functions.get(rule.endpoint)
        key = (id(view), id(native), method)
        if key not in self._looked:  # what has the number stays alive beside it
            self._looked[key] = view, native, Guards.of(view, method, native)
        return self._looked[key][2]

    def middleware(self) -> list[Layer]:
        """Return the WSGI middleware that native answers do not pass."""
        return [] if self._flask is None else middleware_around(self._wsgi, self._flask)

    def extensions(self) -> list[Extension]:
        """Return the extensions that the application has, and what is borrowed of each."""
        return [] if self._flask is None else extensions_of(self._flask, self.middleware())

    # --- what a map may not say -------------------------------------------------------------------

    def checked(
        self, build: Callable[[MigrationMap], RouteTable]
    ) -> Callable[[MigrationMap], RouteTable]:
        """Return a builder of route tables that refuses maps which break a route."""

        def checking(migration_map: MigrationMap) -> RouteTable:
            table = build(migration_map)
            problems = list(self._problems(migration_map, table))
            if problems:
                raise MapError(problems)
            return table

        return checking

    def _problems(self, migration_map: MigrationMap, table: RouteTable) -> Iterator[Problem]:
        yield from self.openings(migration_map, table)
        for route in table.routes:
            if route.entry.stage is not Stage.NATIVE or route.native is None:
                continue
            without = self._flask is None or route.entry.hooks is Hooks.NONE
            calls = dependencies_of(route.native.dependant) if without else ()
            needed = list(dict.fromkeys(name_of(call) for call in calls if _needs(call)))
            if needed:
                reason, remedy = _nothing_to_borrow(needed, self._flask is None)
                yield migration_map.problem(route.entry, reason, remedy)

    def openings(self, migration_map: MigrationMap, table: RouteTable) -> Iterator[Problem]:
        """Return where a native answer may let in whom Flask refuses, with what to do about it."""
        if self._flask is None:
            return
        moved = [
            route
            for route in table.routes
            if route.entry.stage is Stage.NATIVE and route.native is not None and route.rules
        ]
        for route in moved:
            assert route.native is not None  # so they were chosen
            guards = [
                guard
                for rule in route.rules
                for guard in self._guards(rule, route.entry.name.method, route.native).judged(
                    route.entry.guards, migration_map.gateway.harmless_decorators
                )
            ]
            open_ones = [guard for guard in dict.fromkeys(guards) if guard.opens]
            if open_ones:
                idle = _idle(route.entry.guards, guards)
                reason, remedy = _opened(route.native.handler, open_ones, idle)
                yield migration_map.problem(route.entry, reason, remedy)
        for layer in self._unsaid(migration_map) if moved else ():
            if layer.decides:
                routes = some([str(route.entry.name) for route in moved])
                reason = (
                    f"it may be OPEN: WSGI middleware {layer.place}, which may decide who may "
                    f"call, does not run for native routes ({routes})"
                )
                yield migration_map.problem(moved[0].entry, reason, _acknowledge(layer.place))

    def _unsaid(self, migration_map: MigrationMap) -> list[Layer]:
        named = migration_map.gateway.skipped_middleware
        return [layer for layer in self.middleware() if not layer.is_named(named)]

    # --- what is said of a map --------------------------------------------------------------------

    def messages(self, migration_map: MigrationMap, table: RouteTable) -> Iterator[Message]:
        """Return what to log of a map: first what may let somebody in, then what is lost."""
        yield from self._on_session_cookies(migration_map)
        native = [each for each in _once(table.targets()) if each.stage is Stage.NATIVE]
        others: dict[Guard, list[str]] = {}
        for problem in self.openings(migration_map, table):  # decorated after the map was checked
            yield Message(logging.ERROR, str(problem))
        for target in native:
            guards = self.guards(target, migration_map)
            for guard in guards:
                if guard.state is State.MISSING and not guard.opens:
                    others.setdefault(guard, []).append(target.route)
            idle = _idle(target.guards, guards)
            if idle:
                text = f"{target.route} has guards = {idle!r} in {migration_map.file}, but its view"
                yield Message(logging.WARNING, f"{text} has no such decorator")
            if target.hooks is Hooks.NONE and needs_flask(
                target.native and target.native.dependant
            ):
                yield Message(logging.WARNING, _out_of_context(target, migration_map.file))
        for guard, routes in others.items():
            yield Message(logging.WARNING, _lost(guard, routes))
        if self._flask is not None and any(each.hooks is Hooks.FLASK for each in native):
            for state in thread_states(self._flask):
                yield Message(logging.WARNING, str(state))
        yield from self._on_unbounded_bodies(migration_map, native)
        moved = [target.route for target in native if target.legacy is not None]
        for layer in self._unsaid(migration_map) if moved else ():
            if layer.decides:
                continue  # a problem of the map
            lost = layer.lost or "if it decides who may call, they are OPEN"
            yield Message(
                logging.WARNING if layer.lost else logging.ERROR,
                f"WSGI middleware {layer.place} does not run for native routes "
                f"({some(moved)}): {lost}. {_acknowledge(layer.place)}",
            )

    def _on_unbounded_bodies(
        self, migration_map: MigrationMap, native: Sequence[Target]
    ) -> Iterator[Message]:
        limit = None if self._flask is None else self._flask.config["MAX_CONTENT_LENGTH"]
        if limit is not None or migration_map.bridge.max_body is not None:
            return
        found = {
            target.route: guards
            for target in native
            if target.native is not None and (guards := guards_behind_body(target.native))
        }
        if found:
            yield Message(logging.WARNING, _unbounded(found))

    def _on_session_cookies(self, migration_map: MigrationMap) -> Iterator[Message]:
        if self._flask is None or self._native is None:
            return
        if not migration_map.gateway.shared_session_cookie:
            for cookie in shared_session_cookies(self._flask, self._native):
                yield Message(logging.WARNING, str(cookie))


def _needs(call: object) -> bool:
    return is_borrowed(call) and not hasattr(call, WITHOUT_CONTEXT)


def _nothing_to_borrow(needed: Sequence[str], no_flask: bool) -> tuple[str, str]:
    what = f"the handler depends on {_listed(needed)} of crossfade.compat"
    if no_flask:
        return (
            f"{what}, but the legacy application is not known to be Flask",
            "Name the Flask inside: mount_legacy(…, flask_app=…).",
        )
    return (
        f'{what}, but hooks = "none" lends nothing: every request would be answered 500',
        'Remove hooks = "none", or give the handler a dependency that needs no Flask.',
    )


def _out_of_context(target: Target, file: str) -> str:
    return (
        f'{target.route} has hooks = "none" in {file}, but its handler names something that needs '
        "Flask's request context (flask.request, session, g, current_user): where it comes to that "
        "the request fails"
    )


def _opened(handler: str, guards: Sequence[Guard], idle: Sequence[str]) -> tuple[str, str]:
    """Say why a route may be open, and what to do: reason and remedy of a problem."""
    names = _listed([guard.name for guard in guards])
    keys = ", ".join(f'"{guard.decorator.leaf}"' for guard in guards)
    instead = "; ".join(dict.fromkeys(guard.known.instead for guard in guards))
    others = _listed([guard.by for guard in guards if guard.by])
    reason = f"it may be OPEN: Flask's view has {names}, and no such guard is seen on {handler}"
    if others:
        reason += f", which has {others} with other arguments"
    if idle:
        reason += f"; guards = {list(idle)!r} names no decorator of the view"
    remedy = (
        f"Replacement: {instead}. If the handler has a guard of its own, name what it replaces in "
        f"the map: guards = [{keys}]"
    )
    return reason, remedy


def _lost(guard: Guard, routes: Sequence[str]) -> str:
    doubt = ""
    if guard.known.work.name == "UNKNOWN":
        doubt = " crossfade does not know what it does."
    return (
        f"the decorator {guard.decorator} of Flask's views does not run for {some(routes)}."
        f"{doubt} Instead of it: {guard.known.instead}. Said no more with guards = "
        f'["{guard.decorator.leaf}"] on a route, or for all routes with [gateway] '
        f'harmless_decorators = ["{guard.decorator}"]'
    )


def _unbounded(found: Mapping[str, Sequence[str]]) -> str:
    guards = _listed(list(dict.fromkeys(name for names in found.values() for name in names)))
    return (
        f"FastAPI takes in the whole body of {some(list(found))} before {guards} runs, and no "
        "limit is set: a stranger can have it hold any amount, where Flask's decorators refuse "
        "before anything is read. Set [bridge] max_body in the map, or MAX_CONTENT_LENGTH; either "
        "silences this. The guards of crossfade.compat (LoggedIn, allowed, decorated) run before "
        "the body is read"
    )


def _acknowledge(place: str) -> str:
    return f'If native routes can do without: [gateway] skipped_middleware = ["{place}"]'


def _idle(named: Sequence[str], guards: Sequence[Guard]) -> list[str]:
    """Return the names in `guards` that mean nothing: misspelt, or gone from the view."""
    return [name for name in named if not any(is_named(each.decorator, [name]) for each in guards)]


def _once(targets: Iterable[Target]) -> Iterator[Target]:
    said: set[tuple[str, Any]] = set()
    for target in targets:
        key = (target.route, None if target.legacy is None else target.legacy.endpoint)
        if key not in said:
            said.add(key)
            yield target


def _listed(names: Sequence[str]) -> str:
    if not names:
        return ""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
