"""All parts of a project that some code reaches, with a hash of each."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from crossfade.contract.receipts.code.modules import LOOSE, Module, Part, first_line, references
from crossfade.contract.receipts.code.named_files import Files, Found
from crossfade.contract.receipts.code.spoken import (
    asks_subclasses,
    dotted_name,
    keeps_subclasses,
    modules_in,
    only_wraps,
    patterns,
    stores_what_it_decorates,
    strings,
)
from crossfade.contract.receipts.project import Project, digest

_DEEPEST: Final = 20


def _packages(name: str) -> Iterator[str]:
    """The packages that a module lies in."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


class _Looked(NamedTuple):
    """What one part is, and what it reaches by itself."""

    found: Found
    parts: tuple[Part, ...]
    files: tuple[Path, ...]


class Reach:
    """Follows code through a project; what was looked at once is kept.

    Args:
        project: whose modules are followed.
        handlers: the parts that are some route's handler. They are followed where they are
            named, never because they stand beside what is.
        templates: folders of templates.
    """

    def __init__(
        self, project: Project, handlers: Collection[Part] = (), templates: Iterable[Path] = ()
    ) -> None:
        self._project = project
        self._handlers = frozenset(handlers)
        self._files = Files(templates)
        self._passed: set[str] = set()  # files that were looked into for the part at hand
        self._looked: dict[Part, _Looked] = {}
        self._effects: dict[str, tuple[Part, ...]] = {}
        self.loaded: Mapping[str, Module] = {}
        """Every module of the project that the application imports, by name."""

    def of(self, begin: Iterable[Part], without: Collection[Part] = ()) -> dict[str, Found]:
        """Every part that `begin` reaches, itself included, by name and sorted.

        Args:
            begin: parts that are not followed from others.
            without: parts that are not followed.
        """
        found: dict[str, Found] = {}
        seen: set[Part] = set(without)
        files: set[Path] = set()
        waiting = list(begin)
        while waiting:
            part = waiting.pop()
            if part in seen:
                continue
            seen.add(part)
            looked = self._look(part)
            if looked is None:
                continue
            found[str(part)] = looked.found
            waiting += looked.parts
            files.update(looked.files)
        pending = list(files)
        while pending:
            path = pending.pop()
            name, template, further = self._files.look(path)
            if name not in found:
                found[name] = template
                pending += further
        return dict(sorted(found.items()))

    def effects(self, modules: Iterable[Module]) -> set[Part]:
        """What runs, or is registered, when modules are imported, handlers excepted."""
        found: set[Part] = set()
        for module in modules:
            if module.name not in self._effects:
                self._effects[module.name] = tuple(self._effects_of(module))
            found.update(self._effects[module.name])
        return found - self._handlers

    def _effects_of(self, module: Module) -> Iterator[Part]:
        if module.loose:
            yield Part(module.name, LOOSE)
        for name, definition in module.decorated():
            if any(self._registers(module, each) for each in definition.decorator_list):
                yield Part(module.name, name)
        for name, statements in module.bindings.items():
            for statement in statements:
                bases = statement.bases if isinstance(statement, ast.ClassDef) else ()
                if any(self._keeps(module, base) for base in bases):
                    yield Part(module.name, name)

    def _registers(self, module: Module, decorator: ast.expr) -> bool:
        """Whether a decorator may have handed what it decorates to something."""
        called = dotted_name(decorator)
        if called is None:
            return True
        name, attributes = called
        origin, _ = module.imports.get(name, (None, None))
        if only_wraps(name, attributes, origin):
            return False
        own = [
            statement
            for _, parts in self._resolve(module, name, attributes)
            for part in parts
            if (other := self._project.module(part.module)) is not None
            for statement in other.statements(part.name)
        ]
        functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        if own and all(isinstance(each, functions) for each in own):
            return any(map(stores_what_it_decorates, own))
        return True

    def _keeps(self, module: Module, base: ast.expr, depth: int = 0) -> bool:
        """Whether a base class of the project hears of its subclasses."""
        called = dotted_name(base)
        if called is None or depth > _DEEPEST:
            return False
        for _, parts in self._resolve(module, *called):
            for part in parts:
                other = self._project.module(part.module)
                for statement in () if other is None else other.statements(part.name):
                    if keeps_subclasses(statement):
                        return True
                    inner = statement.bases if isinstance(statement, ast.ClassDef) else ()
                    if other and any(self._keeps(other, each, depth + 1) for each in inner):
                        return True
        return False

    def _look(self, part: Part) -> _Looked | None:
        if part not in self._looked:
            module = self._project.module(part.module)
            if module is None or not module.statements(part.name):
                return None
            self._looked[part] = self._read(part, module)
        return self._looked[part]

    def _read(self, part: Part, module: Module) -> _Looked:
        statements = module.statements(part.name)
        self._passed = {str(module.path)}
        for name in _packages(module.name):
            parent = self._project.module(name)
            if parent is not None:
                self._passed.add(str(parent.path))
        origins: set[str] = set()
        parts: dict[Part, None] = {}
        files: dict[Path, None] = {}
        for statement in statements:
            local = module.local_imports(statement)
            for name, attributes in references(statement):
                for origin, reached in self._resolve(module, name, attributes, local):
                    origins.add(f"{'.'.join((name, *attributes))}={origin}")
                    parts.update(dict.fromkeys(reached))
            parts.update(dict.fromkeys(self._by_string(module, statement)))
            for asked in asks_subclasses(statement):
                parts.update(dict.fromkeys(self._subclasses(module, part, asked)))
            for text in strings(statement):
                files.update(dict.fromkeys(self._files.named(text, module.path)))
            for pattern in patterns(statement):
                files.update(dict.fromkeys(self._files.like(pattern)))
        parts.pop(part, None)
        text = "\n".join(module.source(statement) for statement in statements)
        found = Found(
            digest("\n".join([text, *sorted(origins)])),
            str(module.path),
            min(map(first_line, statements)),
            frozenset(self._passed),
        )
        return _Looked(found, tuple(parts), tuple(files))

    def _by_string(self, module: Module, statement: ast.stmt) -> Iterator[Part]:
        """Classes (`Mapped["Player"]`) and modules (`import_module("a.b")`) that strings name."""
        for text in strings(statement):
            yield from self._classes(module, text)
        for name, attributes in modules_in(statement, module.package):
            first, *rest = name.split(".")
            if self._project.owns(first):
                for _, parts in self._imported(first, None, (*rest, *attributes), 0):
                    yield from parts
        for pattern in patterns(statement):
            package, star, rest_of_it = pattern.partition(".*")
            if star and not rest_of_it and self._project.owns(package.partition(".")[0]):
                for name in self._project.below(package):
                    for _, parts in self._imported(name, None, (), 0):
                        yield from parts

    def _subclasses(
        self, module: Module, part: Part, asked: tuple[str, tuple[str, ...]] | None
    ) -> Iterator[Part]:
        """The classes of the application that are made of one, at any depth; or of any at all."""
        wanted: set[Part] | None = None
        if asked is not None:
            wanted = {p for _, parts in self._resolve(module, *asked) for p in parts} or None
        if wanted is None and module.is_class(part.name):
            wanted = {part}  # cls.__subclasses__()
        known: set[Part] = set() if wanted is None else set(wanted)
        grown = True
        while grown:
            grown = False
            for other in self.loaded.values():
                for name, bases in other.classes():
                    made = Part(other.name, name)
                    if made in known:
                        continue
                    of = {
                        p
                        for base in bases
                        if (called := dotted_name(base)) is not None
                        for _, parts in self._resolve(other, *called)
                        for p in parts
                    }
                    if of and (wanted is None or of & known):
                        known.add(made)
                        grown = True
                        yield made

    def _classes(self, module: Module, text: str) -> Iterator[Part]:
        """The classes that a text may name: `Mapped["Player"]`."""
        for word in re.findall(r"[A-Za-z_]\w*", text) if len(text) < 80 else ():
            for _, parts in self._resolve(module, word, ()):
                for part in parts:
                    other = self._project.module(part.module)
                    if other is not None and other.is_class(part.name):
                        yield part

    def _resolve(
        self,
        module: Module,
        name: str,
        attributes: tuple[str, ...],
        local: Mapping[str, tuple[str, str | None]] | None = None,
        depth: int = 0,
    ) -> Iterator[tuple[str, tuple[Part, ...]]]:
        """Where a name of a module comes from, in words, and the parts that this reaches."""
        if depth > _DEEPEST:  # modules that import from each other in a ring
            return
        self._passed.add(str(module.path))
        imported = (local or {}).get(name) or module.imports.get(name)
        if name in module.bindings:
            yield f"{module.name}:{name}", (Part(module.name, name),)
        if imported is not None:
            yield from self._imported(*imported, attributes, depth)
        elif name not in module.bindings:
            for star in module.stars:
                other = self._project.module(star)
                if other is not None:
                    yield from self._resolve(other, name, attributes, None, depth + 1)

    def _imported(
        self, source: str, name: str | None, attributes: tuple[str, ...], depth: int
    ) -> Iterator[tuple[str, tuple[Part, ...]]]:
        if name is not None:
            attributes = (name, *attributes)
        while attributes:
            other = self._project.module(source)
            head = attributes[0]
            if other is not None and other.has(head):
                yield from self._resolve(other, head, attributes[1:], None, depth + 1)
                return
            if self._project.module(f"{source}.{head}") is not None:
                source, attributes = f"{source}.{head}", attributes[1:]
            elif other is not None and other.stars:
                yield from self._resolve(other, head, attributes[1:], None, depth + 1)
                return
            elif other is None and self._project.is_folder(f"{source}.{head}"):
                source, attributes = f"{source}.{head}", attributes[1:]
            else:
                break
        other = self._project.module(source)
        if other is None:
            yield ".".join((source, *attributes)), ()
        elif attributes:  # a name that the source does not show: `__path__`, one of `__getattr__`
            hidden = Part(source, "__getattr__")
            yield f"{source}:{'.'.join(attributes)}", ((hidden,) if other.has(hidden.name) else ())
        else:  # the module itself is handed on: anything of it may be used
            everything = (Part(source, each) for each in (*other.bindings, LOOSE))
            whole = tuple(each for each in everything if each not in self._handlers)
            yield f"{source}", whole
