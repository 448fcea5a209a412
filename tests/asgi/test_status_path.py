"""The live state at `[gateway] status_path`: what it shows, and to whom."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from flask import Flask
from starlette.responses import PlainTextResponse

from crossfade import Gateway
from tests.asgi.kit import Mount, ask, flask_with, native_with, save_map
from tests.servers import Connection, uvicorn

STATUS = '[gateway]\nstatus_path = "/_crossfade"\n'
TOKEN = STATUS + 'status_token = "env:STATUS_TOKEN"\n'
LOCAL = ("Host", "localhost:8000")


def test_status_path(mount: Mount) -> None:
    """The live state as JSON: revision, process, problems, every route."""
    app = native_with("GET /users/{id}", "GET /new")
    gateway = mount(
        app,
        flask_with("GET /users/<int:user_id>", "GET|POST /b"),
        "GET /users/{id}",
        "GET /new",
        settings=STATUS,
    )
    answer = ask(app, "GET", "/_crossfade", LOCAL)
    assert answer.status == 200
    assert answer.get("content-type") == "application/json"
    assert answer.get("cache-control") == "no-store"
    status = json.loads(answer.body)
    assert status == gateway.status()
    assert (status["pid"], status["problems"]) == (os.getpid(), [])
    assert status["revision"] == gateway.live.snapshot.revision
    routes = {route["route"]: route for route in status["routes"]}
    assert {name: route["served_by"] for name, route in routes.items()} == {
        "GET /users/<int:user_id>": "fastapi",
        "GET /b": "flask",
        "POST /b": "flask",
        "GET /new": "fastapi",
    }
    assert routes["GET /b"]["fastapi"] is None
    assert routes["GET /new"]["flask"] is None


def test_status_path_below_a_root_path(mount: Mount) -> None:
    """The path that the map names is below the server's root path, as routes are."""
    app = native_with()
    mount(app, flask_with("GET /a"), settings=STATUS)
    assert ask(app, "GET", "/api/_crossfade", LOCAL, root_path="/api").status == 200
    assert ask(app, "GET", "/_crossfade", LOCAL, root_path="/api").status == 200


def test_status_path_answers_get_and_head_only(mount: Mount) -> None:
    """HEAD has no body; other methods are Flask's."""
    app = native_with()
    mount(app, flask_with("GET /a"), settings=STATUS)
    head = ask(app, "HEAD", "/_crossfade", LOCAL)
    assert (head.status, head.body) == (200, b"")
    assert head.get("content-length") == str(len(ask(app, "GET", "/_crossfade", LOCAL).body))
    assert ask(app, "POST", "/_crossfade", LOCAL).served_by == "flask"


def test_no_status_path_by_default(mount: Mount) -> None:
    """That URL is Flask's like any other."""
    app = native_with()
    mount(app, flask_with("GET /_crossfade"))
    assert ask(app, "GET", "/_crossfade", LOCAL).text.startswith("flask")


def test_middleware_added_later_wraps_the_status(mount: Mount) -> None:
    """So a team can put its own authentication before it."""
    app = native_with()
    mount(app, flask_with(), settings=STATUS)

    @app.middleware("http")
    async def refuse(request: Any, call_next: Any) -> Any:
        return PlainTextResponse("who are you?", 401)

    assert ask(app, "GET", "/_crossfade", LOCAL).status == 401


OTHERS: dict[str, tuple[list[tuple[str, str]], dict[str, Any]]] = {
    "another machine": ([LOCAL], {"client": ("203.0.113.9", 1)}),
    "the local network": ([LOCAL], {"client": ("192.168.0.9", 1)}),
    "IPv6": ([LOCAL], {"client": ("2001:db8::1", 1)}),
    "a unix socket": ([LOCAL], {"client": None}),
    "a test client": ([LOCAL], {"client": ("testclient", 1)}),
    "a name that leads here": ([("Host", "evil.example")], {}),
    "a name like ours": ([("Host", "localhost.evil.example:8000")], {}),
    "X-Forwarded-For": ([LOCAL, ("X-Forwarded-For", "127.0.0.1")], {}),
    "X-Forwarded-Proto": ([LOCAL, ("X-Forwarded-Proto", "https")], {}),
    "X-Real-IP": ([LOCAL, ("X-Real-IP", "127.0.0.1")], {}),
    "Forwarded": ([LOCAL, ("Forwarded", "for=127.0.0.1")], {}),
    "Via": ([LOCAL, ("Via", "1.1 proxy")], {}),
}


@pytest.mark.parametrize("who", OTHERS)
def test_status_path_without_a_token_is_closed_to_others(
    mount: Mount, caplog: pytest.LogCaptureFixture, who: str
) -> None:
    """To them there is no such URL: Flask answers. The log says once how to open it."""
    app = native_with()
    mount(app, flask_with(), settings=STATUS)
    headers, more = OTHERS[who]
    for _ in range(2):
        answer = ask(app, "GET", "/_crossfade", *headers, **more)
        assert (answer.status, answer.served_by) == (404, "flask")
    (record,) = [record for record in caplog.records if record.name == "crossfade.status"]
    assert "status_token" in record.getMessage()


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8000", "[::1]:8000"])
def test_status_path_without_a_token_is_open_to_this_machine(
    mount: Mount, peer: str, host: str
) -> None:
    """By whatever address or name of itself it asks."""
    app = native_with()
    mount(app, flask_with(), settings=STATUS)
    answer = ask(app, "GET", "/_crossfade", ("Host", host), client=(peer, 1))
    assert answer.status == 200


FAR: dict[str, Any] = {"client": ("203.0.113.9", 1)}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("Authorization", "Bearer s3cret")], 200),
        ([("Authorization", "bearer  s3cret ")], 200),
        ([("Authorization", "Bearer s3cret"), ("X-Forwarded-For", "203.0.113.9")], 200),
        ([], 401),
        ([("Authorization", "Bearer")], 401),
        ([("Authorization", "Bearer s3cre")], 401),
        ([("Authorization", "Bearer s3cretx")], 401),
        ([("Authorization", "Bearer \xe9")], 401),
        ([("Authorization", "Basic s3cret")], 401),
        ([("Authorization", "s3cret")], 401),
        ([("Authorization", "Bearer x"), ("Authorization", "Bearer s3cret")], 401),
    ],
)
@pytest.mark.parametrize("local", [True, False])
def test_status_path_with_a_token_asks_for_it(
    mount: Mount,
    monkeypatch: pytest.MonkeyPatch,
    headers: list[tuple[str, str]],
    status: int,
    local: bool,
) -> None:
    """Of everyone, wherever they ask from."""
    monkeypatch.setenv("STATUS_TOKEN", "s3cret")
    app = native_with()
    mount(app, flask_with(), settings=TOKEN)
    answer = ask(app, "GET", "/_crossfade", *headers, *([LOCAL] if local else []), **FAR)
    assert answer.status == status
    assert (b'"routes"' in answer.body) == (status == 200)
    if status == 401:
        assert answer.get("www-authenticate") == "Bearer"


@pytest.mark.parametrize("value", [None, "", "  "])
def test_status_path_is_closed_where_the_token_is_missing(
    mount: Mount,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    value: str | None,
) -> None:
    """Also to who sends an empty one; the log says at start which variable is not set."""
    if value is None:
        monkeypatch.delenv("STATUS_TOKEN", raising=False)
    else:
        monkeypatch.setenv("STATUS_TOKEN", value)
    app = native_with()
    gateway: Gateway = mount(app, flask_with(), settings=TOKEN)
    assert "env:STATUS_TOKEN" in caplog.text
    for sent in ("Bearer ", "Bearer", "Bearer None"):
        assert ask(app, "GET", "/_crossfade", ("Authorization", sent), LOCAL).status == 401
    monkeypatch.setenv("STATUS_TOKEN", "later")
    assert ask(app, "GET", "/_crossfade", ("Authorization", "Bearer later")).status == 200
    save_map(gateway, STATUS)
    assert ask(app, "GET", "/_crossfade", ("Authorization", "Bearer later")).status == 404


@pytest.mark.skipif(
    "TRUSTED_HOSTS" not in Flask.default_config, reason="Flask has TRUSTED_HOSTS from 3.1 on"
)
def test_status_path_is_of_hosts_that_flask_trusts(
    mount: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`TRUSTED_HOSTS` counts for it as for every URL of the application."""
    monkeypatch.setenv("STATUS_TOKEN", "s3cret")
    legacy = flask_with()
    legacy.config["TRUSTED_HOSTS"] = ["shop.example"]
    app = native_with()
    mount(app, legacy, settings=TOKEN)
    bearer = ("Authorization", "Bearer s3cret")
    assert ask(app, "GET", "/_crossfade", bearer, ("Host", "shop.example")).status == 200
    refused = ask(app, "GET", "/_crossfade", bearer, ("Host", "evil.example"))
    assert (refused.status, refused.served_by) == (400, "flask")


def test_status_path_behind_a_proxy_over_a_socket() -> None:
    """As deployed: the proxy is on this machine, whoever it speaks for is not."""
    env = {"BRIDGE_MAP": STATUS}
    with uvicorn("tests.bridge.apps:gateway", env=env) as server, Connection(server.address) as c:
        for more, status in ((b"", 200), (b"X-Forwarded-For: 203.0.113.9\r\n", 404)):
            c.send(b"GET /_crossfade HTTP/1.1\r\nHost: localhost\r\n" + more + b"\r\n")
            assert c.response().status == status
