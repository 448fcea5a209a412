"""From the event loop to a thread and back, and a coroutine inside a context of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from typing import Any, TypeVar

import anyio

from crossfade.bridge.loop import Outbox, raisable
from crossfade.bridge.pool import Job, Pool

T = TypeVar("T")


class Hop(Job):
    """One call on a thread of the pool, which the loop waits for.

    A thread can't be interrupted. So whoever waits and is cancelled goes on waiting, and is
    cancelled afterwards: what follows may rely on the call being over.
    """

    __slots__ = ("_call", "_done", "_error", "_loop", "_nudged", "_outbox", "_result", "_waiter")

    def __init__(self, call: Callable[[], Any], outbox: Outbox) -> None:
        super().__init__()
        self._call = call
        self._outbox = outbox
        self._loop = outbox.loop
        self._done = self._nudged = False
        self._result: Any = None
        self._error: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None

    def run(self) -> None:
        """Make the call. On the thread."""
        try:
            self._result = self._call()
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            self._error = error
        self._outbox.post(self)

    def on_news(self) -> None:
        """Wake who waits. On the loop."""
        self._done = True
        self._wake()

    def nudge(self) -> None:
        """Wake who waits although the call is not over. On the loop."""
        self._nudged = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def pause(self) -> bool:
        """Wait for the end of the call or for a nudge; return whether it is over.

        Cancellation ends the waiting at once: the caller sees to it that the call ends.
        """
        if not self._done and not self._nudged:
            self._waiter = self._loop.create_future()
            await self._waiter
        self._nudged = False
        return self._done

    async def wait(self) -> Any:
        """Return what the call returned, or raise what it raised."""
        if not self._done:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            except asyncio.CancelledError:
                await self._wait_on()
                raise
            if not self._done:
                await self._wait_on()
        if self._error is not None:
            error, self._error = self._error, None
            raise raisable(error)
        return self._result

    async def _wait_on(self) -> None:
        # anyio's scopes cancel again and again; the shield keeps them from spinning.
        with anyio.CancelScope(shield=True):
            while not self._done:
                self._waiter = self._loop.create_future()
                try:
                    await self._waiter
                except asyncio.CancelledError:
                    continue


class Hopper:
    """Runs calls on threads of its own, so that they never wait for the bridge's."""

    def __init__(self, threads: int) -> None:
        # What has begun must be ended: nothing is ever refused.
        self._pool = Pool(threads, 0, sys.maxsize - threads)
        self._outbox: Outbox | None = None

    def start(self, call: Callable[[], Any]) -> Hop:
        """Have a thread make the call. On the loop."""
        loop = asyncio.get_running_loop()
        outbox = self._outbox
        if outbox is None or outbox.loop is not loop:
            outbox = self._outbox = Outbox(loop)
        hop = Hop(call, outbox)
        self._pool.submit(hop)
        return hop

    def close(self, timeout: float) -> None:
        """Wait for what runs and send the threads home. From a thread."""
        self._pool.join(timeout)


class InContext:
    """Awaits a coroutine whose every step runs in a given `Context`.

    `asyncio.create_task(context=…)` would need Python 3.11, and a task of its own.

    Args:
        context: entered for each step, and free between the steps.
        coroutine: what is run.
        between: called with what the coroutine waits for, whenever it does; awaited before it goes
            on. None from it means that there is nothing to do.
    """

    __slots__ = ("_between", "_context", "_coroutine")

    def __init__(
        self,
        context: Context,
        coroutine: Coroutine[Any, Any, T],
        between: Callable[[Any], Coroutine[Any, Any, None] | None],
    ) -> None:
        self._context = context
        self._coroutine = coroutine
        self._between = between

    def __await__(self) -> Generator[Any, Any, Any]:
        """Drive the coroutine."""
        run = self._context.run
        coroutine = self._coroutine
        step: Callable[[Any], Any] = coroutine.send
        argument: Any = None
        while True:
            try:
                awaited = run(step, argument)
            except StopIteration as stop:
                return stop.value
            try:
                todo = self._between(awaited)
                if todo is not None:
                    yield from todo.__await__()
                argument = yield awaited
                step = coroutine.send
            except BaseException as error:  # noqa: BLE001 - thrown in where it belongs
                argument = error
                step = coroutine.throw


def share_changes(context: Context) -> None:
    """Set in the current context what was set in another one, as if it had been set here."""
    here = copy_context()
    for variable, value in context.items():
        if variable not in here or here[variable] is not value:
            variable.set(value)
