"""The contracts on PostgreSQL, on a real server."""

from __future__ import annotations

import os

import pytest

from tests.servers.postgres import run_on_postgres

pytestmark = pytest.mark.slow


@pytest.mark.newest_versions
@pytest.mark.skipif("EXAMPLE_DATABASE_URL" in os.environ, reason="this is that run")
def test_the_contracts_on_postgresql() -> None:
    """What agrees on SQLite agrees on PostgreSQL: journeys, and all cases of some that write."""
    writes = [f"--crossfade-route={route}" for route in ("POST /users", "POST /matches", "PUT *")]
    run_on_postgres("tests/contract/test_journeys.py", "tests/contract/test_routes.py", *writes)
