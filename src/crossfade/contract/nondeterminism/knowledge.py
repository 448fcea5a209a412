"""What is known of the places of one route from all of its cases. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from crossfade.contract.nondeterminism.evidence import Contrast, contrast
from crossfade.contract.nondeterminism.strands import Strand, general
from crossfade.contract.nondeterminism.values import Opaque, Value, form_of, number_of, type_of

_ENOUGH: Final = 12
"""Values from which what is usual at a place can be told."""

_RARE: Final = 0.05
"""The share of values that came once, below which a new one is odd (Good-Turing)."""


@dataclass(slots=True)
class Span:
    """The least and the greatest of some numbers."""

    least: float = float("inf")
    most: float = float("-inf")

    def take(self, number: float) -> None:
        """Widen by a number."""
        self.least, self.most = min(self.least, number), max(self.most, number)

    def is_far(self, number: float) -> bool:
        """Whether a number is further outside than the span is wide."""
        width = self.most - self.least
        return not self.least - width <= number <= self.most + width


@dataclass(slots=True)
class Usual:
    """What Flask's values at one place are like."""

    counts: Counter[tuple[type, Value]] = field(default_factory=Counter)
    once: int = 0
    types: set[str] = field(default_factory=set)
    numbers: Span = field(default_factory=Span)
    lengths: Span = field(default_factory=Span)
    characters: set[str] = field(default_factory=set)
    forms: set[str] = field(default_factory=set)

    def take(self, value: Value) -> None:
        """Learn from a value."""
        key = (type(value), value)
        self.once += {0: 1, 1: -1}.get(self.counts[key], 0)
        self.counts[key] += 1
        self.types.add(type_of(value))
        number = number_of(value)
        if number is not None:
            self.numbers.take(number)
        text = _text_of(value)
        if text is not None:
            self.lengths.take(len(text))
            self.characters |= _kinds(text)
            self.forms.add(form_of(text))

    def is_odd(self, value: Value) -> bool:
        """Whether a value is unlike all of them, so that it is worth to ask again."""
        return any(self._oddities(value))

    def _oddities(self, value: Value) -> Iterator[bool]:
        yield type_of(value) not in self.types
        whole = sum(self.counts.values())
        if whole >= _ENOUGH and self.once / whole < _RARE:
            yield (type(value), value) not in self.counts
        number = number_of(value)
        if number is not None:
            yield self.numbers.is_far(number)
        text = _text_of(value)
        if text is not None:
            yield self.lengths.is_far(len(text))
            yield bool(_kinds(text) - self.characters)
            yield len(self.forms) == 1 and form_of(text) not in self.forms


def _text_of(value: Value) -> str | None:
    return value if isinstance(value, str) and not isinstance(value, Opaque) else None


def _kinds(text: str) -> set[str]:
    """Kinds of the characters of a text: a letter or digit by its class, all else by itself."""
    return {
        "9" if c.isdecimal() else "a" if c.islower() else "A" if c.isupper() else c
        for c in set(text)
    }


@dataclass(slots=True)
class Known:
    """What the cases of a route have at one place.

    Attributes:
        cases: by the number of the case.
        usual: what Flask's values are like.
        flask_varies: whether Flask's value changed within a case.
        fastapi_varies: whether FastAPI's did.
        differs: the question that shows that the sides have two sources; "" where none does.
    """

    cases: dict[int, Strand] = field(default_factory=dict)
    usual: Usual = field(default_factory=Usual)
    flask_varies: bool = False
    fastapi_varies: bool = False
    differs: str = ""

    def take(self, case: int, strand: Strand) -> None:
        """Learn from one case; what was known of the same case is replaced."""
        before = self.cases.get(case)
        if before == strand:
            return
        known = 0 if before is None else len(before.ours)
        for drawn in strand.ours[known:]:
            self.usual.take(drawn.value)
        self.cases[case] = strand
        self.flask_varies |= strand.flask_varies
        self.fastapi_varies |= strand.fastapi_varies

    def contrast(self) -> Contrast:
        """The question that tells both sides best apart over all cases."""
        cases = [strand for _, strand in sorted(self.cases.items())]
        ours, theirs = [each.ours for each in cases], [each.theirs for each in cases]
        return contrast(ours, theirs)

    @property
    def repeats(self) -> int:
        """How often both sides were asked again in cases in which neither changed its value."""
        return sum(
            strand.answers - 1
            for strand in self.cases.values()
            if not (strand.flask_varies or strand.fastapi_varies)
        )

    def has_odd(self, strand: Strand) -> bool:
        """Whether one of FastAPI's values is unlike all of Flask's."""
        return any(self.usual.is_odd(drawn.value) for drawn in strand.theirs)


@dataclass(slots=True)
class RouteKnowledge:
    """What is known of each place of a route."""

    places: dict[str, Known] = field(default_factory=dict)

    def of(self, place: str) -> Known:
        """What is known of a place, whatever its indexes."""
        return self.places.setdefault(general(place), Known())
