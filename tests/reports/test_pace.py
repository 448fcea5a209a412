"""Progress and the word about slow routes: what is said, and when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crossfade.contract.engine.pace import Step, Ticker, slow_word

STEP = Step(3, 120, "POST /login", 10, 300, 16.0)


def test_step_says_which_route_and_how_many_cases() -> None:
    """Of how many, where that is known."""
    assert str(STEP) == "route 3 of 120: POST /login, 10 of 300 cases"
    assert str(replace(STEP, planned=0)) == "route 3 of 120: POST /login, 10 cases"


def test_slow_word_of_a_route_that_hashes_passwords_says_what_to_lower() -> None:
    """Time of a request, time of all cases, what is slow and how to change that in tests."""
    word = slow_word(STEP, {"session", "check_password_hash"})
    assert word.startswith("POST /login takes 0.8 s a request; 8 minutes for 300 cases: ")
    assert "it hashes passwords (check_password_hash): lower the cost in tests" in word
    assert "BCRYPT_LOG_ROUNDS = 4" in word


def test_slow_word_of_another_route_names_no_password() -> None:
    """What is not seen is not said."""
    word = slow_word(STEP, {"sleep"})
    assert "passwords" not in word
    assert "--crossfade-route" in word


@pytest.mark.parametrize(
    "step",
    [
        replace(STEP, cases=0),
        replace(STEP, seconds=1.0),  # many quick requests
        replace(STEP, planned=10, seconds=10.0),  # few slow ones
    ],
)
def test_slow_word_of_a_route_that_is_not_is_empty(step: Step) -> None:
    """A word only where it saves somebody time."""
    assert slow_word(step, {"bcrypt"}) == ""


def test_slow_word_without_a_plan_counts_what_was_asked() -> None:
    """As while exploring."""
    assert "for 10 cases" in slow_word(replace(STEP, planned=0, seconds=40.0), ())


def test_ticker_says_a_line_at_a_time() -> None:
    """Nothing of a route that is quick, then one line for each interval."""
    ticker = Ticker(every=30, first=2)
    seconds = [0.1, 1.9, 2.5, 20, 33, 40, 64]
    due = [ticker.due(replace(STEP, seconds=each), now=each) for each in seconds]
    assert due == [False, False, True, False, True, False, True]
    # The next route's beginning is no reason for a line.
    assert not ticker.due(replace(STEP, number=4, seconds=0.5), now=200)


def test_ticker_calls_a_route_slow_once() -> None:
    """However often it is seen to be."""
    ticker = Ticker(every=30, first=2)
    words = [ticker.slow(STEP, word) for word in ("", "it is slow", "it is slow")]
    assert words == [False, True, False]
    assert ticker.slow(replace(STEP, route="GET /"), "it is slow")
