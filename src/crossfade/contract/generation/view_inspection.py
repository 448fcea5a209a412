"""What a Flask view reads of a request, as far as its source shows: the names to probe.

It is a hint, never a proof: a name that is missed is not probed, one too many does no harm.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from crossfade.native.context_use import unwrapped

_PLACES: Final = {
    "args": "query",
    "values": "query",
    "form": "form",
    "files": "files",
    "cookies": "cookies",
    "headers": "headers",
}
_LOOK_UPS: Final = ("get", "getlist", "pop")
_MOST_HELPERS: Final = 12


@dataclass(frozen=True, slots=True)
class Reads:
    """Names by the place where a view looks for them, in the order of its source.

    Attributes:
        query: of URL parameters.
        form: of form fields.
        files: of uploads.
        cookies: of cookies.
        headers: of headers, in lower case.
        keys: of members of a JSON body, most likely.
        takes_json: whether a JSON body is read at all.
    """

    query: dict[str, None] = field(default_factory=dict)
    form: dict[str, None] = field(default_factory=dict)
    files: dict[str, None] = field(default_factory=dict)
    cookies: dict[str, None] = field(default_factory=dict)
    headers: dict[str, None] = field(default_factory=dict)
    keys: dict[str, None] = field(default_factory=dict)
    takes_json: bool = False


def reads_of(view: Callable[..., Any] | None, method: str) -> Reads:
    """Return what a view reads, and the functions of its own module that it calls by name.

    Args:
        view: as Flask holds it; a class-based view is followed to its method.
        method: the HTTP method.
    """
    found = Reads()
    if view is None:
        return found
    takes_json = False
    for function in _functions(view, method):
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        except (OSError, TypeError, SyntaxError):
            continue
        takes_json |= _collect(tree, found)
    if not takes_json:
        found.keys.clear()
    return Reads(
        found.query, found.form, found.files, found.cookies, found.headers, found.keys, takes_json
    )


def _functions(view: Callable[..., Any], method: str) -> Iterator[Callable[..., Any]]:
    """The view's own function, then the helpers beside it."""
    view_class = getattr(view, "view_class", None)
    start: Any = getattr(view_class, method.lower(), None) if view_class else None
    queue = [unwrapped(start or view)]
    seen: set[int] = set()
    while queue and len(seen) < _MOST_HELPERS:
        function = queue.pop(0)
        code = getattr(function, "__code__", None)
        if code is None or id(code) in seen:
            continue
        seen.add(id(code))
        yield function
        for name in code.co_names:
            helper = getattr(function, "__globals__", {}).get(name)
            if inspect.isfunction(helper) and helper.__module__ == function.__module__:
                queue.append(unwrapped(helper))


def _collect(tree: ast.AST, found: Reads) -> bool:
    """Note every look-up by a constant name; return whether a JSON body is read."""
    takes_json = False
    aliases = {**_PLACES, **_aliases(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("get_json", "json", "is_json"):
            takes_json |= isinstance(node.value, ast.Name | ast.Attribute)
        key, owner = _look_up(node)
        if key is None:
            continue
        name = getattr(owner, "attr", getattr(owner, "id", ""))
        place = aliases.get(name, "keys")
        names: dict[str, None] = getattr(found, place)
        names.setdefault(key.lower() if place == "headers" else key)
    return takes_json


def _aliases(tree: ast.AST) -> dict[str, str]:
    """Local names of what a request holds: `form = request.form`."""
    return {
        target.id: _PLACES[node.value.attr]
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr in _PLACES
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _look_up(node: ast.AST) -> tuple[str | None, ast.expr | None]:
    """The constant key of `owner[key]`, `owner.get(key)` or `key in owner`, and the owner."""
    if isinstance(node, ast.Subscript):
        return _constant(node.slice), node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
        if node.func.attr in _LOOK_UPS:
            return _constant(node.args[0]), node.func.value
    elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
        return _constant(node.left), node.comparators[0]
    return None, None


def _constant(node: ast.expr) -> str | None:
    text = node.value if isinstance(node, ast.Constant) else None
    return text if isinstance(text, str) and text and len(text) < 80 else None
