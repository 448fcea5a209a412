"""What a suite runs natively runs in its test's thread, as under Flask's test client.

An in-memory database, a `threading.local` or a `scoped_session` is another one in each thread. The
event loop has a thread of its own. So while the test's thread waits for an answer, it makes the
calls that would otherwise go to threads: Flask's hooks, plain `def` handlers and dependencies,
synchronous generators. What is `async def` stays on the loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from contextvars import ContextVar, copy_context
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread

from crossfade.bridge.loop import raisable
from crossfade.bridge.pool import Pool
from crossfade.model import BridgeSettings
from crossfade.native.threads import Hop, Hopper

T = TypeVar("T")

_WAITING: Final[ContextVar[WaitingThread | None]] = ContextVar("crossfade.waiting", default=None)
"""The thread that waits for the answer to the request in this context."""

_MAKING: Final = threading.local()
"""Its `call` is what this waiting thread makes for FastAPI: itself, and the loop that asked."""


class WaitingThread:
    """A thread that waits for a result, and makes calls meanwhile.

    A call that itself waits for others makes those, for as long as it does.

    Attributes:
        ident: of the thread, which makes this.
    """

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._lock = threading.Lock()
        self._is_over = False
        self.ident = threading.get_ident()

    def wait_for(self, begin: Callable[[], Future[T]]) -> T:
        """Begin something, make the calls that it needs, and return its result. On the thread.

        Args:
            begin: starts it, in the context in which this thread is known.
        """
        token = _WAITING.set(self)
        try:
            future = begin()
        finally:
            _WAITING.reset(token)
        self.serve(future)
        with self._lock:
            self._is_over = True
        with suppress(Empty):  # what something else has asked for, which lives on
            while True:
                self._calls.get_nowait()()
        return future.result()

    def serve(self, future: Future[Any]) -> None:
        """Make calls until something is done. On the thread."""
        future.add_done_callback(lambda _: self.wake())
        self.serve_until(future.done)

    def serve_until(self, is_done: Callable[[], bool]) -> None:
        """Make calls until a condition holds; who makes it hold calls `wake`. On the thread."""
        while not is_done():
            self._calls.get()()

    def wake(self) -> None:
        """Have it look again."""
        self._calls.put(_nothing)

    def takes(self, call: Callable[[], None]) -> bool:
        """Have it make a call; False where it waits no more."""
        with self._lock:
            if not self._is_over:
                self._calls.put(call)
            return not self._is_over


def _nothing() -> None: ...


class _Chunks(SimpleQueue[Any]):
    """What a hook waits for on a thread that makes calls meanwhile, such as those of a stream."""

    def __new__(cls, thread: WaitingThread) -> _Chunks:
        return super().__new__(cls)

    def __init__(self, thread: WaitingThread) -> None:
        super().__init__()
        self._thread = thread

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        super().put(item)
        self._thread.wake()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        if threading.get_ident() == self._thread.ident:
            self._thread.serve_until(lambda: not self.empty())
        return super().get()


class HooksInWaitingThread(Hopper):
    """Runs Flask's part of a native route in the thread that waits for its answer."""

    def __init__(self, settings: BridgeSettings) -> None:
        super().__init__(settings)
        self._nobodys = Pool(1, settings.streams, 0)  # has no part in what its threads do

    def start(self, call: Callable[[], Any]) -> Hop:
        """Have the thread make a call."""
        return self._hop_there(call) or super().start(call)

    def admit(self, call: Callable[[], Any]) -> Hop:
        """Have the thread make the call that a request begins with."""
        return self._hop_there(call) or super().admit(call)

    def queue(self) -> SimpleQueue[Any]:
        """Return a queue from which the thread may get."""
        thread = _WAITING.get()
        return super().queue() if thread is None else _Chunks(thread)

    def _hop_there(self, call: Callable[[], Any]) -> Hop | None:
        thread = _WAITING.get()
        if thread is None:
            return None
        hop = Hop(call, self._nobodys, self.outbox())

        def make() -> None:
            try:
                hop.run()
            finally:
                hop.over()

        return hop if thread.takes(make) else None


class ThreadCalls:
    """Stands where anyio sends plain functions to threads, by which FastAPI runs them.

    Requests that no waiting thread has sent are not affected.
    """

    def __init__(self) -> None:
        self._replaced: list[tuple[Any, str, Any]] = []

    def install(self) -> None:
        """Take the place of three of its functions."""
        self._replace(anyio.to_thread, "run_sync", _to_thread)
        self._replace(anyio.from_thread, "run", _from_thread)
        self._replace(anyio.from_thread, "run_sync", _sync_from_thread)

    def uninstall(self) -> None:
        """Put them back."""
        while self._replaced:
            setattr(*self._replaced.pop())

    def _replace(self, module: Any, name: str, function: Callable[..., Any]) -> None:
        original = getattr(module, name)
        self._replaced.append((module, name, original))
        setattr(module, name, partial(function, original))


async def _to_thread(
    original: Callable[..., Awaitable[T]], func: Callable[..., T], *args: Any, **options: Any
) -> T:
    thread = _WAITING.get()
    if thread is not None:
        call = _Call(thread, partial(func, *args))
        if thread.takes(call.run):
            leave = options.get("abandon_on_cancel") or options.get("cancellable") or False
            with anyio.CancelScope(shield=not leave):
                made: T = await call.future
            return made
    return await original(func, *args, **options)


def _from_thread(
    original: Callable[..., T], func: Callable[..., Awaitable[T]], *args: Any, **options: Any
) -> T:
    making: _Call | None = getattr(_MAKING, "call", None)
    if making is None:
        return original(func, *args, **options)

    async def run() -> T:
        return await func(*args)

    return making.ask_loop(run())


def _sync_from_thread(
    original: Callable[..., T], func: Callable[..., T], *args: Any, **options: Any
) -> T:
    making: _Call | None = getattr(_MAKING, "call", None)
    if making is None:
        return original(func, *args, **options)

    async def run() -> T:
        return func(*args)

    return making.ask_loop(run())


class _Call:
    """A call of FastAPI's that a waiting thread makes."""

    def __init__(self, thread: WaitingThread, call: Callable[[], Any]) -> None:
        self._thread = thread
        self._context = copy_context()
        self._call = call
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self._loop.create_future()

    def run(self) -> None:
        """Make it. On the thread."""
        outer, _MAKING.call = getattr(_MAKING, "call", None), self
        result, failure = None, None
        try:
            result = self._context.run(self._call)
        except BaseException as error:
            failure = raisable(error)
            if isinstance(error, KeyboardInterrupt):
                raise
        finally:
            _MAKING.call = outer
            self._loop.call_soon_threadsafe(self._tell, result, failure)

    def ask_loop(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Have the loop run a coroutine, and wait for its result. On the thread."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        self._thread.serve(future)
        return future.result()

    def _tell(self, result: Any, error: Exception | None) -> None:
        if self.future.cancelled():
            return
        if error is None:
            self.future.set_result(result)
        elif isinstance(error, StopIteration):  # a future can't raise it
            self.future.set_exception(RuntimeError("coroutine raised StopIteration"))
        else:
            self.future.set_exception(error)
