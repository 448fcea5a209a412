"""The cases that the suite left, on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask
from flaskr import create_app
from flaskr_data import fill
from flaskr_native import create_native

from crossfade import mount_legacy
from crossfade.contract import SQLAlchemyState

MAP = Path(__file__).parent.parent / "migration_map.toml"


@pytest.fixture(scope="session")
def flask_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The application, on the data that the suite begins with."""
    database = tmp_path_factory.mktemp("contract") / "flaskr.sqlite"
    app = create_app({"DATABASE": str(database)})
    fill(app)
    return app


@pytest.fixture(scope="session")
def contract_app(flask_app: Flask) -> FastAPI:
    """Both sides."""
    native = create_native(flask_app)
    mount_legacy(native, flask_app, migration_map=MAP)
    return native


@pytest.fixture(scope="session")
def contract_state(flask_app: Flask) -> Iterator[SQLAlchemyState]:
    """The database."""
    state = SQLAlchemyState(f"sqlite:///{flask_app.config['DATABASE']}")
    yield state
    state.close()


def test_routes(contract_routes: Any) -> None:
    """Every route in every recorded case."""
    contract_routes.prove(probes=False)
