"""`SQLAlchemyState` brings back every row and counter, and names what differs.

The PostgreSQL half runs where PostgreSQL is installed.
"""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool, StaticPool

from crossfade.contract.errors import ContractError
from crossfade.contract.state import locks as patience
from crossfade.contract.state.base import State, Table
from crossfade.contract.state.effects import compare_states
from crossfade.contract.state.sqlalchemy import SQLAlchemyState
from tests.servers.postgres import postgres

SQLITE_SCHEMA = """
    CREATE TABLE team (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT);
    CREATE TABLE player (id INTEGER PRIMARY KEY, team_id INTEGER REFERENCES team, score REAL,
                         photo BLOB, twice REAL GENERATED ALWAYS AS (score * 2) VIRTUAL);
    CREATE TABLE log (line TEXT);
    CREATE TABLE "odd ""name" (a INTEGER, b INTEGER, PRIMARY KEY (b, a)) WITHOUT ROWID;
    CREATE TRIGGER noted AFTER INSERT ON team BEGIN INSERT INTO log VALUES (new.name); END;
"""
POSTGRES_SCHEMA = """
    DROP SCHEMA public CASCADE; CREATE SCHEMA public;
    CREATE TABLE team (id serial PRIMARY KEY, name text);
    CREATE TABLE player (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                         team_id int REFERENCES team ON DELETE CASCADE, score double precision,
                         photo bytea, tags text[], twice float GENERATED ALWAYS AS (score*2) STORED,
                         seen timestamptz, extra jsonb, money numeric(9, 2), boss int,
                         FOREIGN KEY (boss) REFERENCES player);
    CREATE TABLE log (line text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO log VALUES (new.name); RETURN new; END $$;
    CREATE TRIGGER noted AFTER INSERT ON team FOR EACH ROW EXECUTE FUNCTION note();
"""
ROWS = """
    INSERT INTO team (name) VALUES ('Reds'), ('Blues');
    INSERT INTO player (team_id, score) VALUES (1, 0.1), (2, 1.0);
"""


def run(engine: Engine, script: str) -> None:
    """Run statements as an application would, on a connection of its own."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(script)
            return
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.executescript(script)


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    """The URL of a server for this module."""
    with postgres() as url:
        yield url.replace("postgresql:", "postgresql+psycopg:")


@pytest.fixture(params=["file", "wal", "memory", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """The application's engine, on a database with two teams."""
    if request.param == "postgresql":
        made = create_engine(request.getfixturevalue("postgres_url"))
        run(made, POSTGRES_SCHEMA)
    elif request.param == "memory":
        made = create_engine("sqlite://", poolclass=StaticPool)
        run(made, SQLITE_SCHEMA)
    else:
        made = create_engine(f"sqlite:///{tmp_path}/app.db")
        if request.param == "wal":
            run(made, "PRAGMA journal_mode = WAL;")
        run(made, SQLITE_SCHEMA)
    run(made, ROWS)
    yield made
    made.dispose()


@pytest.fixture
def state(engine: Engine) -> Iterator[SQLAlchemyState]:
    """The state of that database."""
    made = SQLAlchemyState(engine)
    yield made
    made.close()


def rows(engine: Engine, query: str) -> list[tuple[object, ...]]:
    """What the application reads."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


CHANGES = [
    "INSERT INTO team (name) VALUES ('Greens')",
    "UPDATE team SET name = 'Grays' WHERE id = 1",
    "DELETE FROM player; DELETE FROM team",
    "INSERT INTO log VALUES ('x')",
    "DELETE FROM player WHERE id = 2; INSERT INTO player (team_id, score) VALUES (1, 5)",
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_restored_is_what_was_captured(
    engine: Engine, state: SQLAlchemyState, change: str
) -> None:
    """Rows, generated columns, what triggers wrote, and the next id."""
    queries = ["SELECT * FROM team ORDER BY 1", "SELECT * FROM player ORDER BY 1"]
    queries.append("SELECT * FROM log ORDER BY 1")
    before = [rows(engine, query) for query in queries]
    start = state.capture()
    run(engine, change)
    changed = state.capture()
    assert compare_states(start, changed)
    state.restore(start)
    assert [rows(engine, query) for query in queries] == before
    assert compare_states(start, state.capture()) == ()
    run(engine, "INSERT INTO team (name) VALUES ('New')")
    assert rows(engine, "SELECT id FROM team WHERE name = 'New'") == [(3,)]


def test_a_picture_does_not_change_with_the_database(
    engine: Engine, state: SQLAlchemyState
) -> None:
    """It was not read before the change, and shows what was there nevertheless."""
    start = state.capture()
    run(engine, "UPDATE team SET name = 'Grays'")
    names = [str(start["team"].named(row)["name"]) for row in start["team"].rows]
    assert names == ["Reds", "Blues"]


def test_nothing_written_is_noticed_without_reading(engine: Engine, state: SQLAlchemyState) -> None:
    """The same object again; after writes, even if they cancel out, another."""
    start = state.capture()
    rows(engine, "SELECT * FROM team")
    assert state.capture() is start
    run(engine, "UPDATE team SET name = 'x' WHERE id = 1")
    run(engine, "UPDATE team SET name = 'Reds' WHERE id = 1")
    again = state.capture()
    assert again is not start
    assert compare_states(start, again) == ()


def test_restoring_twice_works(engine: Engine, state: SQLAlchemyState) -> None:
    """As a contract does: once for each side."""
    start = state.capture()
    for _ in range(2):
        run(engine, "INSERT INTO team (name) VALUES ('Greens')")
        assert rows(engine, "SELECT max(id) FROM team") == [(3,)]
        state.restore(start)
    assert rows(engine, "SELECT max(id) FROM team") == [(2,)]


def test_differences_name_table_row_and_column(engine: Engine, state: SQLAlchemyState) -> None:
    """As a person would: `state.team[id=1].name`."""
    start = state.capture()
    run(engine, "UPDATE team SET name = 'A' WHERE id = 1; INSERT INTO player (score) VALUES (9)")
    legacy = state.capture()
    state.restore(start)
    run(engine, "UPDATE team SET name = 'B' WHERE id = 1; DELETE FROM player WHERE id = 2")
    found = {d.where.replace("'", ""): d for d in compare_states(legacy, state.capture())}
    name = found["state.team[id=1].name"]
    assert (name.legacy, name.native) == ("'A'", "'B'")
    assert found["state.player[id=2]"].native is None
    assert found["state.player[id=3]"].native is None


def test_types_are_told_apart(engine: Engine, state: SQLAlchemyState) -> None:
    """1 is not 1.0 in the database's own eyes, and NULL is not the empty string."""
    start = state.capture()
    run(engine, "UPDATE team SET name = NULL WHERE id = 1")
    legacy = state.capture()
    state.restore(start)
    run(engine, "UPDATE team SET name = '' WHERE id = 1")
    assert [d.legacy for d in compare_states(legacy, state.capture())] == ["None"]


def test_an_async_engine_will_do(engine: Engine) -> None:
    """Its URL is what counts."""
    if engine.dialect.name == "sqlite" and engine.url.database in (None, ""):
        pytest.skip("in memory there is one connection only")
    url = engine.url
    if url.get_backend_name() == "sqlite":
        url = url.set(drivername="sqlite+aiosqlite")
    state = SQLAlchemyState(create_async_engine(url, poolclass=NullPool))
    assert len(state.capture()["team"].rows) == 2
    state.close()


def test_a_string_will_do(tmp_path: Path) -> None:
    """A URL, as in a settings file; without `close` the connection ends with the object."""
    state = SQLAlchemyState(f"sqlite:///{tmp_path}/app.db")
    assert isinstance(state, State)
    assert dict(state.capture()) == {}
    del state
    gc.collect()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite://", "only its own connection sees"),
        ("mysql://host/db", "knows SQLite and PostgreSQL, not mysql"),
    ],
)
def test_a_database_that_cannot_be_reset_is_refused(url: str, message: str) -> None:
    """Each says what to do instead."""
    with pytest.raises(ContractError, match=message):
        SQLAlchemyState(url)


def test_a_transaction_left_open_is_an_error_not_a_hang(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An application that holds its lock after the answer is told so."""
    if engine.dialect.name == "sqlite" and engine.url.database in (None, ""):
        pytest.skip("in memory there is one connection only")
    monkeypatch.setattr(patience, "seconds", 0.01)
    with closing(SQLAlchemyState(engine)) as state:
        start = state.capture()
        run(engine, "UPDATE team SET name = 'Grays'")
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN EXCLUSIVE")
            connection.execute(text("UPDATE team SET name = 'Held'"))
            with pytest.raises(ContractError, match="locked"):
                state.restore(start)
        state.restore(start)
    assert rows(engine, "SELECT name FROM team WHERE id = 1") == [("Reds",)]


def test_a_foreign_picture_is_refused(state: SQLAlchemyState) -> None:
    """Only what was captured here can be restored here."""
    with pytest.raises(TypeError, match="not captured here"):
        state.restore({})


def test_rows_without_a_key_are_compared_as_a_bag() -> None:
    """Their order means nothing, their number does."""
    ours = {"log": Table(("line",), (), (("a",), ("b",), ("b",)))}
    theirs = {"log": Table(("line",), (), (("b",), ("a",)))}
    (found,) = compare_states(ours, theirs)
    assert (found.where, found.legacy, found.native) == ("state.log", "line='b'", None)


@pytest.mark.parametrize(
    ("legacy", "native", "wheres"),
    [
        ({"mails": ["a"]}, {"mails": ["b"]}, ["state.mails"]),
        ({"a": 1}, {"b": 1}, ["state.a", "state.b"]),
        (["x"], ["y"], ["state"]),
        ([], [], []),
        ({"t": Table(("a",), ("a",), ((1,),))}, {"t": Table(("a",), ("a",), ((1.0,),))},
         ["state.t[a=1].a"]),
        ({"t": Table(("a",), (), ())}, {"t": Table(("b",), (), ())}, ["state.t"]),
    ],
)  # fmt: skip
def test_any_picture_can_be_compared(legacy: object, native: object, wheres: list[str]) -> None:
    """Mappings by key, tables by row, all else by `==`."""
    assert [d.where for d in compare_states(legacy, native)] == wheres


def test_a_role_without_special_rights_can_restore(postgres_url: str) -> None:
    """Foreign keys are then heeded: parents go in first, children out first."""
    admin = create_engine(postgres_url, poolclass=NullPool)
    schema = POSTGRES_SCHEMA.replace(" ON DELETE CASCADE", "")
    run(admin, schema.replace("FOR EACH ROW EXECUTE", "FOR EACH ROW WHEN (false) EXECUTE"))
    run(admin, ROWS)
    run(admin, "INSERT INTO player (team_id, boss) VALUES (1, 2)")
    run(admin, "DO $$ BEGIN CREATE ROLE plain LOGIN; EXCEPTION WHEN OTHERS THEN NULL; END $$")
    for kind in ("ALL TABLES IN SCHEMA", "ALL SEQUENCES IN SCHEMA", "SCHEMA"):
        run(admin, f"GRANT ALL ON {kind} public TO plain")
    with closing(SQLAlchemyState(admin.url.set(username="plain"))) as state:
        start = state.capture()
        run(admin, "UPDATE team SET name = 'Grays' WHERE id = 1")
        state.restore(start)
        assert compare_states(start, state.capture()) == ()
    assert rows(admin, "SELECT count(*) FROM player") == [(3,)]
