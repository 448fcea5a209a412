"""Requests that can be read in two ways never reach a native route, hooks borrowed or not."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi import FastAPI, Request, WebSocket
from flask import request
from starlette.responses import PlainTextResponse

from tests.asgi.kit import DEADLINE, Mount, ask, flask_with, http_scope, open_websocket

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


async def silent(app: Any, scope: dict[str, Any], *messages: dict[str, Any]) -> bytes:
    """Answer a request whose server says nothing but these messages; return the answer's body."""
    waiting = list(messages)
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    await asyncio.wait_for(app(scope, receive, send), DEADLINE)
    return b"".join(message.get("body", b"") for message in sent)


def read_body() -> None:
    """Read the body before the view, as a guard of signatures does."""
    request.get_data()


def mount_readers(mount: Mount, hooks: str) -> FastAPI:
    """Mount an application both sides of which read the body, a hook of Flask's before them."""
    legacy = flask_with()
    legacy.before_request(read_body)
    legacy.add_url_rule("/a", view_func=lambda: request.get_data(), methods=["GET", *UNSAFE])
    app = FastAPI(openapi_url=None)

    @app.api_route("/a", methods=["GET", *UNSAFE])
    async def read(request: Request) -> PlainTextResponse:
        return PlainTextResponse(await request.body())

    @app.websocket("/ws")
    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    native = [] if hooks == "legacy" else [f"{method} /a" for method in ("GET", *UNSAFE)]
    mount(app, legacy, *native, hooks="flask" if hooks == "legacy" else hooks)
    return app


UNSAFE = ("POST", "PUT", "DELETE")


@pytest.mark.parametrize("hooks", ["flask", "none", "legacy"])
@pytest.mark.parametrize("version", ["2", "3"])
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("DELETE", []),
        ("GET", []),
        ("DELETE", [("Expect", "100-continue")]),
        ("GET", [("Expect", "100-continue")]),
        ("POST", [("Content-Length", "0")]),
        ("DELETE", [("Content-Length", "0")]),
    ],
)
def test_a_request_of_http_2_without_a_body_waits_for_none(
    mount: Mount, hooks: str, version: str, method: str, headers: list[tuple[str, str]]
) -> None:
    """Uvicorn's HTTP/2 never says that there is none: nobody may ask."""
    app = mount_readers(mount, hooks)
    scope = http_scope(method, "/a", headers, http_version=version)
    assert asyncio.run(silent(app, scope)) == b""


@pytest.mark.parametrize("hooks", ["flask", "none", "legacy"])
@pytest.mark.parametrize(
    ("method", "headers"),
    [("POST", []), ("PUT", []), ("DELETE", [("Content-Length", "4")])],
)
def test_a_body_of_http_2_is_read(
    mount: Mount, hooks: str, method: str, headers: list[tuple[str, str]]
) -> None:
    """Where a header announces it, or the method does."""
    app = mount_readers(mount, hooks)
    scope = http_scope(method, "/a", headers, http_version="2")
    first = {"type": "http.request", "body": b"bo", "more_body": True}
    last = {"type": "http.request", "body": b"dy", "more_body": False}
    assert asyncio.run(silent(app, scope, first, last)) == b"body"


@pytest.mark.parametrize("hooks", ["flask", "none", "legacy"])
def test_a_body_that_nobody_announced_is_seen_by_nobody(mount: Mount, hooks: str) -> None:
    """A hook that checks a body and the handler behind it read the same: nothing."""
    app = mount_readers(mount, hooks)
    scope = http_scope("DELETE", "/a", http_version="2")
    body = {"type": "http.request", "body": b"body", "more_body": False}
    assert asyncio.run(silent(app, scope, body)) == b""


@pytest.mark.parametrize("hooks", ["flask", "none", "legacy"])
def test_a_websocket_handshake_past_the_limits_is_refused(mount: Mount, hooks: str) -> None:
    """A native WebSocket route is no way around the limits of a head."""
    app = mount_readers(mount, hooks)
    long = [(b"host", b"h"), (b"x-a", b"a" * 9000)]
    assert open_websocket(app, "/ws")[0]["type"] == "websocket.accept"
    refused = open_websocket(app, "/ws", headers=long)
    assert refused[0]["status"] == 431


def test_a_refusal_over_http_2_does_not_speak_of_the_connection(mount: Mount) -> None:
    """Its streams share one: `Connection` is not a header of HTTP/2."""
    app = mount_readers(mount, "none")
    for version, close in (("1.1", "close"), ("2", None)):
        answer = ask(app, "GET", "/a?" + "a" * 5000, http_version=version)
        assert (answer.status, answer.get("connection")) == (414, close)
