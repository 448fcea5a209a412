"""A request's body that Flask's hooks and the native handler both read, each from its beginning."""

from __future__ import annotations

import asyncio
import concurrent.futures
import io
import tempfile
import threading
from collections.abc import Callable
from typing import IO, Any, Final

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from crossfade.bridge.body import ClientDisconnected

SHARED_BODY: Final = "crossfade.body"
"""Environ key of the `SharedBody`."""

_IN_MEMORY: Final = 1_048_576
"""Bytes that are held in memory. More goes to a temporary file."""

_BLOCK: Final = 65536


class SharedBody:
    """The body of one request, read once from the server and as often as wanted from here.

    What a hook reads is kept for the native handler: in memory up to 1 MB, past that in a
    temporary file. What the native handler reads is kept for the hooks that come after it up to
    1 MB; past that the body counts as consumed, as in Flask after a view read `request.stream`.

    Flask's own reading keeps to Flask's `MAX_CONTENT_LENGTH`; what the native handler reads is held
    to it here.

    Args:
        receive: the server's `receive`.
        window: how many bytes are read ahead.
        timeout: seconds that a hook waits for bytes.
        limit: returns the most bytes that the native handler may be sent; called when it reads.
        length: what the request says of its length.

    Attributes:
        input: `wsgi.input`. A read that needs bytes which have not arrived waits for them, on any
            thread but the event loop's.
        gone: whether the client went away before its body had arrived.
    """

    def __init__(
        self,
        receive: Receive,
        window: int,
        timeout: float | None,
        limit: Callable[[], int | None] = lambda: None,
        length: int = 0,
    ) -> None:
        self._receive = receive
        self._limit = limit
        self._length = length
        self._native_got = 0
        self._window = window
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._store: IO[bytes] = io.BytesIO()
        self._size = 0
        self._ended = False
        self.gone = False
        self._consumed = False
        self._native_at = 0
        self._native_ended = False
        self.input = io.BufferedReader(_Input(self), _BLOCK)

    @property
    def whole(self) -> bool:
        """Whether it has arrived."""
        return self._ended

    async def prefetch(self) -> None:
        """Read a short body whole, or the first window of a longer one.

        So a hook seldom waits on its thread, and `flask.request` works in an `async def`.
        """
        while not self._ended and not self.gone and self._size < self._window:
            self._keep(await self._receive())

    async def receive(self) -> Message:
        """`receive` for the native handler: past Flask's limit, a message with no body to read."""
        if self._native_ended:
            return await self._next_for_native()
        limit = self._limit()
        if limit is not None and self._length > limit:
            self._native_ended = True
            return _TooLong()
        message = await self._next_for_native()
        self._native_got += len(message.get("body", b""))
        if limit is not None and self._native_got > limit:
            self._native_ended = True
            return _TooLong()
        return message

    async def _next_for_native(self) -> Message:
        if self._native_at < self._size and not self._consumed:
            data = self._read(self._native_at, _BLOCK)
            self._native_at += len(data)
            more = self._native_at < self._size or not self._ended
            self._native_ended = not more
            return {"type": "http.request", "body": data, "more_body": more}
        if self._ended and not self._native_ended:
            self._native_ended = True
            return {"type": "http.request", "body": b"", "more_body": False}
        if self.gone:
            return {"type": "http.disconnect"}
        message = await self._receive()
        if not self._native_ended:
            self._keep(message, for_hooks=False)
            self._native_at = self._size
            self._native_ended = self._ended
        return message

    def read(self, at: int, size: int) -> bytes:
        """Return up to `size` bytes from a position; b"" at the end of the body.

        Raises:
            ClientDisconnected: the client went away, or fell silent, before they came.
            RuntimeError: they have not come yet, and this is the event loop's thread.
        """
        while True:
            if self._consumed:
                return b""
            if at < self._size:
                return self._read(at, size)
            if self._ended:
                return b""
            if self.gone:
                raise ClientDisconnected("the client went away before its body had arrived")
            if threading.get_ident() == self._thread:
                raise RuntimeError(
                    "flask.request can't wait for the rest of a large body in an async def: it "
                    "would stop the event loop. Read it by `await request.body()` of FastAPI's "
                    "request, or make the handler a plain def."
                )
            future = asyncio.run_coroutine_threadsafe(self._next(), self._loop)
            try:
                message = future.result(self._timeout)
            except concurrent.futures.TimeoutError:
                future.cancel()
                raise ClientDisconnected("the client sent nothing for too long") from None
            self._keep(message)

    def close(self) -> None:
        """Let go of the bytes."""
        with self._lock:
            self._consumed = True
            self._store.close()

    async def _next(self) -> Message:
        return await self._receive()

    def _keep(self, message: Message, *, for_hooks: bool = True) -> None:
        if message["type"] == "http.disconnect":
            self.gone = True
            return
        data = message.get("body", b"")
        with self._lock:
            if data and not self._consumed:
                if not for_hooks and self._size + len(data) > _IN_MEMORY:
                    self._consumed = True
                    self._store.close()
                else:
                    self._append(data)
            self._ended = not message.get("more_body", False)

    def _append(self, data: bytes) -> None:
        if isinstance(self._store, io.BytesIO) and self._size + len(data) > _IN_MEMORY:
            spilt = tempfile.TemporaryFile(prefix="crossfade-body-")  # noqa: SIM115 - closed by us
            spilt.write(self._store.getbuffer())
            self._store = spilt
        self._store.seek(0, io.SEEK_END)
        self._store.write(data)
        self._size += len(data)

    def _read(self, at: int, size: int) -> bytes:
        with self._lock:
            if self._consumed:
                return b""
            self._store.seek(at)
            return self._store.read(size)


class _TooLong(dict[str, Any]):
    """A message whose body is more than Flask allows.

    Only who asks for the body is told: a streamed answer receives, too, to learn of the client's
    going, and looks at nothing but the message's type.
    """

    def __init__(self) -> None:
        super().__init__(type="http.request", body=b"", more_body=False)

    def __getitem__(self, key: str) -> Any:
        """Return an item.

        Raises:
            HTTPException: 413 for the body. Of Starlette's kind: FastAPI makes a 400 of what else
                is raised while it reads.
        """
        if key == "body":
            raise HTTPException(413)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return an item, as `__getitem__` does."""
        return self["body"] if key == "body" else super().get(key, default)


class _Input(io.RawIOBase):
    def __init__(self, body: SharedBody) -> None:
        self._body = body
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._body.read(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
