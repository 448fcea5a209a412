"""Templates that code names by a string: found in their folders, hashed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Final

from crossfade.contract.receipts.project import digest
from crossfade.files import read_small

_TEMPLATE: Final = re.compile(r"""{%-?\s*(?:extends|include|import|from)\s+["']([^"']+)["']""")
_LARGEST: Final = 64 * 1024 * 1024  # bytes; a larger file's name and size stand for it


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


class Files:
    """Templates that strings may name; what was looked at once is kept.

    Args:
        templates: their folders.
    """

    def __init__(self, templates: Iterable[Path] = ()) -> None:
        self._templates = tuple(dict.fromkeys(templates))
        self._looked: dict[Path, tuple[str, Found, tuple[Path, ...]]] = {}

    def named(self, text: str, path: Path | None = None) -> Iterator[Path]:
        """The templates that a string may name.

        Args:
            text: a template's name.
            path: of the module that says it.
        """
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

    def like(self, pattern: str) -> Iterator[Path]:
        """The templates that a string with `*` in it may name."""
        if not re.search(r"[^*./][^*]*[./]|[./][^*]*[^*./]", pattern):
            return
        for name, path in self._names:
            if fnmatchcase(name, pattern):
                yield path

    def look(self, path: Path) -> tuple[str, Found, tuple[Path, ...]]:
        """A file's name for a receipt, its hash, and the templates that it names itself."""
        if path not in self._looked:
            try:
                data = read_small(path, _LARGEST)
            except OSError as error:
                data = f"{error.strerror} {path.stat().st_size}".encode()
            text = data.decode(errors="replace") if self._is_template(path) else ""
            named = _TEMPLATE.findall(text)
            further = tuple(found for each in named for found in self.named(each))
            self._looked[path] = _name(path), Found(digest(data), str(path), 1), further
        return self._looked[path]

    @cached_property
    def _names(self) -> list[tuple[str, Path]]:
        return [
            (path.relative_to(folder).as_posix(), path)
            for folder in self._templates
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        ]

    def _is_template(self, path: Path) -> bool:
        return "templates" in path.parts or any(map(path.is_relative_to, self._templates))


def _name(path: Path) -> str:
    """The last parts of a path: from the folder around `templates`, or the file's own folder."""
    parts = path.parts
    at = max((i for i, each in enumerate(parts) if each == "templates"), default=len(parts) - 1)
    return "/".join(parts[max(at - 1, 0) :])
