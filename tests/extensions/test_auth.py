"""Flask-Login: one login for legacy and native routes, whichever side opened it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import flask_login  # type: ignore[import-untyped]
import httpx
import pytest
from flask import Flask
from sqlalchemy import update
from werkzeug.security import generate_password_hash

from legacy_flask.extensions import db
from legacy_flask.models import User
from legacy_flask.seed import DEMO_EMAIL, DEMO_PASSWORD
from tests.extensions.conftest import Gateway

# Flask-Login 0.6 dates its cookie in a way that Python 3.12 warns of.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),
]

ADA = {"email": DEMO_EMAIL, "password": DEMO_PASSWORD}
GRACE = {"email": "grace@example.com", "password": DEMO_PASSWORD}
ROUTES = ("GET /login", "POST /login", "POST /logout", "GET /me")
PAGES = ("GET /members/dues", "GET /members/card")
MAPS = {
    "all legacy": (),
    "login native": ("GET /login", "POST /login"),
    "the rest native": ("POST /logout", "GET /me", *PAGES),
    "all native": (*ROUTES, *PAGES),
}


@pytest.fixture(autouse=True)
def passwords(legacy: Flask) -> None:
    """Let Ada and Grace log in; hashing takes no time."""
    cheap = generate_password_hash(DEMO_PASSWORD, "pbkdf2:sha256:1")
    with legacy.app_context():
        db.session.execute(update(User).where(User.id < 3).values(password_hash=cheap))
        db.session.commit()


@pytest.fixture(params=["all legacy", "all native"])
def client(request: pytest.FixtureRequest, gateway: Gateway) -> httpx.Client:
    """Return a browser in front of one map."""
    return gateway(*MAPS[request.param])


def follow(client: httpx.Client, answer: httpx.Response) -> httpx.Response:
    """Go where an answer leads, one step."""
    assert answer.status_code == 302
    return client.get(answer.headers["location"])


@pytest.mark.parametrize("client", MAPS, indirect=True)
def test_one_session_for_both_sides(client: httpx.Client) -> None:
    """Logged in by either side, known to either, logged out by either."""
    assert client.get("/me").json() == {"error": "Log in first"}
    assert follow(client, client.post("/login", data=ADA)).json()["email"] == DEMO_EMAIL
    assert client.get("/members/dues").status_code == 200
    assert client.post("/logout").headers["location"] == "/login"
    assert client.get("/me").status_code == 401
    assert client.get("/members/dues").status_code == 302
    assert client.post("/login", json=ADA).json()["user"]["email"] == DEMO_EMAIL
    assert client.get("/me").status_code == 200


@pytest.mark.parametrize("turned_round", [False, True])
def test_the_map_is_turned_round_under_a_session(gateway: Gateway, turned_round: bool) -> None:
    """Log in while Flask serves everything, go on where FastAPI does; and the other way."""
    maps = [MAPS["all legacy"], MAPS["all native"]]
    first, second = [gateway(*native) for native in (reversed(maps) if turned_round else maps)]
    assert (
        first.post("/login", json=ADA).headers["x-served-by"]
        != second.get("/login").headers["x-served-by"]
    )
    second.cookies.update(first.cookies)
    assert second.get("/me").json()["name"] == "Ada Lovelace"
    second.post("/logout")
    first.cookies = second.cookies
    assert first.get("/me").status_code == 401


def test_a_browser_is_remembered(client: httpx.Client) -> None:
    """The cookie outlives the session, logs in again, but not freshly; a logout forgets it."""
    answer = client.post("/login", data={**ADA, "remember": "on"})
    (cookie,) = [line for line in answer.headers.get_list("set-cookie") if "remember" in line]
    assert "HttpOnly" in cookie
    client.cookies.delete("session")
    assert client.get("/me").status_code == 200
    assert client.get("/members/dues").status_code == 200
    asked = client.get("/members/card")
    assert asked.headers["location"] == "/login?next=%2Fmembers%2Fcard"
    assert "Please reauthenticate to access this page." in follow(client, asked).text
    again = client.post(asked.headers["location"], data=ADA)
    assert "Member no. 00001" in follow(client, again).text
    assert (
        "remember_token=; Expires=Thu, 01 Jan 1970" in client.post("/logout").headers["set-cookie"]
    )
    assert client.get("/me").status_code == 401


def test_who_is_sent_to_the_form_comes_back(client: httpx.Client) -> None:
    """`next` goes through the form, the wrong password and the redirect."""
    asked = client.get("/members/dues?a=1&b=2")
    form = follow(client, asked)
    assert "Please log in to access this page." in form.text
    action = "/login?next=/members/dues?a%3D1%26b%3D2"
    assert f'action="{action}"' in form.text
    wrong = client.post(action, data={**ADA, "password": "wrong"})
    assert wrong.status_code == 401
    assert f'action="{action}"' in wrong.text
    assert client.post(action, data=ADA).headers["location"] == "/members/dues?a=1&b=2"


def test_next_leads_nowhere_else(client: httpx.Client) -> None:
    """A link from elsewhere must not make the login form a way to a forgery."""
    for target in (
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
    ):
        answer = client.post("/login", params={"next": target}, data=ADA)
        assert (target, answer.headers["location"]) == (target, "/me")


def test_roles(client: httpx.Client) -> None:
    """Nobody is sent to log in, a member is refused with a page, the treasurer is served."""
    assert client.get("/members/dues").status_code == 302
    client.post("/login", json=GRACE)
    refused = client.get("/members/dues")
    assert (refused.status_code, refused.headers["content-type"]) == (
        403,
        "text/html; charset=utf-8",
    )
    assert "Only the treasurer may see this." in refused.text
    client.post("/login", json=ADA)
    assert "<td>Grace Hopper</td><td>60 €</td>" in client.get("/members/dues").text


def test_the_session_of_a_deleted_user_ends(client: httpx.Client, legacy: Flask) -> None:
    """The cookie outlives the user; the login does not."""
    client.post("/login", json={**GRACE, "remember": True})
    with legacy.app_context():
        db.session.delete(db.session.get_one(User, 2))
        db.session.commit()
    assert client.get("/me").status_code == 401
    assert client.get("/members/dues").status_code == 302


def test_a_stolen_session_is_not_fresh(client: httpx.Client) -> None:
    """Flask-Login's session protection: another browser with the same cookie."""
    client.post("/login", json=ADA)
    assert client.get("/members/card").status_code == 200
    thief = {"User-Agent": "another browser"}
    assert client.get("/members/card", headers=thief).status_code == 302
    assert client.get("/members/dues", headers=thief).status_code == 200


def test_a_stolen_session_ends(client: httpx.Client, legacy: Flask) -> None:
    """With strong protection a stolen session is none, and its "remember me" cookie goes."""
    legacy.config["SESSION_PROTECTION"] = "strong"
    client.post("/login", json={**ADA, "remember": True})
    stolen = client.get("/me", headers={"User-Agent": "another browser"})
    assert stolen.status_code == 401
    assert "remember_token=;" in ", ".join(stolen.headers.get_list("set-cookie"))


@pytest.fixture
def told(legacy: Flask) -> Iterator[list[str]]:
    """Listen to Flask-Login's signals, as an application that keeps a log of logins does."""
    heard: list[str] = []

    def log_in(_sender: Flask, user: Any) -> None:
        heard.append(f"in {user.get_id()}")

    def log_out(_sender: Flask, user: Any) -> None:
        heard.append(f"out {user.get_id()}")

    flask_login.user_logged_in.connect(log_in, legacy)
    flask_login.user_logged_out.connect(log_out, legacy)
    yield heard
    flask_login.user_logged_in.disconnect(log_in, legacy)
    flask_login.user_logged_out.disconnect(log_out, legacy)


def test_signals_are_sent(told: list[str], client: httpx.Client) -> None:
    """What listens to logins hears of each, once."""
    client.post("/login", json={**ADA, "password": "wrong"})
    client.post("/login", json=ADA)
    client.post("/logout")
    assert told == ["in 1", "out 1"]


def test_wrong_input(client: httpx.Client) -> None:
    """JSON is answered with JSON, the form with the form; nobody is logged in."""
    wrong = "Wrong e-mail address or password"
    broken = {"content": b"{", "headers": {"content-type": "application/json"}}
    tried: list[tuple[dict[str, Any], int, str]] = [
        ({"json": {"email": DEMO_EMAIL, "password": "x"}}, 401, f'{{"error":"{wrong}"}}'),
        ({"json": ["ada"]}, 400, "Request body must be a JSON object"),
        (broken, 400, '{"error":"The browser'),
        ({"data": {"email": DEMO_EMAIL}}, 401, f'<p role="alert">{wrong}</p>'),
        ({}, 401, f'<p role="alert">{wrong}</p>'),
    ]
    for options, status, text in tried:
        answer = client.post("/login", **options)
        assert (answer.status_code, text in answer.text) == (status, True), options
        assert client.get("/me").status_code == 401


def test_native_routes_answer_where_they_should(gateway: Gateway) -> None:
    """The maps of this file say what they mean, and `/docs` shows the native routes."""
    client = gateway(*MAPS["all native"])
    for route in MAPS["all native"]:
        method, _, path = route.partition(" ")
        assert client.request(method, path).headers["x-served-by"] == "fastapi"
    body = client.get("/openapi.json").json()["paths"]["/login"]["post"]["requestBody"]
    assert set(body["content"]) == {"application/json", "application/x-www-form-urlencoded"}
