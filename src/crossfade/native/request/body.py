"""A request's body that Flask's hooks and the native handler both read, each from its beginning."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive
from werkzeug.exceptions import RequestTimeout

from crossfade.bridge.body import BodyTooLarge, BodyTooSlow, ClientDisconnected
from crossfade.bridge.intake import Intake
from crossfade.bridge.upload import refusal
from crossfade.native.request.spool import NotKeptError, Spool
from crossfade.native.threads import Hopper

if TYPE_CHECKING:
    from crossfade.model import BridgeSettings

SHARED_BODY: Final = "crossfade.body"
"""Environ key of the `SharedBody`."""

KEPT: Final = 64 * 1_048_576
"""Bytes of what the native handler reads that are kept for guards and hooks which read later."""

_BLOCK: Final = 65536


class SharedBody:
    """The body of one request, read once from the server and as often as wanted from here.

    All that has come is kept in a `Spool`. What Flask's side reads is always kept: the handler is
    still to read it. What the native handler reads is kept up to a bound; who asks for it past that
    gets an error. Nobody is ever told that a body is empty, or at its end, when it is not.

    Flask's own reading keeps to Flask's `MAX_CONTENT_LENGTH`; what the native handler reads is held
    to it here.

    Args:
        receive: the server's `receive`.
        settings: how much is read ahead, and the bounds of an `Intake`.
        hopper: knows what to do with a thread that waits for its client. None: Flask's side does
            not read.
        limit: returns the most bytes that the native handler may be sent; called when it reads.
        length: what the request says of its length.
        kept: see `KEPT`.

    Attributes:
        gone: whether the client went away before its body had arrived.
    """

    def __init__(
        self,
        receive: Receive,
        settings: BridgeSettings,
        hopper: Hopper | None,
        limit: Callable[[], int | None],
        length: int,
        kept: int = KEPT,
    ) -> None:
        self._receive = receive
        self._intake = Intake(receive, settings)
        self._hopper = hopper
        self._limit = limit
        self._length = length
        self._kept = kept
        self._window = settings.request_buffer
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._turn = asyncio.Lock()
        self._spool = Spool()
        self._ended = False
        self._error: Exception | None = None
        self._closed = False
        self._waits: set[concurrent.futures.Future[None]] = set()
        self._native_at = 0
        self._native_ended = False
        self._refused = 0  # the status with which the native handler was

    @property
    def size(self) -> int:
        """How many bytes have come."""
        return self._spool.size

    @property
    def gone(self) -> bool:
        """Whether the client went away before its body had arrived."""
        return isinstance(self._error, ClientDisconnected) and not self._is_slow

    @property
    def _is_slow(self) -> bool:
        return isinstance(self._error, BodyTooSlow)

    async def prefetch(self) -> None:
        """Read a short body whole, or the first window of a longer one.

        So a hook seldom waits on its thread, and `flask.request` works in an `async def`.

        Raises:
            RequestRefused: it is too long, or took too long.
        """
        while self._comes and self._spool.size < self._window:
            await self._fetch(self._spool.size)
        if isinstance(self._error, BodyTooLarge | BodyTooSlow):
            raise refusal(self._error)

    async def complete(self) -> None:
        """Wait, without a thread, until all has come that Flask will read.

        Or until it is known that the rest never will.
        """
        if not self._comes:
            return
        limit = self._limit()
        if limit is not None and self._length > limit:
            return
        while self._comes and (limit is None or self._spool.size <= limit):
            await self._fetch(self._spool.size)

    async def receive(self) -> Message:
        """`receive` for the native handler: past a limit, a message with no body to read."""
        if self._native_ended:
            message = await self._receive()
            if self._refused and message["type"] == "http.request":
                return Refused(self._refused)
            return message
        limit = self._limit()
        if limit is not None and self._length > limit:
            return self._refuse(413)
        at = self._native_at
        while at >= self._spool.size and self._comes:
            await self._fetch(at)
        if at >= self._spool.size and self._error is not None:
            return self._end_with(self._error)
        data = await self._read_natively(at)
        self._native_at = at = at + len(data)
        if limit is not None and at > limit:
            return self._refuse(413)
        if at > self._kept:
            self._spool.forget(at)
        self._native_ended = self._ended and at >= self._spool.size
        return {"type": "http.request", "body": data, "more_body": not self._native_ended}

    async def _read_natively(self, at: int) -> bytes:
        if self._spool.is_in_memory(at):
            return self._spool.read(at, _BLOCK)
        return await asyncio.to_thread(self._spool.read, at, 4 * _BLOCK)

    def _end_with(self, error: Exception) -> Message:
        if isinstance(error, BodyTooLarge):
            return self._refuse(413)
        if isinstance(error, BodyTooSlow):
            return self._refuse(408)
        return {"type": "http.disconnect"}

    def _refuse(self, status: int) -> Message:
        self._native_ended = True
        self._refused = status
        # What comes from now on is not kept, so nobody may take it for the rest of the body.
        self._error = self._error or BodyTooLarge()
        return Refused(status)

    def all_in_memory(self) -> bytes | None:
        """Return all of it, if it has come and is no longer than what is read ahead."""
        if not self._ended or self.size > self._window:
            return None
        return self._spool.read(0, self.size) if self._spool.is_in_memory(0) else None

    def read(self, at: int, most: int) -> bytes:
        """Return up to `most` bytes from a position for Flask's side; b"" at the end of the body.

        Raises:
            ClientDisconnected: the client went away before they came.
            RequestEntityTooLarge: the body is too long.
            RequestTimeout: the client took too long.
            ServiceUnavailable: too many threads wait for their clients.
            RuntimeError: they have not come yet, and this is the event loop's thread; or they are
                not kept any more.
        """
        while at >= self._spool.size:
            if self._ended:
                return b""
            if self._closed:
                raise RuntimeError("the request is over, and the rest of its body was not read")
            self._raise_error()
            if threading.get_ident() == self._thread:
                raise RuntimeError(
                    "flask.request can't wait for the rest of a large body in an async def: it "
                    "would stop the event loop. Read it by `await request.body()` of FastAPI's "
                    "request, or make the handler a plain def."
                )
            self._wait(at)
        try:
            return self._spool.read(at, most)
        except NotKeptError:
            raise RuntimeError(
                "this part of the request's body is not there any more: the native handler has "
                f"read it, and past {self._kept} bytes, or once the request is over, it is not kept"
            ) from None

    def _raise_error(self) -> None:
        error = self._error
        if isinstance(error, BodyTooSlow):
            raise RequestTimeout from error
        if isinstance(error, BodyTooLarge):
            raise BodyTooLarge
        if error is not None:
            raise ClientDisconnected(str(error))

    def _wait(self, at: int) -> None:
        """Wait for bytes past a position on this thread."""
        assert self._hopper is not None  # this is Flask's side
        with self._hopper.waiting(partial(self._fetch, at), self._loop) as future:
            self._waits.add(future)
            try:
                future.result()
            except concurrent.futures.CancelledError:
                self._error = self._error or ClientDisconnected("the request was given up")
            finally:
                self._waits.discard(future)

    def abandon(self) -> None:
        """Let nobody wait for more of it. On the loop."""
        self._error = self._error or ClientDisconnected("the request was given up")
        for future in tuple(self._waits):
            future.cancel()

    def close(self) -> None:
        """Let go of what is not in memory: the request is over. On the loop."""
        self._closed = True
        self._intake.close()
        self._spool.close()

    @property
    def _comes(self) -> bool:
        """Whether there is more to wait for."""
        return not self._ended and self._error is None

    async def _fetch(self, at: int) -> None:
        """Take what the server has next, unless bytes past a position are here by then.

        On the loop, and one at a time, so that they are kept in their order whoever asks.
        """
        async with self._turn:
            if at < self._spool.size or not self._comes:
                return
            try:
                message = await self._intake.next()
            except (BodyTooLarge, BodyTooSlow) as error:
                self._error = error
                return
            if message["type"] == "http.disconnect":
                self._error = ClientDisconnected("the client went away before its body had arrived")
                return
            self._spool.append(message.get("body", b""))
            self._ended = not message.get("more_body", False)
            if self._spool.is_full:
                await asyncio.to_thread(self._spool.write_out)


class Refused(dict[str, Any]):
    """A message whose body is not to be had: it is too long, or took too long.

    Only who asks for the body is told: a streamed answer receives, too, to learn of the client's
    going, and looks at nothing but the message's type.

    Args:
        status: 413 or 408.
    """

    def __init__(self, status: int) -> None:
        super().__init__(type="http.request", body=b"", more_body=False)
        self._status = status

    def __getitem__(self, key: str) -> Any:
        """Return an item.

        Raises:
            HTTPException: for the body. Of Starlette's kind: FastAPI makes a 400 of what else is
                raised while it reads.
        """
        if key == "body":
            raise HTTPException(self._status)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return an item, as `__getitem__` does."""
        return self["body"] if key == "body" else super().get(key, default)
