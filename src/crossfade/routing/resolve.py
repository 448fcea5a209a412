"""Which two implementations does a line of the migration map speak of? Or: why of none?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from crossfade.errors import Problem, Suggester
from crossfade.migration_map.parse import MigrationMap, RouteEntry
from crossfade.model import Stage
from crossfade.routing.legacy import LegacyApp, LegacyRule
from crossfade.routing.native import NativeApp, NativeRoute
from crossfade.routing.shapes import Shape, fastapi_shape, flask_shape, split_domain


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the map with what it speaks of.

    Attributes:
        entry: the line.
        rules: the Flask rules that are spelt so: one, or none for a route that only FastAPI has.
            More where an application adds a rule twice with other options.
        native: the FastAPI route; None where a legacy route has no counterpart yet.
    """

    entry: RouteEntry
    rules: tuple[LegacyRule, ...]
    native: NativeRoute | None


class Unresolved(Exception):
    """A line speaks of no route; `reason` and `remedy` say why.

    `absent` is True where a route that is added later could make it right.
    """

    def __init__(self, reason: str, remedy: str = "", *, absent: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy
        self.absent = absent


class Resolver:
    """Finds routes by either spelling. Built once; every edit of the map asks it again."""

    def __init__(self, legacy: LegacyApp | None, native: NativeApp) -> None:
        self.legacy = legacy
        self.native = native
        self._rules = legacy.rules if legacy is not None else ()
        self._by_spelling: dict[str, list[LegacyRule]] = defaultdict(list)
        self._by_skeleton: dict[str, list[LegacyRule]] = defaultdict(list)
        for rule in self._rules:
            self._by_spelling[rule.shape.spelling].append(rule)
            self._by_skeleton[rule.shape.skeleton].append(rule)
        self._native_by_skeleton: dict[str, list[NativeRoute]] = defaultdict(list)
        for route in native.routes:
            self._native_by_skeleton[route.shape.skeleton].append(route)

    def resolve(self, migration_map: MigrationMap) -> tuple[list[Route], list[Problem]]:
        """Return the map's routes, and a problem for each line that speaks of none."""
        routes: list[Route] = []
        problems: list[Problem] = []
        taken: dict[tuple[int, str], RouteEntry] = {}
        suggester = Suggester()
        for entry in migration_map.entries:
            try:
                route = self._resolve(entry, suggester)
                self._refuse_second(route, taken, migration_map)
            except Unresolved as why:
                problems.append(
                    migration_map.problem(entry, why.reason, why.remedy, absent=why.absent)
                )
            else:
                routes.append(route)
        return routes, problems

    def counterpart(self, rule: LegacyRule, method: str) -> NativeRoute | None:
        """Return the FastAPI route for a Flask rule and method, or None."""
        return self._find_native(rule.shape, method)

    def _resolve(self, entry: RouteEntry, suggester: Suggester) -> Route:
        method = entry.name.method
        domain, path = split_domain(entry.name.rule)
        spelt_by_fastapi = "{" in path and "<" not in path
        if spelt_by_fastapi:
            shape = fastapi_shape(path)
            rules = self._by_skeleton.get(shape.skeleton, [])
            rules = [r for r in rules if r.shape.open_ended == shape.open_ended] or rules
        else:
            shape = flask_shape(path)
            rules = self._by_spelling.get(shape.spelling, [])
        rules = [rule for rule in rules if domain in ("", rule.domain)]
        allowed = [rule for rule in rules if rule.allows(method)]
        # A host may be left out only where that leaves one route, or names one that has none.
        allowed = [rule for rule in allowed if rule.domain == domain] or allowed
        if allowed:
            return self._pair(entry, _one_route(allowed, method))
        native = None if "<" in path or domain else self._find_native(shape, method)
        if native is not None:
            return self._native_only(entry, native)
        if rules:
            raise Unresolved(*self._method_not_allowed(rules, method), absent=True)
        if self.legacy is None and entry.stage is Stage.LEGACY:
            return Route(entry, (), None)  # an application that can't be looked into
        raise Unresolved(*self._unknown(entry, shape, suggester), absent=True)

    def _pair(self, entry: RouteEntry, rules: tuple[LegacyRule, ...]) -> Route:
        method, rule = entry.name.method, rules[0]
        if method == "HEAD" and rule.allows("GET"):
            raise Unresolved("HEAD follows GET", f'List "GET {entry.name.rule}" instead.')
        native = self._find_native(rule.shape, method)
        if entry.stage is Stage.NATIVE:
            if all(rule.moved_by_flask for rule in rules):
                raise Unresolved(
                    "Flask's rule redirects, so there is no view that FastAPI could stand for",
                    "Leave the route out, or move the route that it redirects to.",
                )
            if native is None:
                raise Unresolved(*self._no_native(rule, method), absent=True)
            if any(
                theirs and not ours
                for theirs, ours in zip(rule.shape.open_ended, native.shape.open_ended, strict=True)
            ):
                raise Unresolved(
                    f"FastAPI's {native.path} stops at a slash, Flask's {rule.spelling} does not",
                    "Declare the parameter as {name:path}.",
                )
        return Route(entry, rules, native)

    def _native_only(self, entry: RouteEntry, native: NativeRoute) -> Route:
        if entry.stage is Stage.LEGACY and self.legacy is not None:
            raise Unresolved(
                "only FastAPI has this route, so Flask can't serve it",
                'Make it "native", or remove the line: Flask then answers, most likely with 404.',
            )
        return Route(entry, (), native)

    def _find_native(self, shape: Shape, method: str) -> NativeRoute | None:
        """Return the route that is most alike; of several, the first that FastAPI was given."""
        found = [r for r in self._native_by_skeleton.get(shape.skeleton, ()) if r.allows(method)]

        def unlikeness(route: NativeRoute) -> tuple[bool, ...]:
            return (
                route.shape.open_ended != shape.open_ended,
                route.shape.variables != shape.variables,
                route.shape.converters != shape.converters,
                # A route that names HEAD itself goes before one that answers it by way of GET.
                route.methods is not None and method not in route.methods,
            )

        return min(found, key=unlikeness, default=None)

    def _refuse_second(
        self,
        route: Route,
        taken: dict[tuple[int, str], RouteEntry],
        migration_map: MigrationMap,
    ) -> None:
        for side in (*route.rules, *([] if route.rules else [route.native])):
            if side is None:
                continue
            first = taken.setdefault((id(side), route.entry.name.method), route.entry)
            if first is not route.entry:
                line = migration_map.line(first)
                raise Unresolved(
                    f'listed twice: line {line} has the same route as "{first.key}"',
                    "Keep one of the two spellings.",
                )

    # What to say where nothing was found.

    def _method_not_allowed(self, rules: list[LegacyRule], method: str) -> tuple[str, str]:
        rule = rules[0]
        methods = sorted({name for each in rules for name in each.listed_methods})
        return (
            f"Flask's rule {rule.spelling} does not allow {method}, and FastAPI has no such route",
            f"Flask allows {', '.join(methods)}.",
        )

    def _no_native(self, rule: LegacyRule, method: str) -> tuple[str, str]:
        missing = f"FastAPI has no route for {method} {rule.spelling}"
        same_path = self._native_by_skeleton.get(rule.shape.skeleton, [])
        if same_path:
            methods = sorted({name for route in same_path for name in route.methods or ()})
            path = same_path[0].path
            return missing, f"It has {path} for {', '.join(methods)} only."
        for route in self.native.routes:
            if route.allows(method) and route.shape.static_text == rule.shape.static_text:
                ours, theirs = route.shape.variables, rule.shape.variables
                if ours and theirs and len(ours) != len(theirs):
                    return (
                        f"different numbers of path parameters: Flask's {rule.spelling} has "
                        f"{_count(theirs)}, FastAPI's {route.path} has {_count(ours)}",
                        "Give the FastAPI route the same parameters, in the same order.",
                    )
        return missing, "Add it to the FastAPI application before it serves."

    def _unknown(self, entry: RouteEntry, shape: Shape, suggester: Suggester) -> tuple[str, str]:
        similar = sorted(
            {
                f"{entry.name.method} {rule.spelling}"
                for rule in self._by_skeleton.get(shape.skeleton, ())
                if rule.allows(entry.name.method)
            }
        )
        if similar:
            return "unknown route: no Flask rule is spelt so", f'Did you mean "{similar[0]}"?'
        mount = self.native.mounted_at(shape)
        if mount is not None:
            return (
                "unknown route: FastAPI mounts an application there, which is listed whole",
                f'Write "{entry.name.method} {mount.path}".',
            )
        return "unknown route: neither Flask nor FastAPI has it", suggester.nearest(
            entry.key, self._all_spellings
        )

    @cached_property
    def _all_spellings(self) -> list[str]:
        return sorted({*self._legacy_spellings(), *self._native_spellings()})

    def _legacy_spellings(self) -> Iterator[str]:
        for rule in self._rules:
            yield from (f"{method} {rule.spelling}" for method in rule.listed_methods)

    def _native_spellings(self) -> Iterator[str]:
        for route in self.native.routes:
            yield from (f"{method} {route.path}" for method in route.methods or ())


def _one_route(rules: list[LegacyRule], method: str) -> tuple[LegacyRule, ...]:
    """Return the rules if they are one route: spelt alike, for the same host."""
    if len({(rule.domain, rule.shape.spelling) for rule in rules}) > 1:
        spellings = sorted({rule.spelling for rule in rules})
        choices = " or ".join(f'"{method} {spelling}"' for spelling in spellings)
        raise Unresolved("ambiguous: several Flask rules are meant", f"Write {choices}.")
    return tuple(rules)


def _count(variables: Iterable[str]) -> str:
    names = list(variables)
    return f"{len(names)} ({', '.join(names)})" if names else "none"
