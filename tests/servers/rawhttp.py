"""A raw-socket HTTP/1 client: it sends the bytes it is given and tells what came back.

Nothing is normalised: header names keep their case, bodies are what the framing says, and an answer
that was cut off says so instead of raising.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

DEFAULT_TIMEOUT = 20.0

Address = tuple[str, int] | str
"""Where a server listens: host and port, or the path of a unix socket."""


class Closed(Exception):
    """The peer closed the connection before a response began."""


@dataclass(frozen=True)
class RawResponse:
    """One response.

    Attributes:
        status: the status code.
        reason: the reason phrase.
        version: `HTTP/1.1`.
        headers: names and values as they came, in order.
        body: the body without its framing.
        framing: `length`, `chunked`, `close` (ended by the connection's end) or `none`.
        complete: whether the whole of the body came, by its framing.
        chunks: the sizes of the chunks, where there were any.
        interim: the statuses of 1xx responses that came before it.
    """

    status: int
    reason: str
    version: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    framing: str
    complete: bool
    chunks: tuple[int, ...] = ()
    interim: tuple[int, ...] = ()

    def all(self, name: str) -> list[str]:
        """Return all values of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        """Return the first value of a header."""
        values = self.all(name)
        return values[0] if values else None


@dataclass
class _Head:
    status: int
    reason: str
    version: str
    headers: list[tuple[str, str]] = field(default_factory=list)

    def get(self, name: str) -> str | None:
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return None


class Connection:
    """A connection to a server. A context manager.

    Args:
        address: where to connect.
        timeout: seconds after which a blocked read or write raises `TimeoutError`.
        receive_buffer: size of the kernel's receive buffer, for a client that stalls.
    """

    def __init__(
        self,
        address: Address,
        timeout: float = DEFAULT_TIMEOUT,
        receive_buffer: int | None = None,
    ) -> None:
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            self.sock.connect(address)
        except BaseException:
            self.sock.close()
            raise
        if family == socket.AF_INET:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.sock.sendall(data)

    def close(self) -> None:
        """Close the connection in good order."""
        self.sock.close()

    def reset(self) -> None:
        """Drop the connection with a RST, as a crashed client does."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def end(self) -> None:
        """Send no more (FIN), but go on receiving."""
        self.sock.shutdown(socket.SHUT_WR)

    def _fill(self) -> bool:
        try:
            data = self.sock.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            data = b""
        self._buffer += data
        return bool(data)

    def read(self, size: int) -> bytes:
        """Return `size` bytes, or fewer if the peer closed first."""
        while len(self._buffer) < size and self._fill():
            pass
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def read_until(self, mark: bytes) -> bytes:
        """Return everything up to and with `mark`, or all there was if the peer closed first."""
        start = 0
        while (at := self._buffer.find(mark, start)) < 0:
            start = max(0, len(self._buffer) - len(mark))
            if not self._fill():
                at = len(self._buffer) - len(mark)
                break
        data = bytes(self._buffer[: at + len(mark)])
        del self._buffer[: at + len(mark)]
        return data

    def read_all(self) -> bytes:
        """Return everything until the peer closes."""
        while self._fill():
            pass
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    def at_end(self) -> bool:
        """Wait for the peer to send something or close; return whether it closed."""
        return not self._buffer and not self._fill()

    def read_head(self) -> _Head:
        """Return the head of the next response, interim or not.

        Raises:
            Closed: there is none.
        """
        raw = self.read_until(b"\r\n\r\n")
        if not raw.endswith(b"\r\n\r\n"):
            raise Closed(raw)
        first, *lines = raw[:-4].decode("latin-1").split("\r\n")
        version, _, rest = first.partition(" ")
        code, _, reason = rest.partition(" ")
        head = _Head(int(code), reason, version)
        for line in lines:
            name, _, value = line.partition(":")
            head.headers.append((name, value.strip(" \t")))
        return head

    def response(self, method: str = "GET") -> RawResponse:
        """Return the next response to a request with this method.

        Raises:
            Closed: the peer closed before one began.
        """
        interim: list[int] = []
        while (head := self.read_head()).status < 200 and head.status != 101:
            interim.append(head.status)
        body, framing, complete, chunks = self._body(head, method)
        return RawResponse(
            head.status,
            head.reason,
            head.version,
            tuple(head.headers),
            body,
            framing,
            complete,
            chunks,
            tuple(interim),
        )

    def _body(self, head: _Head, method: str) -> tuple[bytes, str, bool, tuple[int, ...]]:
        if method == "HEAD" or head.status in (101, 204, 304):
            return b"", "none", True, ()
        if (head.get("transfer-encoding") or "").lower() == "chunked":
            pieces: list[bytes] = []
            for chunk in self.chunks():
                if chunk is None:
                    return b"".join(pieces), "chunked", False, tuple(map(len, pieces))
                pieces.append(chunk)
            return b"".join(pieces), "chunked", True, tuple(map(len, pieces))
        length = head.get("content-length")
        if length is not None:
            body = self.read(int(length))
            return body, "length", len(body) == int(length), ()
        return self.read_all(), "close", True, ()

    def chunks(self) -> Iterator[bytes | None]:
        """Yield the chunks of a chunked body as they come; at last None if it was cut off."""
        while True:
            line = self.read_until(b"\r\n")
            if not line.endswith(b"\r\n"):
                yield None
                return
            size = int(line.partition(b";")[0], 16)
            data = self.read(size + 2)
            if len(data) != size + 2:
                yield None
                return
            if not size:
                return
            yield data[:-2]


@contextmanager
def connect(address: Address, timeout: float = DEFAULT_TIMEOUT) -> Iterator[Connection]:
    """Open a connection, and close it at the end."""
    connection = Connection(address, timeout)
    try:
        yield connection
    finally:
        connection.close()


def fetch(address: Address, request: bytes, timeout: float = DEFAULT_TIMEOUT) -> RawResponse:
    """Send the bytes of one request on a connection of its own and return its response."""
    with connect(address, timeout) as connection:
        connection.send(request)
        return connection.response(request.partition(b" ")[0].decode("latin-1"))


def get(address: Address, target: str, *headers: str) -> RawResponse:
    """Fetch a target with GET."""
    return fetch(address, request_bytes("GET", target, *headers))


def request_bytes(method: str, target: str, *headers: str, body: bytes | None = None) -> bytes:
    """Return a request with `Host`, the headers (`Name: value`) and, for a body, its length."""
    lines = [f"{method} {target} HTTP/1.1", "Host: example.test", *headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")
