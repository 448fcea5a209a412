"""The environ, from the scope alone: what servers, mounts and middlewares make of a request."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask, request

from crossfade import mount_legacy
from crossfade.scope.environ import FileWrapper, build_environ, path_info, script_name
from tests.bridge.compare import run
from tests.bridge.conftest import GATEWAY, LEGACY
from tests.bridge.inprocess import ask as served
from tests.bridge.inprocess import run as in_process
from tests.bridge.inprocess import scope
from tests.bridge.probes import PARSERS, ask
from tests.servers import Server, gunicorn, uvicorn

pytestmark = pytest.mark.slow


def built(**more: Any) -> dict[str, Any]:
    """Return the environ of a scope."""
    return build_environ(scope(**more), io.BytesIO())


@pytest.mark.parametrize(
    ("path", "raw", "root", "expected"),
    [
        ("/a", b"/a", "", "/a"),
        ("/a", None, "", "/a"),
        ("/", b"/", "", "/"),
        ("", b"", "", ""),
        ("//a", b"//a", "", "//a"),
        ("*", b"*", "", "*"),
        # percent-decoded bytes, one character each
        ("/caf\xe9", b"/caf%C3%A9", "", "/caf\xc3\xa9"),
        ("/\ufffd", b"/%ff", "", "/\xff"),
        ("/a/b", b"/a%2Fb", "", "/a/b"),
        ("/a%2Fb", b"/a%252Fb", "", "/a%2Fb"),
        ("/%zz", b"/%zz", "", "/%zz"),
        ("/caf\xe9", None, "", "/caf\xc3\xa9"),
        # other forms of the target
        ("http://h/a", b"http://h/a", "", "/a"),
        ("http://h", b"http://h", "", ""),
        ("http://h/\xe9", b"http://h/%C3%A9", "", "/\xc3\xa9"),
        ("/a#b", b"/a#b", "", "/a"),
        ("/a#b", b"/a%23b", "", "/a#b"),
        # a prefix ends where a segment ends
        ("/api/x", b"/api/x", "/api", "/x"),
        ("/api/x", b"/api/x", "/api/", "/x"),
        ("/api//x", b"/api//x", "/api/", "/x"),
        ("/api//x", b"/api//x", "/api", "//x"),
        ("/api/", b"/api/", "/api/", "/"),
        ("//x", b"//x", "/", "/x"),
        ("/api", b"/api", "/api", ""),
        ("/api/", b"/api/", "/api", "/"),
        ("/apiary", b"/apiary", "/api", "/apiary"),
        ("/apisecure/x", b"/apisecure/x", "/api", "/apisecure/x"),
        ("/x", b"/x", "/api", "/x"),
        ("/\xe9/x", b"/%C3%A9/x", "/\xe9", "/x"),
        # a middleware rewrote the path and left raw_path as it was
        ("/new", b"/old", "", "/new"),
        ("/n\xe9w", b"/old", "", "/n\xc3\xa9w"),
    ],
)
def test_path_info(path: str, raw: bytes | None, root: str, expected: str) -> None:
    """The path below the prefix, as latin-1."""
    assert path_info({"path": path, "raw_path": raw, "root_path": root}) == expected


def test_script_name() -> None:
    """The prefix, as latin-1."""
    assert script_name({"root_path": "/\xe9/"}) == "/\xc3\xa9"
    assert script_name({}) == ""


def test_prefix_and_path_make_the_url() -> None:
    """SCRIPT_NAME + PATH_INFO is what was asked for, wherever the application is mounted."""
    environ = built(target="/api/x", root_path="/api")
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/api", "/x")
    assert (environ["RAW_URI"], environ["REQUEST_URI"]) == ("/api/x", "/api/x")


@pytest.mark.parametrize(
    ("version", "protocol"),
    [("1.0", "HTTP/1.0"), ("1", "HTTP/1.0"), ("1.1", "HTTP/1.1"), ("2", "HTTP/2.0")],
)
def test_the_protocol(version: str, protocol: str) -> None:
    """As servers spell it: granian says `1` for HTTP/1.0, which nginx speaks unless told not to."""
    assert built(http_version=version)["SERVER_PROTOCOL"] == protocol


def test_a_name_with_an_underscore_is_dropped() -> None:
    """Also where it stands first, or alone."""
    environ = built(headers=[(b"x_user", b"admin"), (b"x-user", b"me"), (b"y_user", b"admin")])
    assert environ["HTTP_X_USER"] == "me"
    assert "HTTP_Y_USER" not in environ


def test_repeated_headers_are_joined() -> None:
    """With a comma; crumbs of a cookie with a semicolon."""
    headers = [(b"x-a", b"1"), (b"cookie", b"a=1"), (b"x-a", b" 2 "), (b"cookie", b"b=2")]
    environ = built(headers=headers)
    assert (environ["HTTP_X_A"], environ["HTTP_COOKIE"]) == ("1,2", "a=1; b=2")


def test_many_names_are_not_kept() -> None:
    """The memory of header names has a bound that clients cannot pass."""
    from crossfade.scope import environ as module

    for number in range(5000):
        built(headers=[(b"x-name-%d" % number, b"")])
    assert len(module._KEYS) <= 1024
    assert built(headers=[(b"x-name-4999", b"1")])["HTTP_X_NAME_4999"] == "1"


def test_who_a_client_behind_a_proxy_is() -> None:
    """The server's word counts (`scope["client"]`); a port that it does not know is left out."""
    environ = built(client=("203.0.113.9", 0), scheme="https")
    assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == ("203.0.113.9", "https")
    assert "REMOTE_PORT" not in environ
    assert built()["REMOTE_PORT"] == "40000"


@pytest.mark.parametrize(
    ("host", "name", "port"),
    [(b"a.test", "a.test", "80"), (b"a.test:81", "a.test", "81"), (None, "/run/x", "80")],
)
def test_a_unix_socket(host: bytes | None, name: str, port: str) -> None:
    """SERVER_* from Host, as gunicorn has it; REMOTE_ADDR is empty."""
    asked = scope(server=("/run/x", None), client=None)
    asked["headers"] = [] if host is None else [(b"host", host)]
    environ = build_environ(asked, None)
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == (name, port)
    assert environ["REMOTE_ADDR"] == ""


@pytest.mark.parametrize("parser", PARSERS)
def test_a_unix_socket_equals_gunicorn(parser: str, tmp_path: Path) -> None:
    """The same over real ones."""
    probe = ask("/raw/env?a=1", "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: b")
    one, other = tmp_path / "one", tmp_path / "other"
    with (
        gunicorn(LEGACY, uds=str(one)) as direct,
        uvicorn(GATEWAY, http=parser, uds=str(other)) as gateway,
    ):
        assert run(gateway, probe) == run(direct, probe)


def test_a_trusted_proxy_is_believed_by_the_server() -> None:
    """Uvicorn owns forwarded headers: told not to, REMOTE_ADDR is the proxy as under gunicorn."""
    probe = ask("/raw/env", "X-Forwarded-For: 203.0.113.9")
    with uvicorn(GATEWAY) as believing:
        assert b'"REMOTE_ADDR": "203.0.113.9"' in run(believing, probe)[0]["body"]
    with uvicorn(GATEWAY, "--no-proxy-headers") as plain, gunicorn(LEGACY) as direct:
        assert run(plain, probe) == run(direct, probe)


@pytest.mark.parametrize(
    ("server", "several"),
    [
        (lambda: uvicorn(GATEWAY), False),
        (lambda: uvicorn(GATEWAY, "--workers", "2"), True),
        (lambda: gunicorn(GATEWAY, "--worker-class", "asgi", "--workers", "2"), True),
        (
            lambda: gunicorn(GATEWAY, "--worker-class", "asgi", "--workers", "2", "--preload"),
            True,
        ),
    ],
    ids=["uvicorn", "uvicorn, two workers", "gunicorn, two workers", "gunicorn, preloaded"],
)
def test_multiprocess_says_whether_there_are_other_workers(
    server: Callable[[], Server], several: bool
) -> None:
    """Whether they are spawned or forked, with the application loaded before or after."""
    with server() as running:
        (answer,) = run(running, ask("/raw/env"))
    assert json.loads(answer["body"])["wsgi.multiprocess"] is several


def test_server_software_is_gunicorn_unless_set() -> None:
    """What applications look for, and what the map's `[bridge] server_software` says."""
    assert built()["SERVER_SOFTWARE"].startswith("gunicorn/")
    assert build_environ(scope(), None, "mod_wsgi/5")["SERVER_SOFTWARE"] == "mod_wsgi/5"


@pytest.mark.parametrize("hooks", ["legacy", "flask"])
def test_server_software_of_the_map_reaches_both_sides(hooks: str, tmp_path: Path) -> None:
    """Flask's view, and a hook of Flask's around a native route."""
    seen: list[str] = []
    legacy = Flask("legacy")
    legacy.before_request(lambda: seen.append(request.environ["SERVER_SOFTWARE"]))
    legacy.add_url_rule("/", view_func=lambda: "flask")
    app = FastAPI(openapi_url=None)
    app.add_api_route("/", lambda: "fastapi")
    path = tmp_path / "migration_map.toml"
    line = "" if hooks == "legacy" else '"GET /" = "native"'
    path.write_text(f'[bridge]\nserver_software = "uWSGI/2"\n[routes]\n{line}')
    mount_legacy(app, legacy, migration_map=path)
    in_process(served(app, scope()))
    assert seen == ["uWSGI/2"]


def test_file_wrapper_closes_what_can_be_closed() -> None:
    """PEP 3333: `close` is the file's, where it has one."""

    class Unclosable:
        def read(self, size: int = -1, /) -> bytes:
            return b""

    data = io.BytesIO(b"x" * 100_000)
    assert [len(block) for block in FileWrapper(data, 8192)] == [65536, 34464]
    FileWrapper(data).close()
    assert data.closed
    assert not hasattr(FileWrapper(Unclosable()), "close")
