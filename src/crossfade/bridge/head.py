"""A status line and headers, as an application gives them, checked as gunicorn does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

RawHeaders = list[tuple[bytes, bytes]]

_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE: Final = re.compile(r"[ \t\x21-\x7e\x80-\xff]*")
_STATUS: Final = re.compile(r"[0-9]{3}(?: [ \t\x21-\x7e\x80-\xff]*)?")
_MAX_CACHED_NAMES: Final = 1024

_DROPPED: Final = frozenset(
    {
        # Hop-by-hop: they belong to the connection, and so to the server (PEP 3333).
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailers",
        b"transfer-encoding",
        b"upgrade",
        # The server writes its own. gunicorn drops the application's too: never both.
        b"date",
        b"server",
    }
)

_FILES: Final = frozenset({b"x-sendfile", b"x-accel-redirect", b"x-lighttpd-send-file"})
"""Headers by which the server in front is to send a file as the body."""

_names: dict[str, bytes] = {}


class Head:
    """A checked status and headers.

    Attributes:
        status: 200 to 599.
        headers: lower-case names, values without surrounding blanks, nothing hop-by-hop.
        length: the body's length by `Content-Length`, or None.
        bodiless: no body may follow, whatever the application yields (RFC 9110 6.4.1).
    """

    __slots__ = ("bodiless", "headers", "length", "status")

    def __init__(self, status: int, headers: RawHeaders, length: int | None, bodiless: bool):
        self.status = status
        self.headers = headers
        self.length = length
        self.bodiless = bodiless

    def announces_a_file(self) -> bool:
        """Whether the server in front is to put a file in the body's place (`USE_X_SENDFILE`)."""
        return any(name in _FILES for name, _ in self.headers)

    def emptied(self) -> Head:
        """Return it for an empty body, whatever length was announced."""
        headers = [(name, value) for name, value in self.headers if name != b"content-length"]
        return Head(self.status, [*headers, (b"content-length", b"0")], 0, self.bodiless)


def parse_head(status: Any, headers: Iterable[tuple[Any, Any]], *, is_head: bool) -> Head:
    """Return the head of a response as an ASGI server may be given it.

    Args:
        status: the status line, `200 OK`.
        headers: pairs of native strings.
        is_head: whether the request's method is HEAD.

    Raises:
        TypeError: something is not a string.
        ValueError: a status, name or value that no server could send.
    """
    code = _checked_status(status)
    length: int | None = None
    raw: RawHeaders = []
    known = _names
    for name, value in headers:
        low = known.get(name)
        if low is None:
            low = _checked_name(name)
        if not isinstance(value, str):
            raise TypeError(f"the value of {name} must be a str, not {type(value).__name__}")
        if not (value.isascii() and value.isprintable()) and not _VALUE.fullmatch(value):
            # Only the name: the value may be a secret.
            raise ValueError(f"invalid value of response header {name!r}")
        if low == b"content-length":
            length = int(value)
            if length < 0:
                raise ValueError(f"negative Content-Length {length}")
        elif low:
            raw.append((low, value.strip(" \t").encode("latin-1")))
    bodiless = is_head or code in (204, 304)
    if code in (204, 304):
        # A 304 may name the length that it does not send, but servers under ASGI then miss bytes.
        length = None
    if length is not None:
        raw.append((b"content-length", b"%d" % length))
    return Head(code, raw, length, bodiless)


def _checked_status(status: Any) -> int:
    if not isinstance(status, str):
        raise TypeError(f"the status must be a str, not {status!r}")
    if not _STATUS.fullmatch(status):
        raise ValueError(f"invalid status {status!r}: three digits, a blank and a reason")
    code = int(status[:3])
    if not 200 <= code <= 599:
        raise ValueError(f"status {code} cannot be sent through ASGI: it must be 200 to 599")
    return code


def _checked_name(name: Any) -> bytes:
    """The name in lower case, or b"" for one that is dropped."""
    if not isinstance(name, str):
        raise TypeError(f"a header's name must be a str, not {name!r}")
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"invalid name of response header {name!r}")
    low = name.lower().encode("ascii")
    if low in _DROPPED:
        low = b""
    if len(_names) < _MAX_CACHED_NAMES:
        _names[name] = low
    return low
