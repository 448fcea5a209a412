"""Rate limits: Flask-Limiter on one side, slowapi and borrowed decorators on the other."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import slowapi
from fastapi import FastAPI, Request, Response
from flask import Flask
from slowapi.util import get_remote_address
from sqlalchemy import update
from werkzeug.security import generate_password_hash

from crossfade.contract.state.effects import compare_states
from legacy_flask.extensions import db, limiter
from legacy_flask.models import User
from legacy_flask.seed import DEMO_EMAIL, DEMO_PASSWORD
from new_fastapi import limits
from tests.asgi.kit import ask
from tests.extensions.conftest import Gateway
from tests.extensions.states import Limits
from tests.extensions.stores import redis_server

pytestmark = pytest.mark.slow

SEARCH = "GET /fan-api/search"
TRANSFER = "POST /fan-api/transfers"
RELEASE = "DELETE /fan-api/players/<int:player_id>/team"
MOVE = {"player_id": 1, "team_id": 2}


@pytest.fixture
def config(config: dict[str, Any], request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Count in memory, or where a test says."""
    if getattr(request, "param", "memory") == "memory":
        yield config
        return
    with redis_server() as url:
        yield {**config, "RATELIMIT_STORAGE_URI": f"redis+{url}"}


def log_in(client: httpx.Client, email: str = DEMO_EMAIL) -> httpx.Client:
    """Return the client, logged in."""
    client.post("/login", json={"email": email, "password": DEMO_PASSWORD}).raise_for_status()
    return client


def search(client: httpx.Client, server: str) -> httpx.Response:
    """Search once, on the side that is named."""
    answer = client.get("/fan-api/search?q=mia")
    assert answer.headers["x-served-by"] == server
    return answer


def shown(answer: httpx.Response) -> tuple[Any, ...]:
    """Return what a client sees, but for the time."""
    apart = ("date", "x-served-by", "retry-after", "x-ratelimit-reset")
    headers = sorted((k, v) for k, v in answer.headers.items() if k not in apart)
    assert 0 <= int(answer.headers["retry-after"]) <= 61
    assert answer.headers["x-ratelimit-reset"].isdecimal()  # Redis counts it anew each time
    return answer.status_code, headers, answer.content


@pytest.mark.parametrize(
    ("config", "first", "borrowing"),
    [
        ("memory", "flask", True),
        ("memory", "fastapi", True),
        ("memory", "flask", False),
        ("memory", "fastapi", False),
        ("redis", "flask", True),
        ("redis", "fastapi", False),
    ],
    indirect=["config"],
)
def test_one_counter_for_both_sides(gateway: Gateway, first: str, borrowing: bool) -> None:
    """Three requests to one side, two to the other: both refuse the sixth, in the same words."""
    native = gateway(SEARCH) if borrowing else gateway(without_flask=[SEARCH])
    sides = {"flask": gateway(), "fastapi": native}
    second = "fastapi" if first == "flask" else "flask"
    left = [
        search(sides[name], name).headers["x-ratelimit-remaining"]
        for name in (first, first, first, second, second)
    ]
    assert left == ["4", "3", "2", "1", "0"]
    refused = [shown(search(sides[name], name)) for name in (second, first)]
    assert refused[0] == refused[1]
    status, _, body = refused[0]
    assert (status, body) == (429, b'{"error":"5 per 1 minute"}\n')


@pytest.mark.parametrize("borrowing", [True, False])
def test_the_same_headers_while_something_is_left(gateway: Gateway, borrowing: bool) -> None:
    """Also of an answer that is let through."""
    native = gateway(SEARCH) if borrowing else gateway(without_flask=[SEARCH])
    legacy = shown(search(gateway(), "flask"))
    limiter.reset()
    assert shown(search(native, "fastapi")) == legacy


@pytest.mark.parametrize("native", [(), (SEARCH,)])
def test_what_no_limit_counts(gateway: Gateway, native: tuple[str, ...]) -> None:
    """An empty search, and the preflight of a browser, tell of no limit."""
    client = gateway(*native)
    for _ in range(7):
        for answer in (client.get("/fan-api/search"), client.options("/fan-api/search?q=a")):
            assert answer.status_code == 200
            assert "x-ratelimit-limit" not in answer.headers
    assert client.head("/fan-api/search?q=mia").headers["x-ratelimit-remaining"] == "4"


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded"])
def test_nobody_gets_a_limit_of_their_own_by_a_header(gateway: Gateway, header: str) -> None:
    """Neither side believes a client that says where it is."""
    for client in (gateway(), gateway(SEARCH)):
        answer = client.get("/fan-api/search?q=mia", headers={header: "for=192.0.2.1"})
    assert answer.headers["x-ratelimit-remaining"] == "3"


@pytest.mark.parametrize("native", [(), (TRANSFER, RELEASE), (TRANSFER,), (RELEASE,)])
def test_a_limit_by_member(legacy: Flask, gateway: Gateway, native: tuple[str, ...]) -> None:
    """Ten transfers each; twenty changes in all, whoever answers and from whichever browser."""
    with legacy.app_context():
        cheap = generate_password_hash(DEMO_PASSWORD, "pbkdf2:sha256:1")
        db.session.execute(update(User).values(password_hash=cheap))
        db.session.commit()
    one, another = log_in(gateway(*native)), log_in(gateway())
    statuses = [
        client.post("/fan-api/transfers", json=body).status_code
        for body in ({"player_id": 1}, {"player_id": 99, "team_id": 1}, MOVE, MOVE, MOVE)
        for client in (one, another)
    ]
    assert statuses == [400, 400, 404, 404, *[201] * 6]
    refused = [client.post("/fan-api/transfers", json=MOVE) for client in (one, another)]
    assert [answer.status_code for answer in refused] == [429, 429]
    assert refused[0].content == refused[1].content == b'{"error":"10 per 1 hour"}\n'
    # Flask-Limiter asks the shorter limit first, and stops there: those two are not counted.
    released = [one.delete("/fan-api/players/1/team").status_code for _ in range(11)]
    assert released == [204] * 10 + [429]
    grace = log_in(gateway(*native), "grace@example.com")
    assert grace.post("/fan-api/transfers", json=MOVE).status_code == 201


@pytest.mark.parametrize("native", [(), (TRANSFER, RELEASE)])
def test_strangers_are_refused_and_not_counted(gateway: Gateway, native: tuple[str, ...]) -> None:
    """Who is not logged in has no counter."""
    client = gateway(*native)
    answers = [client.post("/fan-api/transfers", json=MOVE) for _ in range(11)]
    assert {answer.status_code for answer in answers} == {401}
    assert limiter.storage.get("LIMITS:LIMITER/member-None/fans.transfer/10/1/hour") == 0


@pytest.mark.parametrize("config", ["redis"], indirect=True)
def test_slowapi_by_itself_has_the_same_counters(config: dict[str, Any], gateway: Gateway) -> None:
    """The day that Flask goes: slowapi's own class and the storage's URL, nothing of ours."""
    alone = slowapi.Limiter(get_remote_address, storage_uri=config["RATELIMIT_STORAGE_URI"])
    app = FastAPI(openapi_url=None)

    @app.get("/fan-api/search")
    @alone.shared_limit("5 per minute", scope="fans.search")
    async def later(request: Request) -> str:
        return "found"

    legacy = gateway()
    assert [search(legacy, "flask").status_code for _ in range(3)] == [200] * 3
    assert [ask(app, "GET", "/fan-api/search").status for _ in range(3)] == [200, 200, 429]
    assert search(legacy, "flask").status_code == 429


def test_slowapis_own_headers_differ(gateway: Gateway) -> None:
    """Its moment of reset is no whole number: that is why `RateLimitHeaders` writes them."""
    alone = slowapi.Limiter(get_remote_address, headers_enabled=True)
    app = FastAPI(openapi_url=None)

    @app.get("/a")
    @alone.limit("5 per minute")
    async def of_its_own(request: Request) -> Response:
        return Response(b"found")

    answer = ask(app, "GET", "/a")
    assert "." in (answer.get("x-ratelimit-reset") or "")
    assert "." not in search(gateway(), "flask").headers["x-ratelimit-reset"]


def test_what_a_contract_sees_and_resets(gateway: Gateway) -> None:
    """A native route that counts nothing leaves another state than Flask."""
    state, client = Limits(limiter), gateway(SEARCH)
    before = state.capture()
    search(client, "fastapi")
    after = state.capture()
    (difference,) = compare_states(after, before)
    assert difference.where == "state.limits"
    assert "fans.search" in str(difference.legacy)
    for _ in range(5):
        search(client, "fastapi")
    state.restore(after)
    assert search(client, "fastapi").headers["x-ratelimit-remaining"] == "3"
    state.restore(before)
    assert search(client, "fastapi").headers["x-ratelimit-remaining"] == "4"


def test_the_storage_is_one_object(legacy: Flask) -> None:
    """What counts for Flask counts natively: no copy is made."""
    assert legacy.extensions["limiter"] == {limiter}
    assert limits.limiter.limiter is limiter.limiter
