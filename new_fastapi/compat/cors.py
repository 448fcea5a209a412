"""The answers of Flask-CORS, from its own settings, for the day when Flask is gone.

`CORSMiddleware` makes browsers decide alike, but other clients see other headers. While Flask's
hooks are borrowed this changes nothing: Flask-CORS leaves an answer alone that has the headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Pattern = str | re.Pattern[str]
Resources = Mapping[Pattern, Mapping[str, Any]]
"""As given to `flask_cors.CORS(app, resources=…)`; the first that matches counts."""

ALL_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


class FlaskCORS:
    """Middleware that adds what Flask-CORS adds, and answers `OPTIONS` as Flask does."""

    def __init__(self, app: ASGIApp, *, resources: Resources) -> None:
        self.app = app
        self.resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and the answer back with the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                add_cors_headers(MutableHeaders(scope=message), scope, self.resources)
            await send(message)

        answer = self.app
        if scope["method"] == "OPTIONS" and options_for(scope, self.resources) is not None:
            allowed = allowed_methods(scope["app"].routes, scope)
            if allowed:
                headers = {"Allow": ", ".join(allowed)}
                answer = Response(headers=headers, media_type="text/html")
        await answer(scope, receive, send_with_headers)


def allowed_methods(routes: Iterable[BaseRoute], scope: Scope) -> list[str]:
    """Return the methods that a URL answers to, as Flask lists them.

    None if there is no such URL, or if it answers `OPTIONS` itself.
    """
    routes = list(routes)
    found = {
        method
        for method in ALL_METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)
    }
    if "GET" in found:
        found.add("HEAD")
    return sorted({*found, "OPTIONS"}) if found and "OPTIONS" not in found else []


def add_cors_headers(headers: MutableHeaders, scope: Scope, resources: Resources) -> None:
    """Add the headers to an answer that has none of them."""
    options = options_for(scope, resources)
    if options is None or "access-control-allow-origin" in headers:
        return
    for name, value in cors_headers(options, Headers(scope=scope), scope["method"]).items():
        if name == "Vary":
            headers.add_vary_header(value)
        else:
            headers.append(name, value)


def options_for(scope: Scope, resources: Resources) -> Mapping[str, Any] | None:
    """Return the options of the URL's resource."""
    for pattern, options in resources.items():
        if _matches(unquote(scope["path"]), pattern, re.RegexFlag(0)):
            return options
    return None


def cors_headers(options: Mapping[str, Any], request: Headers, method: str) -> dict[str, str]:
    """Return the headers that Flask-CORS adds to the answer to a request."""
    origins = ["*"] if "origins" not in options else _listed(options["origins"])
    everybody, credentials = "*" in origins, options.get("supports_credentials", False)
    origin = request.get("origin")
    if origin:
        if everybody and options.get("send_wildcard"):
            origin = "*"
        elif not any(_matches(origin, each, re.IGNORECASE) for each in origins):
            return {}
    elif not options.get("always_send", True) or (everybody and credentials):
        return {}
    else:
        # Of several the first: so Flask-CORS answers who names no origin.
        plain = sorted(each for each in origins if isinstance(each, str) and not _is_regex(each))
        origin = "*" if everybody else next(iter(plain), None)
        if origin is None:
            return {}
    headers = {"Access-Control-Allow-Origin": origin}
    if options.get("expose_headers"):
        headers["Access-Control-Expose-Headers"] = _joined(options["expose_headers"])
    if credentials:
        headers["Access-Control-Allow-Credentials"] = "true"
    if request.get("access-control-request-private-network") == "true":
        allowed = "true" if options.get("allow_private_network") else "false"
        headers["Access-Control-Allow-Private-Network"] = allowed
    if method == "OPTIONS":
        headers |= _preflight_headers(options, request)
    several = len(origins) > 1 or _is_regex(origins[0])
    if options.get("vary_header", True) and origin != "*" and several:
        headers["Vary"] = "Origin"
    return headers


def _preflight_headers(options: Mapping[str, Any], request: Headers) -> dict[str, str]:
    methods = _joined(options.get("methods", ALL_METHODS)).upper()
    wanted = request.get("access-control-request-method", "").upper()
    if not wanted or wanted not in methods:  # a part of the text will do, in Flask-CORS
        return {}
    headers = {"Access-Control-Allow-Methods": methods}
    age = options.get("max_age")
    if age:
        seconds = int(age.total_seconds()) if isinstance(age, timedelta) else age
        headers["Access-Control-Max-Age"] = str(seconds)
    asked = request.get("access-control-request-headers")
    if asked:
        patterns = _listed(options.get("allow_headers", "*"))
        names = [name.strip() for name in asked.split(",")]
        known = [n for n in names if any(_matches(n, each, re.IGNORECASE) for each in patterns)]
        if known:
            headers["Access-Control-Allow-Headers"] = ", ".join(sorted(known))
    return headers


def _matches(value: str, pattern: Pattern, flags: re.RegexFlag) -> bool:
    """Whether a value is what a setting means: from its start, where that is a pattern."""
    if isinstance(pattern, re.Pattern):
        return pattern.match(value) is not None
    if pattern == "*":
        return True
    if _is_regex(pattern):
        return re.match(pattern, value, flags) is not None
    return value.casefold() == pattern.casefold() if flags else value == pattern


def _is_regex(pattern: Pattern) -> bool:
    """Whether Flask-CORS takes a setting for a pattern. A dot alone doesn't make one."""
    return isinstance(pattern, re.Pattern) or any(sign in pattern for sign in "*\\]?$^[]()")


def _listed(value: Any) -> list[Pattern]:
    return [value] if isinstance(value, str | re.Pattern) else list(value)


def _joined(value: Any) -> str:
    return value if isinstance(value, str) else ", ".join(sorted(value))
