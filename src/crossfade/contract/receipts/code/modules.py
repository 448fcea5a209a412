"""What a piece of the project's code consists of: found in the source, hashed, never run.

A part is one top-level statement (or all that bind one name) of one module. From the parts that a
route begins with, everything is followed that they name: functions, classes, constants and
templates, through imports, as far as the project's own files go.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

LOOSE: Final = "<module>"
"""The name of the part that holds a module's statements which bind no name."""

_COMPOUND: Final = (
    *(ast.If, ast.Try, ast.With, ast.For, ast.While, ast.Match),
    getattr(ast, "TryStar", ast.Try),  # from Python 3.11
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
    """The outline of one source file.

    Attributes:
        name: as it is imported.
        path: of the file.
        text: its content.
        bindings: the statements that bind each name at the top level.
        imports: names that come from elsewhere, with the module and the name there.
        stars: modules of which all names come.
        loose: statements that bind no name, or change what another module made.
        loads: modules that run when this one is imported.
    """

    name: str
    path: Path
    text: str
    bindings: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    loose: list[ast.stmt] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

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

    @property
    def code(self) -> str:
        """All of the file; neither comments nor blank lines count."""
        return "\n".join(self._without_blanks(1, len(self.lines)))

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

    def classes(self) -> Iterator[tuple[str, list[ast.expr]]]:
        """The classes at the top level, each with its bases."""
        for name, statements in self.bindings.items():
            for statement in statements:
                if isinstance(statement, ast.ClassDef):
                    yield name, statement.bases

    def source(self, statement: ast.stmt) -> str:
        """A statement's text, decorators included; neither comments nor blank lines count."""
        first, last = first_line(statement), statement.end_lineno or statement.lineno
        return "\n".join(self._without_blanks(first, last))

    def _without_blanks(self, first: int, last: int) -> list[str]:
        return [
            line if number in self.inside_strings else line.rstrip()
            for number, line in enumerate(self.lines[first - 1 : last], first)
            if line.strip() or number in self.inside_strings
        ]

    def part_at(self, line: int) -> str | None:
        """The name of the part that a line belongs to."""
        for name in (*self.bindings, LOOSE):
            for statement in self.statements(name):
                if first_line(statement) <= line <= (statement.end_lineno or statement.lineno):
                    return name
        return None

    def decorated(self) -> Iterator[tuple[str, _Definition]]:
        """Functions and classes of which a decorator may keep a reference: `@events.on("x")`."""
        for name, statements in self.bindings.items():
            for statement in statements:
                if isinstance(statement, _Definition) and statement.decorator_list:
                    yield name, statement

    def _collect(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            if isinstance(statement, _Definition):
                self._bind(statement.name, statement)
            elif isinstance(statement, ast.Import | ast.ImportFrom):
                self._import(statement, self.imports)
            elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
                self._assign(statement)
            elif isinstance(statement, _COMPOUND):
                self._compound(statement)
            elif not _is_text(statement):
                self.loose.append(statement)

    def _compound(self, statement: ast.stmt) -> None:
        for_types = False
        if isinstance(statement, ast.If):
            if _is_main(statement.test):
                return
            for_types = ast.unparse(statement.test).endswith("TYPE_CHECKING")
        inner = list(_executed(statement))
        bound = {name for child in inner for name in _names_bound(child)}
        before = len(self.loads)
        for child in inner:
            if isinstance(child, ast.Import | ast.ImportFrom):
                self._import(child, self.imports)
        if for_types:
            del self.loads[before:]
        for name in bound:
            self._bind(name, statement)
        plain = (*_COMPOUND, ast.Import, ast.ImportFrom, ast.Pass)
        acts = any(self._acts_elsewhere(child) for child in inner)
        if acts or (not bound and any(not isinstance(child, plain) for child in inner)):
            self.loose.append(statement)

    def _assign(self, statement: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
        names = _names_bound(statement)
        for name in names:
            self._bind(name, statement)
        if not names or self._acts_elsewhere(statement):
            self.loose.append(statement)

    def _acts_elsewhere(self, statement: ast.stmt) -> bool:
        """Whether a statement calls something, or changes what came from another module."""
        if isinstance(statement, ast.Expr):
            return isinstance(statement.value, ast.Call)
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
            targets = [statement.target]
        elif isinstance(statement, ast.Delete):
            targets = statement.targets
        for target in targets:
            base: ast.expr = target
            while isinstance(base, ast.Attribute | ast.Subscript):
                base = base.value
            if base is not target and isinstance(base, ast.Name) and base.id in self.imports:
                return True
        return False

    def _bind(self, name: str, statement: ast.stmt) -> None:
        self.bindings.setdefault(name, []).append(statement)

    def _import(
        self, statement: ast.Import | ast.ImportFrom, into: dict[str, tuple[str, str | None]]
    ) -> None:
        is_top = into is self.imports
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                if is_top:
                    self.loads.append(alias.name)
                if alias.asname:
                    into[alias.asname] = (alias.name, None)
                else:
                    first = alias.name.partition(".")[0]
                    into[first] = (first, None)
            return
        source = _absolute(self.package, statement)
        for alias in statement.names:
            if is_top:
                self.loads.append(f"{source}.{alias.name}" if alias.name != "*" else source)
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


def _executed(statement: ast.stmt) -> Iterator[ast.stmt]:
    """The statements inside of one that run when it does: those of functions and classes don't."""
    for child in ast.iter_child_nodes(statement):
        for inner in [child] if isinstance(child, ast.stmt) else ast.iter_child_nodes(child):
            if isinstance(inner, ast.stmt):
                yield inner
                if not isinstance(inner, _Definition):
                    yield from _executed(inner)


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
