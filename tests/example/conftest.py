"""Both sides of the example on one seeded database.

`EXAMPLE_DATABASE_URL=postgresql://…` runs the tests on that (empty) database instead of SQLite.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from flask import Flask
from flask.testing import FlaskClient

import new_fastapi
from legacy_flask import create_app
from legacy_flask.extensions import db, migrate
from legacy_flask.seed import reset_data

from .native_client import NativeClient, serve


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return a configuration without delays, on a database of its own."""
    folder: Path = tmp_path_factory.mktemp("club")
    return {
        "SQLALCHEMY_DATABASE_URI": os.environ.get(
            "EXAMPLE_DATABASE_URL", f"sqlite:///{folder}/club.db"
        ),
        "UPLOAD_DIR": str(folder / "uploads"),
        "MAX_CONTENT_LENGTH": 1000,
        "DASHBOARD_SCORES_DELAY": 0.0,
        "DASHBOARD_NEWS_DELAY": 0.0,
        "FEED_INTERVAL": 0.0,
    }


@pytest.fixture(scope="session")
def legacy_app(config: dict[str, Any]) -> Iterator[Flask]:
    """Return the Flask application, its tables made."""
    app = create_app(config)
    with app.app_context():
        if not app.config["PREPARE_DATABASE"]:
            command.upgrade(migrate.get_config(), "head")
    # Outside the context: inside, all requests would share it, and one database session.
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def legacy(legacy_app: Flask) -> FlaskClient:
    """Return a client of the Flask application, without cookies, on the seeded database."""
    reset_data(legacy_app)
    return legacy_app.test_client()


@pytest.fixture(scope="session")
def native_client(legacy_app: Flask) -> Iterator[NativeClient]:
    """Return a client of the FastAPI application on the same database."""
    app = new_fastapi.create_app(new_fastapi.Settings.load(legacy_app.config))
    with serve(app) as client:
        yield client


@pytest.fixture
def native(native_client: NativeClient, legacy_app: Flask) -> NativeClient:
    """Return the FastAPI client on the seeded database."""
    reset_data(legacy_app)
    return native_client
