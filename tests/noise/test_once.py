"""Answers that can't be had a second time, and requests that must not be sent at all."""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import jwt
import pytest

from crossfade.contract import NoState, SQLAlchemyState, frozen
from crossfade.contract.engine.prover import Prover
from crossfade.contract.engine.route_result import RouteResult
from crossfade.contract.errors import ContractFailed
from crossfade.contract.run.client import Contract
from crossfade.contract.run.exploration import explore
from crossfade.contract.state import locks as patience
from crossfade.contract.state.base import NotGiven
from crossfade.model import Side
from tests.noise.kit import Make, Reply, View, prover, told

AGAIN = "when asked the same again: the first answer can't be had again"


def _broken(sent: Any) -> Reply:
    raise NameError("name 'undefined' is not defined")


def _times(count: int, answers: Iterator[Any]) -> View:
    """Answer so many times, and raise from then on."""
    left = [None] * count

    def view(sent: Any) -> Reply:
        if not left:
            raise RuntimeError("the cassette has no further answer")
        left.pop()
        return Reply({"value": next(answers)})

    return view


def once(native: View, count: int = 1) -> Make:
    """A view of Flask's that works so many times, next to a handler."""
    return lambda side: _times(count, itertools.repeat("a")) if side is Side.LEGACY else native


def _contract(made: Prover) -> Contract:
    return Contract(made.runner, base_url="http://localhost", timeout=30)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_contract_a_view_that_works_only_so_often_is_never_noise(
    tmp_path: Path, count: int
) -> None:
    """The first answers differ; that both are errors later is no second opinion."""
    twins = {"once": once(_broken, count)}
    with prover(twins, tmp_path) as made, pytest.raises(ContractFailed) as failed:
        _contract(made).get("/once")
    assert "status" in str(failed.value)
    assert "name 'undefined' is not defined" in str(failed.value)
    assert "differs from itself" not in str(failed.value)


def test_contract_names_what_would_make_an_answer_repeatable(tmp_path: Path) -> None:
    """A stub, a limit, a unique name: each has its place."""
    twins = {"once": once(_broken)}
    with prover(twins, tmp_path) as made, pytest.raises(ContractFailed) as failed:
        _contract(made).get("/once")
    text = " ".join(str(failed.value).split())
    assert f"Flask answered GET /once with 200, and with 500 {AGAIN}" in text
    for remedy in ("stub or cassette", "contract_state", "contract_frozen"):
        assert remedy in text


def test_contract_a_moment_of_another_second_is_not_asked_away(tmp_path: Path) -> None:
    """Both sides are asked again for the clock's sake; then neither has an answer any more."""

    def make(side: Side) -> View:
        return _times(1, iter([f"2026-01-01T00:00:0{SECONDS[side]}Z"]))

    with prover({"once": make}, tmp_path) as made, pytest.raises(ContractFailed) as failed:
        _contract(made).get("/once")
    assert "body.value" in str(failed.value)
    assert AGAIN in " ".join(str(failed.value).split())


SECONDS = {Side.LEGACY: 1, Side.NATIVE: 2}


@pytest.mark.parametrize("run", [Prover.prove, lambda made, target: explore(made, target, 20)])
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("native", [_broken, lambda sent: Reply({"value": "a"})])
def test_prove_a_view_that_works_only_so_often_proves_nothing(
    tmp_path: Path, native: View, count: int, run: Callable[[Prover, Any], RouteResult]
) -> None:
    """Whoever is right: it differs, or is not proven and says why."""
    with prover({"once": once(native, count)}, tmp_path) as made:
        result = run(made, made.targets()[0])
    assert result.failures or AGAIN in result.unproven
    assert not result.noise


def test_prove_a_status_by_chance_is_no_noise(tmp_path: Path) -> None:
    """Also where it is on both sides alike."""

    def make(side: Side) -> View:
        turns = itertools.cycle([200, 201] if side is Side.LEGACY else [201, 200])
        return lambda sent: Reply({}, status=next(turns))

    with prover({"coin": make}, tmp_path) as made:
        result = made.prove(made.targets()[0])
    assert {d.where for v in result.failures if v.outcome for d in v.outcome.differences} == {
        "status"
    }


# --- what changes data -------------------------------------------------------------------------


def counted(calls: list[Side]) -> Make:
    """A view that notes that it was called."""

    def make(side: Side) -> View:
        def view(sent: Any) -> Reply:
            calls.append(side)
            return Reply({"stored": True})

        return view

    return make


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("run", [Prover.prove, lambda made, target: explore(made, target, 20)])
def test_prove_unsafe_method_without_a_state_is_not_sent(
    tmp_path: Path, method: str, run: Callable[[Prover, Any], RouteResult]
) -> None:
    """What it changes would stay in the configured database."""
    calls: list[Side] = []
    with prover({"notes": counted(calls)}, tmp_path, NotGiven(), method) as made:
        result = run(made, made.targets()[0])
    assert not calls
    assert result.unproven.startswith(f"no request was sent: {method} may change data")
    assert "SQLAlchemyState" in result.unproven
    assert "NoState()" in result.unproven


def test_prove_unsafe_method_runs_where_nothing_has_to_be_reset(tmp_path: Path) -> None:
    """`NoState()` in contract_state is the explicit word."""
    calls: list[Side] = []
    with prover({"notes": counted(calls)}, tmp_path, NoState(), "POST") as made:
        result = made.prove(made.targets()[0])
    assert set(calls) == set(Side)
    assert not result.failures
    assert not result.unproven


def test_prove_safe_method_runs_without_a_state(tmp_path: Path) -> None:
    """GET is free; probes that would reach another route's POST are left out, and counted."""
    calls: list[Side] = []
    with prover({"notes": counted(calls)}, tmp_path, NotGiven()) as made:
        result = made.prove(made.targets()[0])
    assert calls
    assert not result.failures
    assert not result.unproven


# --- locks -------------------------------------------------------------------------------------


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a database with an empty table; locks are not waited for long."""
    monkeypatch.setattr(patience, "seconds", 0.5)
    file = tmp_path / "lock.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript("CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT)")
    return file


def raising(database: Path, seen: list[str], cycle: bool) -> Make:
    """A view that raises between its insert and its commit."""

    def view(sent: Any) -> Reply:
        connection = sqlite3.connect(database, timeout=0)
        if cycle:
            holder: list[Any] = [connection]
            holder.append(holder)
        try:
            connection.execute("INSERT INTO notes (title) VALUES ('x')")
        except sqlite3.OperationalError as error:
            seen.append(str(error))
            raise
        if cycle:
            return Reply({"error": "handled"}, status=500)
        raise ValueError("between insert and commit")

    return lambda side: view


@pytest.mark.slow
@pytest.mark.newest_versions
@pytest.mark.parametrize("cycle", [False, True], ids=["raised", "handled"])
def test_prove_a_view_that_raises_before_its_commit_locks_nobody_out(
    tmp_path: Path, database: Path, cycle: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Its twin finds the database as it did, and so does every later case."""
    state = SQLAlchemyState(f"sqlite:///{database}")
    locked: list[str] = []
    with prover({"notes": raising(database, locked, cycle)}, tmp_path, state, "POST") as made:
        result = made.prove(made.targets()[0])
    state.close()
    assert not locked
    assert not result.failures, told(result)
    assert caplog.records or cycle  # what was logged holds the exceptions


# --- clocks that go on -------------------------------------------------------------------------


def tokens(ahead: dict[Side, int]) -> Make:
    """Tokens of which each is a second later than the one before, as a slow machine makes them."""
    clock = itertools.count(int(time.time()))

    def make(side: Side) -> View:
        return lambda sent: Reply(
            {"token": jwt.encode({"sub": "ada", "exp": next(clock) + ahead[side]}, "k" * 32)}
        )

    return make


def test_prove_tokens_a_second_apart_agree_where_only_chance_stands_still(tmp_path: Path) -> None:
    """`frozen(seed=1)` stops no clock, and nobody is blamed for what it says."""
    made_of = {"token": tokens({Side.LEGACY: 3600, Side.NATIVE: 3600})}
    with prover(made_of, tmp_path, freeze=frozen(seed=1)) as made:
        result = made.prove(made.targets()[0])
    assert not result.failures, told(result)


def test_prove_tokens_that_end_later_differ_where_only_chance_stands_still(tmp_path: Path) -> None:
    """An hour is none of the clock's seconds."""
    made_of = {"token": tokens({Side.LEGACY: 3600, Side.NATIVE: 36000})}
    with prover(made_of, tmp_path, freeze=frozen(seed=1)) as made:
        result = made.prove(made.targets()[0])
    assert result.failures
