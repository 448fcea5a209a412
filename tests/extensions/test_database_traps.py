"""What Flask-SQLAlchemy does that an async session doesn't: a small application for each."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.record_queries import get_recorded_queries
from sqlalchemy import ForeignKey, select
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncAttrs, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from crossfade import mount_legacy
from tests.extensions.conftest import client_of


class Base(AsyncAttrs, DeclarativeBase):
    """What the tables derive from."""


db = SQLAlchemy(model_class=Base)


class Note(db.Model):  # type: ignore[name-defined, misc]
    """A note, and the one it answers."""

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    answers_id: Mapped[int | None] = mapped_column(ForeignKey("note.id"))
    answers: Mapped[Note] = relationship(remote_side="Note.id")


class Visit(db.Model):  # type: ignore[name-defined, misc]
    """A row of another database."""

    __bind_key__ = "statistics"
    id: Mapped[int] = mapped_column(primary_key=True)


def make_flask(folder: Path) -> Flask:
    """Return the Flask application, its tables made."""
    app = Flask(__name__)
    app.config.update(
        SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder}/notes.db",
        SQLALCHEMY_BINDS={"statistics": f"sqlite:///{folder}/statistics.db"},
        SQLALCHEMY_RECORD_QUERIES=True,
    )
    db.init_app(app)
    with app.app_context():
        db.create_all()
        db.session.add_all([Note(id=1, text="a"), Note(id=2, text="b", answers_id=1), Visit(id=1)])
        db.session.commit()

    @app.before_request
    def a_hook() -> None:
        """Do nothing; that it is there makes Flask run around every route."""

    return app


def make_fastapi(folder: Path) -> FastAPI:  # noqa: C901 - a small route for each trap
    """Return the native side: what each of its routes tries."""
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{folder}/notes.db", connect_args={"timeout": 0.1}
    )
    statistics = create_async_engine(f"sqlite+aiosqlite:///{folder}/statistics.db")
    sessions = async_sessionmaker(engine)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await engine.dispose()
        await statistics.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.get("/query")
    def query() -> list[str]:
        return [note.text for note in Note.query.order_by(Note.id)]

    @app.get("/async-def")
    async def in_an_async_def() -> int:
        return len(db.session.scalars(select(Note)).all())

    @app.get("/recorded")
    async def recorded() -> int:
        db.session.scalars(select(Note)).all()
        async with sessions() as session:
            await session.scalars(select(Note))
        return len(get_recorded_queries())

    @app.get("/lazy")
    async def lazy(awaited: bool) -> str:
        async with sessions() as session:
            note = await session.get_one(Note, 2)
            if awaited:
                return str((await note.awaitable_attrs.answers).text)
            try:
                return str(note.answers.text)
            except SQLAlchemyError as error:  # MissingGreenlet, or what SQLAlchemy 2.1 makes of it
                return str(error)

    @app.get("/expired")
    async def expired(keep: bool) -> str:
        async with sessions(expire_on_commit=not keep) as session:
            note = await session.get_one(Note, 1)
            await session.commit()
            try:
                return str(note.text)
            except SQLAlchemyError as error:  # MissingGreenlet, or what SQLAlchemy 2.1 makes of it
                return str(error)

    @app.get("/bind")
    async def bind(known: bool) -> str:
        options: dict[str, Any] = {"binds": {Visit: statistics}} if known else {}
        async with sessions(**options) as session:
            try:
                return f"{len((await session.scalars(select(Visit))).all())} visit"
            except OperationalError as error:
                return str(error.orig)

    @app.get("/locked")
    async def locked(commit: bool) -> str:
        db.session.get_one(Note, 1).text = "by Flask"
        db.session.flush()
        if commit:
            db.session.commit()
        async with sessions() as session:
            (await session.get_one(Note, 2)).text = "by FastAPI"
            try:
                await session.commit()
            except OperationalError as error:
                return str(error.orig)
            return "both"

    return app


ROUTES = ("query", "async-def", "recorded", "lazy", "expired", "bind", "locked")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a client of the gateway, with every route native."""
    folder = tmp_path_factory.mktemp("notes")
    legacy, app = make_flask(folder), make_fastapi(folder)
    lines = "".join(f'"GET /{route}" = "native"\n' for route in ROUTES)
    (folder / "map.toml").write_text(f"[routes]\n{lines}")
    mount_legacy(app, legacy, migration_map=folder / "map.toml")
    with client_of(app) as client:
        yield client
    with legacy.app_context():
        for engine in db.engines.values():
            engine.dispose()


def test_model_query_works_where_flask_is_borrowed(client: httpx.Client) -> None:
    """It is `db.session`'s, in any handler: in an `async def` it holds up the event loop."""
    assert client.get("/query").json() == ["a", "b"]
    assert client.get("/async-def").json() == 2


def test_recorded_queries_are_flasks_engine_alone(client: httpx.Client) -> None:
    """`SQLALCHEMY_RECORD_QUERIES` counts the one of `db.session`, not the other."""
    assert client.get("/recorded").json() == 1


@pytest.mark.filterwarnings("ignore:coroutine 'Connection.cursor':RuntimeWarning")
@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("/lazy?awaited=false", "greenlet_spawn has not been called"),
        ("/lazy?awaited=true", "a"),
        ("/expired?keep=false", "greenlet_spawn has not been called"),
        ("/expired?keep=true", "a"),
    ],
)
def test_what_an_async_session_does_not_load(
    client: httpx.Client, target: str, answer: str
) -> None:
    """Relationships, and all that a commit expired, unless it is told."""
    assert answer in client.get(target).json()
    gc.collect()  # aiosqlite's half-begun query says now that nobody awaited it


@pytest.mark.parametrize(
    ("known", "answer"), [("false", "no such table: visit"), ("true", "1 visit")]
)
def test_an_async_session_knows_no_bind_key(client: httpx.Client, known: str, answer: str) -> None:
    """A model with `__bind_key__` needs its engine in `binds`."""
    assert client.get(f"/bind?known={known}").json() == answer


@pytest.mark.parametrize(("commit", "answer"), [("false", "database is locked"), ("true", "both")])
def test_one_request_can_wait_for_itself(client: httpx.Client, commit: str, answer: str) -> None:
    """SQLite has one writer: what is open in `db.session` keeps the async session waiting."""
    assert client.get(f"/locked?commit={commit}").json() == answer
