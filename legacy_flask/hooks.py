"""What happens before and after every request."""

from __future__ import annotations

import time

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import ServiceUnavailable

API_VERSION = "1"


def init_app(app: Flask) -> None:
    """Register the hooks."""
    app.before_request(start_clock)
    app.before_request(refuse_during_maintenance)
    app.after_request(log_slow_request)
    app.after_request(describe_response)


def start_clock() -> None:
    """Remember when the request came in."""
    g.started = time.perf_counter()


def refuse_during_maintenance() -> None:
    """Answer 503 while the `MAINTENANCE` setting is on; error pages keep their stylesheet."""
    if current_app.config["MAINTENANCE"] and request.endpoint != "static":
        raise ServiceUnavailable("The club is closed for maintenance.", retry_after=120)


def log_slow_request(response: Response) -> Response:
    """Log a request that took longer than the `SLOW_REQUEST` setting."""
    seconds = time.perf_counter() - g.started
    if seconds > current_app.config["SLOW_REQUEST"]:
        current_app.logger.warning("%s %s took %.1f s", request.method, request.path, seconds)
    return response


def describe_response(response: Response) -> Response:
    """Name the API's version, and tell caches that cookies matter.

    Flask-Login looks into the session after each request. From 3.1.3 on Flask counts that as
    using the session and adds `Vary: Cookie`; added here, it is there with every version.
    """
    response.headers["X-API-Version"] = API_VERSION
    response.vary.add("Cookie")
    return response
