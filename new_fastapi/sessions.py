"""Flask's session for native routes: borrowed as long as Flask is there, then read and signed here.

`browser_session(request)` is what handlers use. While a route borrows Flask it is `flask.session`;
on a route with `hooks = "none"`, and once the gateway is gone, it is the same cookie, opened by the
middleware `FlaskCookieSession`. Browsers keep their sessions either way.
"""

from __future__ import annotations

import hashlib
from collections.abc import MutableMapping
from typing import Annotated, Any

import flask
from fastapi import Depends, Request
from flask.json.tag import TaggedJSONSerializer
from itsdangerous import BadData, URLSafeTimedSerializer
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.datastructures import CallbackDict
from werkzeug.http import dump_cookie

SessionData = MutableMapping[str, Any]

COOKIE = "session"
LIFETIME = 31 * 24 * 60 * 60
"""Seconds after which Flask takes a session no longer: its PERMANENT_SESSION_LIFETIME."""


def browser_session(request: Request) -> SessionData:
    """Return the session of the browser that asks: Flask's own, or the middleware's."""
    return flask.session if flask.has_request_context() else request.session


async def _open(request: Request) -> SessionData:
    return browser_session(request)


BrowserSession = Annotated[SessionData, Depends(_open)]


def flash(session: SessionData, message: str, category: str = "message") -> None:
    """Leave a message for the next page, whichever side renders it: `flask.flash`."""
    session["_flashes"] = [*session.get("_flashes", []), (category, message)]


def serializer(secret_key: str | list[str]) -> URLSafeTimedSerializer:
    """Return what signs the cookie as Flask's `SecureCookieSessionInterface` does.

    Of several keys the last signs; the others are `SECRET_KEY_FALLBACKS`.
    """
    return URLSafeTimedSerializer(
        secret_key,
        salt="cookie-session",
        # Flask's JSON with tags, for tuples and dates: the last of Flask that the cookie needs.
        serializer=TaggedJSONSerializer(),
        signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha1},
    )


class FlaskCookieSession:
    """Middleware: `request.session` is Flask's session cookie, sent back when it has changed."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open the session, pass the request on, and save what it did to the session."""
        # Where the route borrows Flask, Flask does all this.
        if scope["type"] != "http" or flask.has_request_context():
            await self.app(scope, receive, send)
            return
        signer = serializer(scope["app"].state.settings.secret_key)
        changed = False

        def note(_session: SessionData) -> None:
            nonlocal changed
            changed = True

        def save(headers: MutableHeaders) -> None:
            if session:
                cookie = dump_cookie(
                    COOKIE, signer.dumps(dict(sorted(session.items()))), httponly=True
                )
            else:
                cookie = dump_cookie(COOKIE, expires=0, max_age=0, httponly=True)
            headers.append("Set-Cookie", cookie)

        async def send_with_cookie(message: Message) -> None:
            if changed and message["type"] == "http.response.start":
                save(MutableHeaders(scope=message))
            await send(message)

        cookie = HTTPConnection(scope).cookies.get(COOKIE, "")
        try:
            content = signer.loads(cookie, max_age=LIFETIME)
        except BadData:
            content = {}
        session = scope["session"] = CallbackDict(content, note)
        await self.app(scope, receive, send_with_cookie)
