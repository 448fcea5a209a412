"""The bridge from inside: what the ASGI side can do to it that no client can."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import io
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast
from wsgiref.validate import validator

import a2wsgi
import pytest
from flask import request

from crossfade.bridge import Bridge, ClientDisconnected
from crossfade.bridge.pool import Job, Pool
from crossfade.model import BridgeSettings
from tests.bridge.inprocess import DISCONNECT, Peer, ask, body, eventually, run, scope

Start = Callable[..., Callable[[bytes], None]]
color: contextvars.ContextVar[str] = contextvars.ContextVar("color")


def hello(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """The smallest application."""
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def echo(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """The body."""
    data = environ["wsgi.input"].read()
    start("200 OK", [("Content-Type", "text/plain")])
    return [data]


class Ticker:
    """An application that streams without an end, and knows what became of it."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterator[bytes]:
        """Answer a request."""
        start("200 OK", [("Content-Type", "text/event-stream")])
        try:
            while True:
                yield b"x" * 10_000
        finally:
            self.closed.set()


class Hanging:
    """An application that does not return before it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self.count = 0

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Answer a request."""
        self.count += 1
        self.entered.release()
        assert self.gate.wait(20)
        return hello(environ, start)


class Reading:
    """An application that reads all of its body, and knows how that went."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.error: OSError | None = None
        self.done = threading.Event()

    def __call__(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """Answer a request."""
        self.entered.set()
        try:
            return echo(environ, start)
        except OSError as exc:
            self.error = exc
            raise
        finally:
            self.done.set()


def bridge(app: Any, **settings: Any) -> Bridge:
    """Return a bridge with a short patience at its end."""
    return Bridge(app, BridgeSettings(**{"shutdown_timeout": 5.0, **settings}))


async def idle(of: Bridge) -> None:
    """Wait until no thread of a bridge is at work."""

    def nothing() -> bool:
        stats = of.stats()
        return not (stats.busy or stats.streaming or stats.queued)

    await eventually(nothing)


# Its place in an application


def test_is_an_a2wsgi_middleware() -> None:
    """It can stand wherever a2wsgi's stands."""
    made = Bridge(cast("Any", hello))
    assert isinstance(made, a2wsgi.WSGIMiddleware)
    assert cast("object", made.app) is hello
    assert made.settings == BridgeSettings()


def test_making_one_starts_nothing() -> None:
    """No thread and no loop: it is made at import, maybe before a fork."""
    before = threading.enumerate()
    made = bridge(hello)
    assert threading.enumerate() == before
    assert made.stats().threads == 0


def test_serves_one_loop_after_another() -> None:
    """A test suite runs each test in a loop of its own."""
    made = bridge(hello)
    for _ in range(3):
        assert run(ask(made, scope())).body == b"hello"
    run(made.aclose())


def test_serves_loops_at_once() -> None:
    """Two loops in two threads, each gets its own answers."""
    made = bridge(echo)
    answers: list[bytes] = []

    async def several(name: bytes) -> None:
        headers = [(b"content-length", b"1")]
        for _ in range(200):
            answers.append((await ask(made, scope("POST", headers=headers), body(name))).body)
            assert answers[-1] in (b"a", b"b")

    threads = [threading.Thread(target=run, args=(several(name),)) for name in (b"a", b"b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [b"a"] * 200 + [b"b"] * 200
    run(made.aclose())


def test_context_and_scope_reach_the_application() -> None:
    """The request's context variables, in the call, in the iteration and in close()."""
    seen: list[str] = []

    class Closing:
        def __iter__(self) -> Iterator[bytes]:
            seen.append(color.get())
            yield b""

        def close(self) -> None:
            seen.append(color.get())

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        seen.append(color.get())
        assert environ["asgi.scope"] is asked
        start("200 OK", [])
        return Closing()

    asked = scope()
    made = bridge(app)

    async def main() -> None:
        color.set("blue")
        await ask(made, asked)
        await idle(made)
        await made.aclose()

    run(main())
    assert seen == ["blue"] * 3


def test_lifespan() -> None:
    """Standing alone it follows the lifespan, and its threads end with it."""
    made = bridge(hello)
    before = set(threading.enumerate())

    async def main() -> list[str]:
        peer = Peer([{"type": "lifespan.startup"}])
        task = asyncio.create_task(made({"type": "lifespan"}, peer.receive, peer.send))
        await peer.until(lambda: peer.sent)
        await ask(made, scope())
        assert made.stats().threads == 1
        peer.give({"type": "lifespan.shutdown"})
        await task
        return [message["type"] for message in peer.sent]

    assert run(main()) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert made.stats().threads == 0
    new = set(threading.enumerate()) - before
    assert not [thread for thread in new if thread.name.startswith("crossfade-bridge")]


def test_a_handshake_that_cannot_be_answered_is_closed() -> None:
    """Where the server lacks `websocket.http.response`, all that is left is a 403."""
    made = bridge(hello)
    handshake = scope(type="websocket", scheme="ws")
    peer = run(ask(made, handshake, [{"type": "websocket.connect"}]))
    assert [message["type"] for message in peer.sent] == ["websocket.close"]


def test_a_handshake_is_a_get_request() -> None:
    """Where the server has it, the application answers; its scheme is that of HTTP."""

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start("426 Upgrade Required", [("X-Scheme", environ["wsgi.url_scheme"])])
        return [environ["REQUEST_METHOD"].encode()]

    made = bridge(app)
    extensions: dict[str, Any] = {"websocket.http.response": {}}
    handshake = scope(type="websocket", scheme="wss", extensions=extensions)
    del handshake["method"]
    peer = run(ask(made, handshake, [{"type": "websocket.connect"}]))
    assert [message["type"] for message in peer.sent] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    assert (peer.status, peer.headers, peer.body) == (426, {b"x-scheme": b"https"}, b"GET")
    run(made.aclose())


# What PEP 3333 says


@pytest.mark.parametrize(
    ("method", "parts"),
    [("GET", []), ("HEAD", []), ("POST", [b"abc\n", b"def"]), ("POST", [b"x" * 400_000] * 3)],
)
def test_wsgiref_finds_nothing(
    method: str, parts: list[bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    """The standard library's checker on both sides of the interface."""

    def app(environ: dict[str, Any], start: Start) -> Iterator[bytes]:
        stream = environ["wsgi.input"]
        read = [stream.readline(2), stream.readline(), *stream.readlines(10), *stream]
        read.append(stream.read(10))
        environ["wsgi.errors"].write("")
        environ["wsgi.errors"].flush()
        start("200 OK", [("Content-Type", "text/plain")])
        yield b"%d" % len(b"".join(read))
        yield b" bytes"

    made = bridge(validator(app))  # type: ignore[arg-type]
    length = sum(map(len, parts))
    headers = [(b"content-type", b"text/plain")]
    if parts:
        headers.append((b"content-length", b"%d" % length))
    peer = run(ask(made, scope(method, headers=headers), body(*parts)))
    run(made.aclose())
    assert peer.status == 200
    assert peer.body == (b"" if method == "HEAD" else b"%d bytes" % length)
    assert capsys.readouterr().err == ""


# Requests that are cancelled


def test_cancelled_while_its_body_arrives() -> None:
    """No thread has been taken yet."""
    app = Reading()
    made = bridge(app)

    async def main() -> None:
        peer = Peer(body(b"ab", more=True))
        headers = [(b"content-length", b"3")]
        task = asyncio.create_task(made(scope("POST", headers=headers), peer.receive, peer.send))
        await asyncio.sleep(0)
        await _cancel(task)

    run(main())
    assert made.stats().requests == 0


def test_cancelled_in_the_queue() -> None:
    """It is never run, and its place is free."""
    app = Hanging()
    made = bridge(app, threads=1, queue=1)

    async def main() -> None:
        first = _start(made, scope())
        await eventually(lambda: app.entered.acquire(blocking=False))
        second = _start(made, scope())
        await eventually(lambda: made.stats().queued == 1)
        await _cancel(second.task)
        assert made.stats().queued == 0
        third = _start(made, scope())
        await eventually(lambda: made.stats().queued == 1)
        app.gate.set()
        await first.task
        await third.task
        assert third.peer.body == b"hello"
        await idle(made)
        await made.aclose()

    run(main())
    assert app.count == 2


def test_cancelled_while_the_application_works() -> None:
    """Its thread is free as soon as the application returns."""
    app = Hanging()
    made = bridge(app, threads=1)

    async def main() -> None:
        first = _start(made, scope())
        await eventually(lambda: app.entered.acquire(blocking=False))
        await _cancel(first.task)
        assert made.stats().busy == 1
        app.gate.set()
        await idle(made)
        assert first.peer.sent == []
        await made.aclose()

    run(main())


@pytest.mark.parametrize("stalled", [False, True])
def test_cancelled_while_it_streams(stalled: bool) -> None:
    """The application's iterable is closed, also where the server's `send` hangs."""
    app = Ticker()
    made = bridge(app, threads=1, response_buffer=50_000)

    async def main() -> None:
        first = _start(made, scope())
        await first.peer.until(lambda: len(first.peer.sent) > 3)
        if stalled:
            first.peer.flowing.clear()
            await asyncio.sleep(0)
        await _cancel(first.task)
        await eventually(app.closed.is_set)
        await idle(made)
        await made.aclose()

    run(main())


def test_cancelled_while_a_body_is_read() -> None:
    """A read that waits for the client raises."""
    app = Reading()
    made = bridge(app, threads=1, request_buffer=10)

    async def main() -> None:
        asked = scope("POST", headers=[(b"content-length", b"100")])
        first = _start(made, asked, body(b"x" * 20, more=True))
        await eventually(app.entered.is_set)
        await _cancel(first.task)
        await eventually(app.done.is_set)
        await idle(made)
        await made.aclose()

    run(main())
    assert isinstance(app.error, ClientDisconnected)


# Servers that behave oddly


@pytest.mark.parametrize("error", [ConnectionResetError(), BrokenPipeError(), OSError()])
def test_a_send_that_raises(error: OSError) -> None:
    """ASGI 2.4: a server may say so when it is told to send to nobody. Nobody else need know."""
    app = Ticker()
    made = bridge(app, threads=1, response_buffer=50_000)

    async def main() -> None:
        first = _start(made, scope())
        await first.peer.until(lambda: len(first.peer.sent) > 3)
        first.peer.broken = error
        await first.task
        await eventually(app.closed.is_set)
        await idle(made)
        assert made.stats().disconnected == 1
        await made.aclose()

    run(main())


def test_a_receive_that_raises() -> None:
    """A middleware's broken `receive` is not mistaken for a client that says nothing."""
    app = Reading()
    made = bridge(app, threads=1, request_buffer=10)

    async def main() -> None:
        peer = Peer(body(b"x" * 20, more=True))
        given = 0

        async def receive() -> Any:
            nonlocal given
            given += 1
            if given > 1:
                raise ConnectionResetError
            return await peer.receive()

        asked = scope("POST", headers=[(b"content-length", b"100")])
        await made(asked, receive, peer.send)
        await eventually(app.done.is_set)
        await made.aclose()

    run(main())
    assert isinstance(app.error, ClientDisconnected)


def test_a_body_without_its_header_is_read_over_http_2() -> None:
    """HTTP/2 needs no Content-Length, and its cookies come in crumbs."""

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start("200 OK", [("X-Cookie", environ["HTTP_COOKIE"])])
        return [environ["wsgi.input"].read(), environ["SERVER_PROTOCOL"].encode()]

    made = bridge(app)
    crumbs = [(b"cookie", b"a=1"), (b"cookie", b"b=2")]
    peer = run(ask(made, scope("POST", headers=crumbs, http_version="2"), body(b"ab", b"c")))
    assert (peer.body, peer.headers[b"x-cookie"]) == (b"abcHTTP/2.0", b"a=1; b=2")
    run(made.aclose())


def test_a_get_over_http_2_waits_for_no_body() -> None:
    """Uvicorn's HTTP/2 sends no message for a request that ends with its head."""

    async def main() -> Peer:
        peer = Peer()
        await asyncio.wait_for(made(scope(http_version="2"), peer.receive, peer.send), 20)
        return peer

    made = bridge(hello)
    assert run(main()).body == b"hello"
    run(made.aclose())


def test_a_body_that_ends_early_is_refused() -> None:
    """Whatever the server made of it: fewer bytes than announced are not a body."""
    made = bridge(echo)
    asked = scope("POST", headers=[(b"content-length", b"5")])
    assert run(ask(made, asked, body(b"abc"))).status == 400
    large = bridge(echo, request_buffer=2)
    peer = run(ask(large, asked, body(b"ab", b"c")))
    assert peer.status in (400, 408)
    run(made.aclose())
    run(large.aclose())


def test_a_disconnect_before_the_body_is_whole() -> None:
    """Nobody is called."""
    app = Reading()
    made = bridge(app)
    asked = scope("POST", headers=[(b"content-length", b"5")])
    peer = run(ask(made, asked, [*body(b"ab", more=True), DISCONNECT]))
    assert peer.sent == []
    assert not app.entered.is_set()
    assert made.stats().disconnected == 1


# Its end


def test_aclose_wakes_whoever_waits_for_a_client() -> None:
    """Readers and writers are told that their client went away; then it serves again."""
    reading, ticking = Reading(), Ticker()

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/hello":
            return hello(environ, start)
        return (reading if environ["REQUEST_METHOD"] == "POST" else ticking)(environ, start)

    made = bridge(app, request_buffer=10, response_buffer=50_000)

    async def main() -> None:
        asked = scope("POST", headers=[(b"content-length", b"100")])
        upload = _start(made, asked, body(b"x" * 20, more=True))
        download = _start(made, scope())
        await eventually(reading.entered.is_set)
        await download.peer.until(lambda: download.peer.sent)
        download.peer.flowing.clear()
        closing = asyncio.create_task(made.aclose())
        await eventually(ticking.closed.is_set)
        await eventually(reading.done.is_set)
        await closing
        download.peer.flowing.set()
        await asyncio.gather(upload.task, download.task)
        assert upload.peer.status == 503
        assert (await ask(made, scope(target="/hello"))).body == b"hello"
        await made.aclose()

    run(main())
    assert made.stats().threads == 0


def test_aclose_leaves_a_hung_application_behind() -> None:
    """It waits as long as it is told to, no longer; later the thread ends by itself."""
    app = Hanging()
    made = bridge(app, shutdown_timeout=0.05)

    async def main() -> None:
        first = _start(made, scope())
        await eventually(lambda: app.entered.acquire(blocking=False))
        await made.aclose()
        await first.task
        assert first.peer.status == 503
        app.gate.set()
        assert (await ask(made, scope())).body == b"hello"
        await made.aclose()

    run(main())
    assert made.stats().threads == 0


def test_a_request_while_it_closes_is_refused() -> None:
    """503, with Retry-After."""
    app = Hanging()
    made = bridge(app)

    async def main() -> None:
        first = _start(made, scope())
        await eventually(lambda: app.entered.acquire(blocking=False))
        closing = asyncio.create_task(made.aclose())
        await first.task
        late = await ask(made, scope())
        assert (late.status, late.headers[b"retry-after"]) == (503, b"1")
        app.gate.set()
        await closing

    run(main())


def test_a_loop_that_ends_in_the_middle() -> None:
    """A thread that comes back to a loop that is closed does not hang, nor the next loop."""
    app = Hanging()
    made = bridge(app, threads=1)
    loop = asyncio.new_event_loop()
    task = loop.create_task(_begin(made))
    loop.run_until_complete(asyncio.sleep(0))
    assert app.entered.acquire(timeout=20)
    del task
    for pending in asyncio.all_tasks(loop):
        pending.cancel()
        loop.run_until_complete(asyncio.gather(pending, return_exceptions=True))
    loop.close()
    app.gate.set()
    assert run(ask(made, scope())).body == b"hello"
    run(made.aclose())


def test_a_stream_whose_loop_stopped_for_good() -> None:
    """Its thread gives up, though nobody tells it that nobody takes anything any more."""
    app = Ticker()
    made = bridge(app, threads=1, response_buffer=50_000)
    loop = asyncio.new_event_loop()
    peer = Peer(body(b""))
    peer.flowing.clear()
    task = loop.create_task(_call(made, scope(), peer))
    loop.run_until_complete(asyncio.sleep(0.05))
    task.get_coro().close()
    for pending in asyncio.all_tasks(loop):
        pending._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    assert app.closed.wait(20)


# What it says of itself


def test_stats() -> None:
    """Each count moves where it should."""
    app = Hanging()
    made = bridge(app, threads=1, queue=1)

    async def main() -> None:
        first = _start(made, scope())
        await eventually(lambda: app.entered.acquire(blocking=False))
        second = _start(made, scope())
        await eventually(lambda: made.stats().queued == 1)
        third = await ask(made, scope())
        stats = made.stats()
        assert third.status == 503
        assert (stats.threads, stats.busy, stats.queued, stats.streaming) == (1, 1, 1, 0)
        assert (stats.requests, stats.refused_queue) == (2, 1)
        app.gate.set()
        await first.task
        await second.task
        await idle(made)
        await made.aclose()

    run(main())


def test_who_waited_too_long_is_counted() -> None:
    """Beside those that were refused at once."""
    app = Hanging()
    made = bridge(app, threads=1, queue_timeout=0.01)

    async def main() -> None:
        first = _start(made, scope())
        await eventually(lambda: app.entered.acquire(blocking=False))
        assert (await ask(made, scope())).status == 503
        stats = made.stats()
        assert (stats.queued, stats.refused_queue, stats.expired) == (0, 0, 1)
        app.gate.set()
        await first.task
        await made.aclose()

    run(main())


def test_failures_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    """And logged with their traceback."""

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        raise RuntimeError("in the application")

    made = bridge(app)
    assert run(ask(made, scope(target="/x?y"))).status == 500
    run(made.aclose())
    assert made.stats().failed == 1
    (record,) = caplog.records
    assert record.name == "crossfade.bridge"
    assert record.getMessage() == "Error handling request GET /x?y"
    assert record.exc_info is not None


class _Filter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return bool(request.path)


class _ClosedBadly:
    def __iter__(self) -> Iterator[bytes]:
        return iter([b"whole"])

    @property
    def close(self) -> Any:
        raise RuntimeError("in the property")


def _raises_later(environ: dict[str, Any], start: Start) -> Iterator[bytes]:
    start("200 OK", [])
    yield b"some"
    raise RuntimeError("in the application")


def _empties_its_environ(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    environ.clear()
    raise RuntimeError("in the application")


def _cannot_be_closed(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    start("200 OK", [("Content-Length", "5")])
    return _ClosedBadly()


@pytest.mark.parametrize("app", [_raises_later, _empties_its_environ, _cannot_be_closed])
def test_a_failure_that_cannot_be_logged_holds_nobody_up(
    app: Any, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A filter that takes every record to be of a Flask request: no client waits, no thread ends.

    The failure is told on standard error, and the thread serves the next request.
    """
    handler = logging.StreamHandler()
    handler.addFilter(_Filter())
    monkeypatch.setattr(logging.getLogger("crossfade.bridge"), "handlers", [handler])
    made = bridge(app, threads=1)

    async def main() -> None:
        for _ in range(2):
            with contextlib.suppress(RuntimeError):
                await ask(made, scope())
            await idle(made)
        assert made.stats().threads == 1
        await made.aclose()

    run(main())
    assert "RuntimeError: in the " in capfd.readouterr().err


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_an_application_that_exits_takes_no_loop_with_it(error: type[BaseException]) -> None:
    """In the middle of its answer, in a task of its own as some servers and middleware make one."""

    def app(environ: dict[str, Any], start: Start) -> Iterator[bytes]:
        start("200 OK", [])
        yield b"some"
        raise error

    made = bridge(app)

    async def main() -> None:
        with pytest.raises(RuntimeError, match=error.__name__):
            await asyncio.create_task(ask(made, scope()))
        await made.aclose()

    run(main())


# The pool


class _Job(Job):
    def __init__(self) -> None:
        super().__init__()
        self.ran = threading.Event()

    def run(self) -> None:
        self.ran.set()


def test_a_fork_leaves_the_threads_behind() -> None:
    """After a fork the child has none of them: it starts its own."""
    pool = Pool(threads=2, streams=2, queue=2)
    pool.submit(_Job())
    pool.reset()
    job = _Job()
    assert pool.submit(job)
    assert job.ran.wait(20)
    assert pool.join(20)


def test_a_system_without_a_thread_to_spare_costs_no_place_in_the_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The request fails; once there are threads again, as many are served as before."""
    pool = Pool(threads=1, streams=1, queue=0)

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        for _ in range(2):
            with pytest.raises(RuntimeError, match="can't start"):
                pool.submit(_Job(), streaming=True)
    job = _Job()
    assert pool.submit(job, streaming=True)
    assert job.ran.wait(20)
    assert pool.join(20)


def test_the_wsgi_input_of_a_request_without_a_body_is_a_file() -> None:
    """Empty, and with the whole interface."""

    def app(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        assert isinstance(environ["wsgi.input"], io.BufferedIOBase)
        return hello(environ, start)

    made = bridge(app)
    assert run(ask(made, scope())).status == 200
    run(made.aclose())


class _Started:
    def __init__(self, peer: Peer, task: asyncio.Task[None]) -> None:
        self.peer = peer
        self.task = task


def _start(app: Bridge, asked: Any, messages: list[dict[str, Any]] | None = None) -> _Started:
    peer = Peer(messages or body(b""))
    return _Started(peer, asyncio.get_running_loop().create_task(_call(app, asked, peer)))


async def _call(app: Bridge, asked: Any, peer: Peer) -> None:
    await app(asked, peer.receive, peer.send)


async def _begin(app: Bridge) -> None:
    peer = Peer()
    await app(scope(), peer.receive, peer.send)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
