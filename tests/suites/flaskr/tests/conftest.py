"""Each test has an application of its own, on a database of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from flaskr import create_app
from flaskr_data import fill
from werkzeug.test import TestResponse


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    """An application with two users and one post."""
    app = create_app({"TESTING": True, "DATABASE": str(tmp_path / "test.sqlite")})
    fill(app)
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser."""
    return app.test_client()


@pytest.fixture
def runner(app: Flask) -> FlaskCliRunner:
    """A shell."""
    return app.test_cli_runner()


class AuthActions:
    """Logs a client in and out."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def login(self, username: str = "test", password: str = "test") -> TestResponse:  # noqa: S107
        """Log in."""
        return self._client.post("/auth/login", data={"username": username, "password": password})

    def logout(self) -> TestResponse:
        """Log out."""
        return self._client.get("/auth/logout")


@pytest.fixture
def auth(client: FlaskClient) -> AuthActions:
    """What logs the client in."""
    return AuthActions(client)
