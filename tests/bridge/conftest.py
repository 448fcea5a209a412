"""The servers of these tests, each started once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bridge.probes import PARSERS
from tests.servers import Server, gunicorn, uvicorn

LEGACY = "tests.bridge.apps:legacy"
GATEWAY = "tests.bridge.apps:gateway"
BARE = "tests.bridge.apps:bare"


@pytest.fixture(scope="session")
def direct() -> Iterator[Server]:
    """Flask under gunicorn."""
    with gunicorn(LEGACY, "--keep-alive", "1") as server:
        yield server


@pytest.fixture(scope="session", params=PARSERS)
def gateway(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Flask behind the gateway, under each HTTP parser."""
    keep_alive = ("--timeout-keep-alive", "1", "--no-server-header")
    with uvicorn(GATEWAY, *keep_alive, http=request.param) as server:
        yield server
