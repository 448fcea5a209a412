"""Accounts and sessions."""

from __future__ import annotations

import pytest
from conftest import AuthActions
from flask import Flask, g, session
from flask.testing import FlaskClient
from flaskr.db import get_db


def test_register(client: FlaskClient, app: Flask) -> None:
    """A new account leads to the login page."""
    assert client.get("/auth/register").status_code == 200
    response = client.post("/auth/register", data={"username": "a", "password": "a"})
    assert response.headers["Location"] == "/auth/login"
    with app.app_context():
        row = get_db().execute("SELECT * FROM user WHERE username = 'a'").fetchone()
    assert row is not None


@pytest.mark.parametrize(
    ("username", "password", "message"),
    [
        ("", "", "Username is required."),
        ("a", "", "Password is required."),
        ("test", "test", "already registered"),
    ],
)
def test_register_refuses(client: FlaskClient, username: str, password: str, message: str) -> None:
    """Each reason is shown."""
    response = client.post("/auth/register", data={"username": username, "password": password})
    assert message in response.text


def test_login(client: FlaskClient, auth: AuthActions) -> None:
    """The session holds who logged in, and the next page knows them."""
    assert client.get("/auth/login").status_code == 200
    assert auth.login().headers["Location"] == "/"
    with client:
        client.get("/")
        assert session["user_id"] == 1
        assert g.user["username"] == "test"


@pytest.mark.parametrize(
    ("username", "password", "message"),
    [("a", "test", "Incorrect username."), ("test", "a", "Incorrect password.")],
)
def test_login_refuses(auth: AuthActions, username: str, password: str, message: str) -> None:
    """Each reason is shown."""
    assert message in auth.login(username, password).text


def test_logout(client: FlaskClient, auth: AuthActions) -> None:
    """The session is empty afterwards."""
    auth.login()
    with client:
        auth.logout()
        assert "user_id" not in session


def test_login_without_a_field(client: FlaskClient) -> None:
    """A form that lacks a field is a bad request; under test Flask says which."""
    assert client.post("/auth/login", data={"username": "test"}).status_code == 400


def test_a_session_that_the_test_makes(client: FlaskClient) -> None:
    """No login page is needed to be logged in."""
    with client.session_transaction() as made:
        made["user_id"] = 2
    assert "<span>other</span>" in client.get("/").text
    client.delete_cookie("session")
    assert "Log In" in client.get("/").text
