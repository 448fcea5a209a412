"""One request and its answer, on the thread that runs the WSGI application.

The thread writes what the application yields into the exchange; the event loop takes it out. An
answer that is whole when the application returns costs one wake-up of the loop. A longer one is
passed on as it comes: whatever has gathered when the loop gets to run goes out, and the thread
waits only when the application is more than a window ahead of the client.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from crossfade.bridge.body import BodyStream, BodyTooLarge, ClientDisconnected
from crossfade.bridge.head import Head, parse_head
from crossfade.bridge.pool import Job, Pool
from crossfade.logs import Logs

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from crossfade.bridge.loop import Outbox
    from crossfade.model import BridgeSettings

logger: Final = Logs("crossfade.bridge")

_LOOK_UP: Final = 1.0
_PIECE: Final = 65536  # uvicorn's high-water mark of what waits for a client

_Exc = tuple[type[BaseException], BaseException, TracebackType | None]


class Exchange(Job):
    """The answer to one request, while it comes into being.

    Written by the thread, read by the loop, without a lock: every attribute has one writer, and
    the order of the writes is what the reader relies on (a chunk before the count of its bytes,
    everything before `ended`).

    Attributes:
        head: the status and headers, once they may be sent.
        chunks: what the loop has not taken yet.
        ended: the answer is whole, or will never be.
        error: why the answer is not whole: what the application raised.
        is_http_1_0: the client knows no chunks.
        refused: there was no thread for it in time, or no room for one more stream.
        dead: nobody waits for the answer any more.
    """

    __slots__ = (
        "_app",
        "_claim",
        "_context",
        "_future",
        "_is_head",
        "_line",
        "_pending",
        "_pool",
        "_produced",
        "_room",
        "_sent",
        "_started",
        "_timeout",
        "_window",
        "body",
        "chunks",
        "dead",
        "deadline",
        "ended",
        "environ",
        "error",
        "head",
        "is_http_1_0",
        "outbox",
        "refused",
    )

    def __init__(
        self,
        app: WSGIApplication,
        environ: dict[str, Any],
        body: BodyStream | None,
        pool: Pool,
        outbox: Outbox,
        settings: BridgeSettings,
    ) -> None:
        super().__init__()
        self._app = app
        self.environ = environ
        self.body = body
        self._pool = pool
        self.outbox = outbox
        self._window = settings.response_buffer
        self._timeout = settings.client_timeout
        # Now, for the application may change the environ, or empty it.
        self._line = (environ["REQUEST_METHOD"], environ["RAW_URI"])
        self._is_head = environ["REQUEST_METHOD"] == "HEAD"
        self.is_http_1_0: bool = environ["SERVER_PROTOCOL"] == "HTTP/1.0"
        self._context = contextvars.copy_context()
        self._future: asyncio.Future[None] = outbox.loop.create_future()
        self._claim = [True]
        self.dead = False
        self._pending: Head | None = None  # by start_response, not to be sent yet
        self._started = False  # nothing can replace the head any more
        self._produced = 0
        self._sent = 0
        self._room: threading.Event | None = None
        self.head: Head | None = None
        self.chunks: list[bytes] = []
        self.ended = False
        self.error: BaseException | None = None
        self.refused = False
        self.deadline = outbox.loop.time() + settings.queue_timeout

    # On the loop

    async def news(self) -> None:
        """Wait until the thread has something: a chunk, the end or an error."""
        if not self.ended:
            await self._future
            # News that came since then is seen by the caller, who looks now; later news finds
            # the new future, for all of it is told here, on the loop.
            self._future = self.outbox.loop.create_future()

    def on_news(self) -> None:
        """Wake the request's task."""
        if not self._future.done():
            self._future.set_result(None)

    def take(self) -> bytes:
        """Return what has gathered since the last time, or the first piece of it; b"" for nothing.

        A server keeps all of a message whose client has stalled, so small chunks are joined to no
        more than a piece, and the rest stays here, counted.
        """
        chunks = self.chunks
        size = count = 0
        for chunk in chunks:
            if count and size + len(chunk) > _PIECE:
                break
            size += len(chunk)
            count += 1
        piece = chunks[0] if count == 1 else b"".join(chunks[:count])
        del chunks[:count]
        return piece

    def sent(self, size: int) -> None:
        """Say that the server has taken so many bytes."""
        self._sent += size
        room = self._room
        if room is not None and self._produced - self._sent <= self._window // 2:
            room.set()

    def kill(self) -> None:
        """Let go of the thread: nobody waits for the answer any more. From any thread."""
        self.dead = True
        if self.claim():
            self._pool.release(self)
        if self.body is not None:
            self.body.fail(ClientDisconnected("the client went away"))
        if self._room is not None:
            self._room.set()

    def claim(self) -> bool:
        """Take the right to run this exchange or to give it up; True for one caller only."""
        try:
            self._claim.pop()
        except IndexError:
            return False
        return True

    @property
    def _bodiless(self) -> bool:
        return self._pending is not None and self._pending.bodiless

    @property
    def taken(self) -> bool:
        """Whether a thread has it, or nobody wants it any more."""
        return not self._claim

    def expire(self) -> None:
        """Give it up: it has waited too long for a thread."""
        if self.claim():
            self._pool.expire(self)
            self.ended = self.refused = True
            self.on_news()

    # On the thread

    def run(self) -> None:
        """Run the application, unless nobody waits for its answer."""
        if self.claim():
            self._context.run(self._run)

    def _run(self) -> None:
        iterable: Any = None
        try:
            iterable = self._app(self.environ, self.start_response)  # type: ignore[arg-type]
            self._deliver(iterable)
        except BaseException as exc:  # noqa: BLE001 - whatever an application raises, the loop must know
            self._fail(exc)
        # The client has its answer; what `close` does is not part of it, but of the request.
        try:
            close = getattr(iterable, "close", None)
            if close is not None:
                close()
        except BaseException as exc:
            self._pool.count_failure()
            logger.error("Error closing the response of %s", self.request_line(), exc_info=exc)

    def start_response(
        self,
        status: str,
        headers: list[tuple[str, str]],
        exc_info: _Exc | None = None,
    ) -> Any:
        """Take the status and headers (PEP 3333).

        Nothing is sent before the application yields for the first time, so that until then a call
        with `exc_info` replaces what an earlier one said.
        """
        if exc_info is not None:
            try:
                if self._started:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self._pending is not None:
            raise AssertionError("start_response was called twice without exc_info")
        self._pending = None
        self._pending = parse_head(status, headers, is_head=self._is_head)
        return self.write

    def write(self, data: bytes) -> None:
        """Send bytes at once: what `start_response` returns."""
        self._emit(data)

    def _deliver(self, iterable: Iterable[bytes]) -> None:
        if type(iterable) is list or type(iterable) is tuple:
            # Nothing runs between its items, so there is nothing to be gained by passing the
            # first one on before the last is there.
            for chunk in iterable:
                self._gather(chunk)
        else:
            for chunk in iterable:
                self._emit(chunk)
                if self.ended and self._bodiless:
                    # Without a body nobody would notice that the client went away, and an
                    # endless iterable would keep its thread for ever.
                    return
        self._end()

    def _gather(self, chunk: bytes) -> None:
        """Add a chunk to what the loop may take."""
        if not isinstance(chunk, bytes):
            raise TypeError(f"the application must yield bytes, not {type(chunk).__name__}")
        if self.dead:
            raise ClientDisconnected("the client went away")
        head = self._pending
        if head is None:
            raise AssertionError("the application yielded before it called start_response")
        self._started = True
        size = len(chunk)
        if head.bodiless or not size:
            return
        if head.length is not None and self._produced + size > head.length:
            # gunicorn sends as much as was announced and drops the rest.
            size = head.length - self._produced
            if size <= 0:
                return
            chunk = chunk[:size]
        self.chunks.append(chunk)
        self._produced += size

    def _emit(self, chunk: bytes) -> None:
        """Add a chunk and see that it gets to the client."""
        if self.ended:
            # All that was announced is on its way: the rest is run for its effects alone.
            return
        self._gather(chunk)
        head = self._pending
        assert head is not None
        if head.bodiless or (head.length is not None and self._produced >= head.length):
            self._end()
            return
        if not chunk and not self._produced and head.announces_a_file():
            return
        if self.head is None:
            if not self._pool.reserve(self):
                self.refused = True
                raise ClientDisconnected("too many responses are streaming")
            self.head = head
        self.outbox.post(self)
        if self._produced - self._sent >= self._window:
            self._wait_for_room()

    def _end(self) -> None:
        """Say that the answer is whole."""
        if self.ended:
            return
        head = self._pending
        if head is None:
            raise AssertionError("the application returned before it called start_response")
        self._started = True
        if head.length and not self._produced and not head.bodiless and head.announces_a_file():
            # The file's length, which servers under ASGI would wait for. The server in front gives
            # it again, with the file.
            head = head.emptied()
        if head.length is not None and self._produced < head.length and not head.bodiless:
            raise ValueError(
                f"the application announced {head.length} bytes and yielded {self._produced}"
            )
        self.head = head
        self.ended = True
        self.outbox.post(self)

    def _fail(self, exc: BaseException) -> None:
        """Say that the answer will not be whole, and log why."""
        if isinstance(exc, BodyTooLarge) and not self._started:
            self.error = exc
        elif isinstance(exc, OSError) and (self.dead or isinstance(exc, ClientDisconnected)):
            logger.debug("%s: %s", self.request_line(), exc)
            if not self.dead and not self.refused:
                self.error = exc
        else:
            self._pool.count_failure()
            logger.error("Error handling request %s", self.request_line(), exc_info=exc)
            self.error = exc
        if not self.ended:
            if self._started and not self.refused:
                self.head = self._pending
            self.ended = True
            self.outbox.post(self)

    def _wait_for_room(self) -> None:
        """Return once the client has taken half of what the application is ahead of it."""
        room = self._room
        if room is None:
            room = self._room = threading.Event()
        last_sent = self._sent
        since = time.monotonic()
        while self._produced - self._sent >= self._window:
            if self.dead:
                raise ClientDisconnected("the client went away")
            room.clear()
            # `sent` and `kill` change what is looked at here before they set the event, so that
            # nothing that happened before `clear` is missed.
            if self._produced - self._sent < self._window or self.dead:
                continue
            room.wait(_LOOK_UP)
            if self._sent != last_sent:
                last_sent, since = self._sent, time.monotonic()
            elif self.outbox.loop.is_closed() or (
                self._timeout is not None and time.monotonic() - since > self._timeout
            ):
                self.kill()
                raise ClientDisconnected("the client took nothing for too long")

    def request_line(self) -> str:
        """Return what the request is called in the log."""
        return " ".join(self._line)
