"""The example's gateway on a database of its own, and what is reset between the two sides.

`EXAMPLE_DATABASE_URL=postgresql://…` runs the contracts on that (empty) database.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from fastapi import FastAPI
from flask import Flask

from crossfade import mount_legacy
from crossfade.contract import SQLAlchemyState
from legacy_flask import create_app
from legacy_flask.extensions import db, migrate
from legacy_flask.seed import reset_data
from new_fastapi import Settings
from new_fastapi import create_app as create_native_app

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Return the Flask application, seeded, without the dashboard's delays."""
    folder = tmp_path_factory.mktemp("club")
    app = create_app(
        {
            "SQLALCHEMY_DATABASE_URI": os.environ.get(
                "EXAMPLE_DATABASE_URL", f"sqlite:///{folder}/club.db"
            ),
            "UPLOAD_DIR": str(folder / "uploads"),
            "MAX_CONTENT_LENGTH": 2000,
            "DASHBOARD_SCORES_DELAY": 0.0,
            "DASHBOARD_NEWS_DELAY": 0.0,
        }
    )
    if not app.config["PREPARE_DATABASE"]:
        with app.app_context():
            command.upgrade(migrate.get_config(), "head")
        reset_data(app)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="session")
def contract_app(legacy: Flask) -> FastAPI:
    """Return the gateway as `gateway.py` makes it."""
    app = create_native_app(Settings.load(legacy.config))
    mount_legacy(app, legacy, migration_map=ROOT / "migration_map.toml")
    return app


@pytest.fixture(scope="session")
def contract_state(legacy: Flask) -> Iterator[SQLAlchemyState]:
    """Reset the database that both sides share."""
    state = SQLAlchemyState(legacy.config["SQLALCHEMY_DATABASE_URI"])
    yield state
    state.close()
