"""`Bridge`: one request, from the ASGI server's first message to its last."""

from __future__ import annotations

import asyncio
import io
import weakref
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import a2wsgi

from crossfade.bridge.body import BodyTooLarge, ClientDisconnected
from crossfade.bridge.exchange import Exchange
from crossfade.bridge.greenlets import refuse_greenlets
from crossfade.bridge.handshake import as_http
from crossfade.bridge.loop import Outbox, raisable
from crossfade.bridge.plain import answer, send_all, send_refusal, unavailable
from crossfade.bridge.pool import BridgeStats, Pool
from crossfade.bridge.upload import Upload
from crossfade.model import BridgeSettings
from crossfade.scope.environ import build_environ
from crossfade.scope.framing import FRAMING, Framing, RequestRefused, read_framing

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from a2wsgi.wsgi_typing import WSGIApp

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

_DETACH_AFTER: Final = 0.02
_DEFAULTS: Final = BridgeSettings()


class Bridge(a2wsgi.WSGIMiddleware):
    """A WSGI application as an ASGI application.

    An `a2wsgi.WSGIMiddleware` that keeps a2wsgi's place in an application (made with a WSGI
    callable, mounted, called with `scope, receive, send`) and replaces what it does with a request.
    Making one starts no thread and needs no event loop, so that it can be made at import and
    before a fork. It can serve several event loops, one after another or at once.

    Args:
        app: any WSGI application.
        settings: see `BridgeSettings`.

    Raises:
        MountError: gevent or eventlet has replaced this process's threads.
    """

    def __init__(self, app: WSGIApplication, settings: BridgeSettings = _DEFAULTS) -> None:
        refuse_greenlets()
        # a2wsgi's own executor starts its threads when it is first used, which is never.
        super().__init__(cast("WSGIApp", app), workers=settings.threads)
        self._wsgi = app
        self.settings = settings
        self._pool = Pool(settings.threads, settings.streams, settings.queue)
        self._outbox: Outbox | None = None
        self._outboxes: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Outbox] = (
            weakref.WeakKeyDictionary()
        )
        self._live: set[Exchange] = set()
        self._closing = False
        self._disconnected = 0

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one `http` or `websocket` scope, or follow a `lifespan`.

        A WebSocket handshake is answered as a WSGI server would: as the GET request that it is.

        Raises:
            Exception: what the application raised after its answer had begun, so that the server
                cuts the connection and the client can tell that the answer is not whole.
        """
        kind = scope["type"]
        if kind == "http":
            await self._serve(scope, receive, send)
        elif kind == "websocket":
            if "websocket.http.response" in (scope.get("extensions") or ()):
                await self._serve(*as_http(scope, receive, send))
            else:
                await receive()
                await send({"type": "websocket.close", "code": 1000})
        elif kind == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self.aclose()
            await send({"type": "lifespan.shutdown.complete"})

    def stats(self) -> BridgeStats:
        """Return what the bridge is doing and has done."""
        return self._pool.stats(self._disconnected)

    async def aclose(self) -> None:
        """Let go of every request and send the threads home.

        New requests are answered 503 meanwhile. Applications that wait for their client are told
        that it went away; what runs on after `BridgeSettings.shutdown_timeout` seconds is left
        behind on daemon threads. Afterwards the bridge is as if it were new.
        """
        self._closing = True
        try:
            for exchange in list(self._live):
                exchange.refused = True
                exchange.kill()
                exchange.outbox.post(exchange)
            await asyncio.to_thread(self._pool.join, self.settings.shutdown_timeout)
        finally:
            self._closing = False

    async def _serve(self, scope: Any, receive: Receive, send: Send) -> None:
        try:
            framing = scope.get(FRAMING) or read_framing(scope, self.settings)
            environ = build_environ(scope, None, self.settings.server_software)
            upload: Upload | None = None
            if framing.may_follow:
                upload = await self._open_body(framing, environ, receive)
            else:
                environ["wsgi.input"] = io.BytesIO()
        except RequestRefused as exc:
            await send_refusal(exc, scope, send)
            return
        except ClientDisconnected:
            self._disconnected += 1
            return
        exchange = self._new_exchange(environ, upload)
        at_once = None
        if not self._closing:
            at_once = self._pool.submit(exchange, streaming=upload is not None)
        if at_once is None:
            await self._unavailable(send)
            return
        if not at_once:
            exchange.outbox.watch(exchange)
        self._live.add(exchange)
        listener = None
        try:
            if upload is not None:
                listener = self._listen(exchange, receive, upload)
            await exchange.news()
            if exchange.ended or exchange.dead:
                await self._send_whole(exchange, send)
            else:
                if listener is None:
                    listener = self._listen(exchange, receive, None)
                await self._send_stream(exchange, send)
        except BaseException:
            exchange.kill()
            raise
        finally:
            self._live.discard(exchange)
            if listener is not None:
                listener.cancel()

    async def _open_body(
        self, framing: Framing, environ: dict[str, Any], receive: Receive
    ) -> Upload | None:
        """Put `wsgi.input` in its place; return what is still to come, if anything is."""
        upload = Upload(framing, receive, self.settings)
        await upload.open()
        environ["wsgi.input"] = upload.input
        return None if upload.whole else upload

    def _new_exchange(self, environ: dict[str, Any], upload: Upload | None) -> Exchange:
        outbox = self._outbox_of_this_loop()
        return Exchange(
            self._wsgi,
            environ,
            None if upload is None else upload.stream,
            self._pool,
            outbox,
            self.settings,
        )

    def _listen(self, exchange: Exchange, receive: Receive, upload: Upload | None) -> Any:
        """Start to wait for the client: for the rest of its body, and for its going away."""
        loop = exchange.outbox.loop
        loop.call_later(_DETACH_AFTER, self._pool.detach, exchange)
        listen = partial(_watch, receive) if upload is None else upload.pump
        return loop.create_task(_kill_after(listen, exchange))

    async def _send_whole(self, exchange: Exchange, send: Send) -> None:
        """Send an answer that needs nothing more of its thread."""
        head = exchange.head
        chunks = exchange.chunks
        if head is None or exchange.dead or exchange.error is not None:
            await self._send_failure(exchange, send)
            return
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        headers = head.headers
        if head.length is None and not head.bodiless and exchange.is_http_1_0:
            # Servers under ASGI answer HTTP/1.0 in chunks, which it does not know.
            headers = [*headers, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": head.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _send_failure(self, exchange: Exchange, send: Send) -> None:
        """Send what can be said of an answer that is not whole, and cut it off."""
        error = exchange.error
        if exchange.refused:
            if exchange.head is None:
                await self._unavailable(send)
        elif exchange.dead:
            self._disconnected += 1
        elif exchange.head is None:
            status = 500
            if isinstance(error, BodyTooLarge):
                status = 413
            elif isinstance(error, ClientDisconnected):
                status = 408
            await send_all(send, answer(status))
        else:
            await self._start(exchange, send)
            await self._send_taken(exchange, send)
            if error is not None:
                raise raisable(error)

    async def _send_stream(self, exchange: Exchange, send: Send) -> None:
        """Send an answer as it comes."""
        await self._start(exchange, send)
        try:
            while not exchange.ended:
                await self._send_taken(exchange, send)
                await exchange.news()
                if exchange.dead:
                    self._disconnected += 1
                    return
            await self._send_taken(exchange, send)
        except OSError:
            # A server that says so when it is told to send to nobody (ASGI 2.4).
            self._disconnected += 1
            exchange.kill()
            return
        if exchange.dead:
            self._disconnected += 1
            return
        if exchange.error is not None:
            raise raisable(exchange.error)
        await send({"type": "http.response.body", "body": b""})

    async def _start(self, exchange: Exchange, send: Send) -> None:
        head = exchange.head
        if head is not None:
            await send(
                {
                    "type": "http.response.start",
                    "status": head.status,
                    "headers": head.headers,
                }
            )

    async def _send_taken(self, exchange: Exchange, send: Send) -> None:
        while body := exchange.take():
            await send({"type": "http.response.body", "body": body, "more_body": True})
            exchange.sent(len(body))

    async def _unavailable(self, send: Send) -> None:
        await send_all(send, unavailable(self.settings.retry_after))

    def _outbox_of_this_loop(self) -> Outbox:
        loop = asyncio.get_running_loop()
        outbox = self._outbox
        if outbox is None or outbox.loop is not loop:
            outbox = self._outboxes.get(loop)
            if outbox is None:
                outbox = self._outboxes[loop] = Outbox(loop)
            self._outbox = outbox
        return outbox


async def _watch(receive: Receive) -> None:
    """Return once the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _kill_after(listen: Callable[[], Awaitable[None]], exchange: Exchange) -> None:
    """Tell the exchange that its client went away, once it did.

    Args:
        listen: called here and not before: a task may be cancelled before it begins.
        exchange: what is told.
    """
    try:
        await listen()
    finally:
        # Also where `receive` raised: then nobody would notice any more.
        if not exchange.ended:
            exchange.kill()
            exchange.on_news()
