"""What a native route is given in the place of what the server gave, or a refusal instead.

The bridge does the same for Flask, so that neither side is a way around the other.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from crossfade.bridge.body import BodyTooLarge, BodyTooSlow
from crossfade.bridge.intake import Intake
from crossfade.bridge.plain import send_refusal
from crossfade.bridge.upload import refusal
from crossfade.model import BridgeSettings
from crossfade.scope.framing import FRAMING, Framing, RequestRefused


def admit(app: ASGIApp, scope: Scope, settings: BridgeSettings) -> ASGIApp:
    """Return the native side for a request whose framing was read."""
    framing: Framing = scope[FRAMING]
    if framing.may_follow:
        return app if framing.protocol is None else _checking_body(app, framing, settings)
    return app if scope.get("http_version", "1.1") == "1.1" else _without_body(app)


def _checking_body(app: ASGIApp, framing: Framing, settings: BridgeSettings) -> ASGIApp:
    """Refuse a request whose body the server has lost.

    uvicorn's httptools parser takes a request with `Upgrade` to end with its head: the body is
    dropped, or served as the next request. The answer closes the connection, which keeps that
    request from being served. Source: `docs/bridge.md`.
    """

    async def checked(scope: Scope, receive: Receive, send: Send) -> None:
        intake = Intake(receive, settings)
        try:
            first = await intake.next()
            if first["type"] == "http.request" and not first.get("more_body", False):
                framing.check(intake.size)
        except (BodyTooLarge, BodyTooSlow) as error:
            await send_refusal(refusal(error), scope, send)
            return
        except RequestRefused as refused:
            await send_refusal(refused, scope, send)
            return
        finally:
            intake.close()
        await app(scope, _first(first, receive), send)

    return checked


def _without_body(app: ASGIApp) -> ASGIApp:
    """Give a request that has no body an empty one, without asking the server for it.

    uvicorn's HTTP/2 would never say that there is none. Asked under HTTP/1.0, it answers an
    `Expect` with a 100 Continue, which that version doesn't know.
    """

    async def bodiless(scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_end() -> Message:
            while (message := await receive())["type"] == "http.request":
                pass
            return message

        end: Message = {"type": "http.request", "body": b"", "more_body": False}
        await app(scope, _first(end, receive_end), send)

    return bodiless


def _first(message: Message, receive: Receive) -> Receive:
    """Give a message before what the server gives."""
    messages = [message]

    async def receive_first() -> Message:
        return messages.pop() if messages else await receive()

    return receive_first
