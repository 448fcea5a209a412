"""Texts and bodies in columns: what stands in the same place of several of them. Pure.

A page with a token differs in one word; two texts are laid on each other word by word, where what
stands between their words is the same. Pages of an A/B test have two such structures, a list in
random order one; a text that has another one each time is looked at as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

_MOMENT: Final = (
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:[zZ]|[+-]\d\d:?\d\d)?"
    r"|[A-Z][a-z]{2}, \d\d[ -][A-Z][a-z]{2}[ -]\d{2,4} \d\d:\d\d:\d\d GMT"
)
_WORD: Final = re.compile(rf"{_MOMENT}|[\w+/=~%.-]+")
_GAP: Final = "\0"
_CONTEXT: Final = 30

ONE_WORD: Final = _GAP
"""The structure of a text that is one word."""


@lru_cache(maxsize=256)
def structure(text: str) -> str:
    """What is left of a text without its words: the same for texts that can be laid together."""
    return _WORD.sub(_GAP, text)


@lru_cache(maxsize=256)
def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text))


def columns(texts: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """The words in which texts of one structure differ: what stands before each, and its values.

    >>> list(columns(["<b id=x7>a</b>", "<b id=q2>a</b>"]))
    [('<b id=', ['x7', 'q2'])]
    """
    rows = [_words(text) for text in texts]
    pieces = structure(texts[0]).split(_GAP)
    steady = [len(set(column)) == 1 for column in zip(*rows, strict=True)]
    for index, known in enumerate(steady):
        if not known:
            yield _before(pieces, rows[0], steady, index), [row[index] for row in rows]


def _before(pieces: Sequence[str], words: Sequence[str], steady: Sequence[bool], index: int) -> str:
    """What stands in the line before a word, its end where it is long; changing words are blank."""
    found = pieces[index]
    at = index
    while "\n" not in found and len(found) < _CONTEXT and at:
        at -= 1
        found = pieces[at] + (words[at] if steady[at] else "…") + found
    return found.rpartition("\n")[2][-_CONTEXT:]


def line_bag(text: str) -> tuple[str, ...]:
    """The lines of a text without their order."""
    return tuple(sorted(text.splitlines()))
