"""Conditions of the map's rules: what they are, when they hold, what is said of a wrong one."""

from __future__ import annotations

import pytest

from crossfade.migration_map.deviations import (
    Condition,
    Situation,
    checked_condition,
    checked_place,
    split_rule,
)
from crossfade.model import Side


def situation(
    flask: int = 200,
    fastapi: int = 200,
    raised: str = "",
    login: str | None = None,
    case: str | None = None,
) -> Situation:
    """Return two answers."""
    return Situation(
        {Side.LEGACY: flask, Side.NATIVE: fastapi},
        {Side.LEGACY: raised, Side.NATIVE: ""},
        login,
        case,
    )


@pytest.mark.parametrize(
    ("text", "holds", "fails"),
    [
        ("flask 500", situation(500), situation(503)),
        ("flask 5xx", situation(503), situation(404)),
        ("fastapi 4xx", situation(500, 422), situation(422, 500)),
        ("flask 500 and fastapi 422", situation(500, 422), situation(500, 400)),
        ("flask raises KeyError", situation(500, raised="KeyError"), situation(500)),
        (
            "flask raises IntegrityError",
            situation(500, raised="sqlalchemy.exc.IntegrityError"),
            situation(500, raised="sqlalchemy.exc.IntegrityErrors"),
        ),
        (
            "flask raises sqlite3.OperationalError",
            situation(500, raised="sqlite3.OperationalError"),
            situation(500, raised="sqlalchemy.exc.OperationalError"),
        ),
        ("login ada", situation(login="ada"), situation(login="ada (session expired)")),
        ("login nobody", situation(login=""), situation(login="ada")),
        ("login tom and jerry", situation(login="tom and jerry"), situation(login="tom")),
        ("case JSON: *", situation(case="JSON: cut off"), situation(case="form: JSON: x")),
        ("case a[1]*b", situation(case="a[1] or b"), situation(case="a1b")),
        (
            "login ada and case *empty and flask 2xx",
            situation(login="ada", case="query: q empty"),
            situation(login="ada", case="query: q"),
        ),
    ],
)
def test_condition_with_what_it_asks_for_holds(
    text: str, holds: Situation, fails: Situation
) -> None:
    """And with anything else it does not."""
    condition = Condition.parse(text)
    assert condition.holds(holds)
    assert not condition.holds(fails)


def test_condition_about_names_in_a_handwritten_test_fails() -> None:
    """There nobody has a name, nor has the case: less is overlooked, not more."""
    for text in ("login nobody", "login ada", "case *"):
        assert not Condition.parse(text).holds(situation())


def test_condition_that_is_empty_holds_always() -> None:
    """A rule without one counts in every answer."""
    assert Condition.parse("").holds(situation(500))


@pytest.mark.parametrize(
    "text",
    ["flusk 5xx", "flask", "flask 6xx", "flask 5x", "flask 500 or fastapi 500", "flask raises",
     "5xx", "login ", "case", "flask 500 and", "flask 500, fastapi 400", "FLASK 500"],
)  # fmt: skip
def test_condition_that_is_wrong_is_refused_with_the_forms(text: str) -> None:
    """The part that is wrong is named, and what there is instead."""
    with pytest.raises(ValueError, match=r'is not a condition; write "flask 500"'):
        Condition.parse(text)


def test_checks_of_a_deviation_name_what_to_write() -> None:
    """An empty condition, and one in the wrong key."""
    with pytest.raises(ValueError, match="an empty condition"):
        checked_condition("")
    with pytest.raises(ValueError, match="when = 'flask 5xx'"):
        checked_place("header.x when flask 5xx")


@pytest.mark.parametrize(
    ("text", "place", "when"),
    [
        ("status", "status", ""),
        ("status when flask 5xx", "status", "flask 5xx"),
        ('body["now when"]', 'body["now when"]', ""),
        ('body["a \\" when ]"].b when login ada', 'body["a \\" when ]"].b', "login ada"),
        ("state.users[id=1, n=' when '].name", "state.users[id=1, n=' when '].name", ""),
    ],
)
def test_split_rule_with_any_text_in_brackets_finds_the_condition(
    text: str, place: str, when: str
) -> None:
    """What stands in brackets is a key."""
    assert split_rule(text) == (place, when)
