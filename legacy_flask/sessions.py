"""Where sessions are kept: in a signed cookie, as Flask does, or by Flask-Session on the server.

`SESSION_TYPE=cachelib` keeps them in files, `SESSION_TYPE=redis` in Redis.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, session
from flask_login import user_logged_in  # type: ignore[import-untyped]
from flask_session import Session  # type: ignore[import-untyped]
from flask_session.base import ServerSideSessionInterface  # type: ignore[import-untyped]


def init_app(app: Flask) -> None:
    """Keep the sessions of `app` where its configuration says."""
    if app.config["SESSION_TYPE"]:
        app.config.from_mapping(store(app.config))
        Session(app)
    user_logged_in.connect(renew, app)


def store(config: dict[str, Any]) -> dict[str, Any]:
    """Return the client of the store that `SESSION_TYPE` names, unless the caller brings one."""
    kind = config["SESSION_TYPE"]
    if kind == "cachelib" and "SESSION_CACHELIB" not in config:
        from cachelib.file import FileSystemCache

        # Its own default deletes sessions at random past 500 of them.
        return {"SESSION_CACHELIB": FileSystemCache(config["SESSION_DIR"], threshold=0)}
    if kind == "redis" and "SESSION_REDIS" not in config:
        from redis import Redis

        return {"SESSION_REDIS": Redis.from_url(config["SESSION_REDIS_URL"])}
    return {}


def renew(app: Flask, **extra: object) -> None:
    """Give a session that lives on the server a new id.

    Called when somebody logs in: an id that was planted in their browser before is worth nothing
    then. A session in a signed cookie has no id.
    """
    interface = app.session_interface
    if isinstance(interface, ServerSideSessionInterface):
        interface.regenerate(session)
