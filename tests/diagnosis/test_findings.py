"""Findings of real applications: one for each cause, the right one or none."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import flask
import pytest
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel

from crossfade import compat, mount_legacy
from crossfade.contract import SQLAlchemyState
from crossfade.contract.diagnosis import Doctor, facts_of
from crossfade.contract.engine.prover import Options, Prover
from crossfade.contract.engine.runner import Runner
from crossfade.contract.reporting.findings import Finding, doctor_of, findings
from crossfade.contract.state.base import NoState, State
from crossfade.contract.transport.asgi import InProcessApp

pytestmark = pytest.mark.slow

Side = Callable[..., Any]


class Wide(BaseModel):
    """Fields that Flask does not send."""

    id: int
    a: str | None = None
    b: str | None = None
    c: str | None = None


@contextmanager
def gateway(
    folder: Path, route: str, view: Side, handler: Side, hooks: str = "flask", state: bool = False
) -> Iterator[Prover]:
    """One route on both sides."""
    method, _, rule = route.partition(" ")
    legacy, native = flask.Flask("findings", static_folder=None), FastAPI()
    legacy.secret_key = "k"
    legacy.add_url_rule(rule, "view", view, methods=[method])
    native.add_api_route(rule, handler, methods=[method], response_model=None)
    path = folder / "migration_map.toml"
    path.write_text(f'[routes]\n"{route}" = {{ stage = "native", hooks = "{hooks}" }}\n')
    mount_legacy(native, legacy, migration_map=path)
    app = InProcessApp(native)
    app.start()
    kept: State = SQLAlchemyState(f"sqlite:///{folder / 'shop.db'}") if state else NoState()
    try:
        yield Prover(Runner(app, kept, "http"), Options())
    finally:
        app.close()
        if isinstance(kept, SQLAlchemyState):
            kept.close()


def found(prover: Prover) -> list[Finding]:
    """What the automatic cases of the only route find."""
    (target,) = prover.targets()
    result = prover.prove(target)
    doctor = doctor_of(result, Doctor(facts_of(prover.runner.gateway, target.route)))
    return findings(result.failures, doctor, prover.judge.rules, target.route)


def codes(found: list[Finding]) -> list[list[str]]:
    """The codes of each finding's causes."""
    return [[cause["code"] for cause in finding.causes] for finding in found]


@pytest.mark.parametrize("hooks", ["flask", "none"])
def test_a_handlers_own_422_is_not_validation(tmp_path: Path, hooks: str) -> None:
    """The line that refuses is named, and nothing is said of parameters or models."""

    def view() -> Any:
        return flask.jsonify(1)

    async def handler() -> Any:
        raise HTTPException(422, "too many")

    with gateway(tmp_path, "GET /", view, handler, hooks) as prover:
        (finding,) = found(prover)
    (cause,) = finding.causes
    assert cause["code"] == "XF140"
    assert "test_findings.py:" in cause["cause"]
    assert "in handler" in cause["cause"]


def test_a_raise_in_the_handler_is_one_finding_whatever_flask_answers(tmp_path: Path) -> None:
    """Other messages, other statuses of Flask's, headers and bodies: one crash, one line."""

    def view() -> Any:
        if flask.request.args.get("page", "1") == "0":
            flask.abort(404)
        return flask.jsonify(1)

    def handler(request: Request) -> Any:
        raise LookupError(f"no row {request.query_params}\n[SQL: SELECT 1]")

    with gateway(tmp_path, "GET /", view, handler) as prover:
        (finding,) = found(prover)
    assert codes([finding]) == [["XF101"]]
    assert finding.what == ["status: Flask 200, FastAPI 500"]
    assert "status: Flask 404, FastAPI 500" in finding.also
    assert finding.causes[0]["cause"].startswith("the native endpoint raised: LookupError: no row")
    assert any("in handler" in line for line in finding.trace)
    assert finding.approve == ""  # nobody approves an exception


def test_two_raises_are_two_findings(tmp_path: Path) -> None:
    """The line tells them apart."""

    def view() -> Any:
        return flask.jsonify(flask.request.args.get("page", ""))

    def handler(page: str = "") -> Any:
        if page == "null":
            raise LookupError("one")
        raise LookupError("two")

    with gateway(tmp_path, "GET /", view, handler) as prover:
        assert codes(found(prover)) == [["XF101"], ["XF101"]]


def test_what_the_good_request_shows_is_not_blamed_on_a_probe(tmp_path: Path) -> None:
    """A member that differs everywhere is one finding, whatever a case sends twice."""

    def view() -> Any:
        flask.request.args.get("q")
        return flask.jsonify(a="one")

    async def handler() -> Any:
        return Response('{"a":"two"}\n', media_type="application/json")

    with gateway(tmp_path, "GET /", view, handler) as prover:
        (finding,) = found(prover)
    assert finding.what == ['body.a: Flask "one", FastAPI "two"']
    assert finding.causes == []


def test_a_custom_etag_is_not_a_files(tmp_path: Path) -> None:
    """Where nobody sent a file, nothing is said of FileResponse."""

    def view() -> Any:
        return flask.jsonify(1), 200, {"ETag": '"v1"'}

    async def handler() -> Any:
        return compat.jsonify(1), 200

    def native() -> Any:
        return compat.FlaskJSONResponse(1, headers={"ETag": '"v2"'})

    with gateway(tmp_path, "GET /", view, native) as prover:
        shown = {finding.what[0]: finding for finding in found(prover)}
    assert shown['header.etag: Flask "v1", FastAPI "v2"'].causes == []


def test_a_lost_flash_is_not_a_session_middleware(tmp_path: Path) -> None:
    """It is a message that is not flashed."""

    def view() -> Any:
        flask.session["seen"] = 1
        flask.flash("hi")
        return flask.jsonify(1)

    async def handler(session: compat.Session) -> Any:
        session["seen"] = 1
        return compat.jsonify(1)

    handler.__annotations__["session"] = compat.Session
    with gateway(tmp_path, "GET /", view, handler) as prover:
        (finding,) = found(prover)
    assert codes([finding]) == [["XF310"]]
    assert "flash" in finding.causes[0]["cause"]


# --- rows -----------------------------------------------------------------------------------------


def database(folder: Path) -> str:
    """Return the path of a database with two users."""
    path = str(folder / "shop.db")
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)")
        connection.execute("INSERT INTO users (name) VALUES ('ada'), ('bob')")
    connection.close()
    return path


def execute(path: str, sql: str) -> None:
    """Run a statement and commit it."""
    with sqlite3.connect(path) as connection:
        connection.execute(sql)
    connection.close()


def test_a_row_that_is_deleted_wrongly_is_not_a_missing_commit(tmp_path: Path) -> None:
    """It was there before, and FastAPI's side deleted it."""
    path = database(tmp_path)

    def view() -> Any:
        execute(path, "DELETE FROM users WHERE id = 1")
        return "", 204

    def handler() -> Any:
        execute(path, "DELETE FROM users")
        return compat.FlaskResponse(("", 204))

    with gateway(tmp_path, "DELETE /", view, handler, state=True) as prover:
        (finding,) = found(prover)
    assert codes([finding]) == [["XF604"]]
    assert finding.what[0].startswith("state.users[id=2]: only Flask")


def test_a_400_by_fastapi_is_not_a_missing_commit(tmp_path: Path) -> None:
    """What it did not store follows from the refusal, in one finding."""
    path = database(tmp_path)

    def view() -> Any:
        execute(path, "INSERT INTO users (name) VALUES ('eve')")
        return flask.jsonify(1)

    def handler() -> Any:
        raise HTTPException(400, "no")

    with gateway(tmp_path, "POST /", view, handler, state=True) as prover:
        (finding,) = found(prover)
    assert codes([finding]) == [["XF140"]]
    assert finding.what[0] == "status: Flask 200, FastAPI 400"
    assert any(place.startswith("state.users[id=3]: only Flask") for place in finding.also)


def test_a_handler_that_never_writes_is_told_so(tmp_path: Path) -> None:
    """Where its code neither writes nor commits both are said to be possible."""
    path = database(tmp_path)

    def view() -> Any:
        execute(path, "INSERT INTO users (name) VALUES ('eve')")
        return flask.jsonify(1)

    def handler() -> Any:
        return compat.jsonify(1)

    with gateway(tmp_path, "POST /", view, handler, state=True) as prover:
        (finding,) = found(prover)
    assert codes([finding]) == [["XF603"]]
    assert "does not write it, or does not commit" in finding.causes[0]["cause"]


# --- grouping and approval ------------------------------------------------------------------------


def test_one_cause_in_many_places_is_one_finding(tmp_path: Path) -> None:
    """Members that the model drops are several mistakes; those that it nulls are one."""

    def view() -> Any:
        return flask.jsonify(id=1)

    (tmp_path / "migration_map.toml").write_text("[routes]\n")
    legacy, native = flask.Flask("wide", static_folder=None), FastAPI()
    legacy.add_url_rule("/", "view", view)
    native.add_api_route(
        "/", lambda: {"id": 1}, response_model=Wide, response_class=compat.FlaskJSONResponse
    )
    mount_legacy(native, legacy, migration_map=tmp_path / "migration_map.toml")
    app = InProcessApp(native)
    app.start()
    try:
        prover = Prover(Runner(app, NoState(), "http"), Options())
        (finding,) = found(prover)
    finally:
        app.close()
    assert codes([finding]) == [["XF410"]]
    assert finding.places == 3
    assert [*finding.what, *finding.also] == [
        "body.a: only FastAPI: null",
        "body.b: only FastAPI: null",
        "body.c: only FastAPI: null",
    ]


def test_what_approves_a_crash_of_flasks_names_the_exception(tmp_path: Path) -> None:
    """And both answers: it can't cover another case."""

    def view() -> Any:
        return flask.jsonify(int(flask.request.args.get("page", "1")))

    async def handler(page: str = "1") -> Any:
        if not page.isdigit():
            raise HTTPException(400, "page")
        return compat.jsonify(int(page))

    with gateway(tmp_path, "GET /", view, handler) as prover:
        shown = found(prover)
    crash = next(each for each in shown if codes([each]) == [["XF107"]])
    assert (
        '[[deviations]]\nroute = "GET /"\nwhat = "status"\n'
        'when = "flask raises ValueError and fastapi 400"\nreason = "…"'
    ) in crash.approve
