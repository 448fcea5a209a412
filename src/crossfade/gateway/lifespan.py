"""The lifespan of an application behind the gateway: who may look at its start, and end it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crossfade.errors import MapError, MountError
from crossfade.logs import Logs

logger = Logs("crossfade.lifespan")


async def follow_lifespan(
    app: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    started: Callable[[], None],
    close: Callable[[], Awaitable[None]],
) -> None:
    """Run an application's lifespan.

    Args:
        app: the application.
        scope: of type `lifespan`.
        receive: as in ASGI.
        send: as in ASGI.
        started: called when the application has started, before the server hears of it. A
            `MapError` or `MountError` that it raises fails the start, with its text for the
            server's log. The application is shut down before, so that it closes what it opened.
        close: called once, at the shutdown while the application still has what it opened (a server
            ends its process as soon as it hears that the shutdown is complete), or at the end.
    """
    refused: MapError | MountError | None = None
    closed = False

    async def watch(message: Message) -> None:
        nonlocal refused
        if refused is not None:
            return  # what the server hears is said below
        if message["type"] == "lifespan.startup.complete":
            try:
                started()
            except (MapError, MountError) as error:
                refused = error
                return  # the application takes it that it has started, and is shut down
        await send(message)

    async def receive_and_close() -> Message:
        nonlocal closed
        message: Message = {"type": "lifespan.shutdown"} if refused else await receive()
        if message["type"] == "lifespan.shutdown":
            await close()
            closed = True
        return message

    try:
        await app(scope, receive_and_close, watch)
    except Exception:
        if refused is None:
            raise
        logger.exception("the application failed to shut down after its start was refused")
    finally:
        if not closed:
            await close()
    if refused is not None:
        await send({"type": "lifespan.startup.failed", "message": str(refused)})
