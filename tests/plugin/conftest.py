"""What holds for every run of pytest that these tests start."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture(autouse=True)
def _compile_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep no bytecode of the projects.

    Python believes it where a file that was changed within one second has kept its size.
    """
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
