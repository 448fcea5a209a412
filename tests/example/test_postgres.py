"""The example on PostgreSQL: all of its tests again, on a real server."""

from __future__ import annotations

import os

import pytest

from tests.servers.postgres import run_on_postgres

pytestmark = pytest.mark.slow


@pytest.mark.skipif("EXAMPLE_DATABASE_URL" in os.environ, reason="this is that run")
def test_the_example_on_postgresql() -> None:
    """What holds on SQLite holds on PostgreSQL."""
    run_on_postgres("tests/example")
