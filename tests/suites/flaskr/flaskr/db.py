"""One SQLite connection per request, in `g`."""

from __future__ import annotations

import sqlite3
from datetime import datetime

import click
from flask import Flask, current_app, g
from flask.cli import with_appcontext


def get_db() -> sqlite3.Connection:
    """Return the connection of this request."""
    if "db" not in g:
        # A native handler that is a plain `def` runs on a thread of its own.
        g.db = sqlite3.connect(current_app.config["DATABASE"], check_same_thread=False)
        g.db.row_factory = sqlite3.Row
    connection: sqlite3.Connection = g.db
    return connection


def close_db(error: BaseException | None = None) -> None:
    """Close the connection of this request, if it has one."""
    connection = g.pop("db", None)
    if connection is not None:
        connection.close()


def init_db() -> None:
    """Begin with empty tables."""
    with current_app.open_resource("schema.sql", "rb") as file:
        script: bytes = file.read()
    get_db().executescript(script.decode())


def moment(text: str) -> datetime:
    """Return a column's moment."""
    return datetime.fromisoformat(text)


@click.command("init-db")
@with_appcontext
def init_db_command() -> None:
    """Drop what there is and create new tables."""
    init_db()
    click.echo("Initialized the database.")


def init_app(app: Flask) -> None:
    """Let an application use the database."""
    app.teardown_appcontext(close_db)
    app.cli.add_command(init_db_command)
