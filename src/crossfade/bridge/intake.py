"""A request's body as it comes from the server: bounded in length and in time, on both sides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from types import coroutine
from typing import TYPE_CHECKING, Any

from crossfade.bridge.body import BodyTooLarge, BodyTooSlow

if TYPE_CHECKING:
    from crossfade.model import BridgeSettings

Receive = Callable[[], Awaitable[Any]]


class Intake:
    """Receives the messages of one body, for as long as its client may take.

    Two bounds hold, and both count only the time in which somebody waits for the client: it may be
    silent for `client_timeout`, and the whole body may take `body_timeout` and a second more for
    every `min_body_rate` bytes that have come. The second ends a client that sends a byte now and
    then, however long its body is, and no client that sends at an ordinary pace.

    One timer serves a body, and looks at the clock when it fires, so that a message costs no timer
    of its own. Only one task at a time may call `next`.

    Attributes:
        size: bytes that have come.
    """

    def __init__(self, receive: Receive, settings: BridgeSettings) -> None:
        self._receive = receive
        self._limit = settings.max_body
        self._idle = settings.client_timeout
        self._grace = settings.body_timeout
        self._rate = settings.min_body_rate
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Task[Any] | None = None
        self._since = 0.0
        self._waited = 0.0
        self._is_late = False
        self.size = 0

    async def next(self) -> Any:
        """Return the next message: `http.request` or `http.disconnect`.

        Raises:
            BodyTooLarge: it is longer than `max_body`.
            BodyTooSlow: the client took too long.
        """
        message = await self._await_message()
        if message["type"] == "http.request":
            self.size += len(message.get("body", b""))
            if not message.get("more_body", False):
                self.close()
            if self._limit is not None and self.size > self._limit:
                raise BodyTooLarge
        return message

    def close(self) -> None:
        """Let go of the timer: nobody waits for this body any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @coroutine
    def _await_message(self) -> Generator[Any, Any, Any]:
        """Await the server's `receive`, with a timer only where it waits."""
        receiving = self._receive().__await__()
        try:
            awaited = next(receiving)
        except StopIteration as received:
            return received.value
        return (yield from self._timed(receiving, awaited))

    def _timed(self, receiving: Generator[Any, Any, Any], awaited: Any) -> Generator[Any, Any, Any]:
        """Go on with what has begun to wait."""
        task = self._waiter = asyncio.current_task()
        assert task is not None  # a coroutine on the loop has one
        asked = _cancellations(task)
        self._since = self._loop.time()
        if self._timer is None:
            self._arm()
        try:
            while True:
                try:
                    sent = yield awaited
                except BaseException as error:  # noqa: BLE001 - thrown in where it belongs
                    awaited = receiving.throw(error)
                else:
                    awaited = receiving.send(sent)
        except StopIteration as received:
            return received.value
        except asyncio.CancelledError:
            if not self._is_late or _withdraw_cancellation(task) > asked:
                raise
            raise BodyTooSlow from None
        finally:
            self._waited += self._loop.time() - self._since
            self._waiter = None

    def _arm(self) -> None:
        left = self._left()
        if left is not None:
            self._timer = self._loop.call_later(max(left, 0.001), self._look)

    def _left(self) -> float | None:
        """Return for how long the client may still be waited for; None: for ever."""
        now = self._loop.time() - self._since if self._waiter is not None else 0.0
        left = []
        if self._idle is not None:
            left.append(self._idle - now)
        if self._grace is not None:
            left.append(self._grace + self.size / self._rate - self._waited - now)
        return min(left, default=None)

    def _look(self) -> None:
        """End the waiting if it is time to."""
        left = self._left()
        if self._waiter is None or (left is not None and left > 0):
            self._arm()
            return
        self._timer = None
        self._is_late = True
        self._waiter.cancel()


def _cancellations(task: asyncio.Task[Any]) -> int:
    """Return how many cancellations were asked for. Python 3.10 doesn't count them."""
    count = getattr(task, "cancelling", None)
    return 0 if count is None else int(count())


def _withdraw_cancellation(task: asyncio.Task[Any]) -> int:
    """Take back our own cancellation; return how many others were asked for."""
    withdraw = getattr(task, "uncancel", None)
    return 0 if withdraw is None else int(withdraw())
