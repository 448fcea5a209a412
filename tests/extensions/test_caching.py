"""Flask-Caching: entries that both sides write, read and delete."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
from collections.abc import Callable, Iterator
from typing import Any

import flask
import httpx
import pytest
from fastapi import FastAPI
from flask import Flask, request
from flask_caching import Cache
from sqlalchemy import update
from werkzeug.security import generate_password_hash

from crossfade.compat import flask_view
from crossfade.contract.state.effects import compare_states
from legacy_flask.extensions import cache, db
from legacy_flask.models import Team, User
from legacy_flask.seed import DEMO_EMAIL, DEMO_PASSWORD
from legacy_flask.views import fans
from tests.asgi.kit import Mount, ask
from tests.compat.conftest import mount as mount
from tests.extensions.conftest import Gateway
from tests.extensions.states import CachedAnswers
from tests.extensions.stores import redis_server

pytestmark = pytest.mark.slow

STANDINGS = "GET /fan-api/standings"
TRANSFER = "POST /fan-api/transfers"


@pytest.fixture
def config(config: dict[str, Any], request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """Keep entries in memory, or where a test says."""
    if getattr(request, "param", "memory") == "memory":
        yield config
        return
    with redis_server() as url:
        yield {**config, "CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": url}


def rename(legacy: Flask, name: str) -> None:
    """Change what the answers are made of, behind the cache's back."""
    with legacy.app_context():
        db.session.execute(update(Team).where(Team.id == 1).values(name=name))
        db.session.commit()


def table(client: httpx.Client, server: str, query: str = "", **headers: str) -> httpx.Response:
    """Ask for the standings, on the side that is named."""
    answer = client.get(f"/fan-api/standings{query}", headers=headers)
    assert (answer.status_code, answer.headers["x-served-by"]) == (200, server)
    return answer


def shown(answer: httpx.Response) -> Any:
    """Return what a client sees, but for the time."""
    apart = ("date", "x-served-by")
    return sorted((k, v) for k, v in answer.headers.items() if k not in apart), answer.content


SIDES = pytest.mark.parametrize(
    ("config", "first", "borrowing"),
    [
        ("memory", "flask", True),
        ("memory", "fastapi", True),
        ("memory", "flask", False),
        ("memory", "fastapi", False),
        ("redis", "flask", False),
        ("redis", "fastapi", True),
    ],
    indirect=["config"],
)


@SIDES
def test_what_one_side_keeps_both_answer(
    legacy: Flask, gateway: Gateway, first: str, borrowing: bool
) -> None:
    """The first asks the database, both answer from the cache then: the same bytes and headers."""
    native = gateway(STANDINGS) if borrowing else gateway(without_flask=[STANDINGS])
    sides = {"flask": gateway(), "fastapi": native}
    second = "fastapi" if first == "flask" else "flask"
    made = table(sides[first], first)
    assert "hit_cache" not in made.headers
    rename(legacy, "Changed")
    hits = [table(sides[name], name) for name in (first, second)]
    assert shown(hits[0]) == shown(hits[1])
    assert {hit.headers["hit_cache"] for hit in hits} == {"True"}
    assert hits[0].content == made.content
    fresh = table(sides[second], second, **{"cache-control": "no-cache"})
    assert b"Changed" in fresh.content
    assert "hit_cache" not in fresh.headers


@pytest.mark.parametrize("writer", ["flask", "fastapi"])
@pytest.mark.parametrize("config", ["memory", "redis"], indirect=True)
def test_a_write_on_either_side_is_seen_on_both(
    legacy: Flask, gateway: Gateway, writer: str
) -> None:
    """It deletes the answers, and the memoized sizes of the squads that it changed."""
    with legacy.app_context():
        cheap = generate_password_hash(DEMO_PASSWORD, "pbkdf2:sha256:1")
        db.session.execute(update(User).values(password_hash=cheap))
        db.session.commit()
    sides = {"flask": gateway(), "fastapi": gateway(STANDINGS, TRANSFER)}
    client = sides[writer]
    client.post("/login", json={"email": DEMO_EMAIL, "password": DEMO_PASSWORD}).raise_for_status()
    for order, name in (("squad", "flask"), ("name", "fastapi")):
        table(sides[name], name, f"?order={order}")
    moved = client.post("/fan-api/transfers", json={"player_id": 1, "team_id": 3})
    assert (moved.status_code, moved.headers["x-served-by"]) == (201, writer)
    for name, order in (("flask", "squad"), ("fastapi", "name")):
        answer = table(sides[name], name, f"?order={order}")
        assert "hit_cache" not in answer.headers
        squads = {row["team"]: row["squad"] for row in answer.json()["standings"]}
        assert squads == {"Rovers": 0, "São Jorge": 1, "Wanderers & Co": 1}


@pytest.mark.parametrize("native", [(), (STANDINGS,)])
def test_an_answer_depends_on_its_order_only(
    legacy: Flask, gateway: Gateway, native: tuple[str, ...]
) -> None:
    """What the key leaves out (other arguments, unknown orders) makes no second entry."""
    client, server = gateway(*native), "fastapi" if native else "flask"
    made = table(client, server, "?order=name")
    same = ("", "?order=", "?order=x", "?a=b&order=name&order=squad", "?order=name&utm=mail")
    for query in same:
        assert table(client, server, query).headers["hit_cache"] == "True"
    assert "hit_cache" not in table(client, server, "?order=founded").headers
    assert table(client, server, "?order=founded").content != made.content


def test_memoized_results_are_shared(legacy: Flask, gateway: Gateway) -> None:
    """A size that Flask has counted is not counted again natively, and the other way round."""
    with legacy.test_request_context():
        assert fans.squad_size(1) == 1
        cache.set(fans.squad_size.make_cache_key(fans.squad_size.uncached, 1), 42)
        assert fans.squad_size(1) == 42
    native = table(gateway(without_flask=[STANDINGS]), "fastapi").json()["standings"]
    assert [row["squad"] for row in native] == [42, 1, 0]
    with legacy.test_request_context():
        cache.set(fans.squad_size.make_cache_key(fans.squad_size.uncached, 2), 7)
        cache.delete_memoized(fans.squad_size, 1)
        assert [fans.squad_size(number) for number in (1, 2, 3)] == [1, 7, 0]


def test_what_a_contract_sees_and_resets(legacy: Flask, gateway: Gateway) -> None:
    """Two sides that keep different answers differ, and start from the same ones."""
    keys = [fans.standings_key(order) for order in fans.ORDERS]
    state, client = CachedAnswers(legacy, cache, keys), gateway(STANDINGS)
    empty = state.capture()
    table(client, "fastapi")
    after = state.capture()
    (difference,) = compare_states(after, empty)
    assert difference.where == "state.cached"
    state.restore(empty)
    table(gateway(), "flask")
    assert compare_states(state.capture(), after) == ()
    state.restore(empty)
    assert "hit_cache" not in table(client, "fastapi").headers
    state.restore(after)
    assert table(client, "fastapi").headers["hit_cache"] == "True"


# --- a handler behind Flask's own decorator -------------------------------------------------------

View = Callable[[], Any]
CALLS: list[str] = []


def said(value: Any) -> View:
    """Return a view that says so, and how often it was called."""

    def view() -> Any:
        CALLS.append(request.full_path)
        return value() if callable(value) else value

    return view


VALUES: dict[str, Any] = {
    "text": "plain",
    "a dict": {"a": 1},
    "status and headers": ("made", 201, {"X-A": "b"}),
    "a response": lambda: flask.jsonify(a=1),
    "a generator": lambda: (part for part in ("a", "b")),
}


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("first", ["flask", "fastapi"])
def test_the_same_decorator_on_a_plain_handler(mount: Mount, kind: str, first: str) -> None:
    """`cache.cached` keeps what the view returned, whatever it is; `flask_view` answers with it."""
    legacy = Flask("app", static_folder=None)
    kept = Cache(legacy, config={"CACHE_TYPE": "SimpleCache"})
    cached = kept.cached(timeout=60, query_string=True)
    legacy.add_url_rule("/a", "a", cached(said(VALUES[kind])))
    app, native = FastAPI(openapi_url=None), FastAPI(openapi_url=None)
    native.add_api_route("/a", flask_view(cached(said(VALUES[kind]))), response_model=None)
    mount(app, legacy)
    mount(native, legacy, "GET /a")
    sides = {"flask": app, "fastapi": native}
    CALLS.clear()
    order = [first, *({*sides} - {first})]
    answers = [ask(sides[name], "GET", f"/a?{q}") for q in ("x=1&y=2", "y=2&x=1") for name in order]
    assert [each.served_by for each in answers] == order * 2
    assert CALLS == ["/a?x=1&y=2"]
    seen = {(each.status, each.body, tuple(sorted(each.headers))) for each in answers}
    assert len(seen) == 1
    for name in order:
        ask(sides[name], "GET", "/a?x=1")
    assert len(CALLS) == 2


def test_unless_and_response_filter(mount: Mount) -> None:
    """Both are asked in the request's context, natively too."""
    legacy = Flask("app", static_folder=None)
    kept = Cache(legacy, config={"CACHE_TYPE": "SimpleCache"})
    cached = kept.cached(
        key_prefix="a",
        unless=lambda: "fresh" in request.args,
        response_filter=lambda value: value[1] == 200,
        response_hit_indication=True,
    )

    def view() -> Any:
        CALLS.append(request.full_path)
        return "a", int(request.args.get("status", "200"))

    legacy.add_url_rule("/a", "a", cached(view))
    legacy.add_url_rule("/b", "b", cached(view))
    native = FastAPI(openapi_url=None)
    native.add_api_route("/a", flask_view(cached(view)), response_model=None)
    mount(native, legacy, "GET /a")
    CALLS.clear()
    for path in ("/a", "/b"):
        assert ask(native, "GET", f"{path}?status=203").get("hit_cache") is None
        assert ask(native, "GET", f"{path}?fresh=1").get("hit_cache") is None
    assert len(CALLS) == 4
    assert ask(native, "GET", "/b").get("hit_cache") is None
    for path in ("/a", "/b"):
        assert ask(native, "GET", path).get("hit_cache") == "True"
    assert len(CALLS) == 5
