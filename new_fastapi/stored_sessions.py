"""Flask's sessions of any kind, read without Flask: for routes with `hooks = "none"`.

Reading is all: who writes a session borrows it (`crossfade.compat.Session`), so that one place
decides about cookies and lifetimes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from cachelib.file import FileSystemCache
from fastapi import Depends, Request
from itsdangerous import BadData
from werkzeug.sansio.http import parse_cookie

from new_fastapi.sessions import serializer
from new_fastapi.settings import SessionSettings


def read_session(settings: SessionSettings, cookie: str) -> Mapping[str, Any]:
    """Return what a session cookie stands for; nothing if it is forged, too old or gone."""
    if not cookie:
        return {}
    if not settings.kind:
        return read_signed(settings, cookie)
    found = _store(settings)(settings.key_prefix + cookie)
    return found if isinstance(found, dict) else {}


def read_signed(settings: SessionSettings, cookie: str) -> Mapping[str, Any]:
    """Return what stands in a cookie of Flask's own, as `SecureCookieSessionInterface` signs it."""
    try:
        content = serializer(list(settings.secret_keys)).loads(cookie, max_age=settings.lifetime)
    except BadData:
        return {}
    return content if isinstance(content, dict) else {}


@lru_cache
def _store(settings: SessionSettings) -> Any:
    """Return what finds the content of a session by its key, as Flask-Session stored it."""
    if settings.kind == "cachelib":
        return FileSystemCache(settings.directory, threshold=0).get
    if settings.kind == "redis":
        from redis import Redis

        redis = Redis.from_url(settings.redis_url)
        decode: dict[str, Callable[[bytes], Any]] = {
            "msgpack": msgspec.msgpack.decode,
            "json": msgspec.json.decode,
        }

        def get(key: str) -> Any:
            stored: Any = redis.get(key)
            return stored and decode[settings.serialization](stored)

        return get
    raise LookupError(f"sessions of SESSION_TYPE={settings.kind} can't be read without Flask")


# A plain function, which FastAPI runs in a thread: the store may take its time.
def stored_session(request: Request) -> Mapping[str, Any]:
    """Return the session of a request, to be read only."""
    settings: SessionSettings = request.app.state.settings.sessions
    # Werkzeug's reading: of two cookies of one name the first counts.
    cookies = parse_cookie(";".join(request.headers.getlist("cookie")))
    return read_session(settings, cookies.get(settings.cookie, ""))


StoredSession = Annotated[Mapping[str, Any], Depends(stored_session)]
"""Flask's session, to be read only; needs nothing of Flask's around the route."""
