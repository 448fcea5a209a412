"""The example's gateway on a database of its own, and what is reset between the two sides.

`EXAMPLE_DATABASE_URL=postgresql://…` runs the contracts on that (empty) database.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from fastapi import FastAPI
from flask import Flask
from sqlalchemy import update
from werkzeug.security import generate_password_hash

from crossfade import mount_legacy
from crossfade.contract import SQLAlchemyState, States, frozen
from crossfade.contract.state.frozen import Frozen
from legacy_flask import create_app
from legacy_flask.extensions import cache, db, limiter, migrate
from legacy_flask.models import User
from legacy_flask.seed import DEMO_PASSWORD, reset_data
from legacy_flask.views import fans
from new_fastapi import Settings
from new_fastapi import create_app as create_native_app
from tests.extensions.revoked import RevokedTokens
from tests.extensions.states import CachedAnswers, Limits

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
            "TOKEN_BLOCKLIST": str(folder / "revoked-tokens"),
            # Those of `contract_logins` are made once, and used until the end of the run.
            "JWT_ACCESS_TOKEN_EXPIRES": timedelta(days=1),
        }
    )
    if not app.config["PREPARE_DATABASE"]:
        with app.app_context():
            command.upgrade(migrate.get_config(), "head")
        reset_data(app)
    _give_passwords(app)
    yield app
    with app.app_context():
        db.engine.dispose()


def _give_passwords(app: Flask) -> None:
    """Let Ada and Grace log in, who is no treasurer, without the time that a real hash takes."""
    cheap = generate_password_hash(DEMO_PASSWORD, "pbkdf2:sha256:1")
    with app.app_context():
        db.session.execute(update(User).where(User.id < 3).values(password_hash=cheap))
        db.session.commit()


@pytest.fixture(scope="session")
def contract_frozen() -> Frozen:
    """Stop chance and the clock: both sides have to make the same tokens, to the last byte."""
    return frozen(seed=1, at="2026-01-02T03:04:05Z")


@pytest.fixture(scope="session")
def contract_app(legacy: Flask) -> FastAPI:
    """Return the gateway as `gateway.py` makes it."""
    app = create_native_app(Settings.load(legacy.config))
    mount_legacy(app, legacy, migration_map=ROOT / "migration_map.toml")
    return app


@pytest.fixture(scope="session")
def contract_state(legacy: Flask) -> Iterator[States]:
    """Reset what both sides share: the database, counters of rate limits, cache, blocklist."""
    database = SQLAlchemyState(legacy.config["SQLALCHEMY_DATABASE_URI"])
    answers = [fans.standings_key(order) for order in fans.ORDERS]
    revoked = RevokedTokens(legacy.config["TOKEN_BLOCKLIST"])
    yield States(database, Limits(limiter), CachedAnswers(legacy, cache, answers), revoked)
    database.close()
