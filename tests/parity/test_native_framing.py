"""A native route is no way around what the bridge refuses: no second request is smuggled in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import Closed, Connection, Server, uvicorn

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module", params=["h11", "httptools", "zttp"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The gateway under each HTTP parser."""
    app = "tests.parity.native_app:create_app"
    with uvicorn(app, factory=True, http=request.param) as running:
        yield running


@pytest.mark.parametrize("path", ["/borrowed", "/alone"])
@pytest.mark.parametrize("packets", [1, 2])
def test_an_upgrade_with_a_body_is_one_request(server: Server, path: str, packets: int) -> None:
    """Either the body is read whole, or the request is refused; its bytes are never a request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n"
        f"Content-Length: {len(SMUGGLED)}\r\n\r\n"
    ).encode()
    with Connection(server.address) as connection:
        if packets == 1:
            connection.send(head + SMUGGLED)
        else:
            connection.send(head)
            connection.send(SMUGGLED)
        first = connection.response("POST")
        try:
            connection.send(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            second = connection.response().body
        except (Closed, ConnectionError):
            second = b""
    assert first.status in (200, 400)
    if first.status == 200:
        assert first.body.endswith(SMUGGLED.decode().encode("unicode_escape") + b'"}')
    else:
        assert first.get("connection") == "close"
    assert b"smuggled" not in second, "the body was served as a request"
