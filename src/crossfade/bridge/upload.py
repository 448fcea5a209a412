"""A request's body, on the event loop: what is read before a thread is taken, and the rest."""

from __future__ import annotations

import asyncio
import contextlib
import io
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from crossfade.bridge.body import (
    BodyStream,
    BodyTooLarge,
    BodyTooSlow,
    ClientDisconnected,
    Input,
)
from crossfade.bridge.intake import Intake
from crossfade.scope.framing import Framing, RequestRefused

if TYPE_CHECKING:
    from crossfade.model import BridgeSettings

_FIRST_PROBE: Final = 1.0
_LAST_PROBE: Final = 60.0
_TOO_LONG: Final = "The body is too long"


def check_length(length: int | None, limit: int | None) -> None:
    """Refuse a body before anything of it is read.

    Raises:
        RequestRefused: it says itself that it is longer than `BridgeSettings.max_body`.
    """
    if length is not None and limit is not None and length > limit:
        raise RequestRefused(413, _TOO_LONG)


def refusal(error: BodyTooLarge | BodyTooSlow) -> RequestRefused:
    """Return how the server itself answers what an `Intake` raises: no application has begun."""
    if isinstance(error, BodyTooLarge):
        return RequestRefused(413, _TOO_LONG)
    return RequestRefused(408, "The body took too long")


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
        self._intake = Intake(receive, settings)
        self._window = settings.request_buffer
        self._limit = settings.max_body
        self._timeout = settings.client_timeout
        self._length = framing.length
        self._loop = asyncio.get_running_loop()
        self._room: asyncio.Future[None] | None = None
        self.input: Any = None
        self.stream: BodyStream | None = None
        self.whole = False

    async def open(self) -> None:
        """Read the whole body, or the first window of a longer one.

        Raises:
            ClientDisconnected: the client went away first.
            RequestRefused: the body is too long or too slow, or is not what its header says.
        """
        check_length(self._length, self._limit)
        try:
            chunks, more = await self._window_of_chunks()
        except (BodyTooLarge, BodyTooSlow) as error:
            self._intake.close()
            raise refusal(error) from None
        except BaseException:
            self._intake.close()
            raise
        if more:
            self.stream = BodyStream(self._window, self._timeout, self._ask)
            for chunk in chunks:
                self.stream.feed(chunk)
            self.input = Input(self.stream)
            return
        self._framing.check(self._intake.size)
        self.whole = True
        self.input = io.BytesIO(chunks[0] if len(chunks) == 1 else b"".join(chunks))

    async def _window_of_chunks(self) -> tuple[list[bytes], bool]:
        """Return the body or the first window of it, and whether more is to come."""
        chunks: list[bytes] = []
        more = True
        while more and self._intake.size < self._window:
            message = await self._intake.next()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected("the client went away before its body had arrived")
            data = message.get("body", b"")
            more = message.get("more_body", False)
            if data:
                chunks.append(data)
        return chunks, more

    async def pump(self) -> None:
        """Pass the rest on as the application reads it, then wait.

        Returns once the client has gone away.
        """
        try:
            await self._pump()
        finally:
            self._intake.close()

    async def _pump(self) -> None:
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
            try:
                message = await (self._receive() if stream is None else self._intake.next())
            except (BodyTooLarge, BodyTooSlow) as error:
                assert stream is not None  # only the intake raises these
                slow = isinstance(error, BodyTooSlow)
                stream.fail(ClientDisconnected(str(error)) if slow else error)
                stream = None
                continue
            if message["type"] == "http.disconnect":
                return
            if stream is not None and self._feed(stream, message):
                stream = None

    def _feed(self, stream: BodyStream, message: dict[str, Any]) -> bool:
        """Pass one message on; return whether it was the last of the body."""
        stream.feed(message.get("body", b""))
        if message.get("more_body", False):
            return False
        if self._length is not None and self._intake.size != self._length:
            stream.fail(ClientDisconnected(f"got {self._intake.size} of {self._length} bytes"))
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
