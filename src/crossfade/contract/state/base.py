"""What the two sides must find alike, and leave alike: the interface."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

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
    """Resets nothing: what Flask's answer changed is there when FastAPI is asked.

    Given by the fixture `contract_state`, it says that nothing has to be reset.
    """

    def capture(self) -> object:
        """Return None: nothing is known."""
        return None

    def restore(self, captured: object) -> None:
        """Do nothing."""


class NotGiven(NoState):
    """Stands where nobody has said what to reset: a route that may change data is not proven."""


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


Row = tuple[object, ...]


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
    rows: tuple[Row, ...]

    def named(self, row: Row) -> dict[str, object]:
        """The row as a mapping from its columns."""
        return dict(zip(self.columns, row, strict=True))


def comparable(captured: object) -> bool:
    """Whether two pictures of this type can be compared at all."""
    return type(captured).__eq__ is not object.__eq__
