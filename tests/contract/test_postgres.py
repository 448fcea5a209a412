"""The contracts on PostgreSQL: all of them again, on a real server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.postgres import postgres

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.skipif("EXAMPLE_DATABASE_URL" in os.environ, reason="this is that run")
def test_the_contracts_on_postgresql() -> None:
    """What agrees on SQLite agrees on PostgreSQL."""
    with postgres() as url:
        result = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract"],
            cwd=ROOT,
            env={**os.environ, "EXAMPLE_DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == 0, result.stdout[-4000:]
    assert " passed" in result.stdout
