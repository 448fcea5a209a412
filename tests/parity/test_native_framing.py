"""One reading of a request: by Flask's side and the native one, with and without hooks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.parity.native_app import PATHS
from tests.servers import Closed, Connection, RawResponse, Server, gunicorn, uvicorn

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
CHUNKS = b"3\r\nabc\r\n0\r\n\r\n"
EMPTY = b"0\r\n\r\n"


@pytest.fixture(scope="module", params=["h11", "httptools", "zttp"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The gateway under each HTTP parser."""
    app = "tests.parity.native_app:create_app"
    with uvicorn(app, factory=True, http=request.param) as running:
        yield running


@pytest.fixture(scope="module")
def direct() -> Iterator[Server]:
    """The Flask application under gunicorn."""
    with gunicorn("tests.parity.native_app:create_flask()") as running:
        yield running


def head(path: str, *fields: str, method: str = "POST", version: str = "1.1") -> bytes:
    """Return the bytes of a head."""
    lines = [f"{method} {path} HTTP/{version}", "Host: x", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def exchange(server: Server, *packets: bytes, then: bytes = LAST) -> list[RawResponse]:
    """Send a request and another one after it; return every answer until the connection ends."""
    answers = []
    with Connection(server.address) as connection:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for packet in (*packets, then):
                connection.send(packet)
        with contextlib.suppress(Closed):
            while True:
                answers.append(connection.response(packets[0].partition(b" ")[0].decode()))
    return answers


def seen(answers: list[RawResponse]) -> list[tuple[int, bytes]]:
    """Return the statuses, and the bodies of what an application answered."""
    return [(a.status, a.body if a.status == 200 else b"") for a in answers]


def by_parser(answers: list[RawResponse]) -> bool:
    """Whether uvicorn's parser refused the bytes before anything of ours saw them."""
    return [answer.body for answer in answers] == [b"Invalid HTTP request received."]


TE, CL = "Transfer-Encoding", "Content-Length"

CASES = {
    "a length": (["Content-Length: 3"], b"abc", {}),
    "no body": ([], b"", {}),
    "a length of zeros": (["Content-Length: 000"], b"", {}),
    "leading zeros": (["Content-Length: 003"], b"abc", {}),
    "chunks": ([f"{TE}: chunked"], CHUNKS, {}),
    "empty chunks": ([f"{TE}: chunked"], EMPTY, {}),
    "empty chunks and Expect": ([f"{TE}: chunked", "Expect: 100-continue"], EMPTY, {}),
    "Expect without a body": (["Expect: 100-continue"], b"", {}),
    "Expect twice": (["Expect: 100-continue", "Expect: 100-continue", f"{CL}: 1"], b"a", {}),
    "another expectation": (["Expect: a-miracle", f"{CL}: 1"], b"a", {}),
    "Upgrade alone": (["Upgrade: h2c", f"{CL}: 3"], b"abc", {}),
    "Upgrade alone and chunks": (["Upgrade: h2c", f"{TE}: chunked"], CHUNKS, {}),
    "Upgrade alone and empty chunks": (["Upgrade: h2c", f"{TE}: chunked"], EMPTY, {}),
    "Upgrade of another connection": (
        ["Upgrade: foo", "Connection: keep-alive", f"{TE}: chunked"],
        EMPTY,
        {},
    ),
    "Upgrade to websocket alone": (["Upgrade: websocket", f"{CL}: 3"], b"abc", {}),
    "Upgrade without a body": (["Upgrade: h2c", "Connection: Upgrade"], b"", {}),
    "x, then chunked": ([f"{TE}: x", f"{TE}: chunked"], CHUNKS, {}),
    "x, chunked": ([f"{TE}: x, chunked"], CHUNKS, {}),
    "chunked, then x": ([f"{TE}: chunked", f"{TE}: x"], CHUNKS, {}),
    "identity": ([f"{TE}: identity"], b"", {}),
    "chunked twice": ([f"{TE}: chunked", f"{TE}: chunked"], EMPTY, {}),
    "chunked behind a vertical tab": ([f"{TE}: \x0bchunked"], EMPTY, {}),
    "chunks of HTTP/1.0": ([f"{TE}: chunked"], CHUNKS, {"version": "1.0"}),
    "empty chunks of HTTP/1.0": ([f"{TE}: chunked"], EMPTY, {"version": "1.0"}),
    "chunks and a length": ([f"{TE}: chunked", f"{CL}: 13"], CHUNKS, {}),
    "a length and chunks": ([f"{CL}: 13", f"{TE}: chunked"], CHUNKS, {}),
    "two lengths": ([f"{CL}: 3", f"{CL}: 4"], b"abcd", {}),
    "a signed length": ([f"{CL}: +3"], b"abc", {}),
    "a length in hexadecimal": ([f"{CL}: 0x3"], b"abc", {}),
    "a length of nothing": ([f"{CL}: "], b"", {}),
    "a very long length": ([f"{CL}: {'9' * 5000}"], b"", {}),
    "two hosts": (["Host: y"], b"", {}),
    "two types": (["Content-Type: a/b", "Content-Type: c/d"], b"", {}),
    "SOH in a value": (["X-A: a\x01b"], b"", {}),
    "ESC in a value": (["X-A: \x1b[31m"], b"", {}),
    "DEL in a value": (["X-A: a\x7fb"], b"", {}),
    "a lower-case method": ([], b"", {"method": "post"}),
    "bytes in the query": ([], b"", {"query": "?\xe9"}),
    "a control character in the query": ([], b"", {"query": "?a\x7f"}),
    "a hidden coding": (["Transfer_Encoding: chunked", f"{CL}: 3"], b"abc", {}),
}
CASES |= {
    f"{method} {name}": (*CASES[name][:2], {"method": method})
    for method in ("DELETE", "GET", "PUT")
    for name in ("a length", "no body", "chunks", "empty chunks", "Expect without a body")
}


@pytest.mark.parametrize("name", CASES)
def test_both_sides_read_a_request_as_gunicorn_does(
    server: Server, direct: Server, name: str
) -> None:
    """The same status, the same body, and the next request is the next one, or there is none."""
    fields, body, more = CASES[name]
    query = more.pop("query", "") if (more := dict(more)) else ""

    def data(path: str) -> bytes:
        return head(path + query, *fields, **more) + body

    expected = seen(exchange(direct, data("/legacy")))
    for path in PATHS:
        answers = exchange(server, data(path))
        if by_parser(answers):
            assert expected[0][0] in (400, 501), f"{path}: uvicorn refuses what gunicorn serves"
            continue
        assert seen(answers)[:1] == expected[:1], f"{path} answers otherwise"
        assert all(answer in ((200, b"/"), (400, b"")) for answer in seen(answers)[1:]), path
        if expected[0][0] != 200:
            assert len(answers) == 1, f"{path}: something was read after a request that is refused"


def test_no_side_sends_100_to_http_1_0(server: Server, direct: Server) -> None:
    """Which doesn't know it (RFC 9110 10.1.1): where there is no body, nobody asks for one."""
    for where, path in ((direct, "/legacy"), *((server, path) for path in PATHS)):
        data = head(path, "Expect: 100-continue", method="GET", version="1.0")
        (answer,) = exchange(where, data, then=b"")  # HTTP/1.0: what follows may be refused first
        assert (answer.status, answer.body, answer.interim) == (200, b"GET b''", ()), path


LIMITS = {
    "a line of 4094 bytes": ([], "/{path}?" + "a" * 4071, 200),
    "a line of 4095 bytes": ([], "/{path}?" + "a" * 4072, 414),
    "a very long line": ([], "/{path}?" + "a" * 60_000, 414),
    "100 fields": ([f"X-{n}: a" for n in range(99)], "/{path}", 200),
    "101 fields": ([f"X-{n}: a" for n in range(100)], "/{path}", 431),
    "a field of 8190 bytes": (["Cookie: " + "a" * 8180], "/{path}", 200),
    "a field of 8191 bytes": (["Cookie: " + "a" * 8181], "/{path}", 431),
    "a field of 30 kB": (["X-A: " + "a" * 30_000], "/{path}", 431),
    "several large fields": ([f"X-{n}: " + "a" * 8000 for n in range(7)], "/{path}", 200),
}


@pytest.mark.parametrize("name", LIMITS)
def test_both_sides_have_gunicorns_limits(server: Server, direct: Server, name: str) -> None:
    """To the byte, with its statuses: 414 for the line, 431 for the fields."""
    fields, target, status = LIMITS[name]
    for where, path in ((direct, "/legacy"), *((server, path) for path in PATHS)):
        padding = "&" * (len("/borrowed") - len(path)) if "?" in target else ""
        asked = target.replace("/{path}", path) + padding
        answers = exchange(where, head(asked, *fields, method="GET"))
        if where is server and server.name.endswith("zttp") and by_parser(answers):
            assert status != 200
            continue
        assert answers[0].status == status, f"{where.name} {path}"
        assert (len(answers) == 2) == (status == 200)


@pytest.mark.parametrize("path", PATHS)
def test_limits_come_from_the_map(path: str) -> None:
    """`[bridge]` sets them by gunicorn's names; 0 is none."""
    settings = (
        "[bridge]\nlimit_request_line = 40\nlimit_request_fields = 3\nlimit_request_field_size = 0"
    )
    app = "tests.parity.native_app:create_app"
    with uvicorn(app, factory=True, http="h11", env={"NATIVE_APP_SETTINGS": settings}) as server:
        for fields, query, status in (
            (["A: " + "b" * 20_000], "", 200),
            ([], "?" + "a" * 40, 414),
            (["A: 1", "B: 2", "C: 3"], "", 431),
        ):
            answers = exchange(server, head(path + query, *fields, method="GET"))
            assert answers[0].status == status


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("packets", [1, 2])
def test_an_upgrade_with_a_body_is_one_request(server: Server, path: str, packets: int) -> None:
    """Either the body is read whole, or the request is refused; its bytes are never a request."""
    start = head(path, "Connection: Upgrade", "Upgrade: h2c", f"{CL}: {len(SMUGGLED)}")
    with Connection(server.address) as connection:
        if packets == 1:
            connection.send(start + SMUGGLED)
        else:
            connection.send(start)
            connection.send(SMUGGLED)
        first = connection.response("POST")
        try:
            connection.send(LAST)
            second = connection.response().body
        except (Closed, ConnectionError):
            second = b""
    assert first.status in (200, 400)
    if first.status == 200:
        assert first.body == f"POST {SMUGGLED!r}".encode()
    else:
        assert first.get("connection") == "close"
    assert b"smuggled" not in second, "the body was served as a request"
