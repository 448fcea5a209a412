"""Does a handler use Flask? Found by reading its code, once, when its route is first asked.

It matters where the Flask application does nothing around a view, so that a native route would do
without Flask's context. What is not seen (a method of an object that uses `flask.request`) fails
with Flask's own "working outside of request context", and `Depends(flask_context)` mends it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

from flask import after_this_request, has_app_context, has_request_context
from werkzeug.local import LocalProxy

WITHOUT_CONTEXT: Final = "__crossfade_without_flask__"
"""Attribute of what stands in `crossfade.compat` and works without the context."""

_DEEPEST: Final = 20


def unwrapped(value: Any) -> Any:
    """Return what wrappers stand around; the value itself where that has no end."""
    try:
        return inspect.unwrap(value) if callable(value) else value
    except Exception:  # noqa: BLE001 - an object may answer every name, `__wrapped__` too
        return value


def needs_flask(dependant: Any) -> bool:
    """Whether an endpoint or anything that it depends on needs Flask's request context.

    Args:
        dependant: FastAPI's tree of the endpoint's dependencies; None for what has none.
    """
    return dependant is not None and any(_reaches(call) for call in _calls(dependant))


def leaves_hooks(dependant: Any) -> bool:
    """Whether an endpoint or anything that it depends on calls `after_this_request`."""
    return dependant is not None and any(
        _names(unwrapped(call), after_this_request, set(), 0) for call in _calls(dependant)
    )


def _calls(dependant: Any) -> Iterator[Callable[..., Any]]:
    if dependant.call is not None:
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)


def _reaches(call: Any) -> bool:
    if not inspect.isroutine(call):
        call = getattr(type(call), "__call__", call)  # noqa: B004 - the function behind it
    seen: set[int] = set()
    return _uses(unwrapped(call), seen, 0) or _uses(call, seen, 0)


def _uses(value: Any, seen: set[int], depth: int) -> bool:
    """Whether a value that code names is Flask's, or a function that names one."""
    if isinstance(value, LocalProxy):
        return True
    if id(value) in seen or depth > _DEEPEST or any(value is each for each in _ASKS_ONLY):
        return False
    seen.add(id(value))
    function = getattr(value, "__func__", value)
    home = getattr(function, "__module__", None) or ""
    if isinstance(value, ModuleType):
        return False  # its attributes are looked at by name
    if _is_flasks(home):
        return home not in _WITHOUT_CONTEXT and not hasattr(value, WITHOUT_CONTEXT)
    if not isinstance(function, FunctionType):
        return False
    return any(_uses(named, seen, depth + 1) for named in _named(function))


def _names(value: Any, wanted: Any, seen: set[int], depth: int) -> bool:
    """Whether a value is the wanted one, or a function that names it."""
    if value is wanted:
        return True
    if issubclass(type(value), LocalProxy):
        return False  # to look at a proxy such as `current_user` is to ask for a request
    function = getattr(value, "__func__", value)
    if id(function) in seen or depth > _DEEPEST or not isinstance(function, FunctionType):
        return False
    seen.add(id(function))
    if _is_flasks(function.__module__ or ""):
        return False
    return any(_names(named, wanted, seen, depth + 1) for named in _named(function))


def _named(function: FunctionType) -> Iterator[Any]:
    """Return what a function's code may mean by its global names, attributes and cells."""
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:
            continue  # not filled yet
    for code in _codes(function.__code__):
        modules: list[ModuleType] = []
        for name in code.co_names:
            value = function.__globals__.get(name, _MISSING)
            if isinstance(value, ModuleType):
                modules.append(value)
            elif value is not _MISSING:
                yield value
        for module in modules:
            for name in code.co_names:
                value = vars(module).get(name, _MISSING)
                if value is not _MISSING and not isinstance(value, ModuleType):
                    yield value


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _is_flasks(module: str) -> bool:
    package = module.partition(".")[0]
    return package == "flask" or module.startswith(
        ("flask_", "crossfade.compat", "crossfade.native")
    )


_WITHOUT_CONTEXT: Final = ("flask.wrappers", "flask.typing", "flask.app", "flask.blueprints")
"""Where Flask keeps classes: to name one is not to use the context."""

_ASKS_ONLY: Final[list[Any]] = [has_request_context, has_app_context]
_MISSING: Final = object()
