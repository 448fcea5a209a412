"""A file that the server in front sends: the head announces it, and the body is empty."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.bridge.probes import PARSERS
from tests.servers import Closed, Connection, Server, free_port, uvicorn
from tests.servers import request_bytes as req
from tests.servers.harness import start

CONTENT = b"the file" * 1000


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is downloaded."""
    path = tmp_path_factory.mktemp("files") / "report.bin"
    path.write_bytes(CONTENT)
    path.chmod(0o644)
    for parent in list(path.parents)[:3]:
        parent.chmod(0o755)
    return path


@pytest.fixture(scope="module", params=PARSERS)
def server(request: pytest.FixtureRequest, file: Path) -> Iterator[Server]:
    """The gateway under each HTTP parser."""
    app = "tests.bridge.sendfile_app:create_app"
    env = {"SENDFILE_PATH": str(file)}
    with uvicorn(app, factory=True, http=request.param, env=env) as running:
        yield running


@pytest.mark.parametrize(
    ("target", "header"),
    [
        ("/download", "x-sendfile"),
        ("/accelerated", "x-accel-redirect"),
        ("/generated", "x-sendfile"),
        ("/native?early=1", "x-sendfile"),
    ],
)
def test_sendfile_answer_is_whole_and_the_connection_stays(
    server: Server, target: str, header: str
) -> None:
    """Also where a hook gives it in the place of a native answer; the log has no traceback."""
    with Connection(server.address) as connection:
        for _ in range(2):
            connection.send(req("GET", target))
            answer = connection.response()
            assert (answer.status, answer.body, answer.complete) == (200, b"", True)
            assert answer.get("content-length") == "0"
            assert answer.get(header) is not None
    assert "Traceback" not in server.log()


def test_sendfile_head_names_the_length(server: Server) -> None:
    """As under gunicorn: nothing is waited for after a HEAD."""
    with Connection(server.address) as connection:
        connection.send(req("HEAD", "/download"))
        answer = connection.response("HEAD")
    assert (answer.status, answer.get("content-length")) == (200, str(len(CONTENT)))


def test_sendfile_with_a_part_of_a_body_is_cut(server: Server) -> None:
    """Fewer bytes than announced are still an error, and not taken for a file of somebody's."""
    with Connection(server.address) as connection:
        connection.send(req("GET", "/short"))
        with suppress(Closed):  # before its head
            assert not connection.response().complete


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_sendfile_nginx_sends_the_file(server: Server, file: Path, tmp_path: Path) -> None:
    """The client gets the file, of its own length, from nginx in front of the gateway."""
    port = free_port()
    (tmp_path / "nginx.conf").write_text(
        f"""
        user root; daemon off; pid {tmp_path}/pid; error_log stderr; events {{}}
        http {{
            access_log off;
            client_body_temp_path {tmp_path}/1; proxy_temp_path {tmp_path}/2;
            fastcgi_temp_path {tmp_path}/3; uwsgi_temp_path {tmp_path}/4;
            scgi_temp_path {tmp_path}/5;
            server {{
                listen 127.0.0.1:{port};
                location / {{ proxy_pass http://127.0.0.1:{server.port}; }}
                location /files/ {{ internal; alias {file.parent}/; }}
            }}
        }}
        """,
        encoding="utf-8",
    )
    command = ["nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    address = ("127.0.0.1", port)
    with start("nginx", command, address) as nginx, Connection(nginx.address) as connection:
        connection.send(req("GET", "/accelerated"))
        answer = connection.response()
    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.get("content-length") == str(len(CONTENT))
