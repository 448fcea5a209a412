"""Hooks that keep something by thread, which a native handler runs on another one of.

Under WSGI a request has one thread. On a native route hooks, handler and teardown may each have
another: what a hook opens "for this thread" is not what the handler finds, and the teardown closes
nothing. SQLAlchemy's `scoped_session` without a `scopefunc` and Peewee's databases are the usual
ones.
"""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FunctionType, MethodType
from typing import Any, Final, NamedTuple

from flask import Flask
from werkzeug.local import LocalProxy

from crossfade.native.context_use import unwrapped
from crossfade.native.hooks import place_of

_KEPT_IN: Final = ("registry", "_state")
"""Where `scoped_session` and `peewee.Database` keep what is one for each thread."""

_REMEDIES: Final = {
    "sqlalchemy": "give it scopefunc=lambda: flask.g.setdefault('scope', object())",
}
_OTHERWISE: Final = "keep it in flask.g, or let the handler open and close its own"


class ThreadState(NamedTuple):
    """Something that a hook keeps by thread.

    Attributes:
        hook: its place in the code.
        name: of what is kept, as the hook calls it.
        kind: its class.
    """

    hook: str
    name: str
    kind: str

    def __str__(self) -> str:
        """Return a line for people: what it is, what happens, what to do."""
        remedy = _REMEDIES.get(self.kind.partition(".")[0], _OTHERWISE)
        return (
            f"the hook {self.hook} uses {self.name} ({self.kind}), of which each thread has its "
            "own. A native handler runs on another thread than hooks: it doesn't find what they "
            f"left there, and they don't close what it opened. Instead of it: {remedy}"
        )


def thread_states(app: Flask) -> list[ThreadState]:
    """Return what the hooks of an application keep by thread, each thing once."""
    found: dict[tuple[str, str], ThreadState] = {}
    for hook in _hooks(app):
        for name, value in _used_by(hook):
            if _is_by_thread(value):
                kind = f"{type(value).__module__}.{type(value).__qualname__}"
                found.setdefault((name, kind), ThreadState(place_of(hook), name, kind))
    return list(found.values())


def _hooks(app: Flask) -> Iterator[Callable[..., Any]]:
    scoped: tuple[Any, ...] = (
        app.before_request_funcs,
        app.after_request_funcs,
        app.teardown_request_funcs,
    )
    for by_scope in scoped:
        for functions in by_scope.values():
            yield from functions
    yield from app.teardown_appcontext_funcs


def _used_by(hook: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """Return what a function names: in its module and closure, and inside of what is there."""
    function = unwrapped(hook)  # what a decorator of the hook wraps
    owner = getattr(function, "__self__", None)
    function = function.__func__ if isinstance(function, MethodType) else function
    if not isinstance(function, FunctionType):
        return
    code = function.__code__
    space = dict(function.__globals__)
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            space[name] = cell.cell_contents
        except ValueError:
            continue  # not filled yet
    names = (*code.co_names, *code.co_freevars)
    for name in names:
        if name in space:
            yield name, space[name]
        yield from _inside(sys.modules.get(name) or space.get(name), names)
    yield from _inside(owner, names)


def _inside(value: Any, names: Sequence[str], depth: int = 2) -> Iterator[tuple[str, Any]]:
    """Return what `value.name` and `value.name.name` are, as far as a look runs no code."""
    # To look at a proxy such as `current_user` is to ask for a request.
    if value is None or issubclass(type(value), LocalProxy):
        return
    for name in names:
        held = inspect.getattr_static(value, name, None)
        if held is not None:
            yield name, held
            if depth > 1:
                yield from _inside(held, names, depth - 1)


def _is_by_thread(value: Any) -> bool:
    kinds = {kind.__module__.partition(".")[0] for kind in type(value).__mro__}
    if isinstance(value, threading.local):
        return True
    if not kinds & {"sqlalchemy", "peewee"}:
        return False  # anything else may keep one for itself, without harm
    kept = [getattr(value, name, None) for name in _KEPT_IN]
    kept += [getattr(each, "registry", None) for each in kept]
    return any(isinstance(each, threading.local) for each in kept)
