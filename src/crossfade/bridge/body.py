"""`wsgi.input`: a file over messages that arrive on the event loop.

OSError
└── ConnectionResetError
    └── ClientDisconnected   the client went away
        └── BodyTooSlow      it is there, but took too long
werkzeug.exceptions.RequestEntityTooLarge
└── BodyTooLarge             the body is longer than `BridgeSettings.max_body`
"""

from __future__ import annotations

import io
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from werkzeug.exceptions import RequestEntityTooLarge

_READ_AHEAD: Final = 65536


class ClientDisconnected(ConnectionResetError):
    """The client went away in the middle of the request or of its answer.

    Raised to the application by a read of `wsgi.input` whose bytes will never come, so that a
    truncated body is never taken for a whole one.
    """


class BodyTooSlow(ClientDisconnected):
    """The client took longer than it may; answered 408 unless the application catches it."""

    def __init__(self, message: str = "the client sent nothing for too long") -> None:
        super().__init__(message)


class BodyTooLarge(RequestEntityTooLarge):
    """The body is longer than the limit; answered 413 unless the application catches it.

    Of Werkzeug's kind and no `OSError`, so that Flask answers it with its own 413: of an `OSError`
    Werkzeug makes a client that went away, and Flask a 500.
    """


class BodyStream(io.RawIOBase):
    """A body that is still arriving, seen from the application's thread.

    The loop calls `feed`, `end` and `fail`; the thread reads. Not more than about `window` bytes
    are held: `on_room`, called from the thread, asks for the next message.
    """

    def __init__(self, window: int, timeout: float | None, on_room: Callable[[], None]) -> None:
        self._window = window
        self._timeout = timeout
        self._on_room = on_room
        self._chunks: deque[memoryview] = deque()
        self._held = 0
        self._ended = False
        self._error: Exception | None = None
        self._starved = False
        self._condition = threading.Condition(threading.Lock())

    @property
    def full(self) -> bool:
        """Whether the loop should stop receiving."""
        return self._held >= self._window

    def feed(self, data: bytes) -> None:
        """Add bytes. On the loop."""
        if data:
            with self._condition:
                self._chunks.append(memoryview(data))
                self._held += len(data)
                self._condition.notify()

    def end(self) -> None:
        """Say that the body is whole. On the loop."""
        with self._condition:
            self._ended = True
            self._condition.notify()

    def fail(self, error: Exception) -> None:
        """Say that the rest will not come: every further read raises. From any thread."""
        with self._condition:
            if not self._ended and self._error is None:
                self._error = error
            self._condition.notify()

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Wait for bytes and copy what there is; 0 at the end of the body."""
        target = memoryview(buffer).cast("B")
        with self._condition:
            if not self._chunks:
                self._wait()
            if not self._chunks:
                return 0
            done = 0
            while done < len(target) and self._chunks:
                chunk = self._chunks[0]
                size = min(len(chunk), len(target) - done)
                target[done : done + size] = chunk[:size]
                done += size
                if size == len(chunk):
                    self._chunks.popleft()
                else:
                    self._chunks[0] = chunk[size:]
            had_room = self._held <= self._window // 2
            self._held -= done
            ask = not had_room and self._held <= self._window // 2
        if ask:
            self._on_room()
        return done

    def readall(self) -> bytes:
        """Return all that is left, in large steps."""
        pieces = []
        buffer = bytearray(_READ_AHEAD)
        while size := self.readinto(buffer):
            pieces.append(bytes(buffer[:size]))
        return b"".join(pieces)

    def _wait(self) -> None:
        """Return once there are bytes or the body has ended; raise if neither will happen."""
        deadline = None if self._timeout is None else time.monotonic() + self._timeout
        while not self._chunks and not self._ended:
            if self._error is not None:
                raise type(self._error)(*self._error.args)
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                self._error = ClientDisconnected("the client sent nothing for too long")
                continue
            self._condition.wait(left)


class Input(io.BufferedReader):
    """`wsgi.input`: all that a binary file can do, and `read(-5)` as gunicorn has it."""

    def __init__(self, raw: BodyStream) -> None:
        super().__init__(raw, _READ_AHEAD)

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most `size` bytes; all that is left if it is None or negative."""
        return super().read(-1 if size is None or size < 0 else size)
