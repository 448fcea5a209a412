"""A server with a bad map refuses to start, and says everything that is wrong with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.kit import BAD, LEGACY
from tests.servers.harness import ROOT, free_port

pytestmark = pytest.mark.slow

UVICORN = ["uvicorn", "tests.live.app:app", "--log-level", "warning", "--port"]
GUNICORN = ["gunicorn", "tests.live.app:app", "-k", "uvicorn.workers.UvicornWorker", "-b"]
NO_ROUTE = LEGACY + '"GET /typo" = "native"\n'


def start(server: list[str], path: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Start a server that ends by itself; return what it said."""
    port = str(free_port())
    address = port if server[-1] == "--port" else f"127.0.0.1:{port}"
    return subprocess.run(
        [sys.executable, "-m", *server, address],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CROSSFADE_TEST_MAP": str(path), **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("server", [UVICORN, GUNICORN], ids=["uvicorn", "gunicorn"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ["there is no such file"]),
        (BAD, ["map.toml:5: GET /users/<int:user_id>: unknown stage", "map.toml:6: GET /typo"]),
        (LEGACY + "x = \n[gateway]\n", ["map.toml:6: this is not TOML"]),
    ],
    ids=["missing", "bad", "no-toml"],
)
def test_boot_with_a_bad_map_prints_its_problems_and_no_traceback(
    tmp_path: Path, server: list[str], text: str | None, expected: list[str]
) -> None:
    """The process ends, with the exit code after which gunicorn starts no new worker."""
    path = tmp_path / "map.toml"
    if text is not None:
        path.write_text(text)
    ended = start(server, path)
    assert ended.returncode == 3
    assert "Traceback" not in ended.stderr
    _, _, said = ended.stderr.partition("crossfade can't start: the migration map has ")
    problems = said.splitlines()[1 : 1 + len(expected)]
    for line, problem in zip(expected, problems, strict=True):
        assert line in problem


@pytest.mark.parametrize("server", [UVICORN, GUNICORN], ids=["uvicorn", "gunicorn"])
def test_boot_with_a_route_that_the_lifespan_does_not_add_ends_alike(
    tmp_path: Path, server: list[str]
) -> None:
    """The server says why in its own log, in the same words."""
    path = tmp_path / "map.toml"
    path.write_text(NO_ROUTE)
    ended = start(server, path, CROSSFADE_TEST_LIFESPAN="1")
    assert ended.returncode == 3
    assert "Traceback" not in ended.stderr
    assert "the migration map has 1 problem:\n  " in ended.stderr
    assert f"{path}:6: GET /typo: unknown route" in ended.stderr


def test_boot_error_outside_of_a_server_is_an_ordinary_exception(tmp_path: Path) -> None:
    """A script, a shell, a test run: whoever imports the gateway may catch it."""
    path = tmp_path / "map.toml"
    path.write_text(NO_ROUTE)
    code = (
        "from crossfade import MapError\n"
        "try:\n    import tests.live.app\n"
        "except MapError as error:\n    print(type(error).__name__, len(error.problems))\n"
    )
    environ = {**os.environ, "CROSSFADE_TEST_MAP": str(path)}
    command = [sys.executable, "-c", code]
    ended = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    assert (ended.stdout, ended.stderr) == ("MapError 1\n", "")


def test_boot_error_within_a_server_can_be_caught_as_a_map_error(tmp_path: Path) -> None:
    """So that an application can go on without its gateway."""
    (tmp_path / "careful.py").write_text(
        "from crossfade import MapError\n"
        "try:\n    import tests.live.app\n"
        "except MapError as error:\n    raise SystemExit(f'{len(error.problems)} caught')\n"
    )
    path = tmp_path / "map.toml"
    path.write_text(NO_ROUTE)
    server = ["uvicorn", "careful:app", "--app-dir", str(tmp_path), "--port"]
    ended = start(server, path)
    assert ended.stderr.endswith("1 caught\n")
