"""What a request changed, and whether two requests changed the same. Pure.

The sides are compared by what they made of that from which they started: in a sequence each stands
on rows of its own. Rows have the same key, or else they are matched by their other columns, for a
key may be chance (a UUID).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from crossfade.contract.state.base import Row, SameAs, Table, comparable
from crossfade.messages.compare import Difference, Kind

_MOST_SCORES: Final = 10_000
"""Pairs of rows that are weighed against each other; more are taken in their order."""

Translate = Callable[[Any], Any]
"""What one of FastAPI's values is called on Flask's side."""


class _Missing:
    """What a state does not have."""


MISSING: Final = _Missing()


@dataclass(frozen=True, slots=True)
class Rows:
    """What became of one table.

    Attributes:
        columns: their names, in order.
        key: the names of the primary key's columns.
        added: rows that were not there before; a row that was updated as it is now.
        removed: rows that are there no longer; a row that was updated as it was.
    """

    columns: tuple[str, ...]
    key: tuple[str, ...]
    added: tuple[Row, ...]
    removed: tuple[Row, ...] = ()

    def by_key(self, rows: Iterable[Row]) -> dict[str, Row]:
        """Rows by their key as text: `id=1, lang='en'`."""
        places = [(name, self.columns.index(name)) for name in self.key]
        return {", ".join(f"{name}={row[at]!r}" for name, at in places): row for row in rows}

    def text(self, row: Row) -> str:
        """A row in one line."""
        pairs = zip(self.columns, row, strict=True)
        return ", ".join(f"{name}={value!r}" for name, value in pairs)


@dataclass(frozen=True, slots=True)
class Became:
    """What became of anything but a table."""

    before: object
    after: object


Change = Rows | Became

Effects = Mapping[str, Change]
"""What changed, by its name in the state; "" stands for a state that is no mapping."""


def effects(start: object, end: object) -> Effects:
    """What a request changed.

    Args:
        start: the picture of the state before it.
        end: the picture after it.
    """
    if start is end or (isinstance(start, SameAs) and start.same_as(end)):
        return {}
    if isinstance(start, Mapping) and isinstance(end, Mapping):
        names = dict.fromkeys((*start, *end))
        found = {name: _became(start.get(name, MISSING), end.get(name, MISSING)) for name in names}
    else:
        found = {"": _became(start, end)}
    return {name: change for name, change in found.items() if change is not None}


def _became(before: object, after: object) -> Change | None:
    if isinstance(before, Table) and isinstance(after, Table) and before.columns == after.columns:
        if before.rows is after.rows or repr(before.rows) == repr(after.rows):
            return None
        return Rows(
            after.columns, after.key, _less(after.rows, before.rows), _less(before.rows, after.rows)
        )
    if before is MISSING or after is MISSING:
        return Became(before, after)
    same = not comparable(after) or (before == after and repr(before) == repr(after))
    return None if same else Became(before, after)


def _less(rows: Sequence[Row], others: Sequence[Row]) -> tuple[Row, ...]:
    """Rows without those that the others have. By `repr`, which tells 1 from 1.0 and True."""
    left = Counter(map(repr, others))
    found = []
    for row in rows:
        text = repr(row)
        if left[text]:
            left[text] -= 1
        else:
            found.append(row)
    return tuple(found)


def compare_states(legacy: object, native: object) -> tuple[Difference, ...]:
    """The differences between two pictures, as if both sides had started from nothing."""
    if legacy is native or (isinstance(legacy, SameAs) and legacy.same_as(native)):
        return ()
    pictures = [legacy, native]
    if not all(isinstance(picture, Mapping) for picture in pictures):
        return tuple(_value("state", Became(MISSING, legacy), Became(MISSING, native)))
    ours, theirs = (
        {name: Became(MISSING, value) for name, value in picture.items()}  # type: ignore[attr-defined]
        for picture in pictures
    )
    return compare_effects(ours, theirs)


def compare_effects(
    legacy: Effects, native: Effects, translate: Translate | None = None
) -> tuple[Difference, ...]:
    """The differences between what Flask and what FastAPI changed.

    Args:
        legacy: Flask's changes.
        native: FastAPI's.
        translate: gives Flask's name for a value of FastAPI's; what has no other comes back.
    """
    found: list[Difference] = []
    for name in dict.fromkeys((*legacy, *native)):
        where = f"state.{name}" if name else "state"
        ours, theirs = legacy.get(name), native.get(name)
        if _comes_or_goes(ours) != _comes_or_goes(theirs):
            ours_there, theirs_there = _presence(ours, theirs), _presence(theirs, ours)
            found.append(Difference(Kind.STATE, where, ours_there, theirs_there))
            continue
        first, second = _rows(ours), _rows(theirs)
        if isinstance(second, Rows) and translate is not None:
            second = _translated(second, translate)
        if isinstance(first, Rows | None) and isinstance(second, Rows | None):
            found += _tables(where, first, second)
        else:
            found += _value(where, ours, theirs)
    return tuple(found)


def _comes_or_goes(change: Change | None) -> bool:
    return isinstance(change, Became) and (change.before is MISSING or change.after is MISSING)


def _presence(own: Change | None, other: Change | None) -> str | None:
    return None if _after(own, other) is MISSING else "present"


def _rows(change: Change | None) -> Change | None:
    """The rows of a table that was not there before, or had other columns."""
    if isinstance(change, Became) and isinstance(change.after, Table):
        return Rows(change.after.columns, change.after.key, change.after.rows)
    return change


def _translated(rows: Rows, translate: Translate) -> Rows:
    added, removed = (
        tuple(tuple(map(translate, row)) for row in side) for side in (rows.added, rows.removed)
    )
    return Rows(rows.columns, rows.key, added, removed)


# --- values ------------------------------------------------------------------------------------


def _value(where: str, legacy: Change | None, native: Change | None) -> Iterator[Difference]:
    ours, theirs = _after(legacy, native), _after(native, legacy)
    if ours == theirs and repr(ours) == repr(theirs):
        return
    if comparable(ours):
        yield Difference(Kind.STATE, where, repr(ours), repr(theirs))


def _after(own: Change | None, other: Change | None) -> object:
    """What one side has now: only what was added, where the sides did not start alike."""
    if isinstance(own, Rows):
        return own.added
    if own is None:
        return other.before if isinstance(other, Became) else MISSING
    before, after = own.before, own.after
    if isinstance(other, Became) and before != other.before:
        grown = isinstance(before, list | tuple) and isinstance(after, list | tuple)
        if grown and list(after[: len(before)]) == list(before):  # type: ignore[index,arg-type,call-overload]
            return after[len(before) :]  # type: ignore[index,arg-type]
    return after


# --- tables ------------------------------------------------------------------------------------


def _tables(where: str, legacy: Rows | None, native: Rows | None) -> Iterator[Difference]:
    shape = legacy or native
    if shape is None:
        return
    ours, theirs = (side or Rows(shape.columns, shape.key, ()) for side in (legacy, native))
    if ours.columns != theirs.columns:
        first, second = ", ".join(ours.columns), ", ".join(theirs.columns)
        yield Difference(Kind.STATE, where, first, second, "the columns")
    elif ours.key:
        yield from _keyed(where, ours, theirs)
    else:
        # What one side has removed and the other has not is a row that only the other has.
        mine = _less((*ours.added, *theirs.removed), (*theirs.added, *ours.removed))
        its = _less((*theirs.added, *ours.removed), (*ours.added, *theirs.removed))
        yield from _matched(where, ours, dict(enumerate(mine)), dict(enumerate(its)))


def _keyed(where: str, legacy: Rows, native: Rows) -> Iterator[Difference]:
    (ours, gone), (theirs, lost) = (
        (side.by_key(side.added), side.by_key(side.removed)) for side in (legacy, native)
    )
    alone: list[dict[Any, Row]] = [{}, {}]
    for key in dict.fromkeys((*ours, *theirs)):
        mine, its = ours.get(key), theirs.get(key)
        if mine is None and key in lost and key not in gone:
            mine = lost[key]  # FastAPI has updated what Flask has left alone
        if its is None and key in gone and key not in lost:
            its = gone[key]
        if mine is not None and its is not None:
            yield from _columns(f"{where}[{key}]", legacy, mine, its)
        elif mine is not None:
            alone[0][key] = mine
        elif its is not None:
            alone[1][key] = its
    for key in dict.fromkeys((*gone, *lost)):
        at = f"{where}[{key}]"
        if key in ours or key in theirs:
            continue
        if key not in lost:
            yield Difference(Kind.STATE, at, None, legacy.text(gone[key]))
        elif key not in gone:
            yield Difference(Kind.STATE, at, legacy.text(lost[key]), None)
    yield from _matched(where, legacy, *alone)


def _columns(at: str, shape: Rows, mine: Row, its: Row) -> Iterator[Difference]:
    for column, value, other in zip(shape.columns, mine, its, strict=True):
        if repr(value) != repr(other):
            yield Difference(Kind.STATE, f"{at}.{column}", repr(value), repr(other))


def _matched(
    where: str, shape: Rows, ours: Mapping[Any, Row], theirs: Mapping[Any, Row]
) -> Iterator[Difference]:
    """Rows whose keys the other side does not have, by their other columns.

    Where both sides have the same number of them, each has its counterpart; where not, only those
    that are alike in half of what is no key.
    """
    pairs = _pairs(shape, ours, theirs)
    for key, other in pairs.items():
        yield from _columns(f"{where}[{key}]", shape, ours[key], theirs[other])
    taken = set(pairs.values())
    keyless = not shape.key
    for key, row in ours.items():
        if key not in pairs:
            yield Difference(
                Kind.STATE, where if keyless else f"{where}[{key}]", shape.text(row), None
            )
    for key, row in theirs.items():
        if key not in taken:
            yield Difference(
                Kind.STATE, where if keyless else f"{where}[{key}]", None, shape.text(row)
            )


def _pairs(shape: Rows, ours: Mapping[Any, Row], theirs: Mapping[Any, Row]) -> dict[Any, Any]:
    if not ours or not theirs:
        return {}
    counted = [at for at, name in enumerate(shape.columns) if name not in shape.key]
    counted = counted or list(range(len(shape.columns)))
    texts = [
        {key: [repr(row[at]) for at in counted] for key, row in side.items()}
        for side in (ours, theirs)
    ]
    least = 0 if len(ours) == len(theirs) else max(1, len(counted) // 2)
    if len(ours) * len(theirs) > _MOST_SCORES:
        return dict(zip(ours, theirs, strict=False)) if not least else {}
    scores = [
        (sum(map(str.__eq__, mine, its)), key, other)
        for key, mine in texts[0].items()
        for other, its in texts[1].items()
    ]
    scores.sort(key=lambda score: -score[0])  # equals stay in the order of the rows
    pairs: dict[Any, Any] = {}
    for score, key, other in scores:
        if score >= least and key not in pairs and other not in pairs.values():
            pairs[key] = other
    return {key: pairs[key] for key in ours if key in pairs}
