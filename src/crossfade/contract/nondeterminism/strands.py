"""The values of all answers at one place, in parts that can be judged each for itself. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any, Final

from crossfade.contract.nondeterminism.evidence import Drawn, changes, same
from crossfade.contract.nondeterminism.texts import (
    ONE_WORD,
    columns,
    line_bag,
    structure,
)
from crossfade.contract.nondeterminism.values import (
    ABSENT,
    Dump,
    Opaque,
    Value,
    claims,
    is_moment,
    uuid_parts,
)

Content = Value | Mapping[str, Value]
"""A value, or what a session cookie holds."""

_FEW: Final = 3

_FEW_VALUES: Final = 4
"""Values of a place up to which it may have one for each variant of an answer."""

_START: Final = 8  # bytes by which a file's format is known


@dataclass(frozen=True, slots=True)
class Strand:
    """What all answers have at one place.

    Attributes:
        place: where a difference stands, and behind `«` which part of it: `body«<input value=»`.
        ours: Flask's values, in the order in which they were given.
        theirs: FastAPI's.
    """

    place: str
    ours: tuple[Drawn, ...]
    theirs: tuple[Drawn, ...]

    @property
    def flask_varies(self) -> bool:
        """Whether Flask's value is not always the same."""
        return changes([self.ours])[0] > 0

    @property
    def fastapi_varies(self) -> bool:
        """Whether FastAPI's value is not always the same."""
        return changes([self.theirs])[0] > 0

    @property
    def answers(self) -> int:
        """How many answers there are of the side of which there are fewer."""
        return min(len(self.ours), len(self.theirs))


_Side = Sequence[Drawn]


def where_of(place: str) -> str:
    """The place of the difference that a part belongs to."""
    return place.partition("«")[0]


def general(place: str) -> str:
    """A place without its indexes and keys of rows, the same in all cases of a route.

    >>> general("body.users[3].id")
    'body.users[*].id'
    """
    where, mark, part = place.partition("«")
    return re.sub(r"\[[^\]]*\]", "[*]", where) + mark + part


def strands(place: str, ours: _Side, theirs: _Side) -> Iterator[Strand]:
    """Divide the values at a place into parts; those in which no answer differs are left out."""
    sides = (ours, theirs)
    if any(each.value is ABSENT for side in sides for each in side):
        yield from _strand(f"{place}«there»", *_each(sides, lambda value: value is not ABSENT))
        sides = _those(sides, lambda value: value is not ABSENT)
        if not all(sides):
            return
    every = [each.value for side in sides for each in side]
    if all(isinstance(value, Mapping) for value in every):
        yield from _members(place, *sides)
    elif all(isinstance(value, str) and not isinstance(value, Opaque) for value in every):
        yield from _texts(place, *sides)
    elif all(isinstance(value, bytes) for value in every):
        yield from _bytes(place, *sides)
    else:
        yield from _strand(place, *_each(sides, _plain))


def together(
    found: list[tuple[str, list[Strand]]],
    others: list[Strand],
    turns: tuple[tuple[float, ...], ...],
) -> list[tuple[str, list[Strand]]]:
    """Add what the places with few values have together: variants of an answer are whole.

    Each place alone would let the price of variant A pass beside the name of variant B.

    Args:
        found: the parts of each place.
        others: parts of places at which the first answers are equal.
        turns: when the answers were given, Flask's and FastAPI's.
    """
    ours, theirs = turns
    chosen = [
        part
        for part in (*(part for _, parts in found for part in parts), *others)
        if [each.turn for each in part.ours] == list(ours)
        and [each.turn for each in part.theirs] == list(theirs)
        and len({repr(each.value) for each in (*part.ours, *part.theirs)}) <= _FEW_VALUES
    ]
    places = dict.fromkeys(where_of(part.place) for part in chosen)
    if len(places) < 2 or len(ours) < 2:
        return found
    sides = [[part.ours for part in chosen], [part.theirs for part in chosen]]
    joined = [
        tuple(
            Drawn(row[0].turn, Opaque(_digest("|".join(repr(each.value) for each in row))))
            for row in zip(*side, strict=True)
        )
        for side in sides
    ]
    whole = Strand(f"together«{', '.join(general(part.place) for part in chosen)}»", *joined)
    return [(where, [*parts, whole] if where in places else parts) for where, parts in found]


def _each(sides: Sequence[_Side], change: Callable[[Any], Any]) -> tuple[_Side, _Side]:
    ours, theirs = ([Drawn(turn, change(value)) for turn, value in side] for side in sides)
    return ours, theirs


def _those(sides: Sequence[_Side], test: Callable[[Any], bool]) -> tuple[_Side, _Side]:
    ours, theirs = ([each for each in side if test(each.value)] for side in sides)
    return ours, theirs


def _plain(value: Content) -> Value:
    return Dump(repr(value)) if isinstance(value, Mapping) else value


def _strand(place: str, ours: _Side, theirs: _Side) -> Iterator[Strand]:
    if not all(same(ours[0].value, each.value) for each in (*ours, *theirs)):
        yield Strand(place, tuple(ours), tuple(theirs))


def _members(place: str, ours: _Side, theirs: _Side) -> Iterator[Strand]:
    """The members of sessions and tokens, each for itself."""
    for name in dict.fromkeys(name for each in (*ours, *theirs) for name in each.value):
        own = _each((ours, theirs), partial(_member, name))
        yield from strands(f"{place}«{name}»", *own)


def _member(name: str, value: Mapping[str, Value]) -> Value:
    return value.get(name, ABSENT)


def _has_shape(shape: str, text: str) -> bool:
    return structure(text) == shape


def _texts(place: str, ours: _Side, theirs: _Side) -> Iterator[Strand]:
    sides = (ours, theirs)
    texts = [each.value for side in sides for each in side]
    if all(map(is_moment, texts)):
        yield from _strand(place, *sides)
        return
    for read in (claims, uuid_parts):
        if all(read(text) is not None for text in texts):
            yield from _members(place, *_each(sides, read))
            return
    shapes = Counter(map(structure, texts))
    many = len(shapes) > max(2, len(texts) // 2)
    if many or (len(shapes) > 1 and not any(map(_has_blanks, texts))):
        yield from _free(place, *sides)
        return
    yield from _strand(
        f"{place}«structure»", *_each(sides, lambda text: Opaque(_digest(structure(text))))
    )
    for shape in shapes:
        own = _those(sides, partial(_has_shape, shape))
        if all(own):
            yield from _words(place, shape, *own)


def _words(place: str, shape: str, ours: _Side, theirs: _Side) -> Iterator[Strand]:
    every = [*ours, *theirs]
    for before, values in columns([each.value for each in every]):
        part = place if shape == ONE_WORD else f"{place}«{before}»"
        drawn = [Drawn(each.turn, value) for each, value in zip(every, values, strict=True)]
        yield from _strand(part, drawn[: len(ours)], drawn[len(ours) :])


def _has_blanks(text: str) -> bool:
    return any(map(str.isspace, text))


def _digest(text: str) -> str:
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]


def _free(place: str, ours: _Side, theirs: _Side) -> Iterator[Strand]:
    """Texts that can't be laid on each other: as wholes, and by their lines."""
    sides = (ours, theirs)
    yield from _strand(place, *sides)
    if len(ours) < _FEW or not any("\n" in each.value.rstrip("\n") for each in ours):
        return
    bags = [line_bag(each.value) for each in ours]
    if len(set(bags)) == 1:  # only their order is chance
        named = _each(sides, lambda text: Opaque(_digest("\n".join(line_bag(text)))))
        yield from _strand(f"{place}«lines»", *named)
        return
    steady = frozenset.intersection(*map(frozenset, bags))
    whole = _each(sides, lambda text: steady <= set(line_bag(text)))
    yield from _strand(f"{place}«steady lines»", *whole)
    known = Counter(line for bag in bags for line in set(bag))
    mine = _each((ours, ()), lambda text: sum(known[line] == 1 for line in set(line_bag(text))))[0]
    its = _each(((), theirs), lambda text: sum(not known[line] for line in set(line_bag(text))))[1]
    yield from _strand(f"{place}«lines of its own»", mine, its)


def _bytes(place: str, ours: _Side, theirs: _Side) -> Iterator[Strand]:
    sides = (ours, theirs)
    yield from _strand(f"{place}«length»", *_each(sides, len))
    yield from _strand(f"{place}«start»", *_each(sides, lambda body: body[:_START]))
    if len({len(each.value) for side in sides for each in side}) == 1 and len(ours) > 1:
        columns_of = zip(*(each.value for each in ours), strict=True)
        steady = [at for at, column in enumerate(columns_of) if len({*column}) == 1]
        rest = _each(sides, lambda body: bytes(body[at] for at in steady))
        yield from _strand(f"{place}«steady bytes»", *rest)
    yield from _strand(place, *_each(sides, lambda body: Opaque(sha256(body).hexdigest())))
