"""Numbers and lists as messages write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
"""Characters that nobody sees, that steer a terminal, or that turn the text around them."""


def visible(text: str) -> str:
    r"""Return a text with `\u202e` in place of each character that would not be seen.

    What a request or an answer holds can be anybody's.
    """
    return _HIDDEN.sub(lambda match: ascii(match[0])[1:-1], text)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 route`, `2 routes`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def some(names: Sequence[str], most: int = 5) -> str:
    """Return the first of many names, and how many are left out: `a, b and 7 more`."""
    shown = ", ".join(names[:most])
    more = len(names) - most
    return f"{shown} and {more} more" if more > 0 else shown
