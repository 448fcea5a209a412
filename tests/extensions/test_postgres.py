"""The database's extensions on PostgreSQL: their tests again, on a real server."""

from __future__ import annotations

import os

import pytest

from tests.servers.postgres import run_on_postgres

pytestmark = pytest.mark.slow


@pytest.mark.newest_versions
@pytest.mark.skipif("EXAMPLE_DATABASE_URL" in os.environ, reason="this is that run")
def test_the_database_on_postgresql() -> None:
    """Sessions, transactions and migrations hold on PostgreSQL as on SQLite."""
    database = "tests/extensions/test_database.py::test"
    run_on_postgres(
        f"{database}_refused_and_nothing_left",
        f"{database}_a_handler_that_fails_leaves_nothing",
        f"{database}_what_a_hook_committed_is_seen",
        f"{database}_what_a_hook_did_not_commit",
        "tests/extensions/test_migrations.py",
    )
