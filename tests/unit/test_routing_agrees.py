"""Who answers: the gateway's choice against Flask's own, for generated URL maps and requests.

The default run is short. `.ci/run` sets CROSSFADE_ROUTING_EXAMPLES=2500 for each of two runs,
which makes 100,000 requests.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from flask import Flask, request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from werkzeug.routing import BaseConverter, ValidationError

from crossfade.migration_map.parse import parse_map
from crossfade.model import Stage
from crossfade.routing import LegacyApp, NativeApp, RouteTable, RouteTableBuilder
from crossfade.routing.shapes import as_flask_rule, flask_shape

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("CROSSFADE_ROUTING_EXAMPLES", "200"))
REQUESTS_PER_MAP = 20


class EvenConverter(BaseConverter):
    """Refuses what its pattern accepts."""

    regex = r"\d+"

    def to_python(self, value: str) -> int:
        """Return an even number."""
        if int(value) % 2:
            raise ValidationError
        return int(value)


class PairConverter(BaseConverter):
    """Spans a slash, and gives no text."""

    regex = r"[^/]+/[^/]+"
    part_isolating = False

    def to_python(self, value: str) -> Any:
        """Return the two halves."""
        return tuple(value.split("/"))


class ShoutConverter(BaseConverter):
    """Weighs as much as `string` does."""

    regex = "[A-Z]+"


SEGMENTS = st.sampled_from(
    [
        "a",
        "b",
        "ab",
        "<x>",
        "<y>",
        "<int:n>",
        "<int(fixed_digits=2):n>",
        "<int(signed=True):n>",
        "<float:f>",
        "<path:p>",
        "<any(a,b):k>",
        "<uuid:u>",
        "<even:e>",
        "<pair:q>",
        "<shout:s>",
        "<string(length=2):c>",
        "a-<x>",
        "<x>.<int:n>",
    ]
)
VALUES = st.sampled_from(
    [
        "a",
        "b",
        "ab",
        "A",
        "1",
        "2",
        "01",
        "-1",
        "2.5",
        "a-b",
        "a.1",
        "",
        "é",
        "٣",
        "b" * 3,
        "12345678-1234-5678-1234-567812345678",
    ]
)
METHODS = st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE"])
HOSTS = ["example.com", "api.example.com", "x.api.example.com", "other.org", "EXAMPLE.com:80"]
REQUESTS = st.tuples(
    *[
        st.tuples(
            st.sampled_from(["/", "/", "//"]),
            st.lists(VALUES, min_size=0, max_size=4),
            st.sampled_from(["", "", "/"]),
            METHODS,
            st.sampled_from(HOSTS),
        )
    ]
    * REQUESTS_PER_MAP
)


@st.composite
def rules(draw: st.DrawFn) -> dict[str, Any]:
    """Return the arguments of one `add_url_rule`."""
    names: set[str] = set()
    parts: list[str] = []
    segments: list[str] = draw(st.lists(SEGMENTS, min_size=0, max_size=3))
    for segment in segments:
        variables = set(flask_shape(segment).variables)
        if not variables & names:  # a rule may not use a name twice
            names |= variables
            parts.append(segment)
    rule = "/" + "/".join(parts)
    ends_with_slash: bool = draw(st.booleans())
    if parts and ends_with_slash:
        rule += "/"
    options: dict[str, Any] = {
        "rule": rule,
        "endpoint": draw(st.sampled_from(["one", "two", "three", "four"])),
        "methods": draw(
            st.sampled_from([["GET"], ["POST"], ["GET", "POST"], ["PUT", "DELETE"], ["OPTIONS"]])
        ),
    }
    if draw(st.integers(0, 3)) == 0:
        options["strict_slashes"] = draw(st.booleans())
    if draw(st.integers(0, 3)) == 0:
        options["merge_slashes"] = draw(st.booleans())
    if draw(st.integers(0, 3)) == 0:
        options["defaults"] = draw(
            st.sampled_from([{"n": 1}, {"n": 2}, {"x": "a"}, {"e": 2}, {"z": 0}])
        )
    if draw(st.integers(0, 7)) == 0:
        options["redirect_to"] = "/a"
    return options


@st.composite
def flask_apps(draw: st.DrawFn) -> Flask:
    """Return an application with a generated URL map."""
    matching = draw(st.sampled_from(["plain", "plain", "subdomain", "host"]))
    app = Flask(
        "generated",
        static_folder=None,
        subdomain_matching=matching == "subdomain",
        host_matching=matching == "host",
    )
    if matching == "subdomain":
        app.config["SERVER_NAME"] = "example.com"
    app.url_map.converters.update(even=EvenConverter, pair=PairConverter, shout=ShoutConverter)
    app.url_map.strict_slashes = draw(st.booleans())
    app.url_map.merge_slashes = draw(st.booleans())
    app.url_map.redirect_defaults = draw(st.booleans())

    def view(**_: Any) -> str:
        return ""

    for options in draw(st.lists(rules(), min_size=1, max_size=8)):
        if matching == "subdomain":
            options["subdomain"] = draw(st.sampled_from(["", "api", "<tenant>", "<tenant>.api"]))
        elif matching == "host":
            options["host"] = draw(st.sampled_from([*HOSTS[:2], "<tenant>.example.com", None]))
        app.add_url_rule(view_func=view, **options)
    return app


def table_for(app: Flask, listed: Any) -> tuple[RouteTable, set[str]]:
    """Return the table in which the routes that `listed` picks are native, and those routes."""

    async def endpoint(_: Request) -> Response:
        return Response()

    api = FastAPI(openapi_url=None)
    legacy = LegacyApp(app, app.wsgi_app)
    for rule in legacy.rules:
        path = rule.rule.rule
        for variable in rule.shape.variables:
            spelling = next(
                s for s in _placeholders(path) if flask_shape(s).variables[0] == variable
            )
            kind = ":path" if spelling.startswith("<path") else ""
            path = path.replace(spelling, f"{{{variable}{kind}}}")
        assert flask_shape(as_flask_rule(path)).skeleton == rule.shape.skeleton
        api.router.routes.append(Route(path, endpoint, methods=rule.listed_methods or ["OPTIONS"]))
    keys = {
        f"{method} {rule.spelling}"
        for rule in legacy.rules
        for method in rule.listed_methods
        if not rule.moved_by_flask and listed(f"{method} {rule.spelling}")
    }
    lines = "".join(f"'{key}' = 'native'\n" for key in sorted(keys))
    builder = RouteTableBuilder(legacy, NativeApp(api))
    return builder.build(parse_map(f"[routes]\n{lines}".encode())), keys


def _placeholders(path: str) -> list[str]:
    return ["<" + part.split(">")[0] + ">" for part in path.split("<")[1:]]


def flasks_choice(app: Flask, environ: dict[str, Any]) -> str | None:
    """Return the route that Flask's own matching gives a request to, or None."""
    with app.request_context(environ):
        rule = request.url_rule
        if rule is None or request.routing_exception is not None:
            return None
        domain = (rule.host if app.url_map.host_matching else rule.subdomain) or ""
        method = environ["REQUEST_METHOD"]
        if method == "HEAD" and "GET" in (rule.methods or ()):
            method = "GET"
        return f"{method} {domain}{rule.rule}"


# Werkzeug warns where a host does not belong to SERVER_NAME, as some are drawn to be.
@pytest.mark.filterwarnings("ignore:Current server name")
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_the_gateway_agrees_with_flask(data: st.DataObject) -> None:
    """A request is native exactly if Flask would route it to a rule that the map lists."""
    app = data.draw(flask_apps())
    salt = data.draw(st.integers(0, 2))
    table, keys = table_for(app, lambda key: (len(key) + salt) % 3 != 0)
    for start, segments, end, method, host in data.draw(REQUESTS):
        path = start + "/".join(segments) + end
        scope, environ = _request(method, path, host)
        expected = flasks_choice(app, environ)
        found = table.match(scope)
        native = (
            found.target is not None
            and found.target.native is not None
            and found.target.stage is Stage.NATIVE
            and table.own_values(found.target, scope) is not None
        )
        assert native == (expected in keys), (
            f"{method} {host}{path}: Flask says {expected} by {app.url_map!r}"
        )
        if native:
            assert found.target is not None
            assert found.target.route == expected


def _request(method: str, path: str, host: str) -> tuple[dict[str, Any], dict[str, Any]]:
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": quote(path, safe="/,.-").encode(),
        "root_path": "",
        "scheme": "http",
        "query_string": b"",
        "headers": [(b"host", host.encode())],
        "server": ("127.0.0.1", 80),
    }
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.encode().decode("latin-1"),
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "HTTP_HOST": host,
        "wsgi.url_scheme": "http",
    }
    return scope, environ
