"""The ASGI application in this process: lifespan once, then one request at a time.

The application runs on an event loop of its own in a thread of its own, so that a test may be
synchronous or run by any async plugin, and so that background tasks of the application live on
between requests, as they do under a server.
"""

from __future__ import annotations

import asyncio
import sysconfig
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from traceback import StackSummary, TracebackException, clear_frames
from typing import Any, Final
from urllib.parse import unquote

from crossfade.contract.errors import ContractError
from crossfade.messages.exchange import Request, Response

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
ASGIApp = Callable[
    [Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

BODY_CAP: Final = 64 * 1024 * 1024
"""Bytes after which a response counts as endless."""

GRACE: Final = 5.0
"""Seconds that an application has to return once its client is gone."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one request.

    Attributes:
        response: as a server would have sent it: 500 where the application raised before its
            head, not `complete` where it raised or was given up later.
        scope: the scope that the application was given, with what it left there.
        error: the traceback of an exception that left the application.
        gave_up: why the client stopped listening, or None.
    """

    response: Response
    scope: Scope
    error: str | None = None
    gave_up: str | None = None


class InProcessApp:
    """Runs one ASGI application. `start` and `close` run its lifespan, `send` one request."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._state: dict[str, Any] = {}
        self._ready: Future[None] = Future()
        self._done: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="crossfade-contract", daemon=True)

    def start(self) -> None:
        """Run the application's startup; raise `ContractError` where it fails."""
        self._thread.start()
        self._ready.result()

    def close(self) -> None:
        """Run the application's shutdown; raise what it raises."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._done.result()

    def send(
        self,
        request: Request,
        *,
        scheme: str,
        extra: dict[str, object],
        timeout: float,
        wait: Callable[[Callable[[], Future[Reply]]], Reply] | None = None,
    ) -> Reply:
        """Send one request and return once the application has returned.

        Args:
            request: target and headers reach the application byte for byte.
            scheme: `http` or `https`.
            extra: further scope keys.
            timeout: seconds until the client disconnects.
            wait: begins the call that it is given, and waits for its result.
        """
        scope = self.scope(request, scheme)
        scope.update(extra)
        call = _Call(request, scope)
        begun: list[Future[Reply]] = []

        def begin() -> Future[Reply]:
            coroutine = call.run(self.app, timeout)
            begun.append(asyncio.run_coroutine_threadsafe(coroutine, self._loop))
            return begun[0]

        try:
            return begin().result() if wait is None else wait(begin)
        finally:
            for future in begun:
                future.cancel()  # without effect once it is done; a Ctrl-C is passed on

    def scope(self, request: Request, scheme: str) -> Scope:
        """Return the scope that a server would make of a request."""
        host = next(iter(request.values("host")), "localhost")
        name, _, port = host.rpartition(":") if not host.endswith("]") else (host, "", "")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": scheme,
            "path": unquote(request.raw_path.decode("latin-1")),
            "raw_path": request.raw_path,
            "query_string": request.query_string,
            "root_path": "",
            "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in request.headers],
            "client": ("127.0.0.1", 50000),
            "server": (name or host, int(port) if port.isdigit() else _PORTS[scheme]),
            "state": dict(self._state),
        }

    def _run(self) -> None:
        try:
            # asyncio.run also ends async generators and the executor's threads.
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001 — handed to whoever waits in the test's thread
            for future in (self._ready, self._done):
                if not future.done():
                    future.set_exception(error)
        else:
            self._done.set_result(None)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        lifespan = _Lifespan(self.app, self._state)
        await lifespan.start()
        self._ready.set_result(None)
        await self._stop.wait()
        await lifespan.stop()


_PORTS: Final = {"http": 80, "https": 443}


class _Lifespan:
    """The lifespan protocol as servers speak it; an application without one is fine."""

    def __init__(self, app: ASGIApp, state: dict[str, Any]) -> None:
        self._app = app
        self._scope: Scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": state,
        }
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._call())
        answer = await self._ask("startup")
        if answer is not None and answer["type"] == "lifespan.startup.failed":
            await asyncio.wait({self._task})
            raise ContractError(
                "the application under test did not start; its lifespan failed:\n"
                + str(answer.get("message", ""))
            )

    async def stop(self) -> None:
        if not self._task.done():
            answer = await self._ask("shutdown")
            await asyncio.wait({self._task})
            if answer is not None and answer["type"] == "lifespan.shutdown.failed":
                raise ContractError(
                    "the application under test did not shut down; its lifespan failed:\n"
                    + str(answer.get("message", ""))
                )

    async def _call(self) -> None:
        # An exception in place of an answer means "no lifespan here", as it does to uvicorn.
        with suppress(Exception):
            await self._app(self._scope, self._to_app.get, self._from_app.put)

    async def _ask(self, step: str) -> Message | None:
        """Ask for startup or shutdown; None where the application has no lifespan."""
        await self._to_app.put({"type": f"lifespan.{step}"})
        answer = asyncio.create_task(self._from_app.get())
        await asyncio.wait({answer, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        answer.cancel()
        return None


@dataclass(slots=True)
class _Call:
    """One request in flight: the client's end of `receive` and `send`."""

    request: Request
    scope: Scope
    status: int | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)
    complete: bool = False
    sent: bool = False
    gave_up: str | None = None
    gone: asyncio.Event = field(init=False)

    async def run(self, app: ASGIApp, timeout: float) -> Reply:
        self.gone = asyncio.Event()
        task = asyncio.create_task(self._call(app))
        try:
            await asyncio.wait({task}, timeout=timeout)
            if not task.done():
                self._leave(f"no end after {timeout:g} s")
                await asyncio.wait({task}, timeout=GRACE)
        finally:
            if not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=GRACE)
        return self._reply(task.result() if task.done() and not task.cancelled() else None)

    async def _call(self, app: ASGIApp) -> str | None:
        try:
            await app(self.scope, self.receive, self.send)
        except Exception as error:  # noqa: BLE001 — it is reported as what a client sees
            found = None if self.gave_up else traceback_of(error)
            release(error)
            return found
        return None

    async def receive(self) -> Message:
        if not self.sent:
            self.sent = True
            return {"type": "http.request", "body": self.request.body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self.gave_up:
            raise OSError("the client is gone")  # as the ASGI specification 2.4 asks of servers
        if message["type"] == "http.response.start" and self.status is None:
            self.status = message["status"]
            self.headers = [
                (bytes(name).decode("latin-1").lower(), bytes(value).decode("latin-1").strip())
                for name, value in message.get("headers", ())
            ]
        elif message["type"] == "http.response.body" and self.status and not self.complete:
            if self.request.method != "HEAD":  # a server sends no body there (RFC 9110, 9.3.2)
                self.body += message.get("body", b"")
            if not message.get("more_body", False):
                self.complete = True
                self.gone.set()
            elif len(self.body) > BODY_CAP:
                self._leave(f"no end after {BODY_CAP >> 20} MiB")
        else:
            raise RuntimeError(f"unexpected ASGI message {message['type']!r}")

    def _leave(self, why: str) -> None:
        if not self.complete:
            self.gave_up = why
        self.gone.set()

    def _reply(self, error: str | None) -> Reply:
        if self.status is None:  # the answer of uvicorn where an application gives none
            text = b"" if self.request.method == "HEAD" else b"Internal Server Error"
            headers = (("content-type", "text/plain; charset=utf-8"), ("connection", "close"))
            response = Response(500, headers, text)
            error = error or "the application returned without an answer"
        else:
            response = Response(
                self.status, tuple(self.headers), bytes(self.body), complete=self.complete
            )
        return Reply(response, self.scope, error, self.gave_up)


_LIBRARIES: Final = (
    str(Path(__file__).parents[2]),
    *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)


def release(error: BaseException) -> None:
    """Let go of what the calls that raised still hold: a database connection in a transaction.

    Log records and reference cycles keep an exception, and with it every local variable, for
    longer than its request; a server that serves on would have lost them by the next one.
    """
    found: BaseException | None = error
    seen: set[int] = set()
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        clear_frames(found.__traceback__)
        found = found.__cause__ or found.__context__


def is_of_the_project(filename: str) -> bool:
    """Whether a file of code is neither a library's nor ours."""
    return not filename.startswith(_LIBRARIES)


def traceback_of(error: BaseException) -> str:
    """The traceback without the frames of libraries, among which the application's are lost."""
    found: TracebackException | None = TracebackException.from_exception(error)
    whole = found
    while found is not None:
        own = [f for f in found.stack if is_of_the_project(f.filename)]
        found.stack = StackSummary.from_list(own or found.stack[-1:])
        found = found.__cause__ or found.__context__
    return "".join(whole.format()).rstrip() if whole else ""
