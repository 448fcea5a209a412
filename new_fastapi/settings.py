"""Settings, read where Flask's are, so that both sides use one database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy.engine import make_url

from legacy_flask import config


@dataclass(frozen=True)
class MailSettings:
    """How mails are sent: Flask-Mail's settings."""

    server: str
    port: int
    use_tls: bool
    use_ssl: bool
    username: str | None
    password: str | None
    default_sender: str
    reply_to: str
    suppress: bool
    timeout: float = 30.0

    @classmethod
    def load(cls, flask: Mapping[str, Any]) -> MailSettings:
        """Return those of a Flask configuration."""
        return cls(
            server=flask["MAIL_SERVER"],
            port=flask["MAIL_PORT"],
            use_tls=flask["MAIL_USE_TLS"],
            use_ssl=flask["MAIL_USE_SSL"],
            username=flask["MAIL_USERNAME"],
            password=flask["MAIL_PASSWORD"],
            default_sender=flask["MAIL_DEFAULT_SENDER"],
            reply_to=flask["MAIL_REPLY_TO"],
            suppress=flask["MAIL_SUPPRESS_SEND"],
        )


@dataclass(frozen=True)
class SessionSettings:
    """Where Flask keeps its sessions, and how it signs them.

    Attributes:
        kind: `SESSION_TYPE`; empty for a signed cookie.
        secret_keys: the last one signs.
        lifetime: in seconds.
    """

    kind: str
    cookie: str
    secret_keys: tuple[str, ...]
    lifetime: int
    key_prefix: str
    serialization: str
    directory: str
    redis_url: str

    @classmethod
    def load(cls, flask: Mapping[str, Any]) -> SessionSettings:
        """Return those of a Flask configuration."""
        lifetime = flask.get("PERMANENT_SESSION_LIFETIME", timedelta(days=31))
        return cls(
            kind=flask["SESSION_TYPE"],
            cookie=flask.get("SESSION_COOKIE_NAME", "session"),
            secret_keys=(*(flask.get("SECRET_KEY_FALLBACKS") or ()), flask["SECRET_KEY"]),
            lifetime=int(lifetime.total_seconds() if hasattr(lifetime, "days") else lifetime),
            key_prefix=flask.get("SESSION_KEY_PREFIX", "session:"),
            serialization=flask.get("SESSION_SERIALIZATION_FORMAT", "msgpack"),
            directory=flask["SESSION_DIR"],
            redis_url=flask["SESSION_REDIS_URL"],
        )


@dataclass(frozen=True)
class TokenSettings:
    """How tokens are signed and read: Flask-JWT-Extended's settings."""

    secret: str
    algorithm: str
    issuer: str
    access_lifetime: timedelta
    refresh_lifetime: timedelta
    blocklist: str
    treasurer: str

    @classmethod
    def load(cls, flask: Mapping[str, Any]) -> TokenSettings:
        """Return those of a Flask configuration."""
        return cls(
            secret=flask["JWT_SECRET_KEY"],
            algorithm=flask["JWT_ALGORITHM"],
            issuer=flask["JWT_ENCODE_ISSUER"],
            access_lifetime=flask["JWT_ACCESS_TOKEN_EXPIRES"],
            refresh_lifetime=flask["JWT_REFRESH_TOKEN_EXPIRES"],
            blocklist=flask["TOKEN_BLOCKLIST"],
            treasurer=flask["TREASURER"],
        )


@dataclass(frozen=True)
class Settings:
    """What the native routes need to know."""

    database_url: str
    secret_key: str
    max_content_length: int | None
    maintenance: bool
    scores_delay: float
    news_delay: float
    mail: MailSettings
    tokens: TokenSettings
    sessions: SessionSettings

    @classmethod
    def load(cls, overrides: Mapping[str, Any] | None = None) -> Settings:
        """Return the environment's settings; `overrides` has the keys of the Flask configuration.

        So `Settings.load(flask_app.config)` are the settings of that application.
        """
        flask = config.complete({**config.from_environ(), **(overrides or {})})
        return cls(
            database_url=async_url(flask["SQLALCHEMY_DATABASE_URI"]),
            secret_key=flask["SECRET_KEY"],
            max_content_length=flask["MAX_CONTENT_LENGTH"],
            maintenance=flask["MAINTENANCE"],
            scores_delay=flask["DASHBOARD_SCORES_DELAY"],
            news_delay=flask["DASHBOARD_NEWS_DELAY"],
            mail=MailSettings.load(flask),
            tokens=TokenSettings.load(flask),
            sessions=SessionSettings.load(flask),
        )


def async_url(url: str) -> str:
    """Return `url` with an async driver. Psycopg is both: it stays."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        parsed = parsed.set(drivername="sqlite+aiosqlite")
    return parsed.render_as_string(hide_password=False)
