"""The shop, with and without its receipts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.verify.kit import run_pytest, write


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a folder with the shop, in which nothing was run yet."""
    return write(tmp_path)


@pytest.fixture(scope="session")
def _proven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop after its contracts passed: run once, copied by each test."""
    folder = write(tmp_path_factory.mktemp("shop"))
    result = run_pytest(folder, "--crossfade-receipts", "-k", "items")
    assert result.returncode == 0, result.stdout
    return folder


@pytest.fixture
def proven(_proven: Path, tmp_path: Path) -> Path:
    """Return a folder with the shop and the receipt of its native route."""
    return Path(shutil.copytree(_proven, tmp_path / "shop"))
