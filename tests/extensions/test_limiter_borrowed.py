"""Flask-Limiter around native routes that borrow Flask: what its hooks hold, what needs a line.

Each feature stands on a small application. The same requests go to two gateways, one with the route
on Flask, one with it native: statuses, headers and bodies must be the same.
"""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import flask
import pytest
from fastapi import FastAPI
from fastapi.responses import Response
from flask import Blueprint, Flask, g, request
from flask.views import MethodView
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from crossfade import compat
from tests.asgi.kit import Mount, ask
from tests.compat.conftest import mount as mount

View = Callable[..., Any]
Build = Callable[[Flask, Limiter], "list[Any]"]
"""Registers the view `a` at `/a`, and returns the decorators that stand on it."""

Sides = Callable[..., "tuple[Side, Side]"]


def view(**_: Any) -> Any:
    """Answer, with the status that was asked for."""
    return flask.Response(b'"a"', int(request.args.get("status", "200")), mimetype="text/plain")


async def handler() -> Response:
    """Answer natively."""
    return Response(b'"a"', int(request.args.get("status", "200")), media_type="text/plain")


def plain(app: Flask, *decorators: Callable[[View], View], on: Any = None) -> list[Any]:
    """Register the view behind the decorators."""
    function: View = view
    for decorator in reversed(decorators):
        function = decorator(function)
    (on or app).add_url_rule("/a", "a", function, methods=["GET", "POST"])
    return list(decorators)


def in_a_blueprint(app: Flask, limiter: Limiter) -> list[Any]:
    """A limit of the blueprint."""
    blueprint = Blueprint("b", "b")
    plain(app, on=blueprint)
    limiter.limit("2/hour")(blueprint)
    app.register_blueprint(blueprint)
    return []


def exempt(app: Flask, limiter: Limiter) -> list[Any]:
    """A view without default limits."""
    plain(app)
    limiter.exempt(app.view_functions["a"])
    return []


def filtered(app: Flask, limiter: Limiter) -> list[Any]:
    """Requests that no limit counts."""
    limiter.request_filter(lambda: "free" in request.args)
    return plain(app)


def of_a_class(app: Flask, limiter: Limiter) -> list[Any]:
    """A view that is a class."""

    class View(MethodView):
        decorators = [limiter.limit("2/hour")]  # noqa: RUF012 - Flask's own form

        def get(self) -> Any:
            return view()

    app.add_url_rule("/a", "a", View.as_view("a"))
    return View.decorators


def by_user(app: Flask, limiter: Limiter) -> list[Any]:
    """Counted by what a hook found out."""

    @app.before_request
    def load() -> None:
        g.user = request.args.get("user", "nobody")

    return plain(app, limiter.limit("2/hour", key_func=lambda: g.user))


def told(app: Flask, limiter: Limiter) -> list[Any]:
    """An answer of the callback's own."""
    return plain(
        app,
        limiter.limit("2/hour", on_breach=lambda limit: flask.make_response(limit.key, 420)),
    )


def in_words(app: Flask, limiter: Limiter) -> list[Any]:
    """The application's own page for 429."""
    app.register_error_handler(429, lambda e: (f"slow down: {e.description}", 429))
    return plain(app, limiter.limit("2/hour", error_message=lambda: "two!"))


def inline(app: Flask, limiter: Limiter) -> list[Any]:
    """A context manager inside of the view: the handler has it as well."""

    def limited() -> Any:
        with limiter.limit("2/hour"):
            return view()

    app.add_url_rule("/a", "a", limited)
    return [limiter]


DEFAULTS: dict[str, Any] = {"default_limits": ["2/hour"]}
HELD: dict[str, tuple[dict[str, Any], Build]] = {
    "a blueprint's": ({}, in_a_blueprint),
    "default limits": (DEFAULTS, lambda app, limiter: plain(app)),
    "application limits": ({"application_limits": ["2/hour"]}, lambda app, limiter: plain(app)),
    "exempt from default limits": (DEFAULTS, exempt),
    "requests that are filtered": (DEFAULTS, filtered),
    "default limits of what Flask answered well": (
        {**DEFAULTS, "default_limits_deduct_when": lambda response: response.status_code == 200},
        lambda app, limiter: plain(app),
    ),
    "meta limits": (
        {"default_limits": ["1/second"], "meta_limits": ["1/hour"]},
        lambda app, limiter: plain(app),
    ),
}
"""What Flask-Limiter's own hook checks: it holds by itself."""

DECORATED: dict[str, tuple[dict[str, Any], Build]] = {
    "decorated": ({}, lambda app, limiter: plain(app, limiter.limit("2/hour"))),
    "two limits": (
        {},
        lambda app, limiter: plain(
            app, limiter.limit("3/hour"), limiter.shared_limit("2/hour", scope="s")
        ),
    ),
    "in place of default limits": (
        DEFAULTS,
        lambda app, limiter: plain(app, limiter.limit("3/hour")),
    ),
    "dynamic": (
        {},
        lambda app, limiter: plain(app, limiter.limit(lambda: request.args.get("l", "2/hour"))),
    ),
    "exempt_when": (
        {},
        lambda app, limiter: plain(
            app, limiter.limit("2/hour", exempt_when=lambda: "free" in request.args)
        ),
    ),
    "deduct_when": (
        {},
        lambda app, limiter: plain(
            app, limiter.limit("2/hour", deduct_when=lambda answer: answer.status_code == 404)
        ),
    ),
    "cost": ({}, lambda app, limiter: plain(app, limiter.limit("4/hour", cost=lambda: 2))),
    "per method": ({}, lambda app, limiter: plain(app, limiter.limit("2/hour", per_method=True))),
    "one method": ({}, lambda app, limiter: plain(app, limiter.limit("2/hour", methods=["POST"]))),
    "by user": ({}, by_user),
    "of a class": ({}, of_a_class),
    "on_breach": ({}, told),
    "error page": ({}, in_words),
    "moving window": (
        {"strategy": "moving-window"},
        lambda app, limiter: plain(app, limiter.limit("2/hour")),
    ),
}
"""What the decorator checks: `decorated` puts it around the handler."""

REQUESTS = (
    *["GET /a"] * 3,
    *["GET /a?free=1", "GET /a?user=b", "GET /a?status=404", "GET /a?l=1/day"] * 2,
    *["POST /a"] * 3,
    *["GET /a?status=404"] * 2,
    "HEAD /a",
)


class Side:
    """One gateway in front of one Flask application with limits."""

    def __init__(self, mount: Mount, options: dict[str, Any], build: Build, native: bool) -> None:
        legacy = Flask("app", static_folder=None)
        self.limiter = Limiter(
            get_remote_address, storage_uri="memory://", headers_enabled=True, **options
        )
        self.limiter.init_app(legacy)
        decorators = build(legacy, self.limiter)
        self.app = FastAPI(openapi_url=None)
        if decorators == [self.limiter]:
            self.app.add_api_route("/a", self.inline)
        else:
            wanted = [compat.decorated(*decorators)] if decorators else []
            # Without a decorator it is `flask.request` that asks for Flask's context.
            self.app.add_api_route("/a", handler, methods=["GET", "POST"], dependencies=wanted)
        methods = next(legacy.url_map.iter_rules()).methods or set()
        routes = [f"{method} /a" for method in sorted(methods & {"GET", "POST"})] if native else []
        mount(self.app, legacy, *routes)
        self.native = native

    async def inline(self) -> Response:
        """Answer natively, from within a limit."""
        with self.limiter.limit("2/hour"):
            return await handler()

    def ask(self, line: str) -> tuple[Any, ...]:
        """Return all that a client sees, but for the second."""
        method, _, target = line.partition(" ")
        answer = ask(self.app, method, target)
        if answer.status != 405:
            assert answer.served_by == ("fastapi" if self.native else "flask")
        seconds = ("x-ratelimit-reset", "retry-after")
        headers = sorted((k, "" if k in seconds else v) for k, v in answer.headers)
        return answer.status, headers, answer.body


@pytest.fixture
def sides(mount: Mount) -> Iterator[Sides]:
    """Make both."""
    with contextlib.ExitStack() as stack:

        def make(options: dict[str, Any], build: Build) -> tuple[Side, Side]:
            sides = Side(mount, options, build, False), Side(mount, options, build, True)
            for side in sides:
                stack.callback(side.limiter.reset)
            return sides

        yield make


@pytest.mark.parametrize("feature", [*HELD, *DECORATED, "inline"])
def test_the_same_is_refused(feature: str, sides: Sides) -> None:
    """From the first request to the last, and something is refused."""
    legacy, native = sides(*{**HELD, **DECORATED, "inline": ({}, inline)}[feature])
    expected = [legacy.ask(line) for line in REQUESTS]
    assert [native.ask(line) for line in REQUESTS] == expected
    if feature != "exempt from default limits":
        assert {429, 420} & {status for status, *_ in expected}


def test_beside_default_limits_the_headers_tell_of_another_limit(sides: Sides) -> None:
    """With `override_defaults=False`: the same is counted and refused."""

    def build(app: Flask, limiter: Limiter) -> list[Any]:
        return plain(app, limiter.limit("9/hour", override_defaults=False))

    legacy, native = ([side.ask("GET /a") for _ in "123"] for side in sides(DEFAULTS, build))
    assert [status for status, *_ in native] == [status for status, *_ in legacy] == [200, 200, 429]
    told = [
        [dict(headers)["x-ratelimit-limit"] for _, headers, _ in each] for each in (legacy, native)
    ]
    assert told == [["2", "2", "2"], ["2", "9", "2"]]


@pytest.mark.parametrize("feature", ["decorated", "dynamic", "by user", "error page"])
def test_a_decorator_alone_is_not_borrowed(feature: str, mount: Mount) -> None:
    """Flask-Limiter's hook leaves a decorated view to its decorator, which nobody calls."""
    options, build = DECORATED[feature]

    def build_only(app: Flask, limiter: Limiter) -> list[Any]:
        build(app, limiter)
        return []

    native = Side(mount, options, build_only, True)
    assert {native.ask("GET /a")[0] for _ in range(5)} == {200}
