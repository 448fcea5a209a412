"""The way back from the threads to one event loop, with as few wake-ups as can be."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final, Protocol

_SWEEP: Final = 0.25


class Wakeable(Protocol):
    """Something on the event loop that a thread has news for."""

    def on_news(self) -> None:
        """Take the news. Called on the loop."""
        ...


class Waiting(Protocol):
    """Something that waits for a thread until a deadline."""

    deadline: float

    @property
    def taken(self) -> bool:
        """Whether it waits no more."""
        ...

    def expire(self) -> None:
        """Give up waiting. Called on the loop, after the deadline."""
        ...


class Outbox:
    """What threads tell one event loop.

    However many threads have news before the loop gets to run, it is woken once. That is the
    whole of the bridge's cost per response that is not the application's or the server's.
    """

    __slots__ = ("_awake", "_news", "_sweeper", "_waiting", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._news: deque[Wakeable] = deque()
        self._awake = False
        self._waiting: deque[Waiting] = deque()
        self._sweeper: asyncio.TimerHandle | None = None

    def post(self, item: Wakeable) -> None:
        """Have `item.on_news` called on the loop. From any thread."""
        self._news.append(item)
        # `_deliver` lowers the flag before it looks at the news, so that an item appended while
        # the flag was up is either seen by that look or wakes the loop again.
        if not self._awake:
            self._awake = True
            try:
                self.loop.call_soon_threadsafe(self._deliver)
            except RuntimeError:
                # The loop is closed, and with it everyone who waited for the news.
                self._news.clear()

    def _deliver(self) -> None:
        self._awake = False
        news = self._news
        while news:
            news.popleft().on_news()

    def watch(self, item: Waiting) -> None:
        """Have `item.expire` called once its deadline has passed. On the loop.

        Deadlines must come in order, as they do when all wait equally long.
        """
        waiting = self._waiting
        while waiting and waiting[0].taken:
            waiting.popleft()
        waiting.append(item)
        if self._sweeper is None:
            self._sweeper = self.loop.call_later(_SWEEP, self._sweep)

    def _sweep(self) -> None:
        now = self.loop.time()
        waiting = self._waiting
        while waiting and (waiting[0].taken or waiting[0].deadline <= now):
            item = waiting.popleft()
            if not item.taken:
                item.expire()
        self._sweeper = self.loop.call_later(_SWEEP, self._sweep) if waiting else None


def raisable(error: BaseException) -> Exception:
    """Return what a request's task may raise of what an application raised on a thread.

    A `SystemExit` or `KeyboardInterrupt` would end the event loop and all that it serves, a
    `CancelledError` would be taken for the server's own.
    """
    if isinstance(error, Exception):
        return error
    wrapped = RuntimeError(f"the application raised {type(error).__name__}")
    wrapped.__cause__ = error
    return wrapped
