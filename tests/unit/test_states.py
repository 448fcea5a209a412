"""Several states as one: pictures side by side, restored to whoever took them."""

from __future__ import annotations

import pytest

from crossfade.contract import ContractError, States, Table
from crossfade.contract.state.effects import compare_states
from crossfade.messages.compare import Difference, Kind


class Rows:
    """A database of one table, whose picture says that nothing has changed."""

    def __init__(self, *names: str) -> None:
        self.picture = self.of(*names)

    def of(self, *names: str) -> dict[str, Table]:
        """Return the picture of a table with these rows."""
        return {"users": Table(("name",), ("name",), tuple((name,) for name in names))}

    def write(self, *names: str) -> None:
        """Leave these rows."""
        self.picture = self.of(*names)

    def capture(self) -> object:
        """Return the rows."""
        return self.picture

    def restore(self, captured: object) -> None:
        """Take a picture back."""
        assert isinstance(captured, dict)
        self.picture = captured


class Mails:
    """A list, whose picture is no mapping."""

    def __init__(self) -> None:
        self.sent: tuple[str, ...] = ()

    def capture(self) -> object:
        """Return what was sent."""
        return self.sent

    def restore(self, captured: object) -> None:
        """Take a picture back."""
        assert isinstance(captured, tuple)
        self.sent = captured


def test_every_part_is_compared_by_its_name() -> None:
    """A table row by row, a picture that is no mapping under its part's class."""
    rows, mails = Rows("Ada"), Mails()
    states = States(rows, mails)
    before = states.capture()
    rows.write("Ada", "Zoë")
    mails.sent = ("hello",)
    assert compare_states(before, states.capture()) == (
        Difference(Kind.STATE, "state.users[name='Zoë']", None, "name='Zoë'"),
        Difference(Kind.STATE, "state.Mails", "()", "('hello',)"),
    )


def test_every_part_is_restored() -> None:
    """Each gets its own picture back."""
    rows, mails = Rows("Ada"), Mails()
    states = States(rows, mails)
    before = states.capture()
    rows.write()
    mails.sent = ("hello",)
    states.restore(before)
    assert rows.picture == rows.of("Ada")
    assert not mails.sent


def test_the_same_picture_while_nothing_changes() -> None:
    """So that nothing is restored then."""
    rows = Rows("Ada")
    states = States(rows, Mails())
    before = states.capture()
    assert states.capture() is before
    rows.write("Zoë")
    assert states.capture() is not before


def test_two_parts_of_one_name_are_refused() -> None:
    """Otherwise one would hide the other's difference."""
    with pytest.raises(ContractError, match="two parts of the state have 'Mails'"):
        States(Mails(), Mails()).capture()


def test_a_picture_without_equality_is_refused() -> None:
    """Otherwise its part would be compared by nobody."""

    class Blind(Mails):
        def capture(self) -> object:
            return object()

    with pytest.raises(ContractError, match=r"Blind\.capture\(\) returns .* has no __eq__"):
        States(Blind()).capture()
