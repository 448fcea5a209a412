"""What decorates a Flask view, and whether the native handler has a counterpart of it.

A native route runs inside Flask's hooks, not inside the decorators of the view that it stands for.
Nothing can be proved about code by looking at it, so a counterpart is only taken for one where it
can be seen and named: a dependency, or the same decorator on the handler.
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
from crossfade.compat.known_guards import Known, Work, known, looks_like_access, looks_like_limit
from crossfade.compat.wrappers import Decorator, decorators_of, functions_in
from crossfade.routing import NativeRoute

_OWN: Final = "crossfade.compat."
_VERIFIES: Final = frozenset({"verify_jwt_in_request"})
"""Functions that do in a handler's code what their package's decorator does."""


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
        by: the handler's counterpart, where one can be seen; "" otherwise.
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
            return f"{self.name}: NOT SEEN in the handler; {self.known.instead}"
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


def guards_of(
    view: Any,
    method: str,
    native: NativeRoute,
    acknowledged: Sequence[str] = (),
    harmless: Sequence[str] = (),
) -> list[Guard]:
    """Return the decorators of a view with what becomes of each, from the outside inwards.

    Args:
        view: what Flask calls.
        method: the route's.
        native: what stands for it.
        acknowledged: names of decorators whose work the handler does itself: `guards` of the map.
        harmless: patterns of decorators that no answer depends on.
    """
    counterparts = list(_counterparts(native, method))
    return [
        _judged(decorator, counterparts, acknowledged, harmless)
        for decorator in decorators_of(view, method)
    ]


def matches(decorator: Decorator, patterns: Iterable[str]) -> bool:
    """Whether a pattern of the map means this decorator, in any of its spellings."""
    return any(
        fnmatchcase(spelling, pattern) for pattern in patterns for spelling in decorator.spellings
    )


@dataclass(frozen=True, slots=True)
class _Counterpart:
    """Something of the native handler that may do a decorator's work."""

    name: str
    works: frozenset[Work]


_LOGIN: Final = frozenset({Work.LOGIN})
_FRESH: Final = frozenset({Work.LOGIN, Work.FRESH})
_PERMISSION: Final = frozenset({Work.LOGIN, Work.PERMISSION})
_ANY_ACCESS: Final = _FRESH | _PERMISSION


def _judged(
    decorator: Decorator,
    counterparts: Sequence[_Counterpart],
    acknowledged: Sequence[str],
    harmless: Sequence[str],
) -> Guard:
    row = known(decorator)
    if not row.work.is_lost or matches(decorator, harmless):
        return Guard(decorator, row, State.NOT_NEEDED)
    if matches(decorator, acknowledged):
        return Guard(decorator, row, State.ACKNOWLEDGED)
    for each in counterparts:
        if row.work in each.works or each.name in (decorator.leaf, str(decorator)):
            return Guard(decorator, row, State.NATIVE, each.name)
    return Guard(decorator, row, State.MISSING)


def _counterparts(native: NativeRoute, method: str) -> Iterator[_Counterpart]:
    for decorator in decorators_of(native.endpoint, method):
        yield _same(decorator)
    for call in dependencies_of(native.dependant):
        name = name_of(call)
        if call is not native.endpoint:
            yield _Counterpart(name, _works_of(call, name))
        if name == "decorated" and is_borrowed(call):
            for behind in functions_in(call):
                yield from map(_same, decorators_of(behind, method))
        for used in sorted(_VERIFIES & _names_in(_code_of(call))):
            yield _Counterpart(f"{used}()", _LOGIN)


def _same(decorator: Decorator) -> _Counterpart:
    """A decorator that stands on the native handler, too."""
    work = known(decorator).work
    works = {Work.LOGIN, work} if work.is_access else {work} & {Work.LIMIT}
    return _Counterpart(str(decorator), frozenset(works))


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
    return [name for call, name in named if _works_of(call, name) - {Work.LIMIT}]


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


def _works_of(call: Any, name: str) -> frozenset[Work]:
    if isinstance(call, SecurityBase):
        return _LOGIN
    if is_borrowed(call):
        return _BORROWED.get(name, frozenset())
    access = _ANY_ACCESS if looks_like_access(name) else frozenset()
    return access | {Work.LIMIT} if looks_like_limit(name) else access


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


def _names_in(code: Any) -> set[str]:
    return {*getattr(code, "co_names", ()), *getattr(code, "co_freevars", ())}


def _code_of(call: Any) -> Any:
    return getattr(getattr(call, "__func__", call), "__code__", None)
