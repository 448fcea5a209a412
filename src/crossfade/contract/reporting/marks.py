"""Strangers' words in Markdown: shown as they are, and never read as markup.

What clients sent, and what was answered, stands in reports: names of cases, URLs, bodies, keys of
JSON. A report is rendered by forges, where markup could load pictures and call people, and is read
by coding agents. So each such text is code, between marks that it can't close.
"""

from __future__ import annotations

import re
from typing import Final

from crossfade.wording import visible

_TICKS: Final = re.compile("`+")
_ACTIVE: Final = re.compile(r"[\\`*\[\]<>|~&$]|(?<!\w)_|_(?!\w)")
_CALLS: Final = re.compile(r"@|#\d|\bGH-\d|://|\bwww\.|\w\.\w+/")


def code(text: str) -> str:
    """A text in one line, as code: `GET /a|b`."""
    plain = " ".join(visible(text).split()) or " "
    ticks = "`" * (_longest(plain) + 1)
    blank = " " if len(ticks) > 1 else ""
    return f"{ticks}{blank}{plain}{blank}{ticks}"


def cell(text: str) -> str:
    """The same in a cell of a table, where a bar would end it even in code."""
    return code(text).replace("|", "\\|")


def fenced(text: str, info: str = "") -> list[str]:
    """Lines of a block of code that nothing in the text can end."""
    plain = visible(text).replace("\r", "\\r")
    fence = "`" * max(3, _longest(plain) + 1)
    return [fence + info, *plain.split("\n"), fence]


def prose(text: str) -> str:
    """A sentence of ours that may hold strangers' words: they mark nothing up and call nobody."""
    words = visible(" ".join(text.split())).split(" ")
    return " ".join(code(w) if _CALLS.search(w) else _ACTIVE.sub(r"\\\g<0>", w) for w in words)


def _longest(text: str) -> int:
    return max((len(run) for run in _TICKS.findall(text)), default=0)
