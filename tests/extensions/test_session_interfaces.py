"""Session interfaces of all kinds: what a native route sees, and what its answer carries back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from flask import Flask, Request, Response, has_app_context, session
from flask.sessions import (
    SecureCookieSessionInterface,
    SessionInterface,
    SessionMixin,
)
from flask_session import Session  # type: ignore[import-untyped]
from flask_session.base import MsgSpecSerializer  # type: ignore[import-untyped]
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.exc import InvalidRequestError

from crossfade import mount_legacy
from legacy_flask.views import basket as legacy_basket
from new_fastapi import Settings
from new_fastapi.routers import basket
from tests.extensions.conftest import client_of

NATIVE = ("GET /basket", "POST /basket", "DELETE /basket")
Prepare = Callable[[Flask], None]
Shop = Callable[[Prepare, bool], httpx.Client]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Return what serves the basket alone, its application prepared, on either side."""
    with ExitStack() as stack:

        def serve(prepare: Prepare, native: bool) -> httpx.Client:
            legacy = Flask("shop")
            legacy.secret_key = "only for tests"
            legacy.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/{native}.db"
            prepare(legacy)
            legacy.register_blueprint(legacy_basket.blueprint)
            app = FastAPI()
            app.state.settings = Settings.load()
            app.include_router(basket.router)
            path = tmp_path / f"{native}.toml"
            routes = NATIVE if native else ()
            path.write_text("[routes]\n" + "".join(f'"{each}" = "native"\n' for each in routes))
            mount_legacy(app, legacy, migration_map=path)
            return stack.enter_context(client_of(app))

        yield serve


def visit(client: httpx.Client) -> list[tuple[int, Any]]:
    """Use the basket; return what came of it."""
    answers = [client.get("/basket")]
    for _ in range(2):
        headers = token(answers[-1])
        answers.append(client.post("/basket", json={"kit": "shirt"}, headers=headers))
    answers.append(client.get("/basket", headers=token(answers[-1])))
    answers.append(client.delete("/basket", headers=token(answers[-1])))
    answers.append(client.get("/basket", headers=token(answers[-1])))
    return [(answer.status_code, shown(answer)) for answer in answers]


def token(answer: httpx.Response) -> dict[str, str]:
    """Return the header by which `TokenSessions` knows a client."""
    return {"x-session": answer.headers["x-session"]} if "x-session" in answer.headers else {}


def shown(answer: httpx.Response) -> Any:
    """Return the basket, or the bytes of whatever else came."""
    if not answer.headers.get("content-type", "").startswith("application/json"):
        return answer.content
    return answer.json()


FILLED = {"items": {"shirt": 2}, "kept": False}
NOTHING = {"items": {}, "kept": False}


class TokenSessions(SessionInterface):
    """Sessions for clients without cookies: an id in a header, the content in this process."""

    class Own(dict[str, Any], SessionMixin):
        """Not even a `CallbackDict`."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def open_session(self, app: Flask, request: Request) -> SessionMixin:
        """Read the session of the id in the header."""
        return self.Own(json.loads(self.kept.get(request.headers.get("X-Session", ""), "{}")))

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Give out a new id with each answer."""
        number = str(len(self.kept))
        self.kept[number] = json.dumps(dict(session))
        response.headers["X-Session"] = number


class StrictCookie(SecureCookieSessionInterface):
    """Flask's own, under another name, with another salt, asking for a context."""

    salt = "shop"

    def get_cookie_name(self, app: Flask) -> str:
        """Return a name that is no setting."""
        assert has_app_context()
        return "shop-session"


class NoSession(SecureCookieSessionInterface):
    """An interface that has no session for this client."""

    def open_session(self, app: Flask, request: Request) -> None:
        """Return none."""
        return


def token_sessions(app: Flask) -> None:
    """Keep sessions by a header."""
    app.session_interface = TokenSessions()


def strict_cookie(app: Flask) -> None:
    """Use a subclass of Flask's interface."""
    app.session_interface = StrictCookie()


def in_a_database(app: Flask) -> None:
    """Keep sessions in a table."""
    app.config["SESSION_TYPE"] = "sqlalchemy"
    app.config["SESSION_SQLALCHEMY"] = SQLAlchemy(app)
    app.config["SESSION_PERMANENT"] = False
    Session(app)


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
@pytest.mark.parametrize("prepare", [token_sessions, strict_cookie, in_a_database])
def test_every_interface_works_natively(shop: Shop, prepare: Prepare) -> None:
    """Opened, changed and saved by the application's own interface, whatever that is."""
    by_flask = visit(shop(prepare, False))
    assert by_flask[3] == (200, FILLED)
    assert by_flask[5] == (200, NOTHING)
    assert visit(shop(prepare, True)) == by_flask


def no_session(app: Flask) -> None:
    """Have no session."""
    app.session_interface = NoSession()


def no_key(app: Flask) -> None:
    """Have no key to sign with."""
    app.secret_key = None


@pytest.mark.parametrize("prepare", [no_session, no_key])
def test_no_session_is_empty_and_refuses_writes(shop: Shop, prepare: Prepare) -> None:
    """What Flask calls a null session: reading is fine, writing is the bug that it is in Flask."""
    by_flask = visit(shop(prepare, False))
    assert [status for status, _ in by_flask] == [200, 500, 500, 200, 500, 200]
    assert by_flask[0] == (200, NOTHING)
    assert visit(shop(prepare, True)) == by_flask


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
def test_a_table_of_sessions_commits_what_the_view_left(tmp_path: Path) -> None:
    """Saving a session there is `db.session.commit()`, also after a view that thought better."""
    app = Flask("shop")
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/one.db"
    in_a_database(app)
    db: SQLAlchemy = app.config["SESSION_SQLALCHEMY"]
    notes = db.Table("notes", db.Column("text", db.String))

    @app.get("/")
    def refuse() -> tuple[str, int]:
        db.session.execute(notes.insert().values(text="not this"))
        session["visits"] = 1
        return "refused", 400

    with app.app_context():
        notes.create(db.engine)
        assert app.test_client().get("/").status_code == 400
        assert db.session.execute(notes.select()).all() == [("not this",)]
        db.session.remove()
        db.engine.dispose()


DAY = datetime(2026, 1, 2, tzinfo=timezone.utc)
NUMBER = UUID(int=5)


@pytest.mark.parametrize(
    ("put", "signed", "msgpack", "text"),
    [
        ((1, 2), (1, 2), [1, 2], [1, 2]),
        ({1: "a"}, {"1": "a"}, {1: "a"}, {"1": "a"}),
        (DAY, DAY, DAY, "2026-01-02T00:00:00Z"),
        (b"\xff", b"\xff", b"\xff", "/w=="),
        (NUMBER, NUMBER, str(NUMBER), str(NUMBER)),
    ],
    ids=["tuple", "number as key", "moment", "bytes", "UUID"],
)
def test_what_survives_in_a_session(put: Any, signed: Any, msgpack: Any, text: Any) -> None:
    """The page's table: what comes back of a value is the serializer's doing."""
    app = Flask("shop")
    tagged = SecureCookieSessionInterface.serializer
    assert tagged.loads(tagged.dumps({"it": put}))["it"] == signed
    for kind, expected in (("msgpack", msgpack), ("json", text)):
        serializer = MsgSpecSerializer(app, kind)
        found = serializer.decode(serializer.encode({"it": put}))["it"]
        assert (found, type(found)) == (expected, type(expected))


@pytest.mark.filterwarnings("ignore:This declarative base already contains")
def test_a_table_of_sessions_is_of_one_application(tmp_path: Path) -> None:
    """Flask-Session makes its model anew for each application: one `db` can't serve two."""
    db = SQLAlchemy()

    def create_app() -> None:
        app = Flask("shop")
        app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/one.db"
        app.config["SESSION_TYPE"] = "sqlalchemy"
        app.config["SESSION_SQLALCHEMY"] = db
        db.init_app(app)
        Session(app)

    create_app()
    with pytest.raises(InvalidRequestError, match="already defined"):
        create_app()
