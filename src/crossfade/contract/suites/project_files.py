"""What stands in a project's files: who has those knows it, so it is no secret to them."""

from __future__ import annotations

import re
import subprocess
from functools import cached_property
from pathlib import Path
from typing import Final

# fmt: off
_SUFFIXES: Final = frozenset((
    ".cfg", ".conf", ".csv", ".html", ".ini", ".js", ".json", ".md", ".py", ".rst", ".sql",
    ".toml", ".ts", ".txt", ".xml", ".yaml", ".yml",
))
# fmt: on
_LARGEST: Final = 512 * 1024
"""Bytes of a file that is read at most; a larger one is data."""

_MOST: Final = 64 * 1024 * 1024


class ProjectText:
    """The text of the files that git tracks in a project, or of its Python files without git.

    A file that git ignores, such as `.env`, does not count.

    Args:
        root: the project's folder.
        without: a folder in it that does not count.
    """

    def __init__(self, root: Path, without: Path | None = None) -> None:
        self._root = root
        self._without = None if without is None else without.resolve()
        self._known: dict[str, bool] = {}

    def has(self, value: str) -> bool:
        """Whether the value stands in a file as a word of its own, or is empty."""
        if value not in self._known:
            self._known[value] = self._find(value)
        return self._known[value]

    def _find(self, value: str) -> bool:
        stripped = value.strip()
        if not stripped:
            return True
        # Line ends are written as \n in source; a value of several lines is looked for by line.
        lines = [re.escape(line) for line in stripped.splitlines() if line.strip()]
        return all(re.search(rf"(?<!\w){line}(?!\w)", self._text) for line in lines)

    @cached_property
    def _text(self) -> str:
        texts, size = [], 0
        for path in self._files():
            try:
                length = path.stat().st_size
                if length <= _LARGEST and size + length <= _MOST:
                    texts.append(path.read_text(encoding="utf-8", errors="replace"))
                    size += length
            except OSError:
                continue  # it is gone, or not ours to read
        return "\n".join(texts)

    def _files(self) -> list[Path]:
        command = ["git", "-C", str(self._root), "ls-files", "-z"]
        try:
            listed = subprocess.run(command, capture_output=True, check=True).stdout  # noqa: S603
            found = [self._root / name.decode("utf-8", "replace") for name in listed.split(b"\0")]
        except (OSError, subprocess.CalledProcessError):
            found = [
                path
                for path in self._root.rglob("*.py")
                if not {"site-packages", ".venv", "venv"}.intersection(path.parts)
            ]
        return [path for path in found if path.suffix in _SUFFIXES and not self._left_out(path)]

    def _left_out(self, path: Path) -> bool:
        return self._without is not None and path.resolve().is_relative_to(self._without)
