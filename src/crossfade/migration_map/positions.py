"""Where each key of a TOML document stands.

`tomllib` gives values and forgets lines, and it stops at the first key that is given twice. A
problem report needs the line of every key, so this reads the document's outline (table headers
and keys, not values). It never judges: text that it can't follow ends the outline, and the
parser proper says what is wrong with it.

Source of the grammar: TOML 1.0.0, https://toml.io/en/v1.0.0.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# `tomllib` is exported: the parser under one name for every Python.
__all__ = ["LazyOutline", "Outline", "Path", "Statement", "loads", "outline", "tomllib"]

Path = tuple[str, ...]

DEEPEST: Final = 50
"""Tables and arrays inside of each other. Parsers recurse, so what is deeper is refused before."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_QUOTED_KEY = re.compile(r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|' + r"'''.*?'{3,5}|" + r'"(?:[^"\\\n]|\\.)*"|' + r"'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\r\n]+")


@dataclass(frozen=True, slots=True)
class Statement:
    """One table header or one `key = value`; `start` and `end` are offsets into the text."""

    path: Path
    line: int
    start: int
    end: int
    is_header: bool


@dataclass(slots=True)
class Outline:
    """The statements of a document in their order, and the line of each key path."""

    statements: list[Statement] = field(default_factory=list)
    lines: dict[Path, int] = field(default_factory=dict)

    def line(self, path: Path) -> int | None:
        """Return the line of `path`, or of the nearest enclosing key that is written down."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return None

    def repeated(self) -> list[tuple[Statement, Statement]]:
        """Return (first, again) for each key or table that is defined a second time.

        What stands inside a table that is itself a repetition is not counted again.
        """
        first: dict[Path, Statement] = {}
        pairs: list[tuple[Statement, Statement]] = []
        inside: Path | None = None
        for statement in self.statements:
            if inside is not None and not statement.is_header:
                continue
            inside = None
            if statement.path in first:
                pairs.append((first[statement.path], statement))
                inside = statement.path if statement.is_header else None
            else:
                first[statement.path] = statement
        return pairs

    def without(self, text: str, dropped: list[Statement]) -> str:
        """Return `text` with the statements blanked out; every line keeps its number."""
        for statement in dropped:
            end = self._end_of_table(statement) if statement.is_header else statement.end
            blank = re.sub(r"[^\n]", " ", text[statement.start : end])
            text = text[: statement.start] + blank + text[end:]
        return text

    def _end_of_table(self, header: Statement) -> int:
        end = header.end
        for statement in self.statements:
            if statement.start > header.start:
                if statement.is_header:
                    break
                end = statement.end
        return end


def loads(text: str) -> dict[str, Any]:
    """Parse a TOML document.

    Raises:
        tomllib.TOMLDecodeError: it is not TOML, or is nested more than `DEEPEST` deep. The message
            ends with the place: `(at line 5, column 10)`.
    """
    for number, line in enumerate(text.splitlines(), 1):
        # A dotted key is a table for each dot; it takes the parser the square of their number.
        if line.count(".") > DEEPEST and any(
            piece.count(".") > DEEPEST and not {'"', "'"} & set(piece) for piece in line.split("=")
        ):
            raise tomllib.TOMLDecodeError(
                f"the key has too many parts (at line {number}, column 1)"
            )
    document: dict[str, Any] = {}
    try:
        document = tomllib.loads(text)
    except RecursionError:
        too_deep = True
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:  # a number of thousands of digits
        raise tomllib.TOMLDecodeError(str(error)) from None
    else:
        too_deep = _is_deep(document)
    if too_deep:
        place = f"(at line {_deep_line(text)}, column 1)"
        raise tomllib.TOMLDecodeError(f"it is nested too deeply {place}")
    return document


def _is_deep(document: dict[str, Any]) -> bool:
    level: list[Any] = [document]
    for _ in range(DEEPEST):
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, dict) else value)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _deep_line(text: str) -> int:
    """The line in which brackets are open that are too many, as far as that can be told."""
    depth = 0
    for position, char in enumerate(text):
        depth += (char in "[{") - (char in "]}")
        if depth >= DEEPEST:
            return text.count("\n", 0, position) + 1
    return 1


class _LostError(Exception):
    """The text left the grammar: the outline ends here."""


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.outline = Outline()
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._line = 1

    def line_here(self) -> int:
        while self._line <= len(self._newlines) and (
            self._newlines[self._line - 1] < self.position
        ):
            self._line += 1
        return self._line

    def skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.position)
        if match is None:
            raise _LostError
        self.position = match.end()
        return match.group()

    def take(self, word: str) -> bool:
        if self.text.startswith(word, self.position):
            self.position += len(word)
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.take(word):
            raise _LostError

    def scan(self) -> Outline:
        table: Path = ()
        counts: dict[Path, int] = {}
        try:
            self.skip(_BLANK)
            while self.position < len(self.text):
                start, line = self.position, self.line_here()
                opening = next((mark for mark in ("[[", "[") if self.take(mark)), None)
                if opening is not None:
                    self.skip(_SPACE)
                    table = path = self.key()
                    self.expect("]" * len(opening))
                    if opening == "[[":  # each table of an array goes by its number
                        counts[path] = counts.get(path, -1) + 1
                        table = path = (*path, str(counts[path]))
                else:
                    path = table + self.assignment(table)
                self.outline.lines.setdefault(path, line)
                self.outline.statements.append(
                    Statement(path, line, start, self.position, opening is not None)
                )
                self.skip(_BLANK)
        except (_LostError, RecursionError):
            pass  # the parser proper reports it
        return self.outline

    def assignment(self, prefix: Path) -> Path:
        """Read `key = value`; return the key."""
        key = self.key()
        self.expect("=")
        self.skip(_SPACE)
        self.value(prefix + key)
        return key

    def key(self) -> Path:
        parts: list[str] = []
        while True:
            quoted = _QUOTED_KEY.match(self.text, self.position)
            if quoted is not None:
                self.position = quoted.end()
                parts.append(_unquote(quoted.group()))
            else:
                parts.append(self.skip(_BARE_KEY))
            self.skip(_SPACE)
            if not self.take("."):
                return tuple(parts)
            self.skip(_SPACE)

    def value(self, path: Path) -> None:
        if _STRING.match(self.text, self.position):
            self.skip(_STRING)
        elif self.take("["):
            self.items("]", path)
        elif self.take("{"):
            self.items("}", path)
        else:
            self.skip(_SCALAR)

    def items(self, closing: str, path: Path) -> None:
        """Read an array's values or an inline table's assignments, up to `closing`."""
        while True:
            self.skip(_BLANK)
            if self.take(closing):
                return
            if closing == "]":
                self.value(path)
            else:
                line = self.line_here()
                self.outline.lines.setdefault(path + self.assignment(path), line)
            self.skip(_BLANK)
            if not self.take(","):
                self.expect(closing)
                return


def _unquote(key: str) -> str:
    try:
        return str(tomllib.loads(f"key = {key}")["key"])
    except tomllib.TOMLDecodeError:
        raise _LostError from None


def outline(text: str) -> Outline:
    r"""Return where the keys of a TOML document stand.

    >>> outline('[routes]\n"GET /hello" = "native"\n').line(("routes", "GET /hello"))
    2
    """
    return _Scanner(text).scan()


class LazyOutline:
    """A document's outline, read only when a problem needs a line."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def outline(self) -> Outline:
        """The outline itself."""
        return outline(self._text)

    def __call__(self, path: tuple[str, ...]) -> int | None:
        """Return the line of a key path, counted from 1."""
        return self.outline.line(path)
