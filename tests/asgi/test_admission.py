"""Requests that can be read in two ways never reach a native route, hooks borrowed or not."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from fastapi import FastAPI, Request

from tests.asgi.kit import Mount, ask, flask_with

HEADER = "[gateway]\nserved_by_header = true\n"


def echo() -> FastAPI:
    """An application whose native route says what it read."""
    app = FastAPI()

    @app.post("/a")
    @app.get("/a")
    async def read(request: Request) -> str:
        return (await request.body()).decode()

    return app


@pytest.mark.parametrize("hooks", ["flask", "none"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("Host", "a.example"), ("Host", "b.example")], 400),
        ([("Content-Length", "1"), ("Content-Length", "1")], 400),
        ([("Content-Length", "1"), ("Transfer-Encoding", "chunked")], 400),
        ([("Content-Type", "text/plain"), ("Content-Type", "application/json")], 400),
        ([("Expect", "a-miracle")], 417),
    ],
)
def test_refused_before_either_side(
    mount: Mount, hooks: str, headers: list[tuple[str, str]], status: int
) -> None:
    """What gunicorn refuses is refused for a native route too."""
    app = echo()
    mount(app, flask_with("GET|POST /a"), "POST /a", hooks=hooks)
    assert ask(app, "POST", "/a", *headers).status == status


@pytest.mark.parametrize("hooks", ["flask", "none"])
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([("Expect", "100-continue")], b"x"),
        ([("Upgrade", "h2c"), ("Connection", "Upgrade")], b""),
        ([("Upgrade", "h2c"), ("Connection", "Upgrade")], b"whole"),
    ],
)
def test_served_natively(
    mount: Mount, hooks: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    """What only looks odd is answered by the native route, body and all."""
    app = echo()
    mount(app, flask_with("GET|POST /a"), "POST /a", hooks=hooks, settings=HEADER)
    answer = ask(app, "POST", "/a", *headers, body=body)
    assert (answer.status, answer.get("x-served-by")) == (200, "fastapi")
    assert answer.body == b'"%s"' % body


@pytest.mark.parametrize("hooks", ["flask", "none"])
@pytest.mark.parametrize(
    "framing", [("Content-Length", "5"), ("Transfer-Encoding", "chunked")], ids=lambda f: f[0]
)
def test_a_body_that_the_server_lost_is_refused(
    mount: Mount, hooks: str, framing: tuple[str, str]
) -> None:
    """Uvicorn's httptools parser drops the body of an upgrade: it is not taken for an empty one."""
    app = echo()
    mount(app, flask_with("GET|POST /a"), "POST /a", hooks=hooks)
    answer = ask(app, "POST", "/a", ("Upgrade", "h2c"), ("Connection", "Upgrade"), framing)
    assert (answer.status, answer.get("connection")) == (400, "close")


def test_a_target_that_is_not_ascii_is_refused(mount: Mount) -> None:
    """Raw bytes in the request line: gunicorn answers 400, and so does the gateway."""
    app = echo()
    mount(app, flask_with("GET|POST /a"), "GET /a", hooks="none")
    more: dict[str, Any] = {"path": "/a", "raw_path": b"/a?\xff"}
    assert ask(app, "GET", "/a", **more).status == 400


@pytest.mark.parametrize("target", ["a", "%2Fa"])
def test_a_target_that_is_no_path_is_refused(mount: Mount, target: str) -> None:
    """Some HTTP parsers let it pass, and it would be read as `/a`."""
    app = echo()
    mount(app, flask_with("GET|POST /a"), "GET /a", hooks="none")
    more: dict[str, Any] = {"path": unquote(target), "raw_path": target.encode()}
    assert ask(app, "GET", "/a", **more).status == 400


def test_a_websocket_over_http_is_flasks(mount: Mount) -> None:
    """Flask says that it has none; no native route is reached."""
    app = echo()
    mount(app, flask_with("GET|POST /a"), "GET /a", settings=HEADER)
    answer = ask(app, "GET", "/a", ("Upgrade", "WebSocket"), ("Connection", "Upgrade"))
    assert (answer.status, answer.get("x-served-by")) == (400, "flask")


@pytest.mark.parametrize("hooks", ["flask", "none"])
@pytest.mark.parametrize(
    "headers",
    [
        [("Upgrade", "websocket")],
        [("Upgrade", "websocket"), ("Connection", "keep-alive")],
        [("Upgrade", "websocket"), ("Connection", "x-upgrade, close")],
        [("Upgrade", "h2c, websocket"), ("Connection", "Upgrade")],
        [("Upgrade", "h2c"), ("Upgrade", "websocket"), ("Connection", "Upgrade")],
    ],
)
def test_upgrade_that_asks_for_no_websocket_does_not_choose_the_side(
    mount: Mount, hooks: str, headers: list[tuple[str, str]]
) -> None:
    """What Werkzeug doesn't take for a handshake is the native route's like any other request."""
    app = echo()
    mount(app, flask_with("GET|POST /a"), "POST /a", hooks=hooks, settings=HEADER)
    answer = ask(app, "POST", "/a", *headers, body=b"x")
    assert (answer.status, answer.get("x-served-by"), answer.body) == (200, "fastapi", b'"x"')


@pytest.mark.parametrize("query", [b"a=\xff", "a=\xe9".encode()])
def test_a_query_that_is_not_ascii_is_refused(mount: Mount, query: bytes) -> None:
    """Such bytes in the request line are refused on both sides."""
    app = echo()
    mount(app, flask_with("GET|POST /a", "GET /b"), "GET /a", hooks="none")
    assert ask(app, "GET", "/a", query_string=query).status == 400
    assert ask(app, "GET", "/b", query_string=query).status == 400
