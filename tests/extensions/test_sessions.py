"""Flask-Session and Flask's own sessions, with half of the routes on either side."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import TimestampSigner
from werkzeug.http import parse_cookie

from crossfade import mount_legacy
from crossfade.contract import ContractFailed, SQLAlchemyState, States, frozen
from legacy_flask.seed import DEMO_EMAIL, DEMO_PASSWORD
from new_fastapi import Settings
from new_fastapi import create_app as create_native_app
from tests.extensions.conftest import Gateway
from tests.extensions.stores import MemoryStore, StoredSessions, redis_server

if TYPE_CHECKING:
    from crossfade.contract.run.client import Contract
    from crossfade.pytest.routes import Routes

pytestmark = pytest.mark.slow

SHOW, SIZE = "GET /basket", "GET /basket/size"
FILL, EMPTY = "POST /basket", "DELETE /basket"
HALVES = {"reads": (SHOW, SIZE), "writes": (FILL, EMPTY), "all": (SHOW, SIZE, FILL, EMPTY)}
SERVER_SIDE = ("cachelib", "redis")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """Return the URL of a Redis server of this run's own."""
    with redis_server() as url:
        yield url


@pytest.fixture
def kind() -> str:
    """Return where sessions are kept: in the signed cookie, if a test doesn't say."""
    return ""


@pytest.fixture
def config(
    request: pytest.FixtureRequest, config: dict[str, Any], kind: str, tmp_path: Path
) -> dict[str, Any]:
    """Keep the sessions there."""
    more = {"SESSION_TYPE": kind, "SESSION_DIR": str(tmp_path / "sessions")}
    if kind == "redis":
        more["SESSION_REDIS_URL"] = request.getfixturevalue("redis_url")
    return {**config, **more}


everywhere = pytest.mark.parametrize("kind", ["", *SERVER_SIDE], ids=lambda kind: kind or "cookie")
on_the_server = pytest.mark.parametrize("kind", SERVER_SIDE)


def visit(client: httpx.Client) -> list[Any]:
    """Fill a basket, have it kept, empty it; return what the browser could tell of it."""
    steps = [
        client.get("/basket"),
        client.post("/basket", json={"kit": "shirt", "count": 2}),
        client.post("/basket", json={"kit": "shirt"}),  # changes what the session holds, not itself
        client.get("/basket"),
        client.post("/basket", json={"kit": "shirt", "keep": True}),
        client.post("/basket", json={"kit": "hat"}),
        client.post("/basket", json={"kit": "socks", "count": 1}),
        client.get("/basket"),
        client.get("/basket/size"),
        client.delete("/basket"),
        client.get("/basket"),
    ]
    return [(step.status_code, step.content, step.headers["vary"], cookie(step)) for step in steps]


def cookie(answer: httpx.Response) -> list[Any]:
    """Return the attributes of the cookies that are set, without values and moments."""
    return [
        sorted(part.strip().partition("=")[0].lower() for part in line.split(";"))
        for line in answer.headers.get_list("set-cookie")
    ]


@everywhere
def test_one_basket_on_both_sides(gateway: Gateway) -> None:
    """Whoever answers which half, it is one visit: the same bytes, the same cookies set."""
    by_flask = visit(gateway())
    assert [step[0] for step in by_flask] == [200, 201, 201, 200, 201, 400, 201, 200, 200, 204, 200]
    assert b'"shirt":4,"socks":1' in by_flask[7][1]
    for name, native in HALVES.items():
        assert visit(gateway(*native)) == by_flask, name


@everywhere
def test_a_kept_session_lasts_and_is_renewed(gateway: Gateway) -> None:
    """`session.permanent` natively is the `Expires` of the cookie, at each later answer, too."""
    for client in (gateway(), gateway(*HALVES["all"])):
        first = client.post("/basket", json={"kit": "shirt", "keep": True})
        later = client.get("/basket")
        assert "expires=" in first.headers["set-cookie"].lower()
        assert "expires=" in later.headers["set-cookie"].lower()


def aged(legacy: Flask, value: str) -> str:
    """Return a session's cookie as if it had been signed longer ago than Flask accepts."""

    class LongAgo(TimestampSigner):
        def get_timestamp(self) -> int:
            return int(time.time() - legacy.permanent_session_lifetime.total_seconds() - 60)

    serializer = SecureCookieSessionInterface().get_signing_serializer(legacy)
    assert serializer is not None
    content = serializer.loads(value)
    serializer.signer = LongAgo
    old = serializer.dumps(content)
    assert isinstance(old, str)
    return old


def test_a_signed_session_expires_on_both_sides(gateway: Gateway, legacy: Flask) -> None:
    """Also where the cookie is read without Flask."""
    client = gateway()
    client.post("/basket", json={"kit": "shirt"})
    fresh = client.cookies["session"]
    for reader in (gateway(), gateway(SHOW, SIZE), gateway(without_flask=[SIZE])):
        for value, size in ((fresh, 1), (aged(legacy, fresh), 0), (f"{fresh}x", 0)):
            answer = reader.get("/basket/size", headers={"cookie": f"session={value}"})
            assert answer.json() == {"size": size}


@on_the_server
def test_an_unknown_id_is_not_adopted(gateway: Gateway) -> None:
    """Else somebody could plant an id in a browser and share its session (session fixation)."""
    for native in ((), HALVES["all"]):
        client = gateway(*native)
        planted = {"cookie": "session=planted"}
        answer = client.post("/basket", json={"kit": "shirt"}, headers=planted)
        assert parse_cookie(answer.headers["set-cookie"])["session"] != "planted"
        assert client.get("/basket", headers=planted).json()["items"] == {}


@on_the_server
def test_a_login_renews_the_id(gateway: Gateway) -> None:
    """By Flask-Login's signal, whoever logs in: the basket moves to the new id, the old is dead."""
    for native in ((), ("POST /login", *HALVES["all"])):
        client = gateway(*native)
        client.post("/basket", json={"kit": "shirt"})
        before = client.cookies["session"]
        answer = client.post("/login", json={"email": DEMO_EMAIL, "password": DEMO_PASSWORD})
        assert answer.status_code == 200
        assert client.cookies["session"] != before
        assert client.get("/basket").json()["items"] == {"shirt": 1}
        client.cookies.clear()
        old = client.get("/basket", headers={"cookie": f"session={before}"})
        assert old.json()["items"] == {}


@everywhere
def test_an_emptied_session_is_gone(gateway: Gateway, kind: str) -> None:
    """The cookie is deleted; on the server also what it stood for."""
    for native in ((), (EMPTY,)):
        client = gateway(*native)
        client.post("/basket", json={"kit": "shirt"})
        value = client.cookies["session"]
        answer = client.delete("/basket")
        assert "Max-Age=0" in answer.headers["set-cookie"]
        again = client.get("/basket", headers={"cookie": f"session={value}"}).json()["items"]
        # What was signed once is good until it expires: no server can take it back.
        assert again == ({} if kind else {"shirt": 1})


@everywhere
def test_read_without_flask(gateway: Gateway, legacy: Flask) -> None:
    """`hooks = "none"`: no hook of Flask's runs, the session is read all the same."""
    asked: list[str] = []

    @legacy.before_request
    def note() -> None:
        asked.append("before_request")

    client = gateway(without_flask=[SIZE])
    assert client.get("/basket/size").json() == {"size": 0}
    client.post("/basket", json={"kit": "shirt", "count": 7})
    assert asked == ["before_request"]
    answer = client.get("/basket/size")
    assert (answer.json(), answer.headers["x-served-by"]) == ({"size": 7}, "fastapi")
    assert asked == ["before_request"]
    assert "set-cookie" not in answer.headers  # and so nothing is renewed


class TestSerializers:
    """What stands in the store, and under which key."""

    @pytest.fixture
    def kind(self) -> str:
        """Keep sessions there."""
        return "redis"

    @pytest.fixture(params=["msgpack", "json"])
    def config(self, config: dict[str, Any], request: pytest.FixtureRequest) -> dict[str, Any]:
        """Serialize so, below a prefix of this application's own."""
        more = {"SESSION_SERIALIZATION_FORMAT": request.param, "SESSION_KEY_PREFIX": "club:"}
        return {**config, **more}

    def test_both_sides_and_the_reader(self, gateway: Gateway, legacy: Flask) -> None:
        """Written natively, read by Flask and by a route without Flask."""
        client = gateway(FILL, without_flask=[SIZE])
        client.post("/basket", json={"kit": "shirt", "count": 7})
        assert client.get("/basket").json()["items"] == {"shirt": 7}
        assert client.get("/basket/size").json() == {"size": 7}
        redis = legacy.config["SESSION_REDIS"]
        assert redis.exists(f"club:{client.cookies['session']}")


@pytest.mark.filterwarnings("ignore:The 'use_signer' option:DeprecationWarning")
class TestSignedIds:
    """`SESSION_USE_SIGNER`: the id in the cookie has a signature."""

    @pytest.fixture
    def kind(self) -> str:
        """Keep sessions there."""
        return "cachelib"

    @pytest.fixture
    def config(self, config: dict[str, Any]) -> dict[str, Any]:
        """Sign the ids."""
        return {**config, "SESSION_USE_SIGNER": True}

    def test_both_sides(self, gateway: Gateway) -> None:
        """One cookie, good on both sides; without its signature it is good for nothing."""
        client = gateway(FILL)
        client.post("/basket", json={"kit": "shirt"})
        value = client.cookies["session"]
        assert client.get("/basket").json()["items"] == {"shirt": 1}
        client.cookies.clear()
        bare = {"cookie": f"session={value.rpartition('.')[0]}"}
        assert client.get("/basket", headers=bare).json()["items"] == {}


# --- a store that can be watched ------------------------------------------------------------------


class TestTheStore:
    """Who asks the store of sessions, and on which thread."""

    @pytest.fixture
    def kind(self) -> str:
        """Keep sessions there."""
        return "cachelib"

    @pytest.fixture
    def store(self) -> MemoryStore:
        """Return a store in memory."""
        return MemoryStore()

    @pytest.fixture
    def config(self, config: dict[str, Any], store: MemoryStore) -> dict[str, Any]:
        """Keep the sessions there."""
        return {**config, "SESSION_CACHELIB": store}

    def test_never_on_the_event_loop(self, gateway: Gateway, store: MemoryStore) -> None:
        """Opened before, saved after, renewed at login: all on threads, for `async def`, too."""
        client = gateway("POST /login", *HALVES["all"])
        visit(client)
        client.post("/basket", json={"kit": "shirt"})
        client.post("/login", json={"email": DEMO_EMAIL, "password": DEMO_PASSWORD})
        assert store.asked > 10
        assert store.on_loop == []

    def test_a_slow_store_holds_up_nobody_else(self, gateway: Gateway, store: MemoryStore) -> None:
        """While one request waits for its session, another native route answers."""
        client = gateway("GET /hello", *HALVES["all"])
        client.post("/basket", json={"kit": "shirt"})
        headers = {"cookie": f"session={client.cookies['session']}"}
        client.cookies.clear()
        store.gate.clear()
        with ThreadPoolExecutor(1) as pool:
            try:
                slow = pool.submit(client.get, "/basket", headers=headers)
                assert store.waiting.wait(30)
                assert client.get("/hello").headers["x-served-by"] == "fastapi"
                assert not slow.done()
            finally:
                store.gate.set()
            assert slow.result().json()["items"] == {"shirt": 1}

    def test_every_route_that_borrows_flask_asks(
        self, gateway: Gateway, store: MemoryStore
    ) -> None:
        """Also one that uses no session; and an answer writes it back, to renew it."""
        client = gateway("GET /hello", FILL)
        client.post("/basket", json={"kit": "shirt"})
        before = store.asked
        client.get("/hello")
        assert store.asked == before + 2
        bare = gateway(without_flask=["GET /hello"])
        bare.cookies = client.cookies
        assert bare.get("/hello").headers["x-served-by"] == "fastapi"
        assert store.asked == before + 2

    @pytest.mark.parametrize("sides", [("", ""), ("", FILL), (FILL, FILL)], ids=str)
    def test_of_two_at_once_the_last_write_wins(
        self, gateway: Gateway, store: MemoryStore, sides: tuple[str, str]
    ) -> None:
        """As in Flask: both have read before either writes, so one of the two things is lost."""
        clients = [gateway(*filter(None, [side])) for side in sides]
        clients[0].post("/basket", json={"kit": "shirt"})
        value = clients[0].cookies["session"]
        headers = {"cookie": f"session={value}"}
        store.meeting = threading.Barrier(2)
        with ThreadPoolExecutor(2) as pool:
            kits = ("shorts", "socks")
            for answer in pool.map(
                lambda client, kit: client.post("/basket", json={"kit": kit}, headers=headers),
                clients,
                kits,
            ):
                assert answer.status_code == 201
        store.meeting = None
        items = clients[0].get("/basket", headers=headers).json()["items"]
        assert items in ({"shirt": 1, "shorts": 1}, {"shirt": 1, "socks": 1})

    # --- contracts --------------------------------------------------------------------------------

    @pytest.fixture
    def contract_app(self, legacy: Flask, tmp_path: Path) -> FastAPI:
        """Return the gateway on this store."""
        path = tmp_path / "map.toml"
        path.write_text("")
        app = create_native_app(Settings.load(legacy.config))
        mount_legacy(app, legacy, migration_map=path)
        return app

    @pytest.fixture
    def contract_state(self, legacy: Flask, store: MemoryStore) -> Iterator[States]:
        """Compare and reset the database and the sessions."""
        database = SQLAlchemyState(legacy.config["SQLALCHEMY_DATABASE_URI"])
        yield States(database, StoredSessions(store))
        database.close()

    @pytest.fixture
    def contract_frozen(self) -> Any:
        """Let both sides draw the same ids."""
        return frozen(seed=1)

    def test_every_case_leaves_the_same_session(self, contract_routes: Routes) -> None:
        """All that `prove()` makes of the routes, the store compared after each."""
        contract_routes.prove("/basket")

    def test_a_native_route_that_forgets_the_session_is_red(
        self, contract: Contract, contract_app: FastAPI, store: MemoryStore
    ) -> None:
        """The answers of an empty basket are the same; what gives it away is the store."""
        from crossfade.compat import context

        contract.post("/basket", json={"kit": "shirt"})
        (session_of,) = context.Session.__metadata__  # type: ignore[attr-defined]

        class Forgetful(dict[str, Any]):
            permanent = True

        contract_app.dependency_overrides[session_of.dependency] = Forgetful
        with pytest.raises(ContractFailed, match=r"state\.sessions"):
            contract.post("/basket", json={"kit": "shirt"})
