"""One table by three ways: Flask-SQLAlchemy's session, an async session, SQLModel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from flask import Flask
from sqlalchemy import event, select

from legacy_flask.extensions import db
from legacy_flask.models import Base, Match, Team, Todo
from new_fastapi.models import MatchRow, NativeModel
from tests.extensions.conftest import Gateway

ROUTES = ["GET /matches", "POST /matches", "GET /matches/<int:match_id>"]
NEW = {"home": "São Jorge", "away": "Rovers", "played": "2026-05-31"}


@contextmanager
def listening(target: Any, name: str, listener: Any) -> Iterator[None]:
    """Have SQLAlchemy call a listener meanwhile."""
    event.listen(target, name, listener)
    try:
        yield
    finally:
        event.remove(target, name, listener)


def todos(legacy: Flask) -> list[str]:
    """Return the titles on the list, read by a connection of its own."""
    with legacy.app_context(), db.engine.connect() as connection:
        return list(connection.scalars(select(Todo.title).order_by(Todo.id)))


def add_todo() -> None:
    """Write in Flask-SQLAlchemy's session, and leave the transaction open."""
    db.session.add(Todo(title="from a hook"))
    db.session.flush()


@pytest.mark.parametrize("native", [[], ROUTES, ROUTES[:1], ROUTES[1:2], ROUTES[2:]])
def test_what_one_wrote_the_others_read(gateway: Gateway, legacy: Flask, native: list[str]) -> None:
    """Whichever side creates, lists and shows: the same match, the pitch marked for it."""
    client = gateway(*native)
    created = client.post("/matches", json=NEW)
    assert created.status_code == 201
    assert ("fastapi" in created.headers["x-served-by"]) == (ROUTES[1] in native)
    match = created.json()["match"]
    assert client.get(created.headers["location"]).json() == match
    assert match in client.get("/matches?per_page=50").json()["matches"]
    assert client.get("/matches?per_page=2&page=2").json()["pages"] == 2
    assert todos(legacy)[-1] == "Mark the pitch for São Jorge"


@pytest.mark.parametrize("native", [[], ROUTES])
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"away": "São Jorge"}, 409),  # against itself
        ({"home": "Rovers", "away": "São Jorge", "played": "2026-02-28"}, 409),  # a second time
        ({"away": "Nobody"}, 404),
        ({"played": "2026-02-30"}, 400),
    ],
)
def test_refused_and_nothing_left(
    gateway: Gateway, legacy: Flask, native: list[str], changes: dict[str, str], status: int
) -> None:
    """The todo that was flushed before the match is rolled back with it."""
    client = gateway(*native)
    before = todos(legacy)
    assert client.post("/matches", json={**NEW, **changes}).status_code == status
    assert todos(legacy) == before
    assert client.get("/matches").json()["total"] == 3
    assert client.post("/matches", json=NEW).status_code == 201  # the session is a new one


@pytest.mark.parametrize("native", [[], ROUTES])
def test_a_handler_that_fails_leaves_nothing(
    gateway: Gateway, legacy: Flask, native: list[str]
) -> None:
    """Flask-SQLAlchemy's teardown rolls back and gives the connection back, on both sides."""
    client = gateway(*native)
    before = todos(legacy)

    def fail(*_: object) -> None:
        raise RuntimeError("a listener that fails")

    with listening(Match, "before_insert", fail):
        assert client.post("/matches", json=NEW).status_code == 500
    assert todos(legacy) == before
    with legacy.app_context():
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_what_a_hook_committed_is_seen(gateway: Gateway, legacy: Flask) -> None:
    """By every session that begins later."""

    @legacy.before_request
    def rename() -> None:
        db.session.get_one(Team, 1).name = "Ramblers"
        db.session.commit()

    client = gateway(*ROUTES)
    assert client.get("/matches/1").json()["home"]["name"] == "Ramblers"
    assert client.get("/matches").json()["matches"][0]["home"]["name"] == "Ramblers"


def test_what_a_hook_did_not_commit(gateway: Gateway, legacy: Flask) -> None:
    """Is seen by no other session, lost at the end, and committed by a handler of `db.session`."""
    seen: list[Any] = []

    @legacy.before_request
    def rename() -> None:
        db.session.get_one(Team, 1).name = "Ramblers"
        db.session.flush()

    @legacy.after_request
    def look(response: Any) -> Any:
        seen.append(db.session.get_one(Team, 1).name)
        return response

    client = gateway(*ROUTES)
    assert client.get("/matches/1").json()["home"]["name"] == "Rovers"  # an async session
    assert seen == ["Ramblers"]  # the hook's own session, still open
    before = {"home": "Ramblers", "away": "São Jorge", "played": "2026-05-31"}
    assert client.post("/matches", json=before).status_code == 201  # Flask's session
    assert client.get("/teams").json()["teams"][0]["name"] == "Ramblers"


@pytest.mark.parametrize("gives_back", [False, True])
def test_a_request_may_hold_two_connections(
    gateway: Gateway, legacy: Flask, gives_back: bool
) -> None:
    """One of Flask's pool from the first query of a hook until the teardown, and one of its own."""
    held: list[int] = []

    @legacy.before_request
    def ask() -> None:
        db.session.scalar(select(Team.id).limit(1))
        if gives_back:
            db.session.rollback()

    @legacy.after_request
    def look(response: Any) -> Any:
        held.append(db.engine.pool.checkedout())  # type: ignore[attr-defined]
        return response

    client = gateway(*ROUTES)
    client.get("/matches/1")
    assert held == [0 if gives_back else 1]
    with legacy.app_context():
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_listener_hears_its_own_class_only(gateway: Gateway) -> None:
    """Whatever session loads it; but the SQLModel class of the same table is another class."""
    loaded: list[str] = []
    client = gateway(*ROUTES)
    with listening(Match, "load", lambda *_: loaded.append("Match")):
        client.get("/matches?per_page=1")
        assert loaded == ["Match"]
        client.get("/matches/1")
        assert loaded == ["Match"]
    with listening(MatchRow, "load", lambda *_: loaded.append("MatchRow")):
        client.get("/matches/1")
        assert loaded == ["Match", "MatchRow"]


def test_one_definition_of_the_table() -> None:
    """SQLModel's class has the legacy columns, and no table of SQLModel's own metadata."""
    assert MatchRow.__table__ is Match.__table__
    assert NativeModel.metadata is Base.metadata
    assert set(MatchRow.model_fields) == set(Match.__table__.columns.keys())


@pytest.mark.parametrize("native", [[], ROUTES])
def test_pages(gateway: Gateway, native: list[str]) -> None:
    """As `db.paginate` cuts them."""
    client: httpx.Client = gateway(*native)
    ids = [
        match["id"]
        for page in (1, 2)
        for match in client.get(f"/matches?per_page=2&page={page}").json()["matches"]
    ]
    assert ids == [1, 2, 3]
    for query in ("page=3&per_page=2", "page=0", "page=x", "per_page=0", "per_page="):
        assert client.get(f"/matches?{query}").status_code == 404
    assert client.get("/matches?per_page=1000").json()["pages"] == 1
