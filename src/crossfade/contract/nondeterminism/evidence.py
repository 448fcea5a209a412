"""Do the values of both sides come from one source? Exact tests of yes-or-no questions. Pure.

Chance makes any two answers differ, and any single one look alike. So both sides are asked several
times, and questions are put to what they gave: does it change from one answer to the next? is it
`b`? is it above 100? has it a dash? Where the two sides answer such a question so differently that
one source would hardly ever do so (Fisher's exact test), they have two sources: a constant where
Flask draws, another range, another alphabet, another year.

A value that stands for a while, in a cache or a clock's second, is one draw, however often it was
seen: neighbours that are equal count once. How often values change is a question of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import pairwise, takewhile
from math import comb
from typing import Any, Final, NamedTuple

from crossfade.contract.nondeterminism.values import (
    Value,
    form_of,
    is_address,
    number_of,
    type_of,
)

CERTAIN: Final = 1e-7
"""Below this probability two sides have two sources: 14 answers each, all told apart."""

DOUBTFUL: Final = 0.05
"""Below this probability it is worth to ask again."""

_SHORTEST_PREFIX: Final = 2
_MARKS: Final = "-_+/=.:, %$@#&!?()[]{}<>|~*\\\"'"


class Drawn(NamedTuple):
    """A value with the time at which it was given, by a clock that only goes on."""

    turn: float
    value: Any


Draws = Sequence[Sequence[Drawn]]
"""What one side gave at one place: for each case the values in the order in which they came."""


class Contrast(NamedTuple):
    """The question that tells two sides best apart.

    Attributes:
        probability: of an answer as one-sided as this, were there one source.
        words: the question with both sides' answers, for people.
    """

    probability: float
    words: str


ALIKE: Final = Contrast(1.0, "")


@dataclass(frozen=True, slots=True)
class _Question:
    """A question with the number of answers that are "yes": `ours` of `of_ours` are Flask's."""

    about: str
    ours: int
    of_ours: int
    theirs: int
    of_theirs: int

    def contrast(self) -> Contrast:
        probability = fisher(self.ours, self.of_ours, self.theirs, self.of_theirs)
        words = (
            f"{self.about}: {self.ours} of {self.of_ours} values from Flask, "
            f"{self.theirs} of {self.of_theirs} from FastAPI"
        )
        return Contrast(probability, words)


@lru_cache(maxsize=4096)
def fisher(ours: int, of_ours: int, theirs: int, of_theirs: int) -> float:
    """How likely one source divides its "yes" at least so unevenly: Fisher's exact test, two-sided.

    >>> fisher(14, 14, 0, 14) < 1e-7
    True
    >>> fisher(3, 5, 2, 5) > 0.5
    True
    """
    whole, yes = of_ours + of_theirs, ours + theirs
    if not (of_ours and of_theirs and 0 < yes < whole):
        return 1.0
    total = comb(whole, yes)
    seen = comb(of_ours, ours) * comb(of_theirs, theirs)
    least, most = max(0, yes - of_theirs), min(of_ours, yes)
    ways = (comb(of_ours, k) * comb(of_theirs, yes - k) for k in range(least, most + 1))
    return min(1.0, sum(way for way in ways if way <= seen) / total)


def contrast(legacy: Draws, native: Draws) -> Contrast:
    """The question that both sides answer most differently."""
    ours, theirs = distinct(legacy), distinct(native)
    best = _changes(legacy, native).contrast()
    for question in _questions(ours, theirs):
        best = min(best, question.contrast(), key=lambda each: each.probability)
    return min(best, _one_sided(ours, theirs), key=lambda each: each.probability)


def distinct(draws: Draws) -> list[Value]:
    """The values without those that equal the one before them, whatever the case."""
    found: list[Value] = []
    for _, value in sorted((each for case in draws for each in case), key=lambda each: each.turn):
        if not found or not same(found[-1], value):
            found.append(value)
    return found


def same(one: Value, other: Value) -> bool:
    """Whether two values are equal, in type as well: 1 is neither 1.0 nor True."""
    return type(one) is type(other) and one == other


def changes(draws: Draws) -> tuple[int, int]:
    """How often a value was not the one before it in the same case, and how often it could be."""
    pairs = [pair for case in draws for pair in pairwise(case)]
    return sum(not same(one.value, other.value) for one, other in pairs), len(pairs)


def _changes(legacy: Draws, native: Draws) -> _Question:
    (ours, of_ours), (theirs, of_theirs) = changes(legacy), changes(native)
    return _Question("changes when asked again", ours, of_ours, theirs, of_theirs)


# --- questions about values --------------------------------------------------------------------


class _Asker:
    """Puts questions to the values of both sides."""

    def __init__(self, ours: Sequence[Value], theirs: Sequence[Value]) -> None:
        self._ours, self._theirs = ours, theirs

    def __call__(self, about: str, yes: Callable[[Any], bool], kind: type = object) -> _Question:
        """Count the values of a type for which something holds."""
        ours, theirs = (
            sum(isinstance(value, kind) and yes(value) for value in side)
            for side in (self._ours, self._theirs)
        )
        return _Question(about, ours, len(self._ours), theirs, len(self._theirs))


def _questions(ours: Sequence[Value], theirs: Sequence[Value]) -> Iterator[_Question]:
    every = (*ours, *theirs)
    ask = _Asker(ours, theirs)
    kinds = sorted({type_of(value) for value in every})
    for kind in kinds if len(kinds) > 1 else ():
        yield ask(f"is {kind}", partial(_is, type_of, kind))
    for (kind_of, known), count in Counter((type(value), value) for value in every).items():
        if count > 1:
            yield ask(f"is {_shown(known)}", known.__eq__, kind_of)
    if all(map(is_address, every)):
        return  # where an object lies in memory says nothing
    yield from _thresholds("is above", ours, theirs, number_of)
    if any(isinstance(value, str) for value in every):
        yield from _thresholds("is longer than", ours, theirs, _length)
        yield from _about_texts(ask, ours, theirs)


def _about_texts(
    ask: _Asker, ours: Sequence[Value], theirs: Sequence[Value]
) -> Iterator[_Question]:
    sides = [[value for value in side if isinstance(value, str)] for side in (ours, theirs)]
    for form in sorted({form_of(text) for side in sides for text in side} - {""}):
        yield ask(f"looks like {form}", partial(_is, form_of, form), str)
    for name, has in _character_kinds(text for side in sides for text in side):
        yield ask(f"has {name}", has, str)
    for side in sides:
        if len(side) >= _SHORTEST_PREFIX:
            start = _common_start(side)
            end = _common_start([text[::-1] for text in side])[::-1]
            if start:
                yield ask(f"starts with {start[:40]!r}", partial(_starts, start), str)
            if end:
                yield ask(f"ends with {end[-40:]!r}", partial(_ends, end), str)


def _is(measure: Callable[[Any], str], expected: str, value: Any) -> bool:
    return measure(value) == expected


def _starts(start: str, text: str) -> bool:
    return text.startswith(start)


def _ends(end: str, text: str) -> bool:
    return text.endswith(end)


def _common_start(texts: Sequence[str]) -> str:
    pairs = zip(min(texts), max(texts), strict=False)
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _shown(value: Value) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _length(value: Value) -> float | None:
    return len(value) if isinstance(value, str) else None


def _thresholds(
    about: str,
    ours: Iterable[Value],
    theirs: Iterable[Value],
    measure: Callable[[Value], float | None],
) -> Iterator[_Question]:
    """The limits that separate the two sides best, upwards and downwards (Kolmogorov-Smirnov)."""
    first, second = (
        sorted(size for size in map(measure, side) if size is not None) for side in (ours, theirs)
    )
    if not first or not second:
        return
    above, below = 0.0, 0.0
    found: dict[str, _Question] = {}
    i = j = 0
    for limit in sorted({*first, *second})[:-1]:
        while i < len(first) and first[i] <= limit:
            i += 1
        while j < len(second) and second[j] <= limit:
            j += 1
        gap = j / len(second) - i / len(first)
        if gap > above or gap < below:
            above, below = max(above, gap), min(below, gap)
            found["above" if gap > 0 else "below"] = _Question(
                f"{about} {limit:.15g}", len(first) - i, len(first), len(second) - j, len(second)
            )
    yield from found.values()


def _character_kinds(texts: Iterable[str]) -> Iterator[tuple[str, Callable[[str], bool]]]:
    """Kinds of characters that some of the texts have and others may not."""
    together = set().union(*texts)
    tests: list[tuple[str, Callable[[str], bool]]] = [
        ("a digit", str.isdecimal),
        ("a small letter", str.islower),
        ("a capital letter", str.isupper),
        ("a letter past F", lambda c: c.isalpha() and c.lower() not in "abcdef"),
        ("a character past ASCII", lambda c: not c.isascii()),
    ]
    tests += [(repr(mark), lambda c, m=mark: c == m) for mark in _MARKS]  # type: ignore[misc]
    for name, test in tests:
        members = frozenset(filter(test, together))
        if members:
            yield name, lambda text, m=members: not m.isdisjoint(text)  # type: ignore[misc]


def _one_sided(ours: Sequence[Value], theirs: Sequence[Value]) -> Contrast:
    """Whether values come again and again, and none of them on both sides."""
    counts = [Counter((type(value), value) for value in side) for side in (ours, theirs)]
    share = len(ours) / max(1, len(ours) + len(theirs))
    probability = 1.0
    repeated = 0
    for value in {**counts[0], **counts[1]}:
        mine, its = (count[value] for count in counts)
        if mine and its:
            return ALIKE
        if mine + its > 1:
            repeated += 1
            probability *= share ** (mine + its) + (1 - share) ** (mine + its)
    if repeated < 2:
        return ALIKE
    words = f"of {repeated} values that come more than once, none was given by both sides"
    return Contrast(probability, words)
