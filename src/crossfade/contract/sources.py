"""What a piece of the project's code consists of: found in the source, hashed, never run.

A part is one top-level statement (or all that bind one name) of one module. From the parts that a
route begins with, everything is followed that they name: functions, classes, constants and
templates, through imports, as far as the project's own files go. What only a running
program knows (`getattr`, a registry filled elsewhere) is not followed.
"""

from __future__ import annotations

import ast
import hashlib
import io
import site
import sys
import sysconfig
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

LOOSE: Final = "<module>"
"""The name of the part that holds a module's statements which bind no name."""

_FOREIGN: Final = tuple(
    str(Path(path))
    for path in {
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
        *site.getsitepackages(),
        site.getusersitepackages(),
    }
)
_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})

# Decorators of these only wrap what they decorate; others may register it somewhere.
_ONLY_WRAP: Final = frozenset(
    {"abc", "click", "contextlib", "dataclasses", "enum", "functools", "pydantic", "pytest"}
    | {"typer", "typing"}
)
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Part(NamedTuple):
    """One part of the code: a name at the top level of a module."""

    module: str
    name: str

    def __str__(self) -> str:
        """Return it as a receipt names it: `shop.views:show_user`."""
        return f"{self.module}:{self.name}"


@dataclass
class Module:
    """The outline of one source file."""

    name: str
    path: Path
    text: str
    bindings: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    loose: list[ast.stmt] = field(default_factory=list)

    @classmethod
    def read(cls, name: str, path: Path) -> Module:
        """Parse a file.

        Raises:
            SyntaxError, OSError, ValueError: it can't be read.
        """
        with tokenize.open(path) as file:
            module = cls(name, path, file.read())
        module._collect(ast.parse(module.text).body)
        return module

    @property
    def package(self) -> str:
        """What relative imports are relative to."""
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @cached_property
    def lines(self) -> list[str]:
        """The file's lines without their comments."""
        lines = self.text.splitlines()
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start
                lines[row - 1] = lines[row - 1][:column].rstrip()
        return lines

    @cached_property
    def inside_strings(self) -> frozenset[int]:
        """Lines (from 1) that begin inside a string, where a blank line means something."""
        return frozenset(
            line
            for node in ast.walk(ast.parse(self.text))
            if isinstance(node, ast.Constant | ast.JoinedStr)
            for line in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
        )

    def statements(self, name: str) -> list[ast.stmt]:
        """The statements that a part consists of."""
        return self.loose if name == LOOSE else self.bindings.get(name, [])

    def has(self, name: str) -> bool:
        """Whether the module makes a name, or has it from elsewhere than its own submodule."""
        origin = self.imports.get(name)
        return name in self.bindings or origin not in (None, (self.name, name))

    def is_class(self, name: str) -> bool:
        """Whether a name is bound by a class statement."""
        return any(isinstance(each, ast.ClassDef) for each in self.statements(name))

    def source(self, statement: ast.stmt) -> str:
        """A statement's text, decorators included; neither comments nor blank lines count."""
        first, last = first_line(statement), statement.end_lineno or statement.lineno
        kept = [
            line if number in self.inside_strings else line.rstrip()
            for number, line in enumerate(self.lines[first - 1 : last], first)
            if line.strip() or number in self.inside_strings
        ]
        return "\n".join(kept)

    def part_at(self, line: int) -> str | None:
        """The name of the part that a line belongs to."""
        for name in (*self.bindings, LOOSE):
            for statement in self.statements(name):
                if first_line(statement) <= line <= (statement.end_lineno or statement.lineno):
                    return name
        return None

    def registrations(self) -> Iterator[str]:
        """Functions that a decorator may have handed to something: `@events.listens_for(…)`."""
        for name, statements in self.bindings.items():
            for statement in statements:
                if isinstance(statement, _Definition) and any(
                    _registers(each) for each in statement.decorator_list
                ):
                    yield name
                    break

    def _collect(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            if isinstance(statement, _Definition):
                self._bind(statement.name, statement)
            elif isinstance(statement, ast.Import | ast.ImportFrom):
                self._import(statement, self.imports)
            elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
                self._assign(statement)
            elif isinstance(statement, ast.If | ast.Try | ast.With):
                self._compound(statement)
            elif not _is_text(statement):
                self.loose.append(statement)

    def _compound(self, statement: ast.If | ast.Try | ast.With) -> None:
        if isinstance(statement, ast.If) and _is_main(statement.test):
            return
        inner = [child for child in ast.walk(statement) if isinstance(child, ast.stmt)]
        bound = {name for child in inner for name in _names_bound(child)}
        for child in inner:
            if isinstance(child, ast.Import | ast.ImportFrom):
                self._import(child, self.imports)
        for name in bound:
            self._bind(name, statement)
        if not bound and any(
            not isinstance(child, ast.Import | ast.ImportFrom | ast.Pass)
            for child in inner
            if child is not statement
        ):
            self.loose.append(statement)

    def _assign(self, statement: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
        names = _names_bound(statement)
        for name in names:
            self._bind(name, statement)
        if not names:
            self.loose.append(statement)

    def _bind(self, name: str, statement: ast.stmt) -> None:
        self.bindings.setdefault(name, []).append(statement)

    def _import(
        self, statement: ast.Import | ast.ImportFrom, into: dict[str, tuple[str, str | None]]
    ) -> None:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                if alias.asname:
                    into[alias.asname] = (alias.name, None)
                else:
                    first = alias.name.partition(".")[0]
                    into[first] = (first, None)
            return
        source = _absolute(self.package, statement)
        for alias in statement.names:
            if alias.name == "*":
                self.stars.append(source)
            else:
                into[alias.asname or alias.name] = (source, alias.name)

    def local_imports(self, statement: ast.stmt) -> dict[str, tuple[str, str | None]]:
        """What is imported inside of a function."""
        found: dict[str, tuple[str, str | None]] = {}
        for node in ast.walk(statement):
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._import(node, found)
        return found


def first_line(statement: ast.stmt) -> int:
    """A statement's first line, its decorators included."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(each.lineno for each in decorators)])


def _names_bound(statement: ast.stmt) -> list[str]:
    if isinstance(statement, _Definition):
        return [statement.name]
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
        targets = [statement.target]
    # `app.x = …` and `table["x"] = …` change what the name stands for: they are part of it.
    return [
        node.id
        for target in targets
        for node in ast.walk(target)
        if isinstance(node, ast.Name)
        and (isinstance(node.ctx, ast.Store) or not isinstance(target, ast.Name))
    ]


def _absolute(package: str, statement: ast.ImportFrom) -> str:
    if not statement.level:
        return statement.module or ""
    base = package.split(".")
    base = base[: len(base) - (statement.level - 1)]
    return ".".join([*base, *([statement.module] if statement.module else [])])


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_main(test: ast.expr) -> bool:
    return ast.unparse(test).replace('"', "'") == "__name__ == '__main__'"


def _registers(decorator: ast.expr) -> bool:
    base: ast.expr = decorator.func if isinstance(decorator, ast.Call) else decorator
    if not isinstance(base, ast.Attribute):
        return False
    while isinstance(base, ast.Attribute):
        base = base.value
    return not (isinstance(base, ast.Name) and base.id in _ONLY_WRAP)


def references(statement: ast.stmt) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every name that a statement uses, with the attributes that it takes of it."""
    seen: set[ast.AST] = set()
    for node in ast.walk(statement):
        if node in seen:
            continue
        if isinstance(node, ast.Attribute):
            chain: list[str] = []
            base: ast.expr = node
            while isinstance(base, ast.Attribute):
                seen.add(base)
                chain.append(base.attr)
                base = base.value
            if isinstance(base, ast.Name):
                seen.add(base)
                yield base.id, tuple(reversed(chain))
        elif isinstance(node, ast.Name):
            yield node.id, ()


def strings(statement: ast.stmt) -> Iterator[str]:
    """Every short string in a statement."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 200:
            yield node.value


class Project:
    """The modules of a project, read once.

    Args:
        packages: the top-level packages that are the project's own. By default those that do
            not lie where packages are installed.
    """

    def __init__(self, packages: Iterable[str] | None = None) -> None:
        self._packages = None if packages is None else frozenset(packages)
        self._modules: dict[str, Module | None] = {}
        self._files: dict[str, str] | None = None

    def module(self, name: str) -> Module | None:
        """The module of that name, if it is the project's own and has a source."""
        if name not in self._modules:
            self._modules[name] = self._find(name)
        return self._modules[name]

    def module_of(self, file: str) -> Module | None:
        """The module that was loaded from a file."""
        if self._files is None or file not in self._files:
            self._files = {
                found: name
                for name, module in list(sys.modules.items())
                if isinstance(found := getattr(module, "__file__", None), str)
            }
        name = self._files.get(file)
        return None if name is None else self.module(name)

    def _find(self, name: str) -> Module | None:
        top = name.partition(".")[0]
        if top == "crossfade" or top in sys.builtin_module_names:
            return None
        if self._packages is not None and top not in self._packages:
            return None
        path = _file_of(name)
        if path is None or path.suffix != ".py" or is_of_tests(path):
            return None
        if self._packages is None and _is_foreign(path):
            return None
        try:
            return Module.read(name, path)
        except (OSError, SyntaxError, ValueError):
            return None


def _file_of(name: str) -> Path | None:
    loaded = sys.modules.get(name)
    if loaded is not None:
        file = getattr(loaded, "__file__", None)
        return None if file is None else Path(file)
    try:
        spec = find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return None
    return None if spec is None or not spec.has_location else Path(str(spec.origin))


def _is_foreign(path: Path) -> bool:
    if _INSTALLED & set(path.parts):
        return True
    return any(path.is_relative_to(folder) for folder in _FOREIGN)


def is_of_tests(path: Path) -> bool:
    """What a test suite adds to an application is not the application's."""
    return path.name == "conftest.py" or path.name.startswith("test_")


def digest(text: str | bytes) -> str:
    """The hash that receipts hold: enough of SHA-256 to be read in a diff."""
    data = text.encode() if isinstance(text, str) else text
    return hashlib.sha256(data).hexdigest()[:16]
