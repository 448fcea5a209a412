"""A server with a bad map refuses to start, and says everything that is wrong with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.kit import BAD, LEGACY
from tests.servers.harness import ROOT, free_port


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ["there is no such file"]),
        (BAD, ["map.toml:5: GET /users/<int:user_id>: unknown stage", "map.toml:6: GET /typo"]),
        (LEGACY + "x = \n[gateway]\n", ["map.toml:6: this is not TOML"]),
    ],
    ids=["missing", "bad", "no-toml"],
)
def test_refuses_to_start(tmp_path: Path, text: str | None, expected: list[str]) -> None:
    """The problems are on standard error; the process ends with a failure."""
    path = tmp_path / "map.toml"
    if text is not None:
        path.write_text(text)
    command = [sys.executable, "-m", "uvicorn", "tests.live.app:app"]
    command += ["--port", str(free_port()), "--log-level", "warning"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "CROSSFADE_TEST_MAP": str(path)}
    ended = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode != 0
    for line in expected:
        assert line in ended.stderr
