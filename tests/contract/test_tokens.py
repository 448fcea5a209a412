"""Tokens to the last byte: where chance and the clock stand still both sides make the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from flask import Flask

from crossfade import mount_legacy
from crossfade.contract import frozen
from legacy_flask.seed import DEMO_EMAIL, DEMO_PASSWORD
from new_fastapi import Settings
from new_fastapi import create_app as create_native_app

if TYPE_CHECKING:
    from crossfade.contract.freezing import Frozen
    from crossfade.contract.logins import LoginClient
    from crossfade.pytest_routes import Routes


@pytest.fixture(scope="module")
def contract_app(legacy: Flask, tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """Return the gateway with a map that overlooks nothing."""
    path = tmp_path_factory.mktemp("map") / "map.toml"
    path.write_text("[routes]\n")
    app = create_native_app(Settings.load(legacy.config))
    mount_legacy(app, legacy, migration_map=path)
    return app


@pytest.fixture(scope="module")
def contract_frozen() -> Frozen:
    """Stop chance and the clock."""
    return frozen(seed=1, at="2026-01-02T03:04:05Z")


@pytest.fixture
def contract_logins() -> Mapping[str, Any]:
    """Return who may renew a token."""

    def fan(client: LoginClient) -> Mapping[str, str]:
        form = {"username": DEMO_EMAIL, "password": DEMO_PASSWORD}
        token = client.post("/fan-api/token", data=form).json()["refresh_token"]
        return {"authorization": f"Bearer {token}"}

    return {"fan": fan}


@pytest.mark.parametrize("route", ["POST /fan-api/token", "POST /fan-api/refresh"])
def test_tokens_are_alike(contract_routes: Routes, route: str) -> None:
    """Header, claims, their order and the signature."""
    contract_routes.prove(route)
