"""Frozen records of one request and its response, as a client sees them. No I/O.

Header names are lower-case; values are decoded as latin-1, which loses no byte (PEP 3333).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from crossfade.model import Side
from crossfade.wording import visible

Headers = tuple[tuple[str, str], ...]
"""Header lines in the order sent: lower-case name, value without outer blanks."""


def _values(headers: Headers, name: str) -> tuple[str, ...]:
    return tuple(value for key, value in headers if key == name)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it stands on the wire.

    Attributes:
        method: upper-case, as sent.
        target: path and query exactly as sent: `b"/x%2Fy?a=1"`, `b"//leaf"`.
        headers: every header line.
        body: the whole body, without transfer coding.
    """

    method: str
    target: bytes
    headers: Headers = ()
    body: bytes = b""

    @property
    def raw_path(self) -> bytes:
        """The target up to its first `?`."""
        return self.target.partition(b"?")[0]

    @property
    def query_string(self) -> bytes:
        """The target after its first `?`; empty when it has none."""
        return self.target.partition(b"?")[2]

    @property
    def line(self) -> str:
        """Method and target, for people: `GET /x%2Fy?a=1`, what nobody would see written out."""
        return visible(f"{self.method} {self.target.decode('latin-1')}")

    def values(self, name: str) -> tuple[str, ...]:
        """The values of every line of the (lower-case) header `name`."""
        return _values(self.headers, name)


@dataclass(frozen=True, slots=True)
class SetCookie:
    """One `Set-Cookie` line, read as a browser reads it (RFC 6265, section 5.2).

    Attributes:
        name: the cookie's name, case kept.
        value: raw, quotes included.
        attributes: sorted pairs; names are lower-case, a flag such as `Secure` has the value "".
    """

    name: str
    value: str
    attributes: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, line: str) -> SetCookie:
        """Parse a header value: `session=abc; HttpOnly; Path=/`."""
        pair, *rest = line.split(";")
        name, equals, value = pair.partition("=")
        if not equals:
            name, value = "", pair
        attributes: dict[str, str] = {}
        for part in rest:
            key, _, text = part.partition("=")
            if key.strip():  # the last of two equal names wins, as in RFC 6265, section 5.3
                attributes[key.strip().lower()] = text.strip()
        return cls(name.strip(), value.strip(), tuple(sorted(attributes.items())))

    def get(self, attribute: str) -> str | None:
        """The value of a (lower-case) attribute, or None where the line lacks it."""
        return dict(self.attributes).get(attribute)


@dataclass(frozen=True, slots=True)
class Response:
    """A response as a client receives it.

    Attributes:
        status: the status code.
        headers: every header line.
        body: the bytes that arrived, content coding included.
        complete: False where the connection would have been closed before the body's end.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    complete: bool = True

    def values(self, name: str) -> tuple[str, ...]:
        """The values of every line of the (lower-case) header `name`."""
        return _values(self.headers, name)

    @property
    def media_type(self) -> str:
        """`application/json` of `Application/JSON; charset=utf-8`; empty when there is none."""
        return next(iter(self.values("content-type")), "").partition(";")[0].strip().lower()

    @property
    def cookies(self) -> tuple[SetCookie, ...]:
        """What the response sets, in order."""
        return tuple(SetCookie.parse(value) for value in self.values("set-cookie"))


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception of a native route's, as far as a report needs it.

    Attributes:
        name: of its class.
        text: what it says.
        status: that it asks for; None where it asks for none.
        place: the last line of the project's own code that it came through, as `native.py:12 in
            create`; "" where it came through libraries only, before the endpoint was called.
        refused: for a validation error the place of each refused input (`("query", "page")`), and
            why it was refused.
    """

    name: str
    text: str = ""
    status: int | None = None
    place: str = ""
    refused: tuple[tuple[tuple[str, ...], str], ...] = ()


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request with the response that one side gave it.

    Attributes:
        request: what was sent.
        response: what came back.
        side: who answered.
        route: the route as the gateway spells it; None where Flask's URL map answered alone
            (404, 405, redirect, automatic OPTIONS).
        endpoint: the name of the function that answered, where it is known.
        error: the traceback of an exception that left the application, or None.
        moment: when the answer was there, by the clock of the side that gave it.
        seconds: that the answer took, by a clock that is never frozen.
        raised: the exception of a native route that was answered by this, where one was seen.
    """

    request: Request
    response: Response
    side: Side
    route: str | None = None
    endpoint: str | None = None
    error: str | None = None
    moment: datetime | None = None
    seconds: float = 0.0
    raised: Raised | None = None


_Message = TypeVar("_Message", Request, Response)


def with_body(message: _Message, body: bytes) -> _Message:
    """The message with another body, and the `Content-Length` that goes with it, if it had one."""
    own = ("content-length", str(len(message.body)))
    headers = tuple(
        ("content-length", str(len(body))) if pair == own else pair for pair in message.headers
    )
    return replace(message, headers=headers, body=body)
