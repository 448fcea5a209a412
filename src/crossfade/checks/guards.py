"""What decorates a Flask view, and whether the native handler has a counterpart of it.

A native route runs inside Flask's hooks, not inside the decorators of the view that it stands for.
Nothing can be proved about code by looking at it, so a counterpart is only taken for one where it
can be seen: the same decorator on the handler, or a dependency that is known to refuse strangers or
whose code does. Names are no evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from functools import cache, partial
from typing import Any, Final

from fastapi import params
from fastapi.security.base import SecurityBase

import crossfade.compat as compat
from crossfade.checks.known_guards import Known, Work, is_guessed, known, looks_like_limit
from crossfade.checks.refusals import FORBIDDEN, refusals_of, verifies
from crossfade.checks.view_decorators import Decorator, decorators_of, functions_in
from crossfade.routing import NativeRoute

_OWN: Final = ("crossfade.compat.", "crossfade.native.")


class State(str, Enum):
    """What becomes of a decorator's work on a native route."""

    MISSING = "missing"
    NATIVE = "native"
    ACKNOWLEDGED = "acknowledged"
    NOT_NEEDED = "not needed"


@dataclass(frozen=True, slots=True)
class Guard:
    """One decorator of a Flask view, seen from the native handler.

    Attributes:
        decorator: what stands on the view.
        known: what it does.
        state: what becomes of that.
        by: the handler's counterpart, where one can be seen; "" otherwise. Of a missing one: the
            same decorator, made with other arguments.
    """

    decorator: Decorator
    known: Known
    state: State
    by: str = ""

    @property
    def opens(self) -> bool:
        """Whether the route may let in whom Flask refused."""
        return self.state is State.MISSING and self.known.work.is_access

    @property
    def name(self) -> str:
        """As a person calls it: `login_required (flask_login)`."""
        return f"{self.decorator.leaf} ({self.decorator.module})"

    def __str__(self) -> str:
        """Return a line for people: what it is, and what becomes of it."""
        if self.state is State.MISSING:
            other = f", which has {self.by} with other arguments" if self.by else ""
            return f"{self.name}: NOT SEEN in the handler{other}; {self.known.instead}"
        if self.state is State.NATIVE:
            return f"{self.name}: the handler has {self.by}"
        if self.state is State.ACKNOWLEDGED:
            return f"{self.name}: the handler does it itself, says the map"
        return f"{self.name}: {self.known.work.value}"

    def values(self) -> dict[str, str]:
        """Return it as plain values."""
        return {
            "decorator": str(self.decorator),
            "work": self.known.work.value,
            "state": self.state.value,
            "by": self.by,
        }


@dataclass(frozen=True, slots=True)
class Counterpart:
    """Something of the native handler that may do a decorator's work.

    Attributes:
        name: as its user wrote it.
        works: what it is known to do.
        refuses: statuses with which its code refuses who calls.
        decorator: what it is, where it is a decorator of Flask views.
    """

    name: str
    works: frozenset[Work] = frozenset()
    refuses: frozenset[int] = frozenset()
    decorator: Decorator | None = None

    def does(self, decorator: Decorator, work: Work) -> bool:
        """Whether it does the work of a decorator."""
        if self.decorator is not None and self.decorator == decorator:
            same = not work.is_access or self.decorator.arguments == decorator.arguments
            return same or work in self.works
        if work in self.works:
            return True
        if work is Work.LOGIN:
            return bool(self.refuses)
        if work is Work.PERMISSION:
            # A guard of the team's own refuses as its code says; for others 401 is not enough.
            needed = decorator.refuses if is_guessed(decorator) else frozenset()
            return self.refuses >= (needed or {FORBIDDEN})
        return not work.is_access and self.name == decorator.leaf


@dataclass(frozen=True, slots=True)
class Guards:
    """What decorates a view, and what of the native handler may stand for it.

    Found by reading code, which does not change while it runs; what the map says of it does.
    """

    decorators: tuple[Decorator, ...]
    counterparts: tuple[Counterpart, ...]

    @classmethod
    def of(cls, view: Any, method: str, native: NativeRoute) -> Guards:
        """Look at both handlers.

        Args:
            view: what Flask calls.
            method: the route's.
            native: what stands for it.
        """
        decorators = tuple(decorators_of(view, method))
        return cls(decorators, tuple(_counterparts(native, method)) if decorators else ())

    def judged(self, acknowledged: Sequence[str] = (), harmless: Sequence[str] = ()) -> list[Guard]:
        """Return the decorators with what becomes of each, from the outside inwards.

        Args:
            acknowledged: names of decorators whose work the handler does itself: `guards` of the
                map.
            harmless: patterns of decorators that no answer depends on. One that decides who may
                call is only meant by its full name, and never where it is known to do so.
        """
        return [
            _judged(each, self.counterparts, acknowledged, harmless) for each in self.decorators
        ]


def is_named(decorator: Decorator, names: Iterable[str]) -> bool:
    """Whether a list of names has this decorator, in any of its spellings."""
    return not set(decorator.spellings).isdisjoint(names)


def _is_harmless(decorator: Decorator, row: Known, patterns: Sequence[str]) -> bool:
    if row.work.is_access:
        return is_guessed(decorator) and str(decorator) in patterns
    return any(
        fnmatchcase(spelling, pattern) for pattern in patterns for spelling in decorator.spellings
    )


_LOGIN: Final = frozenset({Work.LOGIN})
_FRESH: Final = frozenset({Work.LOGIN, Work.FRESH})
_PERMISSION: Final = frozenset({Work.LOGIN, Work.PERMISSION})


def _judged(
    decorator: Decorator,
    counterparts: Sequence[Counterpart],
    acknowledged: Sequence[str],
    harmless: Sequence[str],
) -> Guard:
    row = known(decorator)
    if not row.work.is_lost or _is_harmless(decorator, row, harmless):
        return Guard(decorator, row, State.NOT_NEEDED)
    if is_named(decorator, acknowledged):
        return Guard(decorator, row, State.ACKNOWLEDGED)
    for each in counterparts:
        if each.does(decorator, row.work):
            return Guard(decorator, row, State.NATIVE, each.name)
    other = next((each.name for each in counterparts if each.decorator == decorator), "")
    return Guard(decorator, row, State.MISSING, other)


def _counterparts(native: NativeRoute, method: str) -> Iterator[Counterpart]:
    for decorator in decorators_of(native.endpoint, method):
        yield _same(decorator)
    for call in dependencies_of(native.dependant):
        name = name_of(call)
        if call is not native.endpoint:
            yield _dependency(call, name)
        if name == "decorated" and is_borrowed(call):
            for behind in functions_in(call):
                yield from map(_same, decorators_of(behind, method))
        verifier, fresh = verifies(call)
        if verifier:
            yield Counterpart(f"{verifier}()", _FRESH if fresh else _LOGIN)


def _same(decorator: Decorator) -> Counterpart:
    """A decorator that stands on the native handler, too."""
    work = known(decorator).work
    works = frozenset({work} & {Work.LIMIT})
    if work.is_access:  # whom it lets in is its own affair: of others it only says that it knows
        works = _FRESH if work is Work.FRESH else _LOGIN
    return Counterpart(str(decorator), works, decorator=decorator)


def _dependency(call: Any, name: str) -> Counterpart:
    if is_borrowed(call):
        return Counterpart(name, _BORROWED.get(name, frozenset()))
    limits = frozenset({Work.LIMIT}) if looks_like_limit(name) else frozenset[Work]()
    return Counterpart(name, limits, refusals_of(call))


def dependencies_of(dependant: Any) -> Iterator[Any]:
    """Return the callables of FastAPI's tree of dependencies, the endpoint first."""
    if dependant is None:
        return
    if dependant.call is not None:
        yield dependant.call
    for inner in dependant.dependencies:
        yield from dependencies_of(inner)


def guards_behind_body(native: NativeRoute) -> list[str]:
    """Return a team's own guards that run once FastAPI has read the whole body."""
    if native.dependant is None or not _has_body_parameters(native.dependant):
        return []
    calls = (c for c in dependencies_of(native.dependant) if c is not native.endpoint)
    named = ((call, name_of(call)) for call in calls if not is_borrowed(call))
    return [name for call, name in named if isinstance(call, SecurityBase) or refusals_of(call)]


def _has_body_parameters(dependant: Any) -> bool:
    return bool(dependant.body_params) or any(map(_has_body_parameters, dependant.dependencies))


def is_borrowed(call: Any) -> bool:
    """Whether a dependency is one of `crossfade.compat`, which needs Flask's context."""
    return str(getattr(call, "__module__", "")).startswith(_OWN)


def name_of(call: Any) -> str:
    """Return a dependency's name as its user wrote it: `LoggedIn`, `allowed`, `require_admin`."""
    public = _public_names().get(id(call))
    if public is not None:
        return public
    call = call.func if isinstance(call, partial) else call
    call = getattr(call, "__func__", call)
    name = str(getattr(call, "__qualname__", type(call).__qualname__))
    if not is_borrowed(call):
        return name.rpartition(".")[2]
    # What a function of ours made is known by that function's name.
    name = name.partition(".<locals>")[0]
    return "a reader of the request" if name.startswith("_") else name


_BORROWED: Final = {"LoggedIn": _LOGIN, "FreshlyLoggedIn": _FRESH, "allowed": _PERMISSION}


@cache
def _public_names() -> dict[int, str]:
    """The names of the package's own dependencies, by the `id` of what FastAPI calls."""
    found = {}
    for name in compat.__all__:
        for extra in getattr(getattr(compat, name), "__metadata__", ()):
            if isinstance(extra, params.Depends):
                found[id(extra.dependency)] = name
    return found
