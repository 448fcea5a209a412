"""A clock that stands still for both sides: time-machine by `frozen(at=…)`, or freezegun."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta, timezone
from importlib import metadata
from pathlib import Path
from typing import Any

import flask
import freezegun
import jwt
import pytest
from fastapi import FastAPI, Request
from itsdangerous import TimestampSigner

from crossfade import mount_legacy
from crossfade.compat import FlaskJSONResponse
from crossfade.contract import ContractError, frozen
from crossfade.contract.engine.prover import Options, Prover
from crossfade.contract.engine.runner import Runner
from crossfade.contract.run.client import Contract
from crossfade.contract.state.base import NoState
from crossfade.contract.transport.asgi import InProcessApp

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

PAST = datetime(2020, 2, 3, 4, 5, 6, 789000, tzinfo=timezone.utc)
FUTURE = datetime(2055, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
KEY = "k" * 32


def moments() -> dict[str, Any]:
    """Return what the clock says, by every way that a handler may ask it."""
    return {
        "datetime": datetime.now(timezone.utc).isoformat(),
        "local": datetime.now().isoformat(),
        "time": time.time(),
        "ns": time.time_ns(),
        "struct": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
        "signed": TimestampSigner(KEY).sign("x").decode(),
        "token": jwt.encode(
            {"iat": time.time(), "exp": datetime.now(timezone.utc) + timedelta(minutes=5)}, KEY
        ),
    }


def make(map_file: Path) -> FastAPI:
    """Return a gateway whose answers hold the time, with sessions and tokens that end."""
    legacy = flask.Flask(__name__, static_folder=None)
    legacy.secret_key = KEY
    app = FastAPI(default_response_class=FlaskJSONResponse)

    @legacy.get("/now")
    def now() -> Any:
        flask.session["seen"] = int(time.time())
        return flask.jsonify(moments())

    @app.get("/now")
    async def native_now() -> Any:
        await asyncio.sleep(0.001)
        await asyncio.wait_for(asyncio.sleep(0.001), timeout=5)
        flask.session["seen"] = int(time.time())
        return moments()

    @legacy.post("/login")
    def login() -> Any:
        flask.session.permanent = True
        flask.session["user"] = "ada"
        return flask.jsonify(moments()["token"])

    @legacy.get("/me")
    def me() -> Any:
        return flask.jsonify(flask.session["user"] if "user" in flask.session else flask.abort(401))

    @app.get("/me")
    def native_me() -> Any:
        return flask.session["user"] if "user" in flask.session else flask.abort(401)

    @legacy.get("/token")
    def token() -> Any:
        jwt.decode(flask.request.headers["x-jwt"], KEY, algorithms=["HS256"])
        return flask.jsonify("good")

    @app.get("/token")
    async def native_token(request: Request) -> Any:
        jwt.decode(request.headers["x-jwt"], KEY, algorithms=["HS256"])
        return "good"

    mount_legacy(app, legacy, migration_map=map_file)
    return app


def by_freezegun(at: datetime) -> AbstractContextManager[object]:
    """Return what a fixture returns that uses freezegun."""
    return freezegun.freeze_time(at, real_asyncio=True)


CLOCKS = {
    "time-machine": frozen,
    "freezegun": lambda at: lambda: by_freezegun(at),
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessApp]:
    """Return the gateway, started under the real clock."""
    map_file = tmp_path_factory.mktemp("clock") / "map.toml"
    map_file.write_text("[routes]\n")
    app = InProcessApp(make(map_file))
    app.start()
    yield app
    app.close()


@pytest.fixture(params=sorted(CLOCKS))
def clock(request: pytest.FixtureRequest) -> Any:
    """Return what makes a frozen clock of a moment, once for each package."""
    return CLOCKS[request.param]


@pytest.mark.parametrize("at", [PAST, FUTURE], ids=["past", "future"])
def test_both_sides_have_the_same_moment(app: InProcessApp, clock: Any, at: datetime) -> None:
    """In a thread of Flask and on FastAPI's loop, whose timers end; cookies and tokens, too."""
    contract = Contract(Runner(app, NoState(), "http", clock(at)), base_url="http://x", timeout=30)
    answer = contract.get("/now")
    assert contract.outcomes[0].is_native
    assert not contract.outcomes[0].noise
    assert answer.json()["datetime"] == at.isoformat()
    assert answer.json()["time"] == at.timestamp()
    assert abs(time.time() - at.timestamp()) > 86400 * 365


@pytest.mark.parametrize("at", [PAST, FUTURE], ids=["past", "future"])
def test_a_login_lasts(app: InProcessApp, clock: Any, at: datetime) -> None:
    """A cookie with an end, a session and a token: all are judged by the frozen clock."""
    runner = Runner(app, NoState(), "http", clock(at))
    contract = Contract(runner, base_url="http://localhost", timeout=30)
    token = contract.post("/login", answered_by="flask").json()
    assert contract.get("/me").json() == "ada"
    assert contract.get("/token", headers={"x-jwt": token}).json() == "good"
    logins = {"ada": lambda client: client.post("/login")}
    prover = Prover(runner, Options(logins=logins))
    target = next(each for each in prover.targets() if each.route == "GET /me")
    result = prover.prove(target)
    assert not result.failures
    assert result.good == ("GET /me", 200)
    asked = {
        verdict.case.name: verdict.outcome.legacy.response.status
        for verdict in result.verdicts
        if verdict.outcome and verdict.case.name.startswith("asked by")
    }
    assert asked["asked by ada (session expired)"] == 401


def test_the_clock_runs_by_default(app: InProcessApp) -> None:
    """What differs is then noise of Flask's own."""
    contract = Contract(
        Runner(app, NoState(), "http", nullcontext), base_url="http://x", timeout=30
    )
    contract.get("/now")
    assert "body.time" in contract.outcomes[0].noise


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05+00:00"),
        ("2026-01-02", "2026-01-02T00:00:00+00:00"),
        ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05+00:00"),
        (datetime(2026, 1, 2, 3), "2026-01-02T03:00:00+00:00"),
    ],
)
def test_ways_to_write_a_moment(
    at: datetime | str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On every Python and machine; what names no zone is UTC."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        with frozen(at=at)():
            assert datetime.now(timezone.utc).isoformat() == expected
    finally:
        monkeypatch.undo()
        time.tzset()
    with pytest.raises(ValueError, match="yesterday"):
        frozen(at="yesterday")


def test_without_time_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixture says what to install; a version that would stop asyncio's timers is refused."""
    monkeypatch.setattr(metadata, "version", lambda name: "2.19.0")
    with pytest.raises(ContractError, match=r"time-machine 3\.0 or later, here is 2\.19\.0"):
        frozen(at=PAST)
    monkeypatch.setitem(sys.modules, "time_machine", None)
    with pytest.raises(ContractError, match="pip install time-machine"):
        frozen(at=PAST)


def test_the_documented_fixtures() -> None:
    """Both stand in the guide, as they are used here."""
    guide = (Path(__file__).parents[2] / "docs" / "every-route.md").read_text(encoding="utf-8")
    assert 'freeze_time("2026-01-02", real_asyncio=True)' in guide
    assert 'frozen(at="2026-01-02T03:04:05Z", seed=1)' in guide
