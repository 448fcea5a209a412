"""What a browser does with the guestbook, for the tests of forms and templates."""

from __future__ import annotations

import html
import re

import httpx
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import TimestampSigner, URLSafeTimedSerializer

FORM = "POST /guestbook"
PAGE = "GET /guestbook"
SCRIPT = "POST /guestbook/entries"
ROUTES = (PAGE, FORM, SCRIPT)

_TOKEN = re.compile(r'name="csrf_token" type="hidden" value="([^"]+)"')
_FLASH = re.compile(r'<p class="flash (\w+)" role="status">(.*?)</p>')


def token_of(page: httpx.Response) -> str:
    """Return the token in a page's form."""
    found = _TOKEN.search(page.text)
    assert found is not None, page.text
    return found[1]


def flashes_of(page: httpx.Response) -> list[tuple[str, str]]:
    """Return the flashed messages that a page shows, each with its category."""
    return [(category, html.unescape(text)) for category, text in _FLASH.findall(page.text)]


def without_token(page: httpx.Response) -> bytes:
    """Return the page's bytes but for the token, which tells the second and the session."""
    return _TOKEN.sub("", page.text).encode()


def token_made_long_ago(app: Flask, client: httpx.Client) -> str:
    """Return a token of the client's own session that is 3,601 seconds old."""
    signing = SecureCookieSessionInterface().get_signing_serializer(app)
    assert signing is not None
    session = signing.loads(client.cookies["session"])

    class LongAgo(TimestampSigner):
        def get_timestamp(self) -> int:
            return super().get_timestamp() - 3601

    old = URLSafeTimedSerializer(app.secret_key or "", salt="wtf-csrf-token", signer=LongAgo)
    token = old.dumps(session["csrf_token"])
    return token if isinstance(token, str) else token.decode()


def entries(app: Flask) -> list[tuple[str, str]]:
    """Return who wrote what."""
    from sqlalchemy import select

    from legacy_flask.extensions import db
    from legacy_flask.models import GuestbookEntry

    with app.app_context():
        rows = db.session.scalars(select(GuestbookEntry).order_by(GuestbookEntry.id)).all()
        return [(row.author, row.message) for row in rows]


def answer(response: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return all of an answer but when it was made, by whom, and what a session cookie holds."""
    headers = [
        (name, "session" if name == "set-cookie" else value)
        for name, value in response.headers.multi_items()
        if name not in {"date", "x-served-by"}
    ]
    return response.status_code, sorted(headers), without_token(response)
