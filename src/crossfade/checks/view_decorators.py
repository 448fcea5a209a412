"""Which decorators stand on a Flask view? Found by looking at the function, without calling it.

`functools.wraps` gives a wrapper the name of what it wraps, but not its code: the wrapper's
`__globals__` say which module it is from, and its code object which function made it. So
`@login_required` on a view is found as `flask_login.utils.login_required`, however it was imported.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import CodeType, FunctionType, MethodType
from typing import Any, Final

from werkzeug.local import LocalProxy

from crossfade.checks.refusals import mentions, refusals_of
from crossfade.native.context_use import unwrapped

_DEEPEST: Final = 30
_LOCALS: Final = ".<locals>"
_PLUMBING: Final = "flask.views"
_OF_CLASSES: Final = ("decorators", "method_decorators")
"""Where a class keeps decorators of its views: Flask's, and Flask-RESTful's and RESTX's."""

_FRAMEWORKS: Final = ("flask", "flask_restful", "flask_restx")
"""Whose `dispatch_request` only calls the method."""


@dataclass(frozen=True, slots=True)
class Decorator:
    """What wraps a view.

    Attributes:
        module: where its code stands: `flask_login.utils`.
        name: the function or class that made the wrapper: `login_required`, `Cache.cached`.
        refuses: statuses with which its code refuses who calls: 401, 403; 302 to a login.
        arguments: what it was made with, by name, as far as that is plain values.
    """

    module: str
    name: str
    refuses: frozenset[int] = field(default=frozenset(), compare=False)
    arguments: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def package(self) -> str:
        """The distribution's top-level package: `flask_login`."""
        return self.module.partition(".")[0]

    @property
    def leaf(self) -> str:
        """The name as it stands behind the `@`, as far as that can be known."""
        return self.name.rpartition(".")[2]

    @property
    def spellings(self) -> tuple[str, str, str]:
        """Every way to write it in a map, the shortest first."""
        return self.leaf, f"{self.package}.{self.leaf}", str(self)

    def __str__(self) -> str:
        """Return its place in the code: `flask_login.utils.login_required`."""
        return f"{self.module}.{self.name}"


def decorators_of(view: Any, method: str) -> list[Decorator]:
    """Return what wraps a view, from the outside inwards.

    Args:
        view: what the Flask application calls for an endpoint, or any other handler.
        method: of a view that is a class: the decorators of its other methods don't count.
    """
    try:
        found = list(_around(view))
        view_class = getattr(view, "view_class", None)
        if isinstance(view_class, type):
            found += _of_class(view_class, method)
    except Exception:  # noqa: BLE001 - an object's own `__getattr__` may raise anything
        # Nobody knows what it does, and that is said.
        return [Decorator(type(view).__module__, "unreadable")]
    return list(dict.fromkeys(found))


def _of_class(view_class: type, method: str) -> Iterator[Decorator]:
    for attribute in _OF_CLASSES:
        listed = getattr(view_class, attribute, None) or ()
        if isinstance(listed, Mapping):
            listed = listed.get(method.lower(), ())
        if isinstance(listed, Iterable):
            yield from (_named(each) for each in listed if callable(each))
    dispatch: Any = getattr(view_class, "dispatch_request", None)
    handler = getattr(view_class, method.lower(), None)
    if handler is None and method == "HEAD":
        handler = getattr(view_class, "get", None)
    if dispatch is not None:
        yield from _around(dispatch)
        inner = unwrapped(dispatch)
        package = str(getattr(inner, "__module__", "")).partition(".")[0]
        if package not in _FRAMEWORKS and handler is not None:
            # It stands around the method as a decorator does, and may well check who calls.
            name = inner.__qualname__.replace(_LOCALS, "")
            yield Decorator(inner.__module__, name, _refuses(inner, None))
    if handler is not None:
        yield from _around(handler)


def _around(value: Any) -> Iterator[Decorator]:
    """Return what wraps a callable, from the outside inwards."""
    for _ in range(_DEEPEST):
        if isinstance(value, MethodType):
            value = value.__func__
        elif isinstance(value, functools.partial):
            value = value.func
        else:
            inner = _wrapped(value)
            if inner is None:
                return
            yield _named(value, inner)
            value = inner


def _wrapped(value: Any) -> Any:
    """Return what a callable wraps, or None where it wraps nothing that can be seen."""
    if isinstance(value, FunctionType):
        if value.__globals__.get("__name__") == _PLUMBING:
            return None  # made by `as_view`: the class is looked at instead
        declared = vars(value).get("__wrapped__")
        if declared is not None:
            # `wrapper.__dict__.update(f.__dict__)` alone would hide a wrapper inside.
            held = (each for _, each in _cells(value))
            return next((f for f in held if _declares(f, declared)), declared)
        return _most_likely(value)
    if isinstance(value, type) or not callable(value):
        return None
    inner = getattr(value, "__wrapped__", None)
    if inner is None:  # an object with `__call__` that holds the function
        kept = [each for each in getattr(value, "__dict__", {}).values() if _is_function(each)]
        inner = kept[0] if len(kept) == 1 else None
    return inner


def _declares(function: Any, wrapped: Any) -> bool:
    return getattr(function, "__wrapped__", None) is wrapped


def _cells(function: FunctionType) -> Iterator[tuple[str, Any]]:
    names = function.__code__.co_freevars
    for name, cell in zip(names, function.__closure__ or (), strict=True):
        try:
            content = cell.cell_contents
        except ValueError:
            continue  # not filled yet
        if _is_function(content) and content is not function:
            yield name, content


def functions_in(function: Any) -> list[Any]:
    """Return the functions that a function holds in its closure."""
    return [each for _, each in _cells(function)] if isinstance(function, FunctionType) else []


_LIKELY: Final = frozenset(
    {"f", "fn", "fun", "func", "function", "handler", "method", "callback", "wrapped"}
    | {"view", "view_func", "viewfunc"}
)


def _most_likely(function: FunctionType) -> Any:
    """Return what a function without `__wrapped__` wraps: only its shape can tell.

    A function that it holds under a name that decorators use; or any, where it takes any
    arguments. What a factory of views made takes the URL's own, and is no wrapper.
    """
    cells = list(_cells(function))
    named = [each for name, each in cells if name in _LIKELY]
    if _takes_anything(function.__code__):
        named += [each for _, each in cells]
    return named[0] if named else None


def _is_function(value: Any) -> bool:
    if issubclass(type(value), LocalProxy):
        return False  # to look at `current_user` is to ask for a request
    return isinstance(value, FunctionType | MethodType | functools.partial) or (
        callable(value) and not isinstance(value, type) and hasattr(value, "__wrapped__")
    )


def _takes_anything(code: CodeType) -> bool:
    return bool(code.co_flags & inspect.CO_VARKEYWORDS)


def _named(wrapper: Any, inner: Any = None) -> Decorator:
    """Name a wrapper, or the decorator itself, by the function that made it."""
    if isinstance(wrapper, functools.partial):
        return _named(wrapper.func, inner)
    wrapper = getattr(wrapper, "__func__", wrapper)
    own = getattr(wrapper, "_self_wrapper", wrapper)  # wrapt's documented place of its own things
    own = getattr(own, "__func__", own)
    refuses, arguments = _refuses(own, inner), _arguments(own)
    if isinstance(own, FunctionType):
        module = str(own.__globals__.get("__name__", own.__module__))
        return Decorator(module, _made_by(own).removesuffix(".__call__"), refuses, arguments)
    kind = own if isinstance(own, type) else type(own)
    name = kind.__qualname__.replace(_LOCALS, "")
    return Decorator(kind.__module__, name, refuses, arguments)


def _refuses(wrapper: Any, inner: Any) -> frozenset[int]:
    """Return the statuses with which a wrapper may refuse instead of calling what it wraps."""
    call = wrapper
    if not isinstance(wrapper, FunctionType):
        call = inspect.getattr_static(type(wrapper), "__call__", None)
    return mentions(getattr(call, "__code__", None)) | refusals_of(wrapper, inner)


def _arguments(wrapper: Any) -> dict[str, str]:
    """Return what a decorator was given, by name: `roles_required("admin")`."""
    held: dict[str, Any] = {}
    if isinstance(wrapper, FunctionType):
        for name, cell in zip(wrapper.__code__.co_freevars, wrapper.__closure__ or (), strict=True):
            with suppress(ValueError):  # not filled yet
                held[name] = cell.cell_contents
    elif not isinstance(wrapper, type):
        held = dict(getattr(wrapper, "__dict__", {}))
    return {name: text for name, value in held.items() if (text := _plain(value)) is not None}


def _plain(value: Any) -> str | None:
    """Return a plain value as text; None for what is none."""
    if value is None or type(value) in (str, bytes, int, float, bool):
        return repr(value)
    if type(value) in (tuple, list, set, frozenset):
        texts = [_plain(each) for each in value]
        known = [text for text in texts if text is not None]
        if len(known) == len(texts):
            return repr(known if isinstance(value, tuple | list) else sorted(known))
    return None


def _made_by(function: FunctionType) -> str:
    """Return the name of the function in whose code another stands: `Cache.cached`."""
    code = function.__code__
    qualified = getattr(code, "co_qualname", None)  # from Python 3.11
    if qualified is None:
        if code not in _FOUND:
            _FOUND[code] = _search(code, function.__globals__) or function.__qualname__
        qualified = _FOUND[code]
    return str(qualified).partition(_LOCALS)[0]


_FOUND: Final[dict[CodeType, str]] = {}
"""What `_search` found; there are no more than the process has functions."""


def _search(code: CodeType, names: Mapping[str, Any]) -> str | None:
    """Find the function of a module whose code has this code in it: what Python 3.10 can't say."""
    home = names.get("__name__")
    for value in list(names.values()):
        if getattr(value, "__module__", None) != home:
            continue
        members: Iterable[Any] = vars(value).values() if isinstance(value, type) else (value,)
        for member in members:
            function = unwrapped(getattr(member, "__func__", member))
            if isinstance(function, FunctionType) and _contains(function.__code__, code):
                return function.__qualname__
    return None


def _contains(outer: CodeType, code: CodeType) -> bool:
    return outer is code or any(
        _contains(constant, code) for constant in outer.co_consts if isinstance(constant, CodeType)
    )
