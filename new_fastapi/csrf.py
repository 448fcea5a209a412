"""Flask-WTF's token, made and checked without Flask-WTF: same secret, same session, same words."""

from __future__ import annotations

import hashlib
import hmac
import os
from urllib.parse import urlsplit

import flask
from fastapi import HTTPException, Request
from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer

from new_fastapi.dependencies import CurrentSettings
from new_fastapi.sessions import BrowserSession, SessionData

FIELD = "csrf_token"
"""Its key in the session, and the name of the form's field."""

HEADERS = ("X-CSRFToken", "X-CSRF-Token")
LIFETIME = 3600


def _signer(secret_key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key, salt="wtf-csrf-token")


def csrf_token(session: SessionData, secret_key: str) -> str:
    """Return a token for the forms of this session; the session gets its half if it has none."""
    if FIELD not in session:
        session[FIELD] = hashlib.sha1(os.urandom(64), usedforsecurity=False).hexdigest()
    return str(_signer(secret_key).dumps(session[FIELD]))


def problem_with(token: str | None, session: SessionData, secret_key: str) -> str | None:
    """Return what is wrong with a token, in Flask-WTF's words; None if it is this session's."""
    if not token:
        return "The CSRF token is missing."
    if FIELD not in session:
        return "The CSRF session token is missing."
    try:
        own = _signer(secret_key).loads(token, max_age=LIFETIME)
    except SignatureExpired:
        return "The CSRF token has expired."
    except BadData:
        return "The CSRF token is invalid."
    if not hmac.compare_digest(session[FIELD], own):
        return "The CSRF tokens do not match."
    return None


async def check_csrf(request: Request, settings: CurrentSettings, session: BrowserSession) -> None:
    """Answer 400 unless the request brings its session's token: a dependency of what changes data.

    While the route borrows Flask, CSRFProtect has seen to that before the handler's turn; but not
    on a route that only FastAPI has, which CSRFProtect passes over.
    """
    if flask.has_request_context() and (
        flask.g.get("csrf_valid") or not flask.current_app.config["WTF_CSRF_ENABLED"]
    ):
        return
    token = (await request.form()).get(FIELD)  # empty where the body is no form
    if not token:
        token = next(filter(None, map(request.headers.get, HEADERS)), None)
    given = token if isinstance(token, str) else None  # a file is no token
    problem = problem_with(given, session, settings.secret_key)
    if problem is None and request.url.scheme == "https":
        problem = _problem_with_referrer(request)
    if problem is not None:
        raise HTTPException(400, problem)


def _problem_with_referrer(request: Request) -> str | None:
    referrer = urlsplit(request.headers.get("referer", "").lower())
    if not referrer.netloc:
        return "The referrer header is missing."
    if (referrer.scheme, referrer.netloc) != ("https", request.url.netloc.lower()):
        return "The referrer does not match the host."
    return None
