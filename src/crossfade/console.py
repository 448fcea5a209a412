"""Tables and lines as the command line prints them. No character has a meaning of its own.

Nothing is ever cut off: a route's name may be copied from here into the map. Only the last column
is wrapped, and only where a terminal is too narrow for it.
"""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

_GAP: Final = "  "
_NARROWEST: Final = 24  # columns; a last cell that has fewer goes below its row


def terminal_width() -> int | None:
    """Return the columns of the terminal that standard output goes to; None for a pipe or file."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table(
    headings: Sequence[str], rows: Iterable[Sequence[str]], width: int | None = None
) -> Iterator[str]:
    """Yield the lines of a table with left-aligned columns.

    Args:
        headings: one for each column.
        rows: as many cells each.
        width: columns of the terminal; None where lines may be of any length.
    """
    cells = [list(headings), *map(list, rows)]
    widths = [max(map(len, column)) for column in list(zip(*cells, strict=True))[:-1]]
    for row in cells:
        start = "".join(f"{cell:<{size}}{_GAP}" for cell, size in zip(row, widths, strict=False))
        yield from _row(start, row[-1], width)


def _row(start: str, last: str, width: int | None) -> Iterator[str]:
    if width is None or len(start) + len(last) <= width:
        yield f"{start}{last}".rstrip()
        return
    room, indent = width - len(start), " " * len(start)
    if room < _NARROWEST:
        yield start.rstrip()
        room, indent = width - 2 * len(_GAP), 2 * _GAP
        start = indent
    # A word that is too long stays whole: the terminal folds it, and it can still be copied.
    pieces = textwrap.wrap(last, max(room, 1), break_long_words=False, break_on_hyphens=False)
    for number, piece in enumerate(pieces):
        yield f"{indent if number else start}{piece}"
