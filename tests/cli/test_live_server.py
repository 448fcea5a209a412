"""`status --url` and `cutover --url`: what the workers of a running server have."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.cli.test_cli import GATEWAY, crossfade
from tests.servers import Server, until, uvicorn
from tests.servers.harness import free_port

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

SETTINGS = '[gateway]\nstatus_path = "/_crossfade"\nserved_by_header = true\n[routes]\n'
HANDLER = """
@app.get("/users")
def users(): return []

"""
WAIVED = ("--waive", "the client is ours", "--until", "2999-01-31")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose map has a status page and lists nothing."""
    (tmp_path / "gateway.py").write_text(GATEWAY, encoding="utf-8")
    (tmp_path / "migration_map.toml").write_text(SETTINGS, encoding="utf-8")
    return tmp_path


def write_handler(project: Path) -> None:
    """Write the FastAPI handler of `GET /users`."""
    text = GATEWAY.replace("mount_legacy(app", HANDLER + "mount_legacy(app")
    (project / "gateway.py").write_text(text, encoding="utf-8")


def serve(project: Path, *arguments: str) -> Server:
    """Serve the project."""
    return uvicorn("gateway:app", "--app-dir", str(project), *arguments, ready="/_crossfade")


def url_of(server: Server) -> str:
    """Return the URL of a server's status page."""
    return f"http://127.0.0.1:{server.port}/_crossfade"


def test_cutover_refuses_while_the_server_runs_older_code(project: Path) -> None:
    """Written, proven, and not deployed: the map stays as it is, and it says what to do first."""
    with serve(project) as server:
        write_handler(project)
        result = crossfade(project, "cutover", "GET /users", *WAIVED, "--url", url_of(server))
        assert result.returncode == 1
        assert "GET /users: 1 of 1 worker at http://127.0.0.1" in result.stderr
        assert "no FastAPI handler for it: the code is older than the handler" in result.stderr
        assert "Deploy, or restart the server, then move the route" in result.stderr
        status = crossfade(project, "status", "--url", url_of(server))
    assert (project / "migration_map.toml").read_text() == SETTINGS
    assert status.returncode == 1
    assert "GET /users: gateway.users is written here, and 1 of 1 worker runs code" in status.stdout


def test_cutover_with_the_code_deployed_waits_for_the_workers(project: Path) -> None:
    """It says how many took the map over; `status --url` then finds nothing wrong."""
    write_handler(project)
    with serve(project, "--workers", "2") as server:
        result = crossfade(project, "cutover", "GET /users", *WAIVED, "--url", url_of(server))
        assert (result.returncode, result.stderr) == (0, "")
        assert "2 of 2 workers took it over" in result.stdout
        status = crossfade(project, "status", "--url", url_of(server))
        assert (status.returncode, status.stderr) == (0, "")
        rows = [" ".join(line.split()) for line in status.stdout.splitlines()]
        assert "GET /users native fastapi gateway.users" in rows
        assert "2 workers answered:" in rows
        values = json.loads(crossfade(project, "status", "--json", "--url", url_of(server)).stdout)
        assert len({worker["pid"] for worker in values}) == 2


def test_edit_ahead_of_the_code_is_called_so_by_the_server(project: Path) -> None:
    """Nobody was asked: the server keeps its map, and says to restart it wherever one looks."""
    with serve(project) as server:
        write_handler(project)
        result = crossfade(project, "cutover", "GET /users", *WAIVED)
        assert (result.returncode, result.stderr) == (0, "")
        assert "has to be restarted first (--url asks its workers)" in result.stdout
        until(lambda: "FastAPI has no route for GET /users" in server.log(), 10, "the edit seen")
        status = crossfade(project, "status", "--url", url_of(server))
        assert status.returncode == 1
        assert "deploy or restart the server first" in status.stdout
        assert "deploy or restart the server first" in server.log()


def test_status_of_a_server_needs_no_application_here(project: Path, tmp_path: Path) -> None:
    """From a machine that has no copy of the code."""
    (empty := tmp_path / "empty").mkdir()
    with serve(project) as server:
        status = crossfade(empty, "status", "--url", url_of(server))
    assert (status.returncode, status.stderr) == (0, "")
    assert "1 worker answered" in status.stdout
    assert "not compared with the code here: there is no module 'gateway'" in status.stdout


class _Answers(BaseHTTPRequestHandler):
    """Answers as the path says, to who has the header."""

    def do_GET(self) -> None:
        """Answer."""
        allowed = self.headers.get("Authorization") == "Bearer of: news"
        self.send_response(200 if allowed else 401)
        self.end_headers()
        self.wfile.write(b"[1, 2]" if self.path == "/json" else b"<p>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def stranger() -> Iterator[str]:
    """The address of a server that is no gateway."""
    with HTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_url_that_nobody_answers_is_unusable(project: Path) -> None:
    """The question could not be asked: exit code 2."""
    url = f"http://127.0.0.1:{free_port()}/"
    for command in (["status"], ["cutover", "GET /hello", *WAIVED]):
        result = crossfade(project, *command, "--url", url)
        assert result.returncode == 2
        assert f"crossfade: {url} does not answer: " in result.stderr


@pytest.mark.parametrize(
    ("path", "header", "message"),
    [
        ("/json", "Authorization: Bearer of: news", "is not a gateway's status. Give the URL"),
        ("/html", "Authorization: Bearer of: news", "is not a gateway's status. Give the URL"),
        ("/json", "Authorization: none", "answered 401: it needs the token"),
        ("/json", "Authorization", "'Authorization' is not a header: write 'Name: value'"),
    ],
)
def test_url_of_something_else_says_what_to_give(
    project: Path, stranger: str, path: str, header: str, message: str
) -> None:
    """Headers are sent along, for a status page behind a login."""
    result = crossfade(project, "status", "--url", stranger + path, "--header", header)
    assert result.returncode == 2
    assert message in result.stderr


def test_url_without_a_scheme_is_refused(project: Path) -> None:
    """No file is read for one."""
    result = crossfade(project, "status", "--url", "file:///etc/hostname")
    assert (result.returncode, "is not a URL: write http://" in result.stderr) == (2, True)
