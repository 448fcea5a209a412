"""What the Flask application answers."""

from __future__ import annotations

import hashlib
import io
import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from legacy_flask.seed import DEMO_EMAIL, DEMO_PASSWORD

ADA = {"id": 1, "name": "Ada Lovelace", "email": DEMO_EMAIL, "age": 36}


def test_greets(legacy: FlaskClient) -> None:
    """The simplest route; every answer carries the API's version."""
    response = legacy.get("/hello")
    assert response.json == {"message": "Hello, World!"}
    assert response.headers["X-API-Version"] == "1"
    assert legacy.get("/hello?name=Ada&name=Bob").json == {"message": "Hello, Ada!"}


def test_lists_and_reads_users(legacy: FlaskClient) -> None:
    """A page of users, one user, no such user."""
    listed = legacy.get("/users?limit=1&offset=1").get_json()
    assert [user["id"] for user in listed["users"]] == [2]
    assert listed["total"] == 4
    assert legacy.get("/users/1").json == ADA
    missing = legacy.get("/users/99")
    assert (missing.status_code, missing.json) == (404, {"error": "User 99 not found"})


def test_creates_a_user(legacy: FlaskClient) -> None:
    """201, where the user is, and what was stored."""
    new = {"name": "Bo", "email": "bo@example.com", "age": 7}
    response = legacy.post("/users", json=new)
    assert response.status_code == 201
    assert response.json == {"status": "created", "user": {"id": 5, **new}}
    assert response.headers["Location"] == "/users/5"
    assert legacy.get("/users/5").json == {"id": 5, **new}
    assert legacy.post("/users", json=new).status_code == 409


@pytest.mark.parametrize(
    ("path", "body", "text"),
    [
        ("/users", {}, "Request body is required"),
        ("/users", [1], "Request body must be a JSON object"),
        ("/users", {"name": 1, "email": "a@b"}, "name is required and must be a string"),
        ("/users", {"name": "A", "email": "a"}, "email is required and must contain an @"),
        ("/users", {"name": "A", "email": "a@b", "age": "7"}, "age must be an integer"),
        ("/users", {"name": "A", "email": "a@b", "age": True}, "age must be an integer"),
        ("/teams", {"city": "Rome"}, "name is required and must be a string"),
        ("/teams", {"name": "A", "city": 1}, "city must be a string"),
        ("/teams", {"name": "A", "founded": "1900"}, "founded must be a year"),
        ("/todos", {"done": True}, "title is required and must be a string"),
        ("/todos", {"title": "A", "done": 1}, "done must be true or false"),
        ("/todos", {"title": "A", "due": "soon"}, "due must be a date like 2026-05-31"),
        ("/todos", {"title": "A", "due": 5}, "due must be a date like 2026-05-31"),
    ],
)
def test_refuses_a_bad_body(legacy: FlaskClient, path: str, body: object, text: str) -> None:
    """Each mistake has its own text."""
    response = legacy.post(path, json=body)
    assert (response.status_code, response.json) == (400, {"error": text})


def test_teams_and_players(legacy: FlaskClient) -> None:
    """Teams can be listed and created, a player names the team."""
    assert len(legacy.get("/teams").get_json()["teams"]) == 3
    created = legacy.post("/teams", json={"name": "New"})
    assert created.status_code == 201
    assert created.get_json()["team"] == {"id": 4, "name": "New", "city": None, "founded": None}
    assert legacy.post("/teams", json={"name": "New"}).status_code == 409
    player = legacy.get("/players/1").get_json()
    assert player["born"] == "Fri, 17 Mar 1972 00:00:00 GMT"
    assert player["team"]["name"] == "Rovers"
    assert legacy.get("/players/3").get_json()["team"] is None
    assert legacy.get("/players/9").json == {"error": "Player 9 not found"}


def test_todos(legacy: FlaskClient) -> None:
    """Create, list, change, delete."""
    created = legacy.post("/todos", json={"title": "Paint", "due": "2026-05-31"})
    assert created.get_json()["todo"]["due"] == "Sun, 31 May 2026 00:00:00 GMT"
    assert [todo["id"] for todo in legacy.get("/todos?done=false").get_json()] == [2, 3, 4]
    changed = legacy.put("/todos/4", json={"done": True, "due": None})
    expected = {"id": 4, "title": "Paint", "done": True, "due": None}
    assert changed.json == {"status": "updated", "todo": expected}
    assert legacy.put("/todos/4", json={"title": None}).status_code == 400
    deleted = legacy.delete("/todos/4")
    assert (deleted.status_code, deleted.data) == (204, b"")
    assert legacy.delete("/todos/4").json == {"error": "Todo 4 not found"}


def test_dashboard(legacy: FlaskClient) -> None:
    """Both sources are in the answer."""
    assert set(legacy.get("/dashboard").get_json()) == {"scores", "news"}


def test_sessions(legacy: FlaskClient) -> None:
    """Log in with the form or with JSON, see who one is, log out."""
    assert b'name="password"' in legacy.get("/login").data
    assert legacy.get("/me").json == {"error": "Log in first"}
    wrong = {"email": DEMO_EMAIL, "password": "wrong"}
    assert legacy.post("/login", data=wrong).status_code == 401
    assert legacy.post("/login", json=wrong).json == {"error": "Wrong e-mail address or password"}
    assert legacy.post("/login", json=[1]).status_code == 400
    nobody = {"email": "grace@example.com", "password": ""}
    assert legacy.post("/login", data=nobody).status_code == 401

    right = {"email": DEMO_EMAIL, "password": DEMO_PASSWORD}
    response = legacy.post("/login", data=right)
    assert (response.status_code, response.headers["Location"]) == (302, "/me")
    assert legacy.get("/me").json == ADA
    assert legacy.post("/logout").headers["Location"] == "/login"
    assert legacy.get("/me").status_code == 401
    assert legacy.post("/login", json=right).get_json()["user"] == ADA


def test_a_session_of_a_deleted_user_ends(legacy: FlaskClient) -> None:
    """The cookie outlives the user; the login does not."""
    legacy.post("/login", json={"email": DEMO_EMAIL, "password": DEMO_PASSWORD})
    with legacy.session_transaction() as session:
        session["_user_id"] = "99"
    assert legacy.get("/me").status_code == 401


def test_uploads_a_file(legacy: FlaskClient) -> None:
    """The answer describes what was kept."""
    file = (io.BytesIO(b"hello"), "../note.txt", "text/plain")
    response = legacy.post("/uploads", data={"file": file})
    assert response.status_code == 201
    assert response.get_json()["file"] == {
        "name": "note.txt",
        "size": 5,
        "sha256": hashlib.sha256(b"hello").hexdigest(),
        "type": "text/plain",
    }
    assert legacy.post("/uploads", data={}).json == {"error": "A file is required"}
    large = legacy.post("/uploads", data={"file": (io.BytesIO(b"x" * 2000), "large.txt")})
    assert large.status_code == 413


def test_downloads_in_ranges(legacy: FlaskClient) -> None:
    """Whole, a part, not again, not at all, not from elsewhere."""

    def get(path: str = "fixtures.txt", **headers: str) -> TestResponse:
        """Download a file, and close it."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return legacy.get(f"/downloads/{path}", headers=named, buffered=True)

    whole = get()
    part = get(Range="bytes=4-9")
    assert (part.status_code, part.data) == (206, whole.data[4:10])
    assert get(If_None_Match=whole.headers["ETag"]).status_code == 304
    beyond = get(Range="bytes=9999-")
    assert beyond.status_code == 416
    assert beyond.headers["Content-Range"] == f"bytes */{len(whole.data)}"
    assert get("../seed.py").status_code == 404


def test_exports_csv(legacy: FlaskClient) -> None:
    """The export streams: its length is not known ahead."""
    response = legacy.get("/export/users.csv")
    assert response.content_length is None
    assert response.text.splitlines()[:2] == [
        "id,name,email,age",
        f"1,Ada Lovelace,{DEMO_EMAIL},36",
    ]


def test_feed(legacy: FlaskClient) -> None:
    """A finite feed ends; an endless one goes on until its client leaves."""
    response = legacy.get("/events?count=2")
    assert response.mimetype == "text/event-stream"
    assert response.text == (
        'id: 1\nevent: score\ndata: {"minute": 1, "score": "0:0"}\n\n'
        'id: 2\nevent: score\ndata: {"minute": 2, "score": "0:0"}\n\n'
    )
    endless = legacy.get("/events?count=0")
    stream = endless.iter_encoded()
    assert [next(stream)[:6] for _ in range(20)][-1] == b"id: 20"
    endless.close()


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/shop/kits/red%20one", {"kit": "red one"}),
        ("/shop/kits/away/sizes", {"kind": "away", "sizes": ["S", "M", "L"]}),
        ("/shop/seats/41", {"seat": 41, "row": 3}),
        ("/shop/under/9.99", {"under": 9.99}),
        ("/shop/guides/a/b", {"page": "a/b", "depth": 2}),
        (
            "/shop/tickets/6fa459ea-ee8a-3ca4-894e-db77e160355e",
            {"ticket": "6fa459ea-ee8a-3ca4-894e-db77e160355e", "version": 3},
        ),
        ("/shop/compare/1,2,3", {"players": [1, 2, 3]}),
        ("/shop/news/", {"news": ["Scarves are back"]}),
        ("/shop/contact", {"email": "shop@example.com"}),
        ("/shop/faq", {"faq": ["Do you ship to the moon? Not yet."]}),
        ("/shop/faq/", {"faq": ["Do you ship to the moon? Not yet."]}),
        ("/shop/catalogue/", {"page": 1, "items": list(range(1, 11))}),
        ("/shop/catalogue/page/2", {"page": 2, "items": list(range(11, 21))}),
    ],
)
def test_converters(legacy: FlaskClient, path: str, answer: object) -> None:
    """A rule of every kind."""
    assert legacy.get(path).json == answer


@pytest.mark.parametrize(
    "path",
    [
        "/shop/kits/fourth/sizes",
        "/shop/seats/-1",
        "/shop/under/9",
        "/shop/tickets/6fa459eaee8a3ca4894edb77e160355e",
        "/shop/compare/1,,2",
        "/shop/contact/",
    ],
)
def test_what_no_converter_matches(legacy: FlaskClient, path: str) -> None:
    """404, in JSON for programs and as a page for browsers."""
    assert "not found" in legacy.get(path).get_json()["error"]
    page = legacy.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert (page.status_code, page.mimetype) == (404, "text/html")


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/shop/news?a=1", "/shop/news/?a=1"),
        ("/shop/catalogue/page/1", "/shop/catalogue/"),
    ],
)
def test_redirects(legacy: FlaskClient, path: str, target: str) -> None:
    """A missing slash and a default value lead to the one URL."""
    response = legacy.get(path)
    assert response.status_code == 308
    assert response.headers["Location"].endswith(target)


def test_pages(legacy: FlaskClient) -> None:
    """The player's page shows name and number, escaped; what is missing is a page too."""
    assert b"Wanderers &amp; Co" in legacy.get("/").data
    page = legacy.get("/players/3/page")
    assert b"<h1>Jo &lt;Striker&gt; &amp; Sons</h1>" in page.data
    assert b'<p class="jersey">0</p>' in page.data
    missing = legacy.get("/players/9/page")
    assert (missing.status_code, missing.mimetype) == (404, "text/html")
    assert b"There is no player number 9 here." in missing.data
    assert legacy.get("/static/club.css", buffered=True).mimetype == "text/css"


def test_a_method_that_is_not_allowed(legacy: FlaskClient) -> None:
    """405 keeps `Allow`."""
    response = legacy.get("/todos/1")
    assert response.status_code == 405
    assert set(response.headers["Allow"].split(", ")) == {"PUT", "DELETE", "OPTIONS"}


def test_maintenance(
    legacy: FlaskClient, legacy_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every route is closed, in JSON or as a page; the stylesheet is not."""
    monkeypatch.setitem(legacy_app.config, "MAINTENANCE", True)
    response = legacy.get("/hello")
    assert (response.status_code, response.headers["Retry-After"]) == (503, "120")
    assert response.json == {"error": "The club is closed for maintenance."}
    assert legacy.get("/").mimetype == "text/html"
    assert legacy.get("/static/club.css", buffered=True).status_code == 200


def test_logs_slow_requests(
    legacy: FlaskClient,
    legacy_app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A request above the limit is logged with its path."""
    monkeypatch.setitem(legacy_app.config, "SLOW_REQUEST", -1.0)
    with caplog.at_level(logging.WARNING):
        legacy.get("/hello")
    assert "GET /hello took" in caplog.text
