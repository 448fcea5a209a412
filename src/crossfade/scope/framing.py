"""A request's head, read once and in one way for both sides: what is refused, where the body ends.

What gunicorn refuses is refused here too, whichever application owns the route, also where the
server's HTTP parser let it pass: such a request can be read in two ways. The order of the checks is
gunicorn's, so that a request with two faults gets the same status. Pure: no I/O, no clock.

An ordinary request costs one look at each header's name and three passes in C over the bytes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import quote

Scope = Mapping[str, Any]

FRAMING: Final = "crossfade.framing"
"""Scope key under which the gateway leaves the `Framing` of a request that it let pass."""

_UNLIKELY: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "DELETE"})
"""Methods of which HTTP/2 is not asked for a body that no header announces."""

_USUAL: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_METHOD: Final = re.compile(r"[!$%&'*+\-.^_`|~0-9A-Z]{3,20}")
_TARGET: Final = bytes(range(0x21, 0x7F))  # RFC 9112 3.2
_CONTROL: Final = bytes(set(range(0x20)) - {0x09} | {0x7F})  # RFC 9110 5.5
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_SINGLE: Final = frozenset({b"host", b"content-type"})
_COMPRESSIONS: Final = frozenset({"compress", "deflate", "gzip"})
_UNLIMITED: Final = 1 << 62
_IN_A_PATH: Final = "/:@!$&'()*+,;=~"  # RFC 3986 3.3: beside what `quote` leaves alone

_ODD: Final = 8
_LENGTH: Final = 4
# One of the first three may come once; one of the others is looked at more closely.
_BITS: Final = {
    b"host": 1,
    b"content-type": 2,
    b"content-length": _LENGTH,
    b"transfer-encoding": _ODD,
    b"upgrade": _ODD,
    b"expect": _ODD,
}


class RequestRefused(Exception):
    """A request that a server must not hand to an application.

    Attributes:
        status: the status to answer with, after which the connection is closed.
        reason: what is wrong, for the body of the answer and the log.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason


class HeadLimits(Protocol):
    """The limits of a head, by gunicorn's names; 0 stands for none."""

    @property
    def limit_request_line(self) -> int:
        """Bytes of the request line: method, target and protocol."""

    @property
    def limit_request_fields(self) -> int:
        """Header fields; those that are dropped for their name are not counted."""

    @property
    def limit_request_field_size(self) -> int:
        """Bytes of one header field, its name and `: ` included."""


class Framing(NamedTuple):
    """Where a request's body ends, by its head.

    Attributes:
        length: its bytes by `Content-Length`, or None.
        coded: whether it has a transfer coding.
        may_follow: whether there is one, or the client waits for the 100 Continue before it. False
            means that nobody may wait for a body.
        protocol: what the client asks to go on with (RFC 9110 7.8), in lower case: `websocket`,
            `h2c`, after a CONNECT `tunnel`. A parser may then take the request to end with its head
            and drop the body, as uvicorn's httptools does. None: nothing.
    """

    length: int | None
    coded: bool
    may_follow: bool
    protocol: bytes | None = None

    def check(self, size: int) -> None:
        """Refuse a body of so many bytes where its head promised another.

        Raises:
            RequestRefused: the server has lost it. The answer closes the connection, which keeps
                the lost bytes from being served as a request.
        """
        if self.length is not None:
            if size != self.length:
                raise RequestRefused(400, f"Got {size} of {self.length} bytes of the body")
        elif self.coded and self.protocol is not None and not size:
            raise RequestRefused(400, "A body cannot go with an upgrade")


_NO_BODY: Final = Framing(None, coded=False, may_follow=False)
_UNANNOUNCED: Final = Framing(None, coded=False, may_follow=True)


def quoted(path: str) -> str:
    """Return a path as a client sends it."""
    return quote(path, safe=_IN_A_PATH, errors="surrogateescape")


def sent_target(scope: Scope) -> bytes:
    """Return the path of the request's target as it was sent, without the query.

    Where the server hands on the decoded path alone, as it may have been sent.
    """
    raw: bytes | None = scope.get("raw_path")
    return quoted(scope["path"]).encode() if raw is None else raw


def read_framing(scope: Scope, limits: HeadLimits) -> Framing:
    """Check the head of an `http` or `websocket` scope and return what it says of the body.

    Raises:
        RequestRefused: what gunicorn refuses: a head past a limit (414, 431), a transfer coding
            that it doesn't know (501), an expectation that it doesn't (417), and for 400 whatever
            two readers could read in two ways: a header that may come once came twice, a length
            came with a transfer coding, control characters, a method in lower case, HTTP/1.0 with
            a transfer coding.
    """
    method: str = scope.get("method", "GET")
    _check_line(method, scope, limits)
    headers = scope["headers"]
    seen = 0
    length: bytes = b""
    for name, value in headers:
        bit = _BITS.get(name)
        if bit is not None:
            if bit & (seen | _ODD):
                return _read_closely(scope, limits)
            seen |= bit
            if bit == _LENGTH:
                length = value
    text = b":".join(chain.from_iterable(headers))
    if (
        len(text) + 3 > (limits.limit_request_field_size or _UNLIMITED)
        or len(headers) > (limits.limit_request_fields or _UNLIMITED)
        or len(text.translate(None, _CONTROL)) != len(text)
        or method == "CONNECT"
        or (seen & _LENGTH and not length.isdigit())
    ):
        return _read_closely(scope, limits)
    if seen & _LENGTH:
        size = _length(length)
        return Framing(size, coded=False, may_follow=size > 0)
    return _UNANNOUNCED if _may_come_unannounced(scope) else _NO_BODY


def _may_come_unannounced(scope: Scope) -> bool:
    """Whether HTTP/2 and 3 may frame a body that no header announces.

    Where the method makes one unlikely it is not waited for, and so there is none for either side:
    uvicorn's HTTP/2 never says that there is none.
    """
    return not is_http_1(scope) and scope.get("method", "GET") not in _UNLIKELY


def is_http_1(scope: Scope) -> bool:
    """Whether headers alone say where a body ends; the frames of HTTP/2 and 3 say it too."""
    return bool(scope.get("http_version", "1.1")[:1] == "1")


def _check_line(method: str, scope: Scope, limits: HeadLimits) -> None:
    version: str = scope.get("http_version", "1.1")
    target = sent_target(scope)
    query: bytes = scope.get("query_string", b"")  # which a WebSocket's scope need not have
    if query:
        target = b"%s?%s" % (target, query)
    size = len(method) + len(target) + len(" HTTP/1.1") + 1
    if size > (limits.limit_request_line or _UNLIMITED):
        most = limits.limit_request_line
        raise RequestRefused(414, f"Request Line is too large ({size} > {most})")
    if method not in _USUAL and not _METHOD.fullmatch(method):
        raise RequestRefused(400, f"Invalid Method 'Invalid HTTP method: {method!r}'")
    if target.translate(None, _TARGET):
        raise RequestRefused(400, "Invalid Request Line: the target is not printable ASCII")
    if target[:1] != b"/" and not (
        # RFC 9112 3.2.3 and 3.2.4. Flask would take `users` for `/users`.
        not target
        or b"://" in target
        or method == "CONNECT"
        or (method == "OPTIONS" and target == b"*")
    ):
        raise RequestRefused(400, "Invalid Request Line: the target is not a path")
    if version != "1.1" and version[:2] != "1." and version not in ("1", "2", "3"):
        raise RequestRefused(400, f"Invalid HTTP Version {version!r}")


def _read_closely(scope: Scope, limits: HeadLimits) -> Framing:
    """Read header after header in gunicorn's order."""
    kept = _checked_fields(scope, limits)
    announced: bytes | None = None
    coding = _Coding()
    for name, value in kept:
        if name == b"content-length":
            if announced is not None:
                raise _invalid(name)
            announced = value
        elif name == b"transfer-encoding":
            coding.add(value.decode("latin-1"))
    # Neither HTTP/1.0 nor what frames bodies by itself knows chunks or 100 Continue.
    is_http_1_1 = is_http_1(scope) and scope.get("http_version", "1.1") not in ("1.0", "1")
    if coding.came:
        if not coding.chunked or not is_http_1_1:
            raise _invalid(b"transfer-encoding")
        if announced is not None:
            raise _invalid(b"content-length")
    length = None if announced is None else _length(announced)
    expects = is_http_1_1 and any(name == b"expect" for name, _ in kept)
    unannounced = length is None and _may_come_unannounced(scope)
    return Framing(
        length,
        coded=coding.came,
        may_follow=bool(length) or coding.came or expects or unannounced,
        protocol=b"tunnel" if scope.get("method") == "CONNECT" else _protocol(kept),
    )


def _protocol(kept: list[tuple[bytes, bytes]]) -> bytes | None:
    """An `Upgrade` without `Connection: upgrade` asks for nothing."""
    tokens: list[bytes] = []
    protocols = []
    for name, value in kept:
        if name == b"connection":
            tokens += (token.strip(b" \t") for token in value.lower().split(b","))
        elif name == b"upgrade":
            protocols.append(value.lower())
    return b",".join(protocols) if protocols and b"upgrade" in tokens else None


def _checked_fields(scope: Scope, limits: HeadLimits) -> list[tuple[bytes, bytes]]:
    """Return the fields without those that are dropped, their values without blanks around."""
    most = limits.limit_request_fields or _UNLIMITED
    longest = limits.limit_request_field_size or _UNLIMITED
    size = sum(len(name) + len(value) + len(": \r\n") for name, value in scope["headers"])
    if size > most * (longest + 2) + 4:
        raise RequestRefused(431, "Error parsing headers: 'max buffer headers'")
    kept: list[tuple[bytes, bytes]] = []
    seen = set()
    for name, value in scope["headers"]:
        if len(kept) >= most:
            raise RequestRefused(431, "Error parsing headers: 'limit request headers fields'")
        if not _TOKEN.fullmatch(name):
            raise _invalid(name)
        value = value.strip(b" \t")
        if value.translate(None, _CONTROL) != value:
            raise _invalid(name)
        if len(name) + len(value) + len(": \r\n") > longest:
            reason = "Error parsing headers: 'limit request headers fields size'"
            raise RequestRefused(431, reason)
        if name in _SINGLE:
            if name in seen:
                raise _invalid(name)
            seen.add(name)
        if name == b"expect" and value.lower() != b"100-continue" and is_http_1(scope):
            expectation = value.decode("latin-1")
            raise RequestRefused(417, f"Unable to comply with expectation: {expectation!r}")
        if b"_" not in name:
            kept.append((name, value))
    return kept


class _Coding:
    """The transfer codings of a request, of one header after the other (RFC 9112 6.1)."""

    def __init__(self) -> None:
        self.came = False
        self.chunked = False

    def add(self, value: str) -> None:
        """Take one header's value.

        Raises:
            RequestRefused: 501 for a coding that gunicorn doesn't know, 400 for one after chunked.
        """
        self.came = True
        for item in value.split(","):
            coding = item.strip(" \t").lower()
            if coding not in ("chunked", "identity") and coding not in _COMPRESSIONS:
                raise RequestRefused(501, f"Unsupported transfer coding: {value!r}")
            if self.chunked:
                raise _invalid(b"transfer-encoding")
            self.chunked = coding == "chunked"


def _length(value: bytes) -> int:
    try:
        if value.isdigit():
            return int(value)
    except ValueError:  # more digits than Python reads
        pass
    raise _invalid(b"content-length")


def _invalid(name: bytes) -> RequestRefused:
    # Only the name: the value may be a secret.
    return RequestRefused(400, f"Invalid HTTP Header: {name.decode('latin-1').upper()!r}")
