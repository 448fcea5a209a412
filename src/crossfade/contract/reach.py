"""All parts of a project that some code reaches, with a hash of each."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from crossfade.contract.sources import (
    LOOSE,
    Module,
    Part,
    Project,
    digest,
    first_line,
    references,
    strings,
)

_TEMPLATE: Final = re.compile(r"""{%-?\s*(?:extends|include|import|from)\s+["']([^"']+)["']""")


@dataclass(frozen=True, slots=True)
class Found:
    """One part that was reached.

    Attributes:
        digest: of its text, and of where the names in it come from.
        file: the path of its file.
        line: counted from 1.
        through: the files that say where the names in it come from.
    """

    digest: str
    file: str
    line: int
    through: frozenset[str] = field(default=frozenset(), compare=False, repr=False)


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
        self._templates = tuple(dict.fromkeys(templates))
        self._passed: set[str] = set()  # files that were looked into for the part at hand
        self._looked: dict[Part, tuple[Found, tuple[Part, ...], tuple[Path, ...]]] = {}
        self._files: dict[Path, tuple[str, Found, tuple[Path, ...]]] = {}

    def of(self, begin: Iterable[Part]) -> dict[str, Found]:
        """Every part that `begin` reaches, itself included, by name and sorted."""
        found: dict[str, Found] = {}
        seen: set[Part] = set()
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
            found[str(part)] = looked[0]
            waiting += looked[1]
            files.update(looked[2])
        pending = list(files)
        while pending:
            path = pending.pop()
            name, template, further = self._template(path)
            if name not in found:
                found[name] = template
                pending += further
        return dict(sorted(found.items()))

    def _look(self, part: Part) -> tuple[Found, tuple[Part, ...], tuple[Path, ...]] | None:
        if part not in self._looked:
            module = self._project.module(part.module)
            if module is None or not module.statements(part.name):
                return None
            self._looked[part] = self._read(part, module)
        return self._looked[part]

    def _read(self, part: Part, module: Module) -> tuple[Found, tuple[Part, ...], tuple[Path, ...]]:
        statements = module.statements(part.name)
        self._passed = set()
        origins: set[str] = set()
        parts: dict[Part, None] = dict.fromkeys(self._beside(module))
        files: dict[Path, None] = {}
        for statement in statements:
            local = module.local_imports(statement)
            for name, attributes in references(statement):
                for origin, reached in self._resolve(module, name, attributes, local):
                    origins.add(f"{'.'.join((name, *attributes))}={origin}")
                    parts.update(dict.fromkeys(reached))
            for text in strings(statement):
                files.update(dict.fromkeys(self._named(text, module.path)))
                parts.update(dict.fromkeys(self._classes(module, text)))
        parts.pop(part, None)
        text = "\n".join(module.source(statement) for statement in statements)
        found = Found(
            digest("\n".join([text, *sorted(origins)])),
            str(module.path),
            min(map(first_line, statements)),
            frozenset(self._passed),
        )
        return found, tuple(parts), tuple(files)

    def _classes(self, module: Module, text: str) -> Iterator[Part]:
        """The classes that a text may name: `Mapped["Player"]`."""
        for word in re.findall(r"[A-Za-z_]\w*", text) if len(text) < 80 else ():
            for _, parts in self._resolve(module, word, ()):
                for part in parts:
                    other = self._project.module(part.module)
                    if other is not None and other.is_class(part.name):
                        yield part

    def _beside(self, module: Module) -> Iterator[Part]:
        """What runs, or is registered, when a module is imported."""
        if module.loose:
            yield Part(module.name, LOOSE)
        for name in module.registrations():
            if Part(module.name, name) not in self._handlers:
                yield Part(module.name, name)
        self._passed.add(str(module.path))
        package = module.name.rpartition(".")[0]
        while package:
            parent = self._project.module(package)
            if parent is not None:
                self._passed.add(str(parent.path))
            if parent is not None and parent.loose:
                yield Part(package, LOOSE)
            package = package.rpartition(".")[0]

    def _resolve(
        self,
        module: Module,
        name: str,
        attributes: tuple[str, ...],
        local: dict[str, tuple[str, str | None]] | None = None,
        depth: int = 0,
    ) -> Iterator[tuple[str, tuple[Part, ...]]]:
        """Where a name of a module comes from, in words, and the parts that this reaches."""
        if depth > 20:  # modules that import from each other in a ring
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
            else:
                break
        other = self._project.module(source)
        if other is None:
            yield ".".join((source, *attributes)), ()
        elif attributes:  # a name that the source does not show: `__path__`, a class's attribute
            yield f"{source}:{'.'.join(attributes)}", tuple(self._beside(other))
        else:  # the module itself is handed on: anything of it may be used
            everything = (Part(source, each) for each in other.bindings)
            whole = tuple(each for each in everything if each not in self._handlers)
            yield f"{source}", (*whole, *self._beside(other))

    # --- templates -----------------------------------------------------------------------------

    def _named(self, text: str, path: Path | None = None) -> Iterator[Path]:
        """The templates that a string may name."""
        if "." not in text or "\n" in text or text.startswith(("/", ".")):
            return
        folders = list(self._templates)
        if path is not None:
            folders += [path.parent / "templates", path.parent.parent / "templates"]
        for folder in folders:
            try:
                if (folder / text).is_file():
                    yield folder / text
            except (OSError, ValueError):
                return

    def _template(self, path: Path) -> tuple[str, Found, tuple[Path, ...]]:
        if path not in self._files:
            data = path.read_bytes()
            named = _TEMPLATE.findall(data.decode(errors="replace"))
            further = tuple(found for text in named for found in self._named(text))
            parts = path.parts
            at = max((i for i, each in enumerate(parts) if each == "templates"), default=1)
            name = "/".join(parts[max(at - 1, 0) :])
            self._files[path] = name, Found(digest(data), str(path), 1), further
        return self._files[path]
