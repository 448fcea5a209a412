"""Settings, from defaults and the environment.

Nothing here imports Flask: `new_fastapi` reads the same settings, so that the two sides of the
migration can never point at two databases.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

INSTANCE = Path(__file__).resolve().parent.parent / "instance"

CORS_RESOURCES: dict[str | re.Pattern[str], dict[str, Any]] = {
    r"/fan-api/*": {
        # A pattern has to match from the start only: without the $ it lets in fans.example.evil.com
        "origins": ["https://fans.example", r"https://[a-z]+\.fans\.example$"],
        "methods": ["DELETE", "GET", "POST"],
        "allow_headers": ["Authorization", "Content-Type"],
        "expose_headers": ["Retry-After", "X-RateLimit-Remaining"],
        "supports_credentials": True,
        "max_age": 600,
    }
}
"""Flask-CORS: which websites may call which URLs."""


def from_environ(environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return every setting of the application, as the environment leaves it.

    A variable is named like its setting, except that the database's is `DATABASE_URL`.
    """
    return {
        "SQLALCHEMY_DATABASE_URI": environ.get("DATABASE_URL", "sqlite:///club.db"),
        # Signs the session cookie; a deployment sets its own.
        "SECRET_KEY": environ.get("SECRET_KEY", "only-for-development"),
        "MAX_CONTENT_LENGTH": int(environ.get("MAX_CONTENT_LENGTH", 5 * 1024 * 1024)),
        "UPLOAD_DIR": environ.get("UPLOAD_DIR", str(INSTANCE / "uploads")),
        # While true, every page and every API call is answered 503.
        "MAINTENANCE": environ.get("MAINTENANCE", "0").lower() in {"1", "true", "yes"},
        # Seconds that each of the dashboard's two sources takes to answer.
        "DASHBOARD_SCORES_DELAY": float(environ.get("DASHBOARD_SCORES_DELAY", "1.0")),
        "DASHBOARD_NEWS_DELAY": float(environ.get("DASHBOARD_NEWS_DELAY", "0.5")),
        # How many events the feed sends (0: it never ends), and the seconds between two.
        "FEED_EVENTS": int(environ.get("FEED_EVENTS", "10")),
        "FEED_INTERVAL": float(environ.get("FEED_INTERVAL", "1.0")),
        # Who may see what everybody owes the club.
        "TREASURER": environ.get("TREASURER", "ada@example.com"),
        # A request that takes longer than this many seconds is logged.
        "SLOW_REQUEST": float(environ.get("SLOW_REQUEST", "5.0")),
        # Where limits are counted, and cached answers kept: `redis://…` and `RedisCache` for all
        # workers together, the defaults for each of them alone.
        "RATELIMIT_STORAGE_URI": environ.get("RATELIMIT_STORAGE_URI", "memory://"),
        "RATELIMIT_HEADERS_ENABLED": True,
        "CACHE_TYPE": environ.get("CACHE_TYPE", "SimpleCache"),
        "CACHE_REDIS_URL": environ.get("CACHE_REDIS_URL"),
        **mail_from_environ(environ),
        **tokens_from_environ(environ),
        # Where sessions are kept: a signed cookie, or cachelib (files), or redis.
        "SESSION_TYPE": environ.get("SESSION_TYPE", ""),
        "SESSION_DIR": environ.get("SESSION_DIR", str(INSTANCE / "sessions")),
        "SESSION_REDIS_URL": environ.get("SESSION_REDIS_URL", "redis://localhost:6379/0"),
    }


def mail_from_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return Flask-Mail's settings; the native routes send by the same."""
    return {
        "MAIL_SERVER": environ.get("MAIL_SERVER", ""),
        "MAIL_PORT": int(environ.get("MAIL_PORT", "25")),
        "MAIL_USE_TLS": environ.get("MAIL_USE_TLS", "0").lower() in {"1", "true", "yes"},
        "MAIL_USE_SSL": environ.get("MAIL_USE_SSL", "0").lower() in {"1", "true", "yes"},
        "MAIL_USERNAME": environ.get("MAIL_USERNAME"),
        "MAIL_PASSWORD": environ.get("MAIL_PASSWORD"),
        "MAIL_DEFAULT_SENDER": environ.get("MAIL_DEFAULT_SENDER", "Café Rovers <club@example.com>"),
        "MAIL_REPLY_TO": environ.get("MAIL_REPLY_TO", "Zoë Müller <coach@example.com>"),
    }


def tokens_from_environ(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return Flask-JWT-Extended's settings; the native routes sign and read tokens by the same."""
    minutes, days = environ.get("JWT_MINUTES", "15"), environ.get("JWT_REFRESH_DAYS", "30")
    return {
        # Signs the tokens: 32 bytes at least, or PyJWT warns. A deployment sets its own.
        "JWT_SECRET_KEY": environ.get("JWT_SECRET_KEY", "only-for-development, and long enough"),
        "JWT_ALGORITHM": "HS256",
        "JWT_ENCODE_ISSUER": "club",
        "JWT_DECODE_ISSUER": "club",
        "JWT_ACCESS_TOKEN_EXPIRES": timedelta(minutes=int(minutes)),
        "JWT_REFRESH_TOKEN_EXPIRES": timedelta(days=int(days)),
        # A folder with the tokens that were revoked before their time.
        "TOKEN_BLOCKLIST": environ.get("TOKEN_BLOCKLIST", str(INSTANCE / "revoked-tokens")),
    }


def complete(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return `settings` with what follows from the database's URL filled in."""
    url = database_url(settings["SQLALCHEMY_DATABASE_URI"])
    sqlite = url.startswith("sqlite")
    # Several workers may wait for the one that creates the data; SQLite's 5 s could be too short.
    engine_options = {"connect_args": {"timeout": 30}} if sqlite else {"pool_pre_ping": True}
    return {
        "SQLALCHEMY_ENGINE_OPTIONS": engine_options,
        "PREPARE_DATABASE": sqlite,
        # Without a server no mail is sent, and nobody is told.
        "MAIL_SUPPRESS_SEND": not settings.get("MAIL_SERVER"),
        **settings,
        "SQLALCHEMY_DATABASE_URI": url,
    }


def database_url(url: str) -> str:
    """Return `url` with its driver named and a relative SQLite path made absolute.

    `sqlite:///club.db` is a file in the instance folder, as Flask-SQLAlchemy has it;
    `postgres://…`, which hosting providers hand out, becomes `postgresql+psycopg://…`.
    """
    parsed = make_url(url)
    if parsed.drivername in {"postgres", "postgresql"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername.startswith("sqlite") and parsed.database not in {None, "", ":memory:"}:
        parsed = parsed.set(database=str(INSTANCE / str(parsed.database)))
    return parsed.render_as_string(hide_password=False)
