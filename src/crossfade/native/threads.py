"""From the event loop to a thread and back, and a coroutine inside a context of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final, TypeVar

import anyio
import anyio.to_thread
from werkzeug.exceptions import ServiceUnavailable

from crossfade.bridge.loop import Outbox, raisable
from crossfade.bridge.pool import BridgeStats, Job, Pool
from crossfade.scope.framing import RequestRefused

if TYPE_CHECKING:
    from crossfade.model import BridgeSettings

T = TypeVar("T")

_RUNNING: Final = threading.local()
"""Its `hop` is the one that the thread runs."""


class Busy(RequestRefused):
    """There is no thread for a request, and no room in the queue for one; answered 503.

    Attributes:
        retry_after: seconds, for the answer's header.
    """

    def __init__(self, retry_after: int) -> None:
        super().__init__(503, "")
        self.retry_after = retry_after


class Hop(Job):
    """One call on a thread of the pool, which the loop waits for.

    A thread can't be interrupted. So whoever waits and is cancelled goes on waiting, and is
    cancelled afterwards: what follows may rely on the call being over.

    Attributes:
        deadline: when it is given up if no thread has taken it, in the loop's time.
        on_cancel: called on the loop where whoever waits is cancelled: it lets the call end soon.
    """

    __slots__ = (
        "_busy",
        "_call",
        "_claim",
        "_done",
        "_error",
        "_loop",
        "_nudged",
        "_outbox",
        "_result",
        "_waiter",
        "deadline",
        "on_cancel",
        "pool",
    )

    def __init__(self, call: Callable[[], Any], pool: Pool, outbox: Outbox) -> None:
        super().__init__()
        self.pool = pool
        self.deadline = 0.0
        self.on_cancel: Callable[[], None] | None = None
        self._busy: Busy | None = None
        self._call = call
        self._claim = [True]
        self._outbox = outbox
        self._loop = outbox.loop
        self._done = self._nudged = False
        self._result: Any = None
        self._error: BaseException | None = None
        self._waiter: asyncio.Future[None] | None = None

    def run(self) -> None:
        """Make the call, unless it was given up. On the thread."""
        if not self._has_claimed():
            return
        _RUNNING.hop = self
        try:
            self._result = self._call()
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            self._error = error
        finally:
            _RUNNING.hop = None

    def over(self) -> None:
        """Wake who waits, whose client may ask for the place at once. On the thread."""
        self._outbox.post(self)

    def give_up_at(self, deadline: float, busy: Busy) -> None:
        """Have it given up if no thread has taken it by then. On the loop."""
        self.deadline = deadline
        self._busy = busy
        self._outbox.watch(self)

    @property
    def taken(self) -> bool:
        """Whether a thread has it, or it was given up."""
        return not self._claim

    def expire(self) -> None:
        """Give it up: no thread has taken it in time. On the loop."""
        if self._has_claimed():
            self.pool.expire(self)
            self._error = self._busy
            self.on_news()

    def _has_claimed(self) -> bool:
        """Take the right to run it or to give it up; True for one caller only."""
        try:
            self._claim.pop()
        except IndexError:
            return False
        return True

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
                if self.on_cancel is not None:
                    self.on_cancel()
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
    """Runs calls on threads of its own, so that they never wait for the bridge's.

    As many run at a time as the bridge has threads; and as there, one that waits for its client
    leaves its place to another, up to `streams` of them.
    """

    def __init__(self, settings: BridgeSettings) -> None:
        self._settings = settings
        self._pool = Pool(settings.threads, settings.streams, settings.queue)
        self._outbox: Outbox | None = None

    def start(self, call: Callable[[], Any]) -> Hop:
        """Have a thread make a call that belongs to what has begun: never refused. On the loop."""
        hop = self._hop(call)
        self._pool.submit(hop, bounded=False)
        return hop

    def admit(self, call: Callable[[], Any]) -> Hop:
        """Have a thread make the call that a request begins with. On the loop.

        Raises:
            Busy: too many wait already. Waiting for the hop raises it, too, after `queue_timeout`.
        """
        settings = self._settings
        hop = self._hop(call)
        at_once = self._pool.submit(hop)
        if at_once is None:
            raise Busy(settings.retry_after)
        if not at_once:
            deadline = asyncio.get_running_loop().time() + settings.queue_timeout
            hop.give_up_at(deadline, Busy(settings.retry_after))
        return hop

    @contextmanager
    def waiting(
        self, call: Callable[[], Coroutine[Any, Any, T]], loop: asyncio.AbstractEventLoop
    ) -> Iterator[concurrent.futures.Future[T]]:
        """Have the loop await what a thread waits for that waits for its client.

        Meanwhile the thread counts neither among those that run hooks nor, where it is one of
        anyio's, among those that run plain `def` handlers.

        Raises:
            ServiceUnavailable: `streams` threads wait already.
        """
        pool = self._pool
        hop: Hop | None = getattr(_RUNNING, "hop", None)
        if hop is not None and hop.pool is pool:
            if not pool.reserve(hop):
                raise self._unavailable()
            pool.detach(hop)
            yield _on_loop(call, loop)
            return
        if not pool.reserve_elsewhere():
            raise self._unavailable()
        try:
            yield _on_loop(lambda: _with_another_thread(call), loop)
        finally:
            pool.free_elsewhere()

    def stats(self) -> BridgeStats:
        """Return what the threads are doing and have done; `streaming` are those that wait."""
        return self._pool.stats()

    def close(self, timeout: float) -> None:
        """Wait for what runs and send the threads home. From a thread."""
        self._pool.join(timeout)

    def queue(self) -> SimpleQueue[Any]:
        """Return a queue from which a thread may get while its hop runs."""
        return SimpleQueue()

    def outbox(self) -> Outbox:
        """Return the way back to the running loop."""
        loop = asyncio.get_running_loop()
        outbox = self._outbox
        if outbox is None or outbox.loop is not loop:
            outbox = self._outbox = Outbox(loop)
        return outbox

    def _hop(self, call: Callable[[], Any]) -> Hop:
        return Hop(call, self._pool, self.outbox())

    def _unavailable(self) -> ServiceUnavailable:
        return ServiceUnavailable(retry_after=self._settings.retry_after)


def _on_loop(
    call: Callable[[], Coroutine[Any, Any, T]], loop: asyncio.AbstractEventLoop
) -> concurrent.futures.Future[T]:
    coroutine = call()
    try:
        return asyncio.run_coroutine_threadsafe(coroutine, loop)
    except RuntimeError:  # the loop is closed
        coroutine.close()
        raise


async def _with_another_thread(call: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Await the call, and let one more of anyio's threads work while one of them waits for it."""
    limiter = anyio.to_thread.current_default_thread_limiter()
    limiter.total_tokens += 1
    try:
        return await call()
    finally:
        limiter.total_tokens -= 1


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
