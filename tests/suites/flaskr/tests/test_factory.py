"""The application's factory and its shell commands."""

from __future__ import annotations

import sqlite3

import pytest
from flask import Flask
from flask.testing import FlaskClient, FlaskCliRunner
from flaskr import create_app
from flaskr.db import get_db


def test_settings() -> None:
    """Only the settings given make it a test application."""
    assert not create_app().testing
    assert create_app({"TESTING": True}).testing


def test_hello(client: FlaskClient) -> None:
    """The smallest page."""
    response = client.get("/hello")
    assert response.data == b"Hello, World!"
    assert response.status == "200 OK"


def test_one_connection_per_context(app: Flask) -> None:
    """It is closed with the context."""
    with app.app_context():
        connection = get_db()
        assert connection is get_db()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_init_db_command(runner: FlaskCliRunner) -> None:
    """The command says what it did."""
    assert "Initialized" in runner.invoke(args=["init-db"]).output


def test_two_applications(app: Flask, client: FlaskClient) -> None:
    """A second application answers beside the first."""
    other = Flask("other")
    other.add_url_rule("/hello", view_func=lambda: "another", endpoint="hello")
    assert other.test_client().get("/hello").text == "another"
    assert client.get("/hello").text == "Hello, World!"
