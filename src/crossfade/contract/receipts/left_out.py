"""Contract tests that a run has left out, and the routes that they may be of.

A route is not proven by the tests that ran while another one, which fails, did not. Which routes a
test is of is read from its source: `contract.get("/users/1")`. Where that can't be told it may be
of any.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

FIXTURES: Final = frozenset({"contract", "contract_routes"})

_METHODS: Final = frozenset({"get", "head", "options", "post", "put", "patch", "delete"})
_PROVES: Final = frozenset({"prove", "explore"})
ANY: Final = "*"
"""A route, a method or a part of a path that is not known."""


@dataclass(frozen=True, slots=True)
class Contract:
    """A test that compares, as far as it can be read.

    Attributes:
        test: its node id.
        requests: `GET /users/1`, `GET /users/*`; what is not known is `*`.
        patterns: of routes that `contract_routes` is asked for; `*` for all.
    """

    test: str
    requests: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    def values(self) -> list[Any]:
        """Return it as plain values."""
        return [self.test, list(self.requests), list(self.patterns)]

    @classmethod
    def of_values(cls, values: Sequence[Any]) -> Contract:
        """Return what `values` gave."""
        test, requests, patterns = values
        return cls(str(test), tuple(requests), tuple(patterns))

    def concerns(self, route: str, reported: Collection[str] = ()) -> bool:
        """Whether it may be of a route, as the gateway spells that.

        Args:
            route: `GET /users/<int:user_id>`.
            reported: routes that `contract_routes` has reported all the same.
        """
        if any(_may_be(request, route) for request in self.requests):
            return True
        return route not in reported and any(matches(route, each) for each in self.patterns)


UNKNOWN: Final = Contract("a process of pytest-xdist that crashed", (f"{ANY} {ANY}",), (ANY,))


def matches(route: str, pattern: str) -> bool:
    """Whether a pattern means a route: by its whole spelling or by its rule.

    >>> matches("GET /users/<int:user_id>", "/users/*")
    True
    """
    rule = route.partition(" ")[2]
    return route == pattern or fnmatchcase(route, pattern) or fnmatchcase(rule, pattern)


def _may_be(request: str, route: str) -> bool:
    """Whether a request may be one of a route. What can't be told may be."""
    method, _, path = request.partition(" ")
    wanted, _, rule = route.partition(" ")
    if method not in (ANY, wanted) and not (method == "HEAD" and wanted == "GET"):
        return False
    rule = rule[rule.find("/") :]  # without a host
    text = ""
    for piece in re.split(r"(<[^>]*>)", rule):
        if not piece.startswith("<"):
            text += re.escape(piece)
        else:
            text += _VALUES.get(piece.strip("<>").partition("(")[0].partition(":")[0], ".+")
    target = path.partition("?")[0]
    if ANY not in target:
        return re.fullmatch(f"{text}/?", target) is not None
    return _overlap(target, rule)


_VALUES: Final = {"int": r"-?\d+", "float": r"-?[\d.]+", "uuid": "[0-9a-fA-F-]+"}


def _overlap(target: str, rule: str) -> bool:
    """Whether a path with unknown parts and a rule have a path in common, as far as can be told."""
    known, ruled = target.partition(ANY)[0], rule.partition("<")[0]
    return known.startswith(ruled) or ruled.startswith(known)


# --- reading tests --------------------------------------------------------------------------------


def contract_of(item: Any) -> Contract | None:
    """Return what a test of pytest's compares; None where it is no contract."""
    asked = FIXTURES & set(getattr(item, "fixturenames", ()))
    function = getattr(item, "function", None)
    names = getattr(getattr(function, "__code__", None), "co_names", ())
    if not asked and "getfixturevalue" not in names:
        return None
    given = dict(getattr(getattr(item, "callspec", None), "params", {}))
    tree = None if function is None else _tree(function)
    if tree is not None:
        asked |= _got_by_value(tree, given)
    if not asked:
        return None
    requests: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    if "contract" in asked:
        direct = tree is not None and "contract" in _parameters(tree)
        requests = tuple(_requests(tree, given)) if tree and direct else (f"{ANY} {ANY}",)
    if "contract_routes" in asked:
        patterns = tuple(_patterns(tree, given)) if tree is not None else (ANY,)
    return Contract(item.nodeid, requests, patterns)


def files_with_contracts(files: Mapping[str, str], around: Iterable[str]) -> Iterator[Contract]:
    """Return a contract of unknown requests for each file that has a test which compares.

    Args:
        files: the texts of files of tests, by their names.
        around: the texts of the `conftest.py` files, whose fixtures they may use.
    """
    trees = {name: _parsed(text) for name, text in files.items()}
    asking = set(FIXTURES)
    functions = [
        each for tree in (*trees.values(), *map(_parsed, around)) for each in _functions(tree)
    ]
    fixtures = [
        each for each in functions if any("fixture" in ast.unparse(d) for d in each.decorator_list)
    ]
    grown = True
    while grown:
        more = {each.name for each in fixtures if asking & _parameters(each)} - asking
        asking |= more
        grown = bool(more)
    for name, tree in trees.items():
        tests = [each for each in _functions(tree) if each.name.startswith("test")]
        unreadable = tree is None and "contract" in files[name]
        if unreadable or any(asking & (_parameters(t) | _got_by_value(t, {})) for t in tests):
            yield Contract(name, (f"{ANY} {ANY}",), (ANY,))


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return None


def _functions(tree: ast.AST | None) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    nodes = () if tree is None else ast.walk(tree)
    return [each for each in nodes if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]


def _tree(function: Any) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError, ValueError, RecursionError):
        return None
    first = tree.body[0] if tree.body else None
    return first if isinstance(first, ast.FunctionDef | ast.AsyncFunctionDef) else None


def _parameters(tree: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    return {argument.arg for argument in (*tree.args.args, *tree.args.kwonlyargs)}


def _got_by_value(tree: ast.AST, given: Mapping[str, Any]) -> set[str]:
    """The fixtures of contracts that a test takes by `request.getfixturevalue`."""
    return {
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "getfixturevalue"
        for argument in node.args[:1]
        if (name := _text(argument, given)) in FIXTURES
    }


def _requests(tree: ast.AST, given: Mapping[str, Any]) -> Iterator[str]:
    """The requests that a test sends; all where `contract` is used in another way than to send."""
    used: set[ast.AST] = set()
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if not (isinstance(node.func.value, ast.Name) and node.func.value.id == "contract"):
            continue
        name, arguments = node.func.attr, node.args
        if name in _METHODS:
            used.add(node.func.value)
            yield f"{name.upper()} {_text(arguments[0], given) if arguments else ANY}"
        elif name == "request" and len(arguments) > 1:
            used.add(node.func.value)
            yield f"{_text(arguments[0], given).upper()} {_text(arguments[1], given)}"
        elif name == "sequence":
            used.add(node.func.value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "contract" and node not in used:
            yield f"{ANY} {ANY}"  # it is handed on


def _patterns(tree: ast.AST, given: Mapping[str, Any]) -> Iterator[str]:
    found = False
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _PROVES
        ):
            found = True
            yield from (_text(each, given) for each in node.args)
            if not node.args:
                yield ANY
    if not found:
        yield ANY


def _text(node: ast.expr, given: Mapping[str, Any]) -> str:
    """A text that stands in a test or is given to it; `*` for what is not known."""
    value: Any = None
    if isinstance(node, ast.Constant):
        value = node.value
    elif isinstance(node, ast.Name):
        value = given.get(node.id)
    elif isinstance(node, ast.JoinedStr):
        return "".join(
            _text(part.value if isinstance(part, ast.FormattedValue) else part, given)
            for part in node.values
        )
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value if isinstance(value, str) else ANY
