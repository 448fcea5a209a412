"""What crossfade knows of decorators by name: what a native route loses, and what to do instead.

Each row was run with the real package: the decorator stands on a view, its route is native, and
what happens was looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple

from crossfade.checks.view_decorators import Decorator


class Work(Enum):
    """What a decorator does for a view."""

    LOGIN = "access"
    """It finds out who calls, and refuses strangers."""

    PERMISSION = "access to some"
    """It refuses some of those who are known: to know who calls is not enough."""

    FRESH = "access after a fresh login"
    """It refuses whom only a cookie remembers."""

    LIMIT = "rate limit"
    """It counts, and refuses those who ask too often."""

    ANSWER = "answer"
    """It changes the answer or whether the view runs."""

    UNKNOWN = "unknown"
    """Nobody knows but the team."""

    REPLACED = "replaced"
    """FastAPI does it itself with the types of a native handler; contracts show a difference."""

    BORROWED = "borrowed"
    """A mark only: the extension's hook reads it, and the hook runs around native routes."""

    HARMLESS = "harmless"
    """No answer depends on it."""

    @property
    def is_access(self) -> bool:
        """Whether a route without it lets in whom the view refused."""
        return self in (Work.LOGIN, Work.PERMISSION, Work.FRESH)

    @property
    def is_lost(self) -> bool:
        """Whether something is missing where a native handler has no counterpart."""
        return self not in (Work.REPLACED, Work.BORROWED, Work.HARMLESS)


class Known(NamedTuple):
    """One row: what is lost, and what to write instead."""

    work: Work
    instead: str = ""


_DECORATED: Final = "dependencies=[decorated(…)] of crossfade.compat runs the same decorator"
_LOGGED_IN: Final = "take user: LoggedIn of crossfade.compat"
_TOKEN: Final = "depend on a function that verifies the token"  # noqa: S105 - words, no secret
_LIMITED: Final = "use dependencies=[decorated(limiter.limit(…))] of crossfade.compat, or slowapi"
_OWN_MODELS: Final = "FastAPI validates with the handler's types"
_TRACE: Final = "the trace has no span of its own for the handler"

KNOWN: Final[dict[str, dict[str, Known]]] = {
    "flask_login": {
        "login_required": Known(Work.LOGIN, _LOGGED_IN),
        "fresh_login_required": Known(Work.FRESH, "take user: FreshlyLoggedIn of crossfade.compat"),
    },
    "flask_jwt_extended": {
        "jwt_required": Known(Work.LOGIN, f"{_TOKEN}, or calls verify_jwt_in_request()")
    },
    "flask_httpauth": {"login_required": Known(Work.LOGIN, _DECORATED)},
    "flask_principal": {"IdentityContext": Known(Work.PERMISSION, _DECORATED)},
    "flask_security": {
        "auth_required": Known(Work.LOGIN, _DECORATED),
        "auth_token_required": Known(Work.LOGIN, _DECORATED),
        "http_auth_required": Known(Work.LOGIN, _DECORATED),
        "anonymous_user_required": Known(Work.ANSWER, "redirect who is logged in"),
        "*": Known(Work.PERMISSION, _DECORATED),
    },
    "flask_admin": {"_wrap_view": Known(Work.PERMISSION, "ask what is_accessible() asked")},
    "authlib": {"ResourceProtector": Known(Work.LOGIN, _DECORATED)},
    "flask_cors": {
        "cross_origin": Known(
            Work.ANSWER, "name the resource in CORS(app, resources=…), whose hook is borrowed"
        )
    },
    "flask_caching": {"*": Known(Work.ANSWER, "get and set the cache in the handler")},
    "functools": {"*": Known(Work.ANSWER, "cache in the handler")},
    "flask_compress": {"*": Known(Work.ANSWER, "let Compress(app) do it, whose hook is borrowed")},
    "flask_minify": {"*": Known(Work.ANSWER, "let Minify(app) do it, whose hook is borrowed")},
    "prometheus_flask_exporter": {
        "*": Known(Work.ANSWER, "count in the handler; the default metrics' hooks are borrowed")
    },
    # Its hook counts for limits of the application and of blueprints; `exempt` is a mark for it.
    "flask_limiter": {"exempt": Known(Work.BORROWED), "*": Known(Work.LIMIT, _LIMITED)},
    "slowapi": {"*": Known(Work.LIMIT, _LIMITED)},
    "flask_wtf": {"*": Known(Work.BORROWED)},
    "flask_seasurf": {"*": Known(Work.BORROWED)},
    "flask_talisman": {"*": Known(Work.BORROWED)},
    "flask_pydantic": {"*": Known(Work.REPLACED, _OWN_MODELS)},
    "webargs": {"*": Known(Work.REPLACED, _OWN_MODELS)},
    "flask_smorest": {"*": Known(Work.REPLACED, _OWN_MODELS)},
    "apiflask": {"*": Known(Work.REPLACED, _OWN_MODELS)},
    "flask_restx": {"*": Known(Work.REPLACED, _OWN_MODELS)},
    "flask_restful": {"*": Known(Work.REPLACED, _OWN_MODELS)},
    "flasgger": {"*": Known(Work.REPLACED, _OWN_MODELS)},
    "flask": {"*": Known(Work.HARMLESS)},
    "asgiref": {"*": Known(Work.HARMLESS)},
    "opentelemetry": {"*": Known(Work.HARMLESS, _TRACE)},
    "sentry_sdk": {"*": Known(Work.HARMLESS, _TRACE)},
    "newrelic": {"*": Known(Work.HARMLESS, _TRACE)},
    "ddtrace": {"*": Known(Work.HARMLESS, _TRACE)},
    "elasticapm": {"*": Known(Work.HARMLESS, _TRACE)},
    "flask_profiler": {"*": Known(Work.HARMLESS, "the profiler doesn't see the handler")},
}
"""By package and name; `*` is any other name of the package."""

_ACCESS: Final = re.compile(
    r"auth(?!ors?(\b|_))|log_?in|logged|jwt|token|oidc|saml|sso|role|permi[ts]|privilege|admin|staff|owner"
    r"|protect|secur|guard|acl|allow|scope|identity|sign(ed|ature)|hmac|api_?key|csrf|require"
    r"|restrict|forbid|deny|member|tenant|verif|credential|principal|(^|_)can_",
    re.IGNORECASE,
)
"""Names that people give to what decides who may call."""

_LIMIT: Final = re.compile(r"limit|throttle|quota", re.IGNORECASE)


def looks_like_access(name: str) -> bool:
    """Whether a function's name says that it decides who may call."""
    return _ACCESS.search(name) is not None


def looks_like_limit(name: str) -> bool:
    """Whether a function's name says that it counts requests."""
    return _LIMIT.search(name) is not None


def known(decorator: Decorator) -> Known:
    """Return what is known of a decorator. One that nobody knows is judged by its name and code."""
    package = KNOWN.get(decorator.package)
    if package is not None:
        row = package.get(decorator.leaf) or package.get("*")
        if row is not None:
            return _as_asked_for(row, decorator.arguments) if row.work is Work.LOGIN else row
    if looks_like_access(decorator.name) or decorator.refuses:
        return Known(Work.PERMISSION, _DECORATED)
    return Known(Work.UNKNOWN, "do the same in the handler or a dependency, if it matters there")


def _as_asked_for(row: Known, arguments: Mapping[str, str]) -> Known:
    """Return what a decorator that finds out who calls does with these arguments."""
    if arguments.get("optional", "None") == "True":
        return Known(Work.ANSWER, "find out who calls in the handler; strangers may call as well")
    if arguments.get("fresh", "False") == "True":
        return Known(Work.FRESH, row.instead)
    if arguments.get("role", "None") != "None":
        return Known(Work.PERMISSION, row.instead)
    return row


def is_guessed(decorator: Decorator) -> bool:
    """Whether only its name and code say what a decorator does."""
    package = KNOWN.get(decorator.package, {})
    return decorator.leaf not in package and "*" not in package
