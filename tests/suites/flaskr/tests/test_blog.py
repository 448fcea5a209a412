"""Posts."""

from __future__ import annotations

from io import BytesIO

import pytest
from conftest import AuthActions
from flask import Flask
from flask.testing import FlaskClient
from flaskr import blog
from flaskr.db import get_db


def count(app: Flask) -> int:
    """The number of posts."""
    with app.app_context():
        number: int = get_db().execute("SELECT COUNT(*) FROM post").fetchone()[0]
    return number


def test_index(client: FlaskClient, auth: AuthActions) -> None:
    """What is shown depends on who looks."""
    text = client.get("/").text
    assert "Log In" in text
    assert "Register" in text
    auth.login()
    text = client.get("/").text
    assert "Log Out" in text
    assert "test title" in text
    assert "by test on 2018-01-01" in text
    assert "test\nbody" in text
    assert 'href="/1/update"' in text


@pytest.mark.parametrize("path", ["/create", "/1/update", "/1/delete"])
def test_login_is_required(client: FlaskClient, path: str) -> None:
    """Strangers are sent to the login page."""
    assert client.post(path).headers["Location"] == "/auth/login"


def test_author_is_required(app: Flask, client: FlaskClient, auth: AuthActions) -> None:
    """Nobody changes what somebody else wrote."""
    with app.app_context():
        get_db().execute("UPDATE post SET author_id = 2 WHERE id = 1")
        get_db().commit()
    auth.login()
    assert client.post("/1/update").status_code == 403
    assert client.post("/1/delete").status_code == 403
    assert b'href="/1/update"' not in client.get("/").data


@pytest.mark.parametrize("path", ["/2/update", "/2/delete"])
def test_post_must_exist(client: FlaskClient, auth: AuthActions, path: str) -> None:
    """What is not there is not found, in words."""
    auth.login()
    response = client.post(path)
    assert response.status == "404 NOT FOUND"
    assert "Post id 2 doesn&#39;t exist." in response.text


def test_create(client: FlaskClient, auth: AuthActions, app: Flask) -> None:
    """A post is kept."""
    auth.login()
    assert client.get("/create").status_code == 200
    response = client.post("/create", data={"title": "created", "body": "ü"}, follow_redirects=True)
    assert response.request.path == "/"
    assert len(response.history) == 1
    assert "created" in response.text
    assert count(app) == 2


def test_update(client: FlaskClient, auth: AuthActions, app: Flask) -> None:
    """A post is changed."""
    auth.login()
    assert client.get("/1/update").status_code == 200
    client.post("/1/update", data={"title": "updated", "body": ""})
    with app.app_context():
        assert get_db().execute("SELECT title FROM post").fetchone()["title"] == "updated"


@pytest.mark.parametrize("path", ["/create", "/1/update"])
def test_a_title_is_required(client: FlaskClient, auth: AuthActions, path: str) -> None:
    """The form comes back and says so."""
    auth.login()
    assert "Title is required." in client.post(path, data={"title": "", "body": ""}).text


def test_delete(client: FlaskClient, auth: AuthActions, app: Flask) -> None:
    """A post is gone."""
    auth.login()
    assert client.post("/1/delete").headers["Location"] == "/"
    assert count(app) == 0


def test_import(client: FlaskClient, auth: AuthActions, app: Flask) -> None:
    """Posts come from a file, and the next page tells how many."""
    auth.login()
    response = client.post(
        "/import",
        data={"posts": (BytesIO(b"one\ntwo\n"), "posts.txt")},
        follow_redirects=True,
    )
    assert "2 posts imported." in response.text
    assert count(app) == 3


def test_as_json(client: FlaskClient) -> None:
    """Programs get JSON; strangers' numbers are not found."""
    response = client.get("/1.json", query_string={"pretty": "1"})
    assert response.json == {"id": 1, "title": "test title", "author": "test"}
    assert client.get("/9.json").status_code == 404


def test_head(client: FlaskClient) -> None:
    """HEAD has GET's headers and no body."""
    response = client.head("/")
    assert response.data == b""
    assert int(response.headers["Content-Length"]) > 100


def test_a_failing_view_fails_the_test(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under TESTING an exception reaches the test; without it the client gets a 500."""

    def fail() -> None:
        raise RuntimeError("no database")

    monkeypatch.setattr(blog, "get_db", fail)
    with pytest.raises(RuntimeError, match="no database"):
        client.get("/1.json")
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    assert client.get("/1.json").status_code == 500
