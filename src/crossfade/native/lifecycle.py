"""One request on a native route that borrows Flask: every way in which it can end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any, Final, TypeVar

from flask import Flask
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crossfade.native.exceptions import ValidationMapper, note_raised, render
from crossfade.native.flask_phases import FlaskSide
from crossfade.native.hooks import Needs
from crossfade.native.threads import Hop, Hopper, InContext, share_changes
from crossfade.native.wsgi_response import Answer, NativeStream, flask_response, is_stream

T = TypeVar("T")


class StreamReplacedError(OSError):
    """Tells a native handler that a hook put another answer in place of its stream.

    An `OSError`, as what a server raises whose client has gone: handlers know how to stop for it.
    """


_PATIENCE: Final = 4
"""Turns of the loop that an answer is held although its handler waits for something."""

_AHEAD: Final = 16
"""Chunks that a native stream may be ahead of a hook that reads it."""


class Exchange:
    """Runs one native route between Flask's two halves.

    The native handler's answer is held until Flask has seen it. A whole one is held until the
    handler is done, or waits for something after its answer (a background task, a dependency's
    exit): so Flask's teardown comes before the client's next request, as under WSGI, wherever that
    doesn't make the client wait.

    Args:
        flask_app: the Flask application.
        side: this request in Flask.
        hopper: where what blocks is run.
        needs: which of Flask's halves may block.
        mapper: what a validation error is in the legacy application's words.
        put_values: puts what Flask's hooks made of the URL's values into the handler's scope.
        send: the server's `send`.
        on_cancel: called where the request is cancelled while Flask works for it.

    Attributes:
        started: whether the head of an answer is on its way.
    """

    def __init__(
        self,
        flask_app: Flask,
        side: FlaskSide,
        hopper: Hopper,
        needs: Needs,
        mapper: ValidationMapper,
        put_values: Callable[[Scope, FlaskSide], None],
        send: Send,
        on_cancel: Callable[[], None] | None = None,
    ) -> None:
        self._on_cancel = on_cancel
        self._app = flask_app
        self._side = side
        self._hopper = hopper
        self._needs = needs
        self._mapper = mapper
        self._put_values = put_values
        self._to_server = send
        self._context = copy_context()
        self.started = False
        self._start: Message | None = None
        self._whole: bytes | None = None  # held
        self._last: Message | None = None  # of a stream, held
        self._ended = False  # the handler has sent its last byte
        self._patience = _PATIENCE
        self._answer: Answer | None = None
        self._stream: NativeStream | None = None
        self._replaced = False
        self._hop: Hop | None = None
        self._relay: asyncio.Task[None] | None = None  # sends a stream that a hook reads
        self._room = asyncio.Event()

    async def run(self, native: ASGIApp, scope: Scope, receive: Receive) -> None:
        """Answer the request.

        Raises:
            Busy: there is no thread for the hooks; nothing has begun.
            Exception: what Flask raises where its settings let errors propagate, or what went
                wrong after the answer had begun, so that the server cuts the connection.
        """
        try:
            early = await self._before()
        except asyncio.CancelledError as cancelled:
            await self._abandon(cancelled)
            raise
        if early is not None:
            await self._send_answer(early)
            early.close()
            return
        self._put_values(scope, self._side)
        error: BaseException | None = None
        try:
            call = _call(native, scope, receive, self._send)
            await InContext(self._context, call, self._between)
        except BaseException as raised:  # noqa: BLE001 - told to Flask; raised again below
            error = raised
            note_raised(scope, raised)
        if self._replaced and isinstance(error, Exception):
            error = None
        if error is None or isinstance(error, Exception):
            await self._conclude(error)
            share_changes(self._context)
        else:
            await self._abandon(error)

    async def fail(self, error: Exception) -> None:
        """Answer a request whose handler failed outside of Flask's machinery."""

        def answer() -> Answer:
            return self._side.enter() or self._finish_and_leave(self._raising(error))

        await self._send_answer(await self._phase(answer, blocking=True))

    # --- the end of the request -------------------------------------------------------------------

    async def _conclude(self, error: Exception | None) -> None:
        """End the request, whatever state its answer is in."""
        side = self._side
        if self._relay is not None and self._stream is not None:
            self._stream.end(error)
            side.error = side.error or error
            try:
                await self._relay
            finally:
                await self._leave()
        elif self._replaced and self._answer is not None:
            await self._leave()
            await self._send_answer(self._answer)
        elif self._answer is not None:
            # A client that left mid-stream is what Flask's generators know as GeneratorExit.
            left = isinstance(error, ClientDisconnect) or (error is None and not self._ended)
            # What a hook raised is there already: it is why there is another answer.
            side.error = side.error or (GeneratorExit() if left else error)
            await self._leave()
            await self._release()
        elif self._whole is not None:
            side.error = error
            await self._finish(self._returning(self._whole), self._needs.after)
        elif error is not None:
            # Error handlers may block, too, and be `async def`: Flask's way to run those is a loop.
            await self._finish(self._raising(error), blocking=True)
            return
        else:
            side.error = GeneratorExit()  # the handler saw that the client had left
            await self._leave()
        if error is not None:
            raise error

    async def _abandon(self, error: BaseException) -> None:
        """Tear down after a cancellation: nobody is left to be answered."""
        self._side.error = error
        if self._relay is not None and self._stream is not None:
            self._stream.end(error)
            self._relay.cancel()
            await asyncio.wait([self._relay])
        await self._leave()
        raise error

    async def _finish(self, view: Callable[[], Any], blocking: bool) -> None:
        """Answer whole: Flask's second half and the teardown in one go, then the bytes."""
        answer = await self._phase(lambda: self._finish_and_leave(view), blocking)
        await self._send_answer(answer)

    def _finish_and_leave(self, view: Callable[[], Any]) -> Answer:
        try:
            answer = self._side.finish(view)
        except BaseException as error:
            self._side.error = self._side.error or error
            self._side.leave()
            raise
        self._side.leave()
        if answer.body is not None:
            answer.close()
        return answer

    async def _leave(self) -> None:
        def leave() -> None:
            try:
                self._side.leave()
            finally:
                if self._answer is not None:
                    self._answer.close()

        await self._phase(leave, self._needs.after)

    # --- what the handler sends -------------------------------------------------------------------

    async def _send(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            # The specification allows for no headers, and for some that can be read once.
            message = self._start = {**message, "headers": list(message.get("headers", ()))}
            if is_stream(message):
                await self._begin_stream()
        elif kind == "http.response.body":
            await self._send_body(message)
        else:
            if self._start is not None and not self.started:
                # An extension sends the body, or something after it.
                if self._whole is None and self._answer is None:
                    await self._begin_stream()
                await self._send_head()
                self._ended = True
            await self._release()
            await self._to_server(message)

    async def _send_body(self, message: Message) -> None:
        more: bool = message.get("more_body", False)
        if self._answer is None and self._relay is None:
            if not more:
                self._whole = bytes(message.get("body", b""))
                return
            await self._begin_stream()
        if self._relay is not None:
            await self._feed(bytes(message.get("body", b"")), more)
            return
        await self._send_head()
        if more:
            await self._to_server(message)
        else:
            self._ended = True
            self._last = message

    async def _send_head(self) -> None:
        """Send the head of a stream: with its first chunk, as PEP 3333 has it.

        So what breaks before the first chunk can still be answered with 500.
        """
        if not self.started and self._answer is not None:
            self.started = True
            await self._to_server(self._answer.start)

    async def _feed(self, body: bytes, more: bool) -> None:
        """Give a chunk to the hook that reads the stream."""
        assert self._stream is not None  # whoever reads it made it
        assert self._relay is not None
        self._stream.put(body)
        if not more:
            self._stream.end()
        while self._stream.waiting > _AHEAD and not self._relay.done():
            self._room.clear()
            await self._room.wait()

    def _between(self, awaited: Any) -> Coroutine[Any, Any, None] | None:
        """The handler waits: an answer that it has given must not wait with it."""
        if self._last is None and (self._whole is None or self._answer is not None):
            return None
        return self._release_unless_soon(awaited)

    async def _release_unless_soon(self, awaited: Any) -> None:
        # Ending a task group takes a turn or two of the loop. That is no reason to let the client
        # ask again before Flask has torn down.
        while self._patience:
            self._patience -= 1
            if awaited is None or awaited.done():
                return
            await asyncio.sleep(0)
        await self._release()

    async def _release(self) -> None:
        """Let the client have what is held."""
        if self._last is not None:
            last, self._last = self._last, None
            await self._to_server(last)
        elif self._whole is not None and self._answer is None:
            view = self._returning(self._whole)
            self._ended = True
            self._answer = await self._beside(lambda: self._side.finish(view), self._needs.after)
            await self._send_answer(self._answer)

    async def _begin_stream(self) -> None:
        """Show Flask the head of a streamed answer.

        Returns also where a hook began to read the stream: the handler must go on for that.
        """
        stream = self._stream = NativeStream(self._on_wanted, self._hopper.queue())
        view = self._returning(stream)
        if self._needs.after:
            context = self._context.copy()
            hop = self._hop = self._start_hop(lambda: context.run(self._side.finish, view))
            try:
                over = await hop.pause()
            except asyncio.CancelledError as error:
                stream.end(error)
                await hop.wait()
                raise
            if not over:
                self._relay = asyncio.create_task(self._relay_stream(hop))
                return
            answer = await hop.wait()
        else:
            answer = self._context.copy().run(self._side.finish, view)
        self._answer = answer
        if answer.body is not None:
            self._replaced = True
            raise StreamReplacedError
        if answer.source is not stream:
            self._relay = asyncio.create_task(self._relay_stream(None))

    def _on_wanted(self) -> None:
        """A hook reads the stream and has run out of chunks."""
        self._room.set()
        if self._hop is not None:
            self._hop.nudge()

    async def _relay_stream(self, hop: Hop | None) -> None:
        """Send what a hook made of the stream."""
        try:
            if hop is not None:
                self._answer = await hop.wait()
            assert self._answer is not None
            await self._send_answer(self._answer)
        finally:
            self._room.set()

    async def _send_answer(self, answer: Answer) -> None:
        self.started = True
        await self._to_server(answer.start)
        if answer.body is not None:
            await self._to_server({"type": "http.response.body", "body": answer.body})
            return
        try:
            while (chunk := await self._beside(answer.next, blocking=True)) is not None:
                self._room.set()
                message = {"type": "http.response.body", "body": chunk, "more_body": True}
                await self._to_server(message)
        finally:
            await self._beside(answer.close, blocking=True)
        await self._to_server({"type": "http.response.body", "body": b""})

    # --- small parts ------------------------------------------------------------------------------

    async def _before(self) -> Answer | None:
        """Run Flask's first half."""
        context, enter = self._context, self._side.enter
        if not self._needs.before:
            return context.run(enter)
        hop = self._hopper.admit(lambda: context.run(enter))
        hop.on_cancel = self._on_cancel
        answer: Answer | None = await hop.wait()
        return answer

    async def _phase(self, call: Callable[[], T], blocking: bool) -> T:
        """Run a part of Flask's in the request's context: on a thread, if it may block.

        Only while the handler doesn't run: a context can't be entered twice.
        """
        return await self._run_in(self._context, call, blocking)

    async def _run_in(self, context: Context, call: Callable[[], T], blocking: bool) -> T:
        if not blocking:
            return context.run(call)
        result: T = await self._start_hop(lambda: context.run(call)).wait()
        return result

    def _start_hop(self, call: Callable[[], Any]) -> Hop:
        hop = self._hopper.start(call)
        hop.on_cancel = self._on_cancel
        return hop

    async def _beside(self, call: Callable[[], T], blocking: bool) -> T:
        """Run a part of Flask's while the handler runs or may be woken: in a copy."""
        return await self._run_in(self._context.copy(), call, blocking)

    def _returning(self, body: bytes | NativeStream) -> Callable[[], Any]:
        start = self._start
        assert start is not None  # ASGI: the head comes first
        return lambda: flask_response(self._app, start, body)

    def _raising(self, error: Exception) -> Callable[[], Any]:
        return lambda: render(error, self._mapper)


async def _call(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)
