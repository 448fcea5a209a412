"""Over raw sockets, under each HTTP parser: one request is one thing for whoever looks at it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.servers import Connection, RawResponse, Server, uvicorn

pytestmark = pytest.mark.slow

TARGETS = [
    b"/admin/1",
    b"//admin/1",
    b"///admin/1",
    b"/%2fadmin/1",
    b"/%2F%2Fadmin/1",
    b"//%61dmin/1",
    b"http://evil/admin/1",
    b"http://evil//admin/1",
    b"https://evil:80/admin/1?x=1",
    b"/admin/1#x",
    b"/admin/1#/../open",
    b"//admin/1#x?y",
    b"/admin/1?a=1#b",
    b"/admin/%ff",
    b"/admin/caf%c3%a9",
    b"/admin/a;b",
    b"/admin/a%5cb",
    b"/admin/..",
    b"/admin/%2e%2e",
    b"/admin/%0a",
    b"/admin/%00",
    b"/admin/%23",
    b"/%61dmin/%2525",
]


@pytest.fixture(scope="module", params=["h11", "httptools", "zttp"])
def parser(request: pytest.FixtureRequest) -> str:
    """The HTTP parsers of uvicorn."""
    return str(request.param)


@pytest.fixture(scope="module", params=["create_app", "guarded_after"])
def guarded(request: pytest.FixtureRequest, parser: str) -> Iterator[Server]:
    """The gateway with a guard before the mount, and with one after it."""
    app = f"tests.parity.guarded_app:{request.param}"
    with uvicorn(app, factory=True, http=parser) as running:
        yield running


def ask(server: Server, line: bytes, *headers: bytes, body: bytes = b"") -> RawResponse:
    """Send one request, byte for byte, and return the answer."""
    head = [line + b" HTTP/1.1", b"Host: shop.example", b"Connection: close", *headers]
    if body or line.startswith(b"POST"):
        head.append(b"Content-Length: %d" % len(body))
    with Connection(server.address) as connection:
        connection.send(b"\r\n".join(head) + b"\r\n\r\n" + body)
        return connection.response(line.partition(b" ")[0].decode())


@pytest.mark.parametrize("target", TARGETS, ids=bytes.decode)
def test_a_path_guard_is_passed_by_no_form_of_the_target(guarded: Server, target: bytes) -> None:
    """The guard refuses, or the parser does, or it is Flask's 404: never the handler's answer."""
    answer = ask(guarded, b"GET " + target)
    if b"%2e" in target or b".." in target or b"%0a" in target:
        assert answer.status in (400, 403, 404)
    else:
        assert answer.status in (400, 403), answer
    assert b"secret" not in answer.body


@pytest.mark.parametrize("path", [b"seen", b"alone"])
@pytest.mark.parametrize("target", TARGETS, ids=bytes.decode)
def test_everybody_sees_the_same_target(guarded: Server, path: bytes, target: bytes) -> None:
    """Middleware on both sides of the gateway, Flask's hook and the native handler."""
    target = target.replace(b"admin", path).replace(b"%61dmin", path)
    answer = ask(guarded, b"POST " + target, b"X-User: bob", b"X-User: admin")
    if answer.get("x-served-by") == "fastapi":
        assert_all_saw_the_same(answer)
    else:
        assert answer.status in (400, 404, 405), answer


@pytest.mark.parametrize("path", [b"/seen/1", b"//alone/1"])
@pytest.mark.parametrize(
    "headers",
    [
        [b"X-User: bob", b"X-User: admin"],
        [b"Authorization: Basic YTpi", b"Authorization: Basic YzpkCg=="],
        [b"X-User: bob \t", b"Cookie: u=bob; u=admin", b"Cookie: u=eve"],
        [b'Cookie: a="x; u=admin"; u=bob', b"X-User:", b"X-User: admin"],
    ],
    ids=["header", "authorization", "cookie", "quoted"],
)
def test_everybody_sees_the_same_headers(
    guarded: Server, path: bytes, headers: list[bytes]
) -> None:
    """Those that came twice, cookies too."""
    assert_all_saw_the_same(ask(guarded, b"POST " + path, *headers))


def assert_all_saw_the_same(answer: RawResponse) -> None:
    """Compare what the handler, the hook and both kinds of middleware tell."""
    assert answer.status == 200, answer
    seen = json.loads(answer.body)
    assert seen["handler"] == seen["hook"] == seen["before"] == seen["after"]


@pytest.mark.parametrize("path", [b"/seen/1", b"/alone/1"])
@pytest.mark.parametrize(
    "headers",
    [
        [b"Host: evil"],
        [b"Content-Length: 0"],
        [b"Content-Type: text/plain", b"Content-Type: application/json"],
    ],
    ids=["Host", "Content-Length", "Content-Type"],
)
def test_what_may_come_once_is_refused_twice(
    guarded: Server, path: bytes, headers: list[bytes]
) -> None:
    """By the parser or by the gateway, on the Flask side as well."""
    for target in (path, b"/old/1"):
        answer = ask(guarded, b"POST " + target, *headers)
        if headers[0].startswith(b"Content-Length") and answer.status == 200:
            continue  # h11 joins equal ones, as RFC 9110 8.6 allows
        assert answer.status == 400, answer


@pytest.mark.parametrize("path", [b"/seen/1", b"/alone/1"])
@pytest.mark.parametrize("connection", [b"close", b"keep-alive, x-upgrade"])
def test_upgrade_alone_does_not_choose_the_side(
    guarded: Server, path: bytes, connection: bytes
) -> None:
    """`Upgrade: websocket` without `Connection: upgrade` is an ordinary POST."""
    headers = [b"Upgrade: websocket", b"X-Close: " + connection]
    answer = ask(guarded, b"POST " + path, *headers, body=b"x")
    assert (answer.status, answer.get("x-served-by")) == (200, "fastapi")


def test_a_new_route_next_to_a_catch_all_is_closed(guarded: Server) -> None:
    """The hook lets Flask's catch-all through, and doesn't take the route for it."""
    assert ask(guarded, b"GET /api/salaries").status == 401
    assert ask(guarded, b"GET //api/salaries").status == 401
    assert ask(guarded, b"GET /api/salaries/").body == b"page"
