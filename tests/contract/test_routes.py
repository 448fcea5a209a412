"""Every route of the example in all cases that can be made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from legacy_flask.seed import DEMO_EMAIL, DEMO_PASSWORD

if TYPE_CHECKING:
    from crossfade.contract.logins import LoginClient
    from crossfade.pytest_routes import Routes


def _member(client: LoginClient) -> Mapping[str, str]:
    client.post("/login", json={"email": DEMO_EMAIL, "password": DEMO_PASSWORD})
    # The token that a form of this session brings back: with it requests get past CSRFProtect.
    token = re.search(
        r'name="csrf_token" type="hidden" value="(.*?)"', client.get("/guestbook").text
    )
    assert token is not None
    return {"X-CSRFToken": token[1]}


@pytest.fixture
def contract_logins() -> Mapping[str, Any]:
    """Return the one who may see more."""
    return {"member": _member}


def test_every_route(contract_routes: Routes) -> None:
    """One line of a test: the rest comes from the URL map."""
    contract_routes.prove()
