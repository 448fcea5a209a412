r"""Escapes in files of cases: `\xff`, `\n`, `\(x*600000)`, as bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MOST_BYTES: Final = 64 * 1024 * 1024
"""Of a file, and of what its repeats become."""


class Wrong(Exception):
    """A line can't be understood; the arguments are its number, the reason and the remedy."""


@dataclass(slots=True)
class Room:
    """How many bytes the repeats of a file may still become: a line of text can ask for any."""

    left: int = MOST_BYTES

    def take(self, count: int, number: int) -> None:
        """Take some for line `number`, or refuse."""
        if count > self.left:
            remedy = f"The repeats of a file are at most {MOST_BYTES} bytes together."
            raise Wrong(number, "the repeats are too many", remedy)
        self.left -= count


_ESCAPE = re.compile(r"\\(?:(?P<code>[nrt\\])|x(?P<byte>[0-9a-fA-F]{2})|\((?P<times>[^)]+\*\d+)\))")
_CODES: Final = {"n": b"\n", "r": b"\r", "t": b"\t", "\\": b"\\"}


def unescape(text: str, number: int, room: Room) -> bytes:
    """Return the bytes that a line stands for."""
    parts = []
    at = 0
    while (slash := text.find("\\", at)) >= 0:
        parts.append(text[at:slash].encode())
        match = _ESCAPE.match(text, slash)
        if match is None:
            shown = text[slash : slash + 4]
            raise Wrong(number, f"{shown!r} is no escape", r"Write \\ for a backslash.")
        if match["byte"]:
            parts.append(bytes.fromhex(match["byte"]))
        elif match["times"]:
            what, _, times = match["times"].rpartition("*")
            # Longer numbers are too large, and not even turned into one.
            count = int(times) if len(times) < 12 else MOST_BYTES + 1
            room.take(len(what.encode()) * count, number)
            parts.append(what.encode() * count)
        else:
            parts.append(_CODES[match["code"]])
        at = match.end()
    parts.append(text[at:].encode())
    return b"".join(parts)
