"""What the two sides must find alike, and leave alike: the interface, and its comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from crossfade.compare import Difference, Kind
from crossfade.contract.errors import ContractError


@runtime_checkable
class State(Protocol):
    """Everything outside the process's code that a request can change: a database, files, mails.

    `capture` returns a frozen picture: nothing that happens later changes it. It may return the
    very same object again to say that nothing has changed since. Pictures of what the two sides
    left are compared: mappings by key (name them as a person would: `users`, `outbox`), `Table`
    values row by row, all else by `==`. A class without `__eq__` can't be compared, and is not.

    `restore` brings back what a picture shows, counters included, so that the next
    `POST` is given the same id.
    """

    def capture(self) -> object:
        """Return a picture of the present state."""

    def restore(self, captured: object) -> None:
        """Make the present state what `captured` shows."""


@runtime_checkable
class SameAs(Protocol):
    """A picture that can tell at once that another shows the same, without a look at its parts."""

    def same_as(self, other: object) -> bool:
        """Whether it certainly does; False where that is not known."""


class NoState:
    """Resets nothing: what Flask's answer changed is there when FastAPI is asked."""

    def capture(self) -> object:
        """Return None: nothing is known."""
        return None

    def restore(self, captured: object) -> None:
        """Do nothing."""


class States:
    """Several states as one: a database, the mails that were sent, a store of sessions.

        States(SQLAlchemyState(engine), SentMails(server))

    What the parts' pictures hold is compared side by side; a picture that is no mapping goes by
    the name of its part's class.

    Args:
        parts: captured in this order, restored in the opposite one.
    """

    def __init__(self, *parts: State) -> None:
        self._parts = parts
        self._last: _Pictures | None = None

    def capture(self) -> Mapping[str, object]:
        """Return the pictures of all parts; the same object again if none has changed.

        Raises:
            ContractError: two parts have a picture of the same name, or one can't be compared.
        """
        taken = tuple(part.capture() for part in self._parts)
        last = self._last
        if last is None or any(a is not b for a, b in zip(taken, last.taken, strict=True)):
            last = self._last = _Pictures(self._named(taken), taken)
        return last

    def restore(self, captured: object) -> None:
        """Make the present state of each part what `captured` shows."""
        assert isinstance(captured, _Pictures)  # what `capture` returned
        for part, picture in reversed(tuple(zip(self._parts, captured.taken, strict=True))):
            part.restore(picture)

    def _named(self, taken: Iterable[object]) -> dict[str, object]:
        named: dict[str, object] = {}
        for part, picture in zip(self._parts, taken, strict=True):
            kind = type(part).__name__
            if not comparable(picture):
                raise ContractError(
                    f"{kind}.capture() returns {picture!r}, which has no __eq__: what both sides "
                    "leave there can't be compared"
                )
            content = picture if isinstance(picture, Mapping) else {kind: picture}
            for name, value in content.items():
                if name in named:
                    raise ContractError(
                        f"two parts of the state have {name!r}, one of them {kind}: "
                        "what both sides leave there could not be told apart"
                    )
                named[name] = value
        return named


class _Pictures(dict[str, object]):
    """What all parts hold by name, and the picture that each part took."""

    def __init__(self, named: Mapping[str, object], taken: tuple[object, ...]) -> None:
        super().__init__(named)
        self.taken = taken


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of one table.

    Attributes:
        columns: their names, in order.
        key: the names of the primary key's columns; empty where there is none.
        rows: one tuple of values per row.
    """

    columns: tuple[str, ...]
    key: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]

    def named(self, row: tuple[object, ...]) -> dict[str, object]:
        """The row as a mapping from its columns."""
        return dict(zip(self.columns, row, strict=True))


def compare_states(legacy: object, native: object) -> tuple[Difference, ...]:
    """The differences between what Flask and what FastAPI left behind."""
    if legacy is native or (isinstance(legacy, SameAs) and legacy.same_as(native)):
        return ()
    if isinstance(legacy, Mapping) and isinstance(native, Mapping):
        return tuple(_mappings(legacy, native))
    return tuple(_values("state", legacy, native))


def comparable(captured: object) -> bool:
    """Whether two pictures of this type can be compared at all."""
    return type(captured).__eq__ is not object.__eq__


def _mappings(legacy: Mapping[str, object], native: Mapping[str, object]) -> Iterator[Difference]:
    for name in dict.fromkeys((*legacy, *native)):
        where = f"state.{name}"
        if name not in native:
            yield Difference(Kind.STATE, where, "present", None)
        elif name not in legacy:
            yield Difference(Kind.STATE, where, None, "present")
        else:
            ours, theirs = legacy[name], native[name]
            if isinstance(ours, Table) and isinstance(theirs, Table):
                yield from _tables(where, ours, theirs)
            else:
                yield from _values(where, ours, theirs)


def _values(where: str, legacy: object, native: object) -> Iterator[Difference]:
    if comparable(legacy) and legacy != native:
        yield Difference(Kind.STATE, where, repr(legacy), repr(native))


def _tables(where: str, legacy: Table, native: Table) -> Iterator[Difference]:
    # repr tells 1 from 1.0 and True, and 0.0 from -0.0, which `==` does not.
    if repr(legacy) == repr(native):
        return
    if legacy.columns != native.columns:
        yield Difference(
            Kind.STATE, where, ", ".join(legacy.columns), ", ".join(native.columns), "the columns"
        )
        return
    if not legacy.key:
        yield from _keyless(where, legacy, native)
        return
    ours, theirs = _by_key(legacy), _by_key(native)
    for key in dict.fromkeys((*ours, *theirs)):
        at = f"{where}[{key}]"
        if key not in theirs:
            yield Difference(Kind.STATE, at, _row(ours[key]), None)
        elif key not in ours:
            yield Difference(Kind.STATE, at, None, _row(theirs[key]))
        else:
            for column, value in ours[key].items():
                other = theirs[key][column]
                if repr(value) != repr(other):
                    yield Difference(Kind.STATE, f"{at}.{column}", repr(value), repr(other))


def _by_key(table: Table) -> dict[str, dict[str, object]]:
    named = map(table.named, table.rows)
    return {", ".join(f"{name}={row[name]!r}" for name in table.key): row for row in named}


def _keyless(where: str, legacy: Table, native: Table) -> Iterator[Difference]:
    ours, theirs = (Counter(_row(t.named(row)) for row in t.rows) for t in (legacy, native))
    for row in (ours - theirs).elements():
        yield Difference(Kind.STATE, where, row, None)
    for row in (theirs - ours).elements():
        yield Difference(Kind.STATE, where, None, row)


def _row(row: dict[str, object]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in row.items())
