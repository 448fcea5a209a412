"""`crossfade status --url`: the live state of the gateway that runs, not of one that is loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import Server, uvicorn

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

STATUS = '[gateway]\nstatus_path = "/_crossfade"\n'
GATEWAY = "tests.parity.native_app:create_app"


@pytest.fixture(scope="module")
def served() -> Iterator[Server]:
    """A gateway whose status path asks for a token."""
    settings = STATUS + 'status_token = "env:STATUS_TOKEN"'
    env = {"NATIVE_APP_SETTINGS": settings, "STATUS_TOKEN": "s3cret"}
    with uvicorn(GATEWAY, factory=True, env=env) as server:
        yield server


def crossfade(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `crossfade status` in an empty folder, where nothing could be loaded."""
    command = [
        sys.executable,
        "-c",
        "from crossfade.cli.main import main; main()",
        "status",
        *arguments,
    ]
    environ = {**os.environ, **env}
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


def test_status_url_shows_what_the_running_gateway_does(served: Server, tmp_path: Path) -> None:
    """As a table, and as JSON that names the process that answered."""
    url = f"http://127.0.0.1:{served.port}/_crossfade"
    token = ("--url", url, "--token", "env:HERE")
    table = crossfade(tmp_path, *token, HERE="s3cret")
    # The map's file was removed when the gateway had read it, which is a problem.
    assert (table.returncode, table.stderr) == (1, "")
    rows = [" ".join(line.split()) for line in table.stdout.splitlines()]
    assert rows[0] == "route stage served by FastAPI handler"
    assert any(row.startswith("GET /borrowed native fastapi") for row in rows)
    assert any(f":{served.pid} revision" in row for row in rows)
    assert rows[-1].startswith("not compared with the code here")
    (shown,) = json.loads(crossfade(tmp_path, *token, "--json", HERE="s3cret").stdout)
    assert shown["pid"] == served.pid


@pytest.mark.parametrize(
    ("path", "arguments", "message"),
    [
        ("/_crossfade", [], "it needs the token of [gateway] status_token"),
        ("/_crossfade", ["--token", "env:WRONG"], "it needs the token of [gateway] status_token"),
        ("/_crossfade", ["--token", "env:NOT_SET"], "NOT_SET is not set"),
        ("/_crossfade", ["--token", "s3cret"], "write the token as env:NAME"),
        ("/other", [], "answered 404"),
        ("/", [], "is not a gateway's status"),
    ],
)
def test_status_url_says_what_is_wrong(
    served: Server, tmp_path: Path, path: str, arguments: list[str], message: str
) -> None:
    """In one line, with exit status 2: the question could not be asked."""
    url = f"http://127.0.0.1:{served.port}{path}"
    run = crossfade(tmp_path, "--url", url, *arguments, WRONG="x")
    assert run.returncode == 2
    assert message in run.stderr
    assert len(run.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/_crossfade", "http://127.0.0.1:9 9/", "file:///etc/passwd", "x"]
)
def test_status_url_that_can_not_be_asked(tmp_path: Path, url: str) -> None:
    """Nobody listens, or it is not a URL of HTTP."""
    run = crossfade(tmp_path, "--url", url)
    assert (run.returncode, run.stdout) == (2, "")
    assert url in run.stderr
