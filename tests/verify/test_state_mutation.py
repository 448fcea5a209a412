"""Broken states: what is made of one, that all of them are noticed, and what lets some live."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from crossfade.contract.comparison.mutation import Survivor
from crossfade.contract.comparison.state_mutation import (
    NOT_COMPARED,
    sample,
    state_shape,
    state_strength,
)
from crossfade.contract.state.base import Table
from crossfade.messages.compare import Difference

USERS = Table(("id", "name"), ("id",), ((1, "ada"), (2, "bob")))


def every_difference_counts(difference: Difference) -> str | None:
    """There are no rules."""
    return None


class Opaque:
    """A picture that can't be compared."""

    __eq__ = object.__eq__
    __hash__ = object.__hash__


STATES: dict[str, Mapping[str, object]] = {
    "a table": {"users": USERS},
    "an empty table": {"users": Table(("id", "name"), ("id",), ())},
    "a table without a key": {"log": Table(("text", "at"), (), (("a", 1.5),))},
    "a table that is all key": {"links": Table(("a", "b"), ("a", "b"), ((1, 2),))},
    "a list": {"mails": ["hi"]},
    "no mails": {"mails": []},
    "a tuple": {"mails": ("hi", "ho")},
    "a mapping": {"cache": {"a": 1}},
    "a number": {"count": 3},
}


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_state_strength_without_rules_notices_all(state: Mapping[str, object]) -> None:
    """A row missing, a value changed, a row added: as far as there is one."""
    left = sample(state)
    assert left is not None
    result = state_strength(left, every_difference_counts)
    assert result.mutants
    assert result.survivors == ()


def test_state_strength_names_the_rule_that_hides_a_table() -> None:
    """And nothing of the other tables."""
    left = sample({"users": USERS, "teams": USERS})
    assert left is not None

    def explain(difference: Difference) -> str | None:
        return "ignore state.users" if difference.where.startswith("state.users") else None

    result = state_strength(left, explain)
    assert (result.mutants, result.killed) == (6, 3)
    assert [each.rule for each in result.survivors] == ["ignore state.users"] * 3
    assert [each.mutant for each in result.survivors] == [
        "state.users row missing",
        "state.users value changed",
        "state.users row added",
    ]


def test_state_strength_of_what_cannot_be_compared_says_so() -> None:
    """It has no __eq__: nothing that becomes of it is noticed."""
    left = sample({"files": Opaque()})
    assert left is not None
    result = state_strength(left, every_difference_counts)
    assert result.survivors == (Survivor("state.files value changed", NOT_COMPARED),)
    assert result.unexplained == ()


def test_sample_takes_one_row_and_nothing_of_no_state() -> None:
    """A large table costs no more than a small one."""
    assert sample(None) is None
    assert sample({"users": USERS}) == {"users": Table(USERS.columns, USERS.key, USERS.rows[:1])}
    assert sample(5) == {"": 5}
    assert state_strength({"": 5}, every_difference_counts).mutants == 1


def test_state_shape_is_of_tables_and_not_of_rows() -> None:
    """Each shape is tried once; whether there is a row to break is a part of it."""
    other = Table(("id", "name"), ("id",), ((7, "eve"),))
    empty = Table(("id", "name"), ("id",), ())
    assert state_shape({"users": USERS}) == state_shape({"users": other})
    assert state_shape({"users": USERS}) != state_shape({"users": empty})
