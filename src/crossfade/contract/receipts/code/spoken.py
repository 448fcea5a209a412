"""What code says other than by a name: strings that mean modules, decorators that register.

Pure: it reads syntax trees.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

_IMPORTERS: Final = frozenset(
    {"import_module", "__import__", "import_string", "from_object", "load_module", "find_modules"}
)
"""Functions whose argument is a module, also where it has no dot."""

_DOTTED: Final = re.compile(r"\.*[^\W\d]\w*(\.[^\W\d]\w*)*(:[^\W\d]\w*(\.[^\W\d]\w*)*)?")
_HOLE: Final = re.compile(r"%[sdr]|\{[^{}]*\}")
_LONGEST: Final = 200


def strings(statement: ast.stmt) -> Iterator[str]:
    """Every short string in a statement."""
    for node in ast.walk(statement):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and len(node.value) < _LONGEST
        ):
            yield node.value


def patterns(statement: ast.stmt) -> Iterator[str]:
    """Strings that are put together, with `*` for what only a running program knows.

    `f"mails/{kind}.txt"`, `"mails/" + kind`, `"mails/%s.txt" % kind` and
    `"mails/{}.txt".format(kind)` are alike.
    """
    for node in ast.walk(statement):
        if isinstance(node, ast.JoinedStr):
            yield "".join(_text(part) for part in node.values)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = _text(node.left), _text(node.right)
            if (left == "*") is not (right == "*"):
                yield left + right
    for text in strings(statement):
        if _HOLE.search(text):
            yield _HOLE.sub("*", text)


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return "*"


def modules_in(statement: ast.stmt, package: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Modules that a statement names by a string, each with the attributes taken of it.

    Args:
        statement: `import_module("shop.prices")`, `import_string("shop.prices:price")`.
        package: what relative names are relative to.
    """
    alone = {
        argument.value
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and _leaf(node.func) in _IMPORTERS
        for argument in node.args[:1]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    }
    for text in dict.fromkeys(strings(statement)):
        if not _DOTTED.fullmatch(text) or not (text in alone or "." in text or ":" in text):
            continue
        module, _, attributes = text.partition(":")
        dots = len(module) - len(module.lstrip("."))
        if dots:
            base = package.split(".")
            module = ".".join([*base[: len(base) - dots + 1], module[dots:]])
        yield module, tuple(attributes.split(".")) if attributes else ()


def asks_subclasses(statement: ast.stmt) -> Iterator[tuple[str, tuple[str, ...]] | None]:
    """Classes whose subclasses a statement asks for, as `dotted_name`; None for one it computes."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Attribute) and node.attr == "__subclasses__":
            yield dotted_name(node.value)


def dotted_name(node: ast.expr) -> tuple[str, tuple[str, ...]] | None:
    """The name that an expression begins with, and the attributes taken of it; a call's function.

    None where it begins with something else.
    """
    node = node.func if isinstance(node, ast.Call) else node
    chain: list[str] = []
    while isinstance(node, ast.Attribute):
        chain.append(node.attr)
        node = node.value
    return (node.id, tuple(reversed(chain))) if isinstance(node, ast.Name) else None


def _leaf(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


# --- decorators ----------------------------------------------------------------------------------

# Decorators of these only wrap what they decorate; others may register it somewhere.
_ONLY_WRAP: Final = frozenset(
    {"abc", "click", "contextlib", "dataclasses", "enum", "functools", "pydantic", "pytest"}
    | {"typer", "typing", "typing_extensions", "attr", "attrs"}
)
_WRAPPERS: Final = frozenset({"property", "staticmethod", "classmethod"})
_NOT_FOR_REQUESTS: Final = frozenset({"command", "group", "task", "shared_task", "fixture"})
"""What they register runs from a command line, in a worker or in a test."""


def only_wraps(name: str, attributes: tuple[str, ...], origin: str | None) -> bool:
    """Whether a decorator is known to keep no reference to what it decorates.

    Args:
        name: that it begins with.
        attributes: taken of that.
        origin: the module that the name is imported from.
    """
    leaf = attributes[-1] if attributes else name
    if leaf in _NOT_FOR_REQUESTS or "cli" in attributes:
        return True
    return name in _WRAPPERS or (origin or name).partition(".")[0] in _ONLY_WRAP


def stores_what_it_decorates(decorator: ast.stmt) -> bool:
    """Whether a decorator's own code puts what it is given somewhere.

    `REGISTRY.append(function)`, `table[name] = function`; one that only returns a wrapper doesn't.
    """
    if isinstance(decorator, ast.ClassDef):
        return True  # an object that holds it, and may list itself
    given = {
        argument.arg
        for node in ast.walk(decorator)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for argument in (*node.args.posonlyargs, *node.args.args)
    }
    for node in ast.walk(decorator):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            call = node.value
            passed = [*call.args, *(word.value for word in call.keywords)]
            if any(_holds(each, given) for each in passed):
                return True
        elif isinstance(node, ast.Assign):
            placed = any(isinstance(each, ast.Subscript | ast.Attribute) for each in node.targets)
            if placed and _holds(node.value, given):
                return True
    return False


def _holds(value: ast.expr, names: set[str]) -> bool:
    return any(isinstance(node, ast.Name) and node.id in names for node in ast.walk(value))


def keeps_subclasses(definition: ast.stmt) -> bool:
    """Whether a class hears of each class that is made of it."""
    if not isinstance(definition, ast.ClassDef):
        return False
    if any(word.arg == "metaclass" for word in definition.keywords):
        return not any(_leaf(w.value).endswith("ABCMeta") for w in definition.keywords)
    return any(
        isinstance(each, ast.FunctionDef) and each.name == "__init_subclass__"
        for each in definition.body
    )
