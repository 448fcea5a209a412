"""Who is logged in, found out without Flask: Flask-Login's session and its "remember me" cookie.

For routes with `hooks = "none"`, and for the day when Flask is gone: browsers stay logged in. It is
Flask-Login's `basic` session protection; logins and logouts are still Flask-Login's.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha512
from typing import Annotated
from urllib.parse import urlencode, urlsplit, urlunsplit

from fastapi import Depends, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncSession
from werkzeug.sansio.utils import get_current_url

from legacy_flask.models import User
from new_fastapi.compat.responses import redirect
from new_fastapi.dependencies import CurrentSettings, Session
from new_fastapi.sessions import BrowserSession, SessionData, flash

REMEMBER = "remember_token"


@dataclass(frozen=True)
class Visitor:
    """Who asks.

    Attributes:
        user: None for somebody who is not logged in.
        fresh: whether they have typed their password in this session, with this browser.
    """

    user: User | None
    fresh: bool


async def visitor(
    request: Request, session: BrowserSession, database: Session, settings: CurrentSettings
) -> Visitor:
    """Return who asks; what the session is told about it is what Flask-Login would tell it."""
    if session and session.get("_id") != browser_of(request) and session.get("_fresh") is not False:
        session["_fresh"] = False
    user = await _user(session.get("_user_id"), database)
    if user is None and session.get("_remember") != "clear":
        user_id = remembered_id(request.cookies.get(REMEMBER, ""), settings.secret_key)
        if user_id is not None:
            session["_user_id"], session["_fresh"] = user_id, False
            user = await _user(user_id, database)
    return Visitor(user, fresh=bool(session.get("_fresh", False)))


TheVisitor = Annotated[Visitor, Depends(visitor)]


async def _user(user_id: str | None, database: AsyncSession) -> User | None:
    return None if user_id is None else await database.get(User, int(user_id))


def browser_of(request: Request) -> str:
    """Return what the session remembers of the browser in which it was opened, as `_id`."""
    forwarded = request.headers.get("x-forwarded-for")
    address = forwarded or (request.client.host if request.client else None)
    agent = request.headers.get("user-agent")
    # Flask-Login hashes how Python writes these bytes: b'127.0.0.1'|b'Mozilla/5.0'
    known = (
        None if address is None else address.encode().split(b",")[0].strip(),
        None if agent is None else agent.encode(),
    )
    return sha512("|".join(map(str, known)).encode()).hexdigest()


def remembered_id(cookie: str, secret_key: str) -> str | None:
    """Return the id of the user whom a "remember me" cookie names, None where it is forged."""
    user_id, found, digest = cookie.rpartition("|")
    right = hmac.new(secret_key.encode("latin-1"), user_id.encode(), sha512).hexdigest()
    is_right = hmac.compare_digest(digest.encode(), right.encode())
    return user_id if found and is_right else None


def log_in_first(request: Request, session: SessionData) -> Response:
    """Answer somebody who has to log in: the form, which leads back here."""
    flash(session, "Please log in to access this page.")
    root_path = request.scope.get("root_path", "")
    path = request.url.path.removeprefix(root_path)
    here = urlsplit(get_current_url("http", "host", root_path, path, request.scope["query_string"]))
    back = urlunsplit(("", "", here.path, here.query, ""))
    return redirect(f"{root_path}/login?{urlencode({'next': back})}")
