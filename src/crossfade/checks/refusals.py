"""With which statuses does code refuse who calls? Read from its source, never run.

A function's name is no evidence: `get_member_count` guards nobody. What it does can be read:
`raise HTTPException(401)`, `abort(403)`, `verify_jwt_in_request()`, in its own code or in that of a
function that it calls. Doubt counts as "doesn't refuse": what stands in a `try` that catches, a
status that is computed, source that can't be found.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from enum import EnumMeta
from http import HTTPStatus
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final

import werkzeug.exceptions
from werkzeug.local import LocalProxy

UNAUTHORIZED: Final = int(HTTPStatus.UNAUTHORIZED)
FORBIDDEN: Final = int(HTTPStatus.FORBIDDEN)
REDIRECT: Final = int(HTTPStatus.FOUND)
_ACCESS: Final = frozenset({UNAUTHORIZED, FORBIDDEN})
_LOGIN: Final = re.compile(r"(log|sign)[-_]?(in|on)(?![a-z])", re.IGNORECASE)

_VERIFIERS: Final = frozenset({"verify_jwt_in_request"})
"""Functions that refuse strangers with 401 unless they are told that a token is optional."""

_DEEPEST: Final = 5  # calls from one function to the next
_FRAMEWORKS: Final = ("fastapi", "starlette", "flask", "werkzeug", "pydantic", "builtins")


def refusals_of(call: Any, without: Any = None) -> frozenset[int]:
    """Return which of 401 and 403 a callable answers by itself, or by what it calls.

    Args:
        call: a dependency: a function, method, class, `functools.partial` or object.
        without: a function that it calls and that doesn't count: the view that a decorator wraps.
    """
    function, owner = _function(call)
    if function is None:
        return frozenset()
    seen = set() if without is None else {getattr(_function(without)[0], "__code__", None)}
    return frozenset(_raised(function, owner, 0, seen))


def verifies(call: Any) -> tuple[str, bool]:
    """Return the verifier that a function calls in its own code, and whether it asks for freshness.

    Returns:
        Its name, "" for none; and whether `fresh=True` is written there.
    """
    function, owner = _function(call)
    if function is None:
        return "", False
    source = _source(function.__code__)
    scope = _Scope(function, owner)
    for node in _calls_outside_try(source):
        name = _verifier(node, scope)
        if name:
            fresh = {word.arg: word.value for word in node.keywords}.get("fresh")
            return name, isinstance(fresh, ast.Constant) and fresh.value is True
    return "", False


def mentions(code: CodeType | None) -> frozenset[int]:
    """Return which of 401 and 403 a wrapper's code speaks of at all; 302 for a way to a login.

    A decorator that may refuse counts as one that does, so this asks for less than `refusals_of`.
    """
    if code is None:
        return frozenset()
    texts = [text for text in code.co_consts if isinstance(text, str)]
    found = {status for status in _ACCESS if status in code.co_consts}
    for status in _ACCESS:
        if _NAMES[status].intersection(code.co_names):
            found.add(status)
        if any(text.startswith(f"{status} ") for text in texts):  # a status line of WSGI
            found.add(status)
    if "redirect" in code.co_names and any(map(_LOGIN.search, texts)):
        found.add(REDIRECT)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= mentions(constant)
    return frozenset(found)


_NAMES: Final = {
    status: frozenset(
        {
            HTTPStatus(status).name,
            f"HTTP_{status}_{HTTPStatus(status).name}",
            HTTPStatus(status).phrase,  # werkzeug.exceptions.Unauthorized
        }
    )
    for status in _ACCESS
}


class _Scope:
    """What the names in a function mean, as far as that is known without running it."""

    def __init__(self, function: FunctionType, owner: Any) -> None:
        self._globals: Mapping[str, Any] = function.__globals__
        self._cells: dict[str, Any] = {}
        for name, cell in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=True
        ):
            try:
                self._cells[name] = cell.cell_contents
            except ValueError:
                continue  # not filled yet
        self._self = function.__code__.co_varnames[:1] if owner is not None else ()
        self._owner = owner

    def value(self, node: ast.expr) -> Any:
        """Return what an expression stands for; None where that is not known."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            if node.id in self._self:
                return self._owner
            return self._cells.get(node.id, self._globals.get(node.id))
        if isinstance(node, ast.Attribute):
            base = self.value(node.value)
            if isinstance(base, EnumMeta):
                return base.__members__.get(node.attr)
            if isinstance(base, ModuleType | type) or (base is self._owner and base is not None):
                return inspect.getattr_static(base, node.attr, None)
        return None


def _function(call: Any) -> tuple[FunctionType | None, Any]:
    """Return the function behind a callable, and the class that its first argument is of."""
    while isinstance(call, functools.partial):
        call = call.func
    if isinstance(call, MethodType):
        owner = call.__self__ if isinstance(call.__self__, type) else type(call.__self__)
        return (call.__func__, owner) if isinstance(call.__func__, FunctionType) else (None, None)
    if isinstance(call, FunctionType):
        return call, None
    owner, name = (call, "__init__") if isinstance(call, type) else (type(call), "__call__")
    method = inspect.getattr_static(owner, name, None)
    return (method, owner) if isinstance(method, FunctionType) else (None, None)


def _raised(
    function: FunctionType, owner: Any, depth: int, seen: set[CodeType | None]
) -> Iterator[int]:
    if depth > _DEEPEST or function.__code__ in seen or _is_frameworks(function):
        return
    seen.add(function.__code__)
    source = _source(function.__code__)
    scope = _Scope(function, owner)
    named = _assigned(source)
    for node in _outside_try(source):
        if isinstance(node, ast.Raise) and node.exc is not None:
            exception = node.exc
            if isinstance(exception, ast.Name):
                exception = named.get(exception.id, exception)
            yield from _ACCESS & {_status(exception, scope)}
        elif isinstance(node, ast.Call):
            yield from _by_call(node, scope, depth, seen)


def _by_call(
    node: ast.Call, scope: _Scope, depth: int, seen: set[CodeType | None]
) -> Iterator[int]:
    called = scope.value(node.func)
    if called is werkzeug.exceptions.abort or _is_flasks_abort(called):
        yield from _ACCESS & {_first(node, ("code",), scope)}
    elif _verifier(node, scope):
        yield UNAUTHORIZED
    else:
        function = getattr(called, "__func__", called)
        if isinstance(called, LocalProxy) or not isinstance(function, FunctionType):
            return
        owner = None
        if isinstance(node.func, ast.Attribute):
            base = scope.value(node.func.value)
            owner = base if isinstance(base, type) else None
        yield from _raised(function, owner, depth + 1, seen)


def _is_flasks_abort(called: Any) -> bool:
    return (
        isinstance(called, FunctionType)
        and called.__name__ == "abort"
        and called.__module__.partition(".")[0] == "flask"
    )


def _verifier(node: ast.Call, scope: _Scope) -> str:
    called = scope.value(node.func)
    name = getattr(called, "__name__", "") if isinstance(called, FunctionType) else ""
    if name not in _VERIFIERS or not str(called.__module__).startswith("flask_jwt_extended"):
        return ""
    optional = [word.value for word in node.keywords if word.arg in ("optional", None)]
    optional += node.args[:1]
    sure = all(isinstance(each, ast.Constant) and not each.value for each in optional)
    return name if sure else ""


def _status(exception: ast.expr, scope: _Scope) -> int | None:
    """Return the status that raising an expression answers; None where that is not known."""
    if isinstance(exception, ast.Call):
        kind = scope.value(exception.func)
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            return None
        given = _first(exception, ("status_code", "code"), scope)
        return given if given is not None else _own_status(kind)
    return _own_status(scope.value(exception))


def _own_status(value: Any) -> int | None:
    """Return the status that an exception, or every exception of a class, has."""
    is_exception = isinstance(value, Exception) or (
        isinstance(value, type) and issubclass(value, Exception)
    )
    for name in ("status_code", "code") if is_exception else ():
        status = inspect.getattr_static(value, name, None)
        if isinstance(status, int):
            return int(status)
    return None


def _first(node: ast.Call, names: tuple[str, ...], scope: _Scope) -> int | None:
    """Return the number that a call is given first, or by one of these names."""
    given = [word.value for word in node.keywords if word.arg in names] or node.args[:1]
    value = scope.value(given[0]) if given else None
    return int(value) if isinstance(value, int) else None


# --- source --------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4096)
def _source(code: CodeType) -> tuple[ast.stmt, ...]:
    """Return the statements of a function; none where its source can't be found."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(code)))
    except (OSError, TypeError, SyntaxError, ValueError, RecursionError):
        return ()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return tuple(node.body)
    return ()


def _assigned(source: tuple[ast.stmt, ...]) -> dict[str, ast.expr]:
    """Return what names of a function are given: `refused = HTTPException(401)`."""
    return {
        target.id: node.value
        for node in _outside_try(source)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _calls_outside_try(source: tuple[ast.stmt, ...]) -> Iterator[ast.Call]:
    return (node for node in _outside_try(source) if isinstance(node, ast.Call))


def _outside_try(source: tuple[ast.stmt, ...]) -> Iterator[ast.AST]:
    """Return every node of a function, but for inner functions and what a `try` may catch."""
    waiting: list[ast.AST] = list(source)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, _INNER):
            continue
        yield node
        if isinstance(node, ast.Try) and node.handlers:
            waiting += [*node.handlers, *node.orelse, *node.finalbody]
        elif not _suppresses(node):
            waiting += ast.iter_child_nodes(node)


_INNER: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def _suppresses(node: ast.AST) -> bool:
    return isinstance(node, ast.With | ast.AsyncWith) and any(
        "suppress" in ast.unparse(item.context_expr) for item in node.items
    )


def _is_frameworks(function: Callable[..., Any]) -> bool:
    return str(function.__module__).partition(".")[0] in _FRAMEWORKS
