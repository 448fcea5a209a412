"""Numbers, lists, paths and what clients sent, as messages write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 route`, `2 routes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def from_here(path: Path) -> Path:
    """Return a path as somebody in the working directory writes it: relative where it is below."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def some(names: Sequence[str], most: int = 5) -> str:
    """Return the first of many names, and how many are left out: `a, b and 7 more`."""
    shown = ", ".join(names[:most])
    more = len(names) - most
    return f"{shown} and {more} more" if more > 0 else shown


def escaped(text: str) -> str:
    r"""Return text as one line that shows all that it holds.

    Control characters, line separators, marks that turn the direction of text, and what can't be
    encoded become escapes.

    >>> escaped("/a\\n2026 ERROR \\x1b[31m")
    '/a\\\\n2026 ERROR \\\\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )
