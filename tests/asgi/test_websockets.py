"""WebSockets go to native routes; otherwise Flask answers the handshake as the GET it is."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.asgi.kit import Mount, ask, flask_with, native_with, open_websocket, save_map


def word() -> str:
    """Return what a dependency gives."""
    return "dependency"


def websocket_app() -> FastAPI:
    """Return an application with a WebSocket route of its own, an included and a mounted one."""

    async def talk(websocket: WebSocket, word: Annotated[str, Depends(word)]) -> None:
        await websocket.accept()
        name = websocket.path_params.get("name", "")
        await websocket.send_text(f"{word} {name} {await websocket.receive_text()}")
        await websocket.close()

    app, router, sub = FastAPI(), APIRouter(), FastAPI()
    app.add_api_websocket_route("/ws", talk)
    router.add_api_websocket_route("/ws/{name}", talk)
    sub.add_api_websocket_route("/ws", talk)
    app.include_router(router, prefix="/v1")
    app.mount("/sub", sub)
    return app


def talk_to(app: FastAPI, target: str) -> list[str]:
    """Say hello and return what the messages that came back are about."""
    return [
        str(message.get("text") or message.get("status") or message["type"].split(".")[1])
        for message in open_websocket(app, target, "hello")
        if message["type"] != "websocket.http.response.body"
    ]


@pytest.mark.parametrize(("target", "name"), [("/ws", ""), ("/v1/ws/ada", "ada")])
def test_native_websockets(mount: Mount, target: str, name: str) -> None:
    """They need no line in the map: Flask has none, so nothing changes hands."""
    app = websocket_app()
    mount(app, flask_with("GET /ws"))
    assert talk_to(app, target) == ["accept", f"dependency {name} hello", "close"]


def test_a_mounted_application_answers_websockets_once_it_is_listed(mount: Mount) -> None:
    """By any method, and until an edit of the map takes it out again."""
    app = websocket_app()
    gateway = mount(app, flask_with("GET /ws"))
    assert talk_to(app, "/sub/ws") == ["404"]
    save_map(gateway, '[routes]\n"GET /sub/{path:path}" = "native"\n')
    assert talk_to(app, "/sub/ws") == ["accept", "dependency  hello", "close"]
    save_map(gateway, "[routes]\n")
    assert talk_to(app, "/sub/ws") == ["404"]


def test_an_unlisted_mount_leaves_a_websocket_to_a_later_route(mount: Mount) -> None:
    """FastAPI alone would ask the mounted application, which it finds first."""
    app = FastAPI()
    app.mount("/sub", FastAPI())

    @app.websocket("/sub/ws")
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(str(websocket.url_for("talk")))
        await websocket.close()

    mount(app, flask_with())
    assert talk_to(app, "/sub/ws") == ["accept", "ws://testserver/sub/ws", "close"]


@pytest.mark.parametrize("host", ["evil.example", "good.example.evil", "good.example, evil"])
def test_websockets_are_for_flasks_trusted_hosts(mount: Mount, host: str) -> None:
    """Flask refuses others itself, before the native route is asked."""
    app, legacy = websocket_app(), flask_with("GET /a")
    legacy.config["TRUSTED_HOSTS"] = ["good.example"]
    if version("flask") < "3.1":
        pytest.skip("Flask has no TRUSTED_HOSTS before 3.1")
    mount(app, legacy, "GET /sub/{path:path}")
    for target in ("/ws", "/sub/ws"):
        good = open_websocket(app, target, "hello", headers=[(b"host", b"good.example")])
        assert good[0]["type"] == "websocket.accept"
        bad = open_websocket(app, target, "hello", headers=[(b"host", host.encode())])
        assert bad[0]["status"] == 400


@pytest.mark.parametrize("name", [b"host", b"content-type"])
def test_a_handshake_that_can_be_read_in_two_ways_is_refused(mount: Mount, name: bytes) -> None:
    """As a request is that has such a header twice."""
    app = websocket_app()
    mount(app, flask_with())
    headers = [(b"host", b"a.example"), (name, b"a.example"), (name, b"b.example")]
    (start, *_) = open_websocket(app, "/ws", headers=headers[name == b"host" :])
    assert start["status"] == 400


@pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")
def test_a_websocket_is_found_by_the_path_as_it_arrives(mount: Mount) -> None:
    """`FastAPI(root_path=…)` is not taken off, so that it can't be put in front of any path."""
    app = websocket_app()
    app.root_path = "/api"
    mount(app, flask_with(), "GET /sub/{path:path}")
    for target in ("/ws", "/sub/ws"):
        assert talk_to(app, target)[0] == "accept"
        assert talk_to(app, "/api" + target) == ["404"]


def test_a_websocket_is_shown_what_wsgi_reads(mount: Mount) -> None:
    """Headers that came twice are one, and so is the path for whoever looks at it."""
    app = FastAPI()
    seen: list[str] = []

    class Notes:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "websocket":
                seen.append(WebSocket(scope, receive, send).url.path)
            await self.app(scope, receive, send)

    @app.websocket("/{path:path}")
    async def talk(websocket: WebSocket, path: str) -> None:
        await websocket.accept()
        await websocket.send_text(f"{path} {websocket.headers['x-user']}")
        await websocket.close()

    app.add_middleware(Notes)
    mount(app, flask_with())
    app.add_middleware(Notes)
    headers = [(b"host", b"a.example"), (b"x-user", b"bob"), (b"x-user", b"admin")]
    sent = open_websocket(app, "//admin", "hello", headers=headers)
    assert sent[1]["text"] == "admin bob,admin"
    assert seen == ["/admin", "/admin"]


def test_a_handshake_elsewhere_is_answered_by_flask(mount: Mount) -> None:
    """As by a WSGI server: an ordinary answer to a GET request."""
    app = websocket_app()
    mount(app, flask_with("GET /page", "POST /post"))
    assert talk_to(app, "/page") == ["200"]
    assert talk_to(app, "/none") == ["404"]
    assert talk_to(app, "/post") == ["405"]


def test_a_handshake_of_a_native_http_route_is_answered_by_flask(mount: Mount) -> None:
    """A WebSocket handshake is no request for the native HTTP route of that path."""
    app = native_with("GET /a")
    mount(app, flask_with("GET /a"), "GET /a")
    start, body, *_ = open_websocket(app, "/a")
    assert start["status"] == 200
    assert body["body"].startswith(b"flask GET /a")
    # The same from a server that does not know WebSockets and passes the handshake on.
    headers = ("Connection", "Upgrade"), ("Upgrade", "WebSocket")
    assert ask(app, "GET", "/a", *headers).served_by == "flask"
    assert ask(app, "GET", "/a", ("Upgrade", "h2c")).served_by == "fastapi"


def test_a_handshake_without_an_answer_is_closed(mount: Mount) -> None:
    """Where the server can't send an HTTP answer to a handshake, it is refused."""
    app = websocket_app()
    mount(app, flask_with("GET /page"))
    sent = open_websocket(app, "/page", extensions={})
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_a_websocket_route_that_refuses(mount: Mount) -> None:
    """A close before `accept` reaches the client as FastAPI says it."""
    app = FastAPI()

    @app.websocket("/ws")
    async def refuse(websocket: WebSocket) -> None:
        await websocket.close(code=4401)

    mount(app, flask_with())
    (message,) = open_websocket(app, "/ws")
    assert (message["type"], message["code"]) == ("websocket.close", 4401)
