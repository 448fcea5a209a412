"""The head of a request as both sides read it, held against gunicorn's own parser."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.http.message import Request
from gunicorn.http.unreader import IterUnreader

from crossfade.model import BridgeSettings
from crossfade.scope.framing import Framing, RequestRefused, read_framing

LIMITS = BridgeSettings()
Headers = list[tuple[bytes, bytes]]


def scope_of(line: bytes, headers: Headers) -> dict[str, Any]:
    """Return the scope that a server makes of a request line and header fields."""
    method, _, rest = line.partition(b" ")
    target, _, protocol = rest.rpartition(b" ")
    path, _, query = target.partition(b"?")
    return {
        "type": "http",
        "http_version": protocol.rpartition(b"/")[2].decode(),
        "method": method.decode("latin-1"),
        "path": path.decode("latin-1"),
        "raw_path": path,
        "query_string": query,
        "headers": [(name.lower(), value) for name, value in headers],
    }


def scope(*headers: tuple[bytes, bytes], **more: Any) -> dict[str, Any]:
    """Return the scope of a POST with these headers."""
    return {**scope_of(b"POST /a HTTP/1.1", [(b"host", b"h"), *headers]), **more}


def ours(line: bytes, headers: Headers, limits: BridgeSettings) -> tuple[int, int | None, bool]:
    """Return the status of a refusal or 0, the length, and whether there is a transfer coding."""
    try:
        framing = read_framing(scope_of(line, headers), limits)
    except RequestRefused as refused:
        return refused.status, None, False
    return 0, framing.length, framing.coded


_STATUSES = {
    LimitRequestLine: 414,
    LimitRequestHeaders: 431,
    UnsupportedTransferCoding: 501,
    ExpectationFailed: 417,
}


@cache
def _config(limits: BridgeSettings) -> Config:
    config = Config()
    config.set("http_parser", "python")
    for name in ("limit_request_line", "limit_request_fields", "limit_request_field_size"):
        config.set(name, getattr(limits, name))
    return config


def gunicorns(
    line: bytes, headers: Headers, limits: BridgeSettings
) -> tuple[int, int | None, bool]:
    """Return the same as gunicorn's parser reads the bytes."""
    head = b"\r\n".join([line, *(b"%s: %s" % field for field in headers), b"", b""])
    packets = [head[at : at + 8192] for at in range(0, len(head), 8192)]
    try:
        request = Request(_config(limits), IterUnreader(iter(packets)), ("127.0.0.1", 1))
    except ParseException as error:
        return _STATUSES.get(type(error), 400), None, False
    reader = request.body.reader
    length = next((value for name, value in request.headers if name == "CONTENT-LENGTH"), None)
    return 0, None if length is None else int(length), isinstance(reader, ChunkedReader)


LINES = [
    b"GET /a HTTP/1.1",
    b"POST /a?b=c HTTP/1.1",
    b"POST /a HTTP/1.0",
    b"DELETE /a HTTP/1.1",
    b"POST /" + b"a" * 4079 + b" HTTP/1.1",
    b"POST /" + b"a" * 4080 + b" HTTP/1.1",
    b"POST /?" + b"a" * 4078 + b" HTTP/1.1",
    b"POST /?" + b"a" * 4079 + b" HTTP/1.1",
    b"post /a HTTP/1.1",
    b"POST a HTTP/1.1",
    b"POST /\xe9 HTTP/1.1",
    b"POST /a?\x7f HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
    b"POST http://h/a HTTP/1.1",
    b"POST /a HTTP/2.1",
]
VALUES: dict[bytes, list[bytes]] = {
    b"Content-Length": [b"0", b"3", b"003", b"+3", b"-1", b"3, 3", b"", b"\xb3", b"9" * 5000],
    b"Transfer-Encoding": [
        b"chunked",
        b"Chunked",
        b"x",
        b"x, chunked",
        b"identity",
        b"identity, chunked",
        b"gzip, chunked",
        b"chunked, gzip",
        b"chunked, chunked",
        b"chunked,",
        b"",
        b"\x0bchunked",
    ],
    b"Expect": [b"100-continue", b"100-Continue", b"", b"200-ok", b"100-continue, x"],
    b"Host": [b"a", b"b", b""],
    b"Content-Type": [b"a/b", b"text/plain"],
    b"Connection": [b"close", b"upgrade", b"keep-alive, Upgrade"],
    b"Upgrade": [b"h2c", b"websocket"],
    b"Transfer_Encoding": [b"chunked", b"x"],
    b"Content_Length": [b"5"],
    b"X-A": [b"", b"a\tb", b"\xe9", b"a\x00b", b"a\x1b[31m", b"a\x7f", b"a" * 8183, b"a" * 8184],
    b"X_A": [b"a" * 8183, b"a" * 8184, b"a\x01"],
    b"Cookie": [b"a=1", b"a=" + b"x" * 8178, b"a=" + b"x" * 8179],
}


def test_read_framing_generated_heads_are_read_as_by_gunicorn() -> None:
    """Of thousands of heads each is refused with gunicorn's status, or framed as it frames it."""
    rng = random.Random(8)  # noqa: S311 - not a secret
    refused: dict[int, int] = {}
    for _ in range(3000):
        line = rng.choice(LINES) if rng.random() < 0.4 else LINES[1]
        headers = []
        for _ in range(rng.randint(0, 4)):
            name = rng.choice(list(VALUES))
            headers.append((name, rng.choice(VALUES[name])))
        expected = gunicorns(line, headers, LIMITS)
        assert ours(line, headers, LIMITS) == expected, (line[:60], headers)
        refused[expected[0]] = refused.get(expected[0], 0) + 1
    assert set(refused) == {0, 400, 414, 417, 431, 501}
    assert min(refused.values()) > 25, "the cases hardly reach a class"


@pytest.mark.parametrize("dropped", [0, 1, 50])
@pytest.mark.parametrize("kept", [98, 99, 100, 101])
def test_read_framing_field_count_is_limited_as_by_gunicorn(kept: int, dropped: int) -> None:
    """Fields that are dropped for their underscore are not counted, unless they come last."""
    fields = [(b"X_%d" % n, b"") for n in range(dropped)] + [
        (b"X-%d" % n, b"") for n in range(kept)
    ]
    for headers in (fields, fields[::-1]):
        expected = gunicorns(LINES[0], headers, LIMITS)
        assert ours(LINES[0], headers, LIMITS) == expected
    assert expected[0] in (0, 431)


def test_read_framing_dropped_fields_are_limited_by_their_size() -> None:
    """A hundred times the largest field: no more is read, whatever its names are."""
    headers = [(b"X_%d" % n, b"a" * 8000) for n in range(110)]
    assert ours(LINES[0], headers, LIMITS)[0] == gunicorns(LINES[0], headers, LIMITS)[0] == 431


@pytest.mark.parametrize(
    ("name", "request_line", "headers", "status"),
    [
        ("limit_request_line", b"GET /aaaaaa HTTP/1.1", [], 414),
        ("limit_request_fields", b"GET /a HTTP/1.1", [(b"a", b"")] * 20, 431),
        ("limit_request_field_size", b"GET /a HTTP/1.1", [(b"a", b"x" * 12)], 431),
    ],
)
def test_read_framing_limits_are_settings(
    name: str, request_line: bytes, headers: Headers, status: int
) -> None:
    """A smaller limit refuses as gunicorn with it; a large one, and 0, lets pass."""
    changed: dict[str, Any] = {name: 16}
    small = replace(LIMITS, **changed)
    assert ours(request_line, headers, small)[0] == status
    assert gunicorns(request_line, headers, small)[0] == status
    for more in (17 + len(headers), 0):
        changed[name] = more + 4 if more else 0
        larger = replace(LIMITS, **changed)
        assert ours(request_line, headers, larger)[0] == 0


@pytest.mark.parametrize(
    ("more", "may_follow"),
    [
        ({"method": "GET"}, False),
        ({"method": "POST"}, False),
        ({"method": "POST", "http_version": "2"}, True),
        ({"method": "PROPFIND", "http_version": "3"}, True),
        ({"method": "DELETE", "http_version": "2"}, False),
        ({"method": "GET", "http_version": "2"}, False),
        ({"method": "OPTIONS", "http_version": "3"}, False),
    ],
)
def test_read_framing_without_a_length(more: dict[str, str], may_follow: bool) -> None:
    """HTTP/1 has no body then; HTTP/2 is asked for one where the method makes it likely."""
    assert read_framing(scope(**more), LIMITS).may_follow is may_follow


@pytest.mark.parametrize(
    ("headers", "version", "may_follow"),
    [
        ([(b"content-length", b"0")], "1.1", False),
        ([(b"content-length", b"000")], "1.1", False),
        ([(b"content-length", b"0")], "2", False),
        ([(b"content-length", b"3")], "2", True),
        ([(b"transfer-encoding", b"chunked")], "1.1", True),
        ([(b"expect", b"100-continue")], "1.1", True),
        ([(b"expect", b"100-continue")], "1.0", False),
        ([(b"expect", b"100-continue"), (b"content-length", b"0")], "1.1", True),
    ],
)
def test_read_framing_says_whether_a_body_may_follow(
    headers: Headers, version: str, may_follow: bool
) -> None:
    """Also where the client only waits for the 100 Continue, which HTTP/1.0 doesn't know."""
    assert read_framing(scope(*headers, http_version=version), LIMITS).may_follow is may_follow


def test_read_framing_expectation_over_http_2_waits_for_nothing() -> None:
    """A bodiless GET must not be waited for because of a header that HTTP/2 servers see to."""
    asked = scope((b"expect", b"100-continue"), method="GET", http_version="2")
    assert read_framing(asked, LIMITS) == Framing(None, coded=False, may_follow=False)


def test_read_framing_transfer_coding_over_http_2_is_refused() -> None:
    """RFC 9113 8.2.2: such a message is malformed."""
    with pytest.raises(RequestRefused):
        read_framing(scope((b"transfer-encoding", b"chunked"), http_version="2"), LIMITS)


@pytest.mark.parametrize(
    ("headers", "protocol"),
    [
        ([(b"upgrade", b"h2c")], None),
        ([(b"upgrade", b"h2c"), (b"connection", b"close")], None),
        ([(b"upgrade", b"H2C"), (b"connection", b"close, Upgrade")], b"h2c"),
        (
            [(b"upgrade", b"websocket"), (b"connection", b"x"), (b"connection", b"upgrade")],
            b"websocket",
        ),
        (
            [(b"upgrade", b"h2c"), (b"upgrade", b"websocket"), (b"connection", b"upgrade")],
            b"h2c,websocket",
        ),
        ([(b"connection", b"upgrade")], None),
    ],
)
def test_read_framing_protocol_needs_connection_upgrade(
    headers: Headers, protocol: bytes | None
) -> None:
    """RFC 9110 7.8; what is asked for twice is what Flask sees: both."""
    assert read_framing(scope(*headers), LIMITS).protocol == protocol


def test_read_framing_path_without_raw_path_is_taken_as_it_may_have_been_sent() -> None:
    """A server that hands on the decoded path alone: a path that is not ASCII is not refused."""
    asked = scope(path="/caf\xe9 \u2603#?")
    del asked["raw_path"]
    assert read_framing(asked, LIMITS).length is None


@pytest.mark.parametrize(
    ("framing", "size", "fits"),
    [
        (Framing(3, coded=False, may_follow=True), 3, True),
        (Framing(3, coded=False, may_follow=True), 2, False),
        (Framing(None, coded=True, may_follow=True), 0, True),
        (Framing(None, coded=True, may_follow=True, protocol=b"h2c"), 0, False),
        (Framing(None, coded=True, may_follow=True, protocol=b"h2c"), 1, True),
    ],
)
def test_framing_check_refuses_a_body_that_was_lost(
    framing: Framing, size: int, fits: bool
) -> None:
    """Fewer bytes than announced; none, where a parser may have dropped them."""
    if fits:
        framing.check(size)
    else:
        with pytest.raises(RequestRefused):
            framing.check(size)
