"""Chance in rows: keys, tokens and moments that each side draws for itself."""

from __future__ import annotations

import secrets
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from crossfade.contract import SQLAlchemyState
from crossfade.contract.engine.prover import Prover
from crossfade.contract.errors import ContractFailed
from crossfade.contract.run.client import Contract
from crossfade.model import Side
from tests.noise.kit import Make, Reply, prover, told

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

SCHEMA = """
CREATE TABLE notes (id TEXT PRIMARY KEY, title TEXT, token TEXT, made TEXT, views INTEGER);
CREATE TABLE tags (note TEXT, name TEXT, PRIMARY KEY (note, name));
CREATE TABLE log (line TEXT, at REAL);
CREATE TABLE counts (id INTEGER PRIMARY KEY AUTOINCREMENT, n INTEGER);
INSERT INTO notes VALUES ('first', 'First', 't', '2026-01-02 03:04:05', 0);
INSERT INTO counts (n) VALUES (1);
"""

Write = Callable[[sqlite3.Connection, Any, Side], Any]


def title_of(sent: Any) -> str:
    """Return what a body names, or what is taken where it names nothing."""
    return str(sent["title"]) if isinstance(sent, dict) and "title" in sent else "none"


def create(connection: sqlite3.Connection, sent: Any, side: Side) -> Any:
    """Add a note with children and a line in a log, all by chance."""
    key, now = str(uuid.uuid4()), datetime.now(timezone.utc)
    note = (key, title_of(sent), secrets.token_hex(8), f"{now:%Y-%m-%d %H:%M:%S.%f}", 0)
    connection.execute("INSERT INTO notes VALUES (?, ?, ?, ?, ?)", note)
    connection.executemany("INSERT INTO tags VALUES (?, ?)", [(key, "new"), (key, "mine")])
    connection.execute("INSERT INTO log VALUES ('created', ?)", (time.time(),))
    return {"id": key, "title": note[1], "token": note[2], "made": now.isoformat()}


def wrong(**changes: Callable[[Any], Any]) -> Write:
    """Write as `create` does, with columns of FastAPI's row changed."""

    def write(connection: sqlite3.Connection, sent: Any, side: Side) -> Any:
        made = create(connection, sent, side)
        if side is Side.NATIVE:
            for column, change in changes.items():
                row = "SELECT * FROM notes WHERE id = ?"
                cursor = connection.execute(row, (made["id"],))
                names = [each[0] for each in cursor.description]
                value = dict(zip(names, cursor.fetchone(), strict=True))[column]
                update = f"UPDATE notes SET {column} = ? WHERE id = ?"  # noqa: S608
                connection.execute(update, (change(value), made["id"]))
        return made

    return write


def no_tag(connection: sqlite3.Connection, sent: Any, side: Side) -> Any:
    """FastAPI forgets a child."""
    made = create(connection, sent, side)
    if side is Side.NATIVE:
        connection.execute("DELETE FROM tags WHERE note = ? AND name = 'mine'", (made["id"],))
    return made


def no_row(connection: sqlite3.Connection, sent: Any, side: Side) -> Any:
    """FastAPI stores nothing."""
    made = create(connection, sent, side)
    if side is Side.NATIVE:
        connection.rollback()
    return made


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return a database with a note."""
    file = tmp_path / "notes.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(SCHEMA)
    return file


@pytest.fixture
def serve(database: Path, tmp_path: Path) -> Iterator[Callable[[dict[str, Write]], Prover]]:
    """Return what serves functions that write, each by POST under its name."""
    open_ones: list[Any] = []

    def make_of(write: Write) -> Make:
        def make(side: Side) -> Callable[[Any], Reply]:
            def view(sent: Any) -> Reply:
                with closing(sqlite3.connect(database)) as connection:
                    answer = write(connection, sent, side)
                    connection.commit()
                return Reply(answer)

            return view

        return make

    def served(writes: dict[str, Write]) -> Prover:
        state = SQLAlchemyState(f"sqlite:///{database}")
        makes = {name: make_of(write) for name, write in writes.items()}
        context = prover(makes, tmp_path, state, "POST")
        open_ones.append((context, state))
        return context.__enter__()

    yield served
    for context, state in open_ones:
        context.__exit__(None, None, None)
        state.close()


def test_prove_rows_whose_keys_are_chance_agree(
    serve: Callable[[dict[str, Write]], Prover],
) -> None:
    """They are matched by their other columns."""
    made = serve({"notes": create})
    result = made.prove(made.targets()[0])
    assert not result.failures, told(result)
    assert not result.unproven
    assert {where.split("[")[0] for where in result.noise} >= {"state.notes", "state.log"}


@pytest.mark.parametrize(
    ("write", "where"),
    [
        (wrong(title=str.upper), "title"),
        (wrong(views=lambda views: views + 1), "views"),
        (wrong(token=lambda token: "constant"), "token"),
        (wrong(token=lambda token: token[:4]), "token"),
        (wrong(made=lambda made: made.replace("20", "19", 1)), "made"),
        (wrong(id=lambda key: key.replace("-", "")), "id"),
        (no_tag, "state.tags"),
        (no_row, "state.notes"),
    ],
    ids=["a title", "a number", "a constant", "a shorter token", "a century", "no dashes",
         "a child", "nothing"],
)  # fmt: skip
def test_prove_a_row_that_is_wrong_beside_its_key_differs(
    serve: Callable[[dict[str, Write]], Prover], write: Write, where: str
) -> None:
    """Column by column."""
    made = serve({"notes": write})
    result = made.prove(made.targets()[0])
    found = {d.where for v in result.failures if v.outcome for d in v.outcome.differences}
    assert any(each.startswith("state.") and where in each for each in found), found
    if where == "title":
        assert all(each.endswith(".title") for each in found)


# --- sequences ---------------------------------------------------------------------------------


def show(connection: sqlite3.Connection, sent: Any, side: Side) -> Any:
    """Return a note as another format has it, with what follows from its chance."""
    key = sent["id"] if isinstance(sent, dict) else "first"
    row = connection.execute("SELECT * FROM notes WHERE id = ?", (key,)).fetchone()
    if row is None:
        return {"missing": True}
    moment = row[3].replace(" ", "T")
    return {"id": row[0], "title": row[1], "made": moment, "sum": sum(map(ord, row[2]))}


def count(connection: sqlite3.Connection, sent: Any, side: Side) -> Any:
    """Return how many notes there are, and change a row that was there."""
    connection.execute("UPDATE counts SET n = n + 1")
    return {"notes": connection.execute("SELECT count(*) FROM notes").fetchone()[0]}


def rename(connection: sqlite3.Connection, sent: Any, side: Side) -> Any:
    """Change a note that an earlier step has made."""
    done = connection.execute(
        "UPDATE notes SET title = ?, views = views + 1 WHERE id = ?", ("Renamed", sent["id"])
    )
    return {"renamed": done.rowcount}


def rename_wrongly(connection: sqlite3.Connection, sent: Any, side: Side) -> Any:
    """Change it otherwise on FastAPI's side."""
    done = rename(connection, sent, side)
    if side is Side.NATIVE:
        connection.execute("UPDATE notes SET views = 7 WHERE id = ?", (sent["id"],))
    return done


def remove(connection: sqlite3.Connection, sent: Any, side: Side) -> Any:
    """Remove a note."""
    done = connection.execute("DELETE FROM notes WHERE id = ?", (sent["id"],))
    connection.execute("DELETE FROM tags WHERE note = ?", (sent["id"],))
    return {"removed": done.rowcount}


STEPS: dict[str, Write] = {
    "create": create, "show": show, "count": count, "rename": rename,
    "wrong": rename_wrongly, "remove": remove,
}  # fmt: skip


def test_sequence_chance_of_an_earlier_step_is_no_difference_in_a_later_one(
    serve: Callable[[dict[str, Write]], Prover],
) -> None:
    """Each side is asked by its own names, and compared by what it started from."""
    contract = Contract(serve(STEPS).runner, base_url="http://localhost", timeout=30)
    with contract.sequence():
        made = contract.post("/create", json={"title": "Ada"}).json()
        assert contract.post("/count", json={}).json() == {"notes": 2}
        assert contract.post("/show", json={"id": made["id"]}).json()["title"] == "Ada"
        assert contract.post("/rename", json={"id": made["id"]}).json() == {"renamed": 1}
        second = contract.post("/create", json={"title": "Bob"}).json()
        assert contract.post("/remove", json={"id": made["id"]}).json() == {"removed": 1}
        assert contract.post("/show", json={"id": second["id"]}).json()["title"] == "Bob"
        assert contract.post("/show", json={"id": made["id"]}).json() == {"missing": True}


def test_sequence_a_later_step_that_is_wrong_differs(
    serve: Callable[[dict[str, Write]], Prover],
) -> None:
    """In the row that chance has named."""
    contract = Contract(serve(STEPS).runner, base_url="http://localhost", timeout=30)
    with contract.sequence():
        made = contract.post("/create", json={"title": "Ada"}).json()
        with pytest.raises(ContractFailed, match=r"state\.notes\[id='[^']*'\]\.views"):
            contract.post("/wrong", json={"id": made["id"]})
