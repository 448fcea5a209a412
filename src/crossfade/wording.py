"""Numbers, lists and paths as messages write them."""

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
