"""The contracts on PostgreSQL: all of them again, on a real server."""

from __future__ import annotations

import os

import pytest

from tests.servers.postgres import run_on_postgres


@pytest.mark.skipif("EXAMPLE_DATABASE_URL" in os.environ, reason="this is that run")
def test_the_contracts_on_postgresql() -> None:
    """What agrees on SQLite agrees on PostgreSQL."""
    run_on_postgres("tests/contract")
