"""A request's body, on the event loop: what is read before a thread is taken, and the rest."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from crossfade.bridge.body import BodyStream, BodyTooLarge, ClientDisconnected, Input
from crossfade.framing import Framing, RequestRefused

if TYPE_CHECKING:
    from crossfade.model import BridgeSettings

_FIRST_PROBE: Final = 1.0
_LAST_PROBE: Final = 60.0


class Upload:
    """The body of one request.

    Attributes:
        input: `wsgi.input`, once `open` has returned.
        stream: the part of `input` that the loop writes to; None if the body is whole.
        whole: whether `input` holds all of the body.
    """

    def __init__(
        self,
        framing: Framing,
        receive: Callable[[], Awaitable[Any]],
        settings: BridgeSettings,
    ) -> None:
        self._framing = framing
        self._receive = receive
        self._window = settings.request_buffer
        self._limit = settings.max_body
        self._timeout = settings.client_timeout
        self._length = framing.length
        self._size = 0
        self._loop = asyncio.get_running_loop()
        self._room: asyncio.Future[None] | None = None
        self.input: Any = None
        self.stream: BodyStream | None = None
        self.whole = False

    async def open(self) -> None:
        """Read the whole body, or the first window of a longer one.

        Raises:
            ClientDisconnected: the client went away first.
            RequestRefused: the body is too long, or is not what its header says.
        """
        if self._length is not None and self._limit is not None and self._length > self._limit:
            raise RequestRefused(413, "The body is too long")
        chunks: list[bytes] = []
        more = True
        while more and self._size < self._window:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected("the client went away before its body had arrived")
            data = message.get("body", b"")
            more = message.get("more_body", False)
            if data:
                chunks.append(data)
                self._size += len(data)
                if self._limit is not None and self._size > self._limit:
                    raise RequestRefused(413, "The body is too long")
        if more:
            self.stream = BodyStream(self._window, self._timeout, self._ask)
            for chunk in chunks:
                self.stream.feed(chunk)
            self.input = Input(self.stream)
            return
        self._framing.check(self._size)
        self.whole = True
        self.input = io.BytesIO(chunks[0] if len(chunks) == 1 else b"".join(chunks))

    async def pump(self) -> None:
        """Pass the rest on as the application reads it, then wait.

        Returns once the client has gone away.
        """
        stream = self.stream
        probe = _FIRST_PROBE
        while True:
            if stream is not None and stream.full:
                # A server says that the client went away only where it is asked for more. So ask
                # now and then, ever more rarely, in case the application never reads the rest.
                self._room = self._loop.create_future()
                if stream.full:
                    done, _ = await asyncio.wait([self._room], timeout=probe)
                    if not done:
                        probe = min(probe * 2, _LAST_PROBE)
                self._room = None
            message = await self._receive()
            if message["type"] == "http.disconnect":
                return
            if stream is not None and self._feed(stream, message):
                stream = None

    def _feed(self, stream: BodyStream, message: dict[str, Any]) -> bool:
        """Pass one message on; return whether it was the last of the body."""
        data = message.get("body", b"")
        self._size += len(data)
        if self._limit is not None and self._size > self._limit:
            stream.fail(BodyTooLarge("the body is too long"))
            return True
        stream.feed(data)
        if message.get("more_body", False):
            return False
        if self._length is not None and self._size != self._length:
            stream.fail(ClientDisconnected(f"got {self._size} of {self._length} bytes"))
        else:
            stream.end()
        return True

    def _ask(self) -> None:
        """Ask for more of the body. From the thread that reads it."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: `kill` tells the reader
            self._loop.call_soon_threadsafe(self._on_room)

    def _on_room(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
