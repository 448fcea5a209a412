"""Bring a new SQLite database to life, once, however many workers boot together."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from flask import Flask
from sqlalchemy import Connection, inspect

from legacy_flask.extensions import db, migrate
from legacy_flask.seed import insert_demo_data


def prepare(app: Flask) -> None:
    """Run the migrations and seed the demo data if the SQLite database has no tables yet.

    Both happen in one exclusive transaction: workers that boot meanwhile wait for its lock and
    then find the work done; a crash half-way leaves an empty database to the next boot.
    A database that was migrated before is left alone, whatever its revision.
    """
    with app.app_context():
        if db.engine.url.database:
            Path(db.engine.url.database).parent.mkdir(parents=True, exist_ok=True)
        with db.engine.connect() as connection:
            if not _is_migrated(connection):
                connection.rollback()
                connection.exec_driver_sql("BEGIN EXCLUSIVE")
                if not _is_migrated(connection):
                    _create(connection)
                connection.commit()
        # A server may fork its workers now, and SQLite connections must not cross a fork.
        db.engine.dispose()


def _is_migrated(connection: Connection) -> bool:
    return inspect(connection).has_table("alembic_version")


def _create(connection: Connection) -> None:
    config = migrate.get_config()
    config.attributes["connection"] = connection  # migrations/env.py joins our transaction
    command.upgrade(config, "head")
    insert_demo_data(connection)
