"""Two pictures of a SQLite database are compared by their pages first, and never wrongly so."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from crossfade.contract.state.base import SameAs
from crossfade.contract.state.effects import compare_states
from crossfade.contract.state.sqlalchemy import SQLAlchemyState
from tests.plugin.test_databases import run

SCHEMA = "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b TEXT); INSERT INTO t VALUES (1, 'x', 'y')"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Return an engine on a database with one row."""
    engine = create_engine(f"sqlite:///{tmp_path}/t.db", poolclass=NullPool)
    run(engine, SCHEMA)
    yield engine
    engine.dispose()


@pytest.fixture
def state(engine: Engine) -> Iterator[SQLAlchemyState]:
    """Return its state."""
    state = SQLAlchemyState(engine)
    yield state
    state.close()


def left(engine: Engine, state: SQLAlchemyState, *scripts: str) -> list[SameAs]:
    """Return what each script leaves, from the same start."""
    start = state.capture()
    found = []
    for script in scripts:
        state.restore(start)
        run(engine, script)
        found.append(state.capture())
    assert all(isinstance(each, SameAs) for each in found)
    return found  # type: ignore[return-value]


def test_the_same_writes_are_known_at_once(engine: Engine, state: SQLAlchemyState) -> None:
    """No row is read where the pages are alike."""
    insert = "INSERT INTO t (a, b) VALUES (1, 'z')"
    one, other = left(engine, state, insert, insert)
    assert one.same_as(other) is (sys.version_info >= (3, 11))
    assert compare_states(one, other) == ()
    if sys.version_info >= (3, 11):
        assert "_tables" not in vars(one)


@pytest.mark.parametrize(
    ("legacy", "native"),
    [
        ("1", "1.0"),
        ("1", "'1'"),
        ("x'31'", "'1'"),
        ("NULL", "''"),
        ("'a'", "'A'"),
        ("'a'", "'a '"),
        ("CAST(x'ff' AS TEXT)", "CAST(x'fe' AS TEXT)"),
        ("CAST(x'ff' AS TEXT)", "x'ff'"),
    ],
)
def test_the_smallest_difference_is_seen(
    engine: Engine, state: SQLAlchemyState, legacy: str, native: str
) -> None:
    """In value and in type; a text that is no UTF-8, too."""
    one, other = left(engine, state, *map("UPDATE t SET a = {}".format, (legacy, native)))
    assert not one.same_as(other)
    assert [each.where for each in compare_states(one, other)] == ["state.t[id=1].a"]


def test_other_pages_with_the_same_rows_are_alike(engine: Engine, state: SQLAlchemyState) -> None:
    """Where a row stands is no difference."""
    two = "INSERT INTO t VALUES (2, 'p', 'q'); INSERT INTO t VALUES (3, 'r', 's')"
    moved = (
        "INSERT INTO t VALUES (3, 'r', 's');"
        "INSERT INTO t VALUES (2, 'long' || hex(zeroblob(9)), '');"
        "UPDATE t SET a = 'p', b = 'q' WHERE id = 2"
    )
    one, other = left(engine, state, two, moved)
    assert not one.same_as(other)
    assert compare_states(one, other) == ()
    assert not one.same_as("something else")


def test_a_text_that_is_no_utf8_hides_no_other(engine: Engine, state: SQLAlchemyState) -> None:
    """All rows of its table are still read, and the next table by the quick way."""
    run(engine, "CREATE TABLE u (id INTEGER PRIMARY KEY, a TEXT)")
    bad = "UPDATE t SET a = CAST(x'e9' AS TEXT); INSERT INTO u VALUES (1, '{}')"
    one, other = left(engine, state, bad.format("é"), bad.format("e"))
    (difference,) = compare_states(one, other)
    assert (difference.where, difference.legacy) == ("state.u[id=1].a", "'é'")
    assert one["t"].rows == ((1, "\udce9", "y"),)  # type: ignore[index]
