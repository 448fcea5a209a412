"""Numbers, lists, paths and strangers' words, as messages write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final


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


_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def visible(text: str) -> str:
    r"""Return a text with what nobody would see in it written out: `\x1b`, `\u202e`.

    Those are controls, which move a terminal's cursor, marks that turn the direction of the text
    around them, and characters without any width. Tabs and line feeds stay.
    """
    return _HIDDEN.sub(lambda found: ascii(found[0])[1:-1], text)
