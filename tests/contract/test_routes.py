"""Every route of the example in all cases that can be made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from legacy_flask.seed import DEMO_EMAIL, DEMO_PASSWORD

if TYPE_CHECKING:
    from crossfade.contract.engine.auth import LoginClient
    from crossfade.pytest.routes import Routes


def _member(client: LoginClient) -> Mapping[str, str]:
    client.post("/login", json={"email": DEMO_EMAIL, "password": DEMO_PASSWORD})
    # The token that a form of this session brings back: with it requests get past CSRFProtect.
    token = re.search(
        r'name="csrf_token" type="hidden" value="(.*?)"', client.get("/guestbook").text
    )
    assert token is not None
    return {"X-CSRFToken": token[1]}


def _grace(client: LoginClient) -> None:
    client.post("/login", json={"email": "grace@example.com", "password": DEMO_PASSWORD})


def _fan(client: LoginClient) -> Mapping[str, str]:
    return _bearer(client, "access_token")


def _fans_refresh(client: LoginClient) -> Mapping[str, str]:
    return _bearer(client, "refresh_token")


def _bearer(client: LoginClient, kind: str) -> Mapping[str, str]:
    form = {"username": DEMO_EMAIL, "password": DEMO_PASSWORD}
    return {"authorization": f"Bearer {client.post('/fan-api/token', data=form).json()[kind]}"}


@pytest.fixture
def contract_logins() -> Mapping[str, Any]:
    """Return those who may see more: the treasurer, a member, and who has a token."""
    return {"member": _member, "grace": _grace, "fan": _fan, "fan's refresh": _fans_refresh}


def test_every_route(contract_routes: Routes) -> None:
    """One line of a test: the rest comes from the URL map."""
    contract_routes.prove()
