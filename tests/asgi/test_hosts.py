"""Hosts, proxies and prefixes: the gateway sees what reaches Flask."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask, Response
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import Map, MapAdapter, Rule

from tests.asgi.kit import Mount, add_rule, ask, flask_with, native_with


def host(name: str) -> tuple[str, str]:
    """Return a `Host` header."""
    return ("Host", name)


def test_host_matching(mount: Mount) -> None:
    """One path on two hosts is two routes; the other host's, and an unknown one's, stay Flask's."""
    legacy = flask_with(host_matching=True)
    add_rule(legacy, "/a", host="one.example")
    add_rule(legacy, "/a", host="<name>.two.example")
    app = native_with("GET /a")
    mount(app, legacy, "GET <name>.two.example/a")
    assert ask(app, "GET", "/a", host("one.example")).text.startswith("flask")
    answer = ask(app, "GET", "/a", host("x.two.example"))
    assert answer.text == "fastapi GET {'name': 'x'}"
    assert ask(app, "GET", "/a", host("x.two.example:80")).served_by == "fastapi"
    assert ask(app, "GET", "/a", host("X.TWO.EXAMPLE")).served_by == "fastapi"
    elsewhere = ask(app, "GET", "/a", host("three.example"))
    assert (elsewhere.status, elsewhere.served_by) == (404, "flask")


@pytest.mark.filterwarnings("ignore:Current server name")
def test_subdomains(mount: Mount) -> None:
    """Below `SERVER_NAME`, a rule's subdomain decides."""
    legacy = flask_with(subdomain_matching=True)
    legacy.config["SERVER_NAME"] = "example.com"
    add_rule(legacy, "/a")
    add_rule(legacy, "/a", subdomain="api")
    app = native_with("GET /a")
    mount(app, legacy, "GET api/a")
    assert ask(app, "GET", "/a", host("api.example.com")).served_by == "fastapi"
    assert ask(app, "GET", "/a", host("example.com")).text.startswith("flask")
    assert ask(app, "GET", "/a", host("www.example.com")).status == 404
    assert ask(app, "GET", "/a", host("api.example.org")).status == 404


@pytest.mark.skipif(
    "TRUSTED_HOSTS" not in Flask.default_config, reason="Flask has TRUSTED_HOSTS from 3.1 on"
)
def test_trusted_hosts(mount: Mount) -> None:
    """A host that Flask does not trust is refused by it, before a native route is asked."""
    legacy = flask_with("GET /a")
    legacy.config["TRUSTED_HOSTS"] = ["example.com", ".example.org"]
    app = native_with("GET /a")
    mount(app, legacy, "GET /a")
    assert ask(app, "GET", "/a", host("example.com")).served_by == "fastapi"
    assert ask(app, "GET", "/a", host("x.example.org")).served_by == "fastapi"
    for name in ("evil.example", "example.com.evil.example", "example.com@evil.example", ""):
        refused = ask(app, "GET", "/a", host(name))
        assert (refused.status, refused.served_by) == (400, "flask")


def test_two_hosts_are_refused(mount: Mount) -> None:
    """A request with two `Host` headers can be read in two ways: no native route gets it."""
    app = native_with("GET /a")
    mount(app, flask_with("GET /a"), "GET /a")
    assert ask(app, "GET", "/a", host("a.example")).served_by == "fastapi"
    answer = ask(app, "GET", "/a", host("a.example"), host("b.example"))
    assert (answer.status, answer.served_by) == (400, "flask")


def test_a_client_can_invent_hosts_without_end(mount: Mount) -> None:
    """What is kept for each host is bounded."""
    app = native_with("GET /a")
    gateway = mount(app, flask_with("GET /a"), "GET /a")
    for number in range(1100):
        gateway.live.snapshot.table.match(
            {
                "type": "http",
                "method": "GET",
                "path": "/a",
                "query_string": b"",
                "headers": [(b"host", b"h%d.example" % number)],
                "server": ("testserver", 80),
            }
        )
    assert len(gateway.live.snapshot.table._adapters) <= 1024


@pytest.mark.parametrize("named", [True, False], ids=["wsgi_app", "around"])
def test_proxy_fix(mount: Mount, named: bool) -> None:
    """Host and prefix come from the proxy's headers, wherever ProxyFix stands."""
    legacy = flask_with(host_matching=True)
    add_rule(legacy, "/a", host="public.example")
    app = native_with("GET /a")
    if named:
        legacy.wsgi_app = ProxyFix(legacy.wsgi_app, x_host=1)  # type: ignore[method-assign]
        mount(app, legacy, "GET public.example/a")
    else:
        mount(app, ProxyFix(legacy, x_host=1), "GET public.example/a", flask_app=legacy)
    forwarded = ("X-Forwarded-Host", "public.example")
    assert ask(app, "GET", "/a", host("inner:8000"), forwarded).served_by == "fastapi"
    assert ask(app, "GET", "/a", host("inner:8000")).status == 404
    # One hop is trusted: the last value is the proxy's, the first is what the client made up.
    invented = ("X-Forwarded-Host", "public.example, evil.example")
    assert ask(app, "GET", "/a", host("inner:8000"), invented).status == 404


def test_dispatcher_middleware_before_flask(mount: Mount) -> None:
    """The path below the mount point is what Flask routes; other mounts keep theirs."""
    legacy, other = flask_with("GET /a"), flask_with("GET /a", "GET /api/a")
    wsgi = DispatcherMiddleware(other, {"/api": legacy})
    app = native_with("GET /a")
    mount(app, wsgi, "GET /a", flask_app=legacy)
    assert ask(app, "GET", "/api/a").served_by == "fastapi"
    assert ask(app, "GET", "/a").text.startswith("flask GET /a")
    assert ask(app, "GET", "/api/b").status == 404
    assert ask(app, "GET", "/apia").status == 404


def test_dispatcher_middleware_inside_flask(mount: Mount) -> None:
    """`app.wsgi_app = DispatcherMiddleware(app.wsgi_app, …)`: what is mounted there stays there."""
    legacy = flask_with("GET /a", "GET /metrics/a")

    def metrics(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"metrics"]

    legacy.wsgi_app = DispatcherMiddleware(  # type: ignore[method-assign]
        legacy.wsgi_app, {"/metrics": metrics}
    )
    app = native_with("GET /a", "GET /metrics/a")
    mount(app, legacy, "GET /a", "GET /metrics/a")
    assert ask(app, "GET", "/a").served_by == "fastapi"
    assert ask(app, "GET", "/metrics/a").text == "metrics"


def test_root_path(mount: Mount) -> None:
    """A server's root path is cut off at a segment's end only."""
    app = native_with("GET /a")
    mount(app, flask_with("GET /a", "GET /api"), "GET /a")
    assert ask(app, "GET", "/api/a", root_path="/api").served_by == "fastapi"
    assert ask(app, "GET", "/apia", root_path="/api").status == 404
    assert ask(app, "GET", "/a", root_path="/api").served_by == "fastapi"  # a proxy cut it off


@pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")
def test_root_path_of_fastapi(mount: Mount) -> None:
    """`FastAPI(root_path=…)`, for a proxy that strips the prefix, routes alike on both sides."""
    app = FastAPI(root_path="/api")
    app.add_api_route("/a", lambda: "fastapi", methods=["GET"])
    mount(app, flask_with("GET /a", "GET /b"), "GET /a")
    for prefix in ("", "/api"):
        assert ask(app, "GET", f"{prefix}/a").served_by == "fastapi"
        assert ask(app, "GET", f"{prefix}/b").text.startswith("flask GET /b")


def test_a_callable_that_is_no_flask(mount: Mount) -> None:
    """It answers whatever is not listed; the map lists what FastAPI has."""

    def legacy(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [f"wsgi {environ['PATH_INFO']}".encode()]

    app = native_with("GET /a", "GET /b/{x:int}", "GET /c")
    mount(app, legacy, "GET /a", "GET /b/{x:int}")
    assert ask(app, "GET", "/a").served_by == "fastapi"
    assert ask(app, "HEAD", "/a").served_by == "fastapi"
    assert ask(app, "GET", "/b/5").text == "fastapi GET {'x': 5}"
    assert ask(app, "GET", "/b/x").text == "wsgi /b/x"
    assert ask(app, "POST", "/a").text == "wsgi /a"
    assert ask(app, "GET", "/c").text == "wsgi /c"
    assert ask(app, "GET", "/a/").text == "wsgi /a/"
    assert ask(app, "GET", "/a%0A").text == "wsgi /a\n"


class ShoutingFlask(Flask):
    """An application class that chooses the subdomain itself, by a header."""

    def create_url_adapter(self, request: Any) -> Any:
        """Bind to the subdomain that the header names."""
        if request is None:
            return None
        subdomain = request.headers.get("X-Tenant", "www")
        return self.url_map.bind_to_environ(
            request.environ, server_name="example.com", subdomain=subdomain
        )


def test_a_flask_class_with_its_own_adapter(mount: Mount) -> None:
    """Its choice is asked at each request and never kept for a host."""
    legacy = ShoutingFlask("legacy", static_folder=None)
    add_rule(legacy, "/a", subdomain="one")
    add_rule(legacy, "/a", subdomain="two")
    app = native_with("GET /a")
    mount(app, legacy, "GET one/a")
    for _ in range(2):
        assert ask(app, "GET", "/a", ("X-Tenant", "one")).served_by == "fastapi"
        assert ask(app, "GET", "/a", ("X-Tenant", "two")).served_by == "flask"


class VersionedRule(Rule):
    """A rule with an argument of its own, as Werkzeug documents it."""

    def __init__(self, string: str, *, version: int | None = None, **options: Any) -> None:
        self.version = version
        super().__init__(string, **options)

    def get_empty_kwargs(self) -> dict[str, Any]:
        """Return what a copy of this rule is made with."""
        return {**super().get_empty_kwargs(), "version": self.version}


class WithoutCase(MapAdapter):
    """Routes by the path in lower case."""

    def match(self, path_info: str | None = None, *args: Any, **options: Any) -> Any:
        """Match the path in lower case."""
        return super().match((path_info or self.path_info).lower(), *args, **options)


class MapWithoutCase(Map):
    """Binds to such an adapter."""

    def bind_to_environ(self, *args: Any, **options: Any) -> MapAdapter:
        """Return the adapter."""
        adapter = super().bind_to_environ(*args, **options)
        adapter.__class__ = WithoutCase
        return adapter


def test_rules_and_a_map_of_classes_of_its_own(mount: Mount) -> None:
    """Where they route in another way, it is Flask that says so."""

    class OwnRouting(Flask):
        url_rule_class: type[Rule] = VersionedRule
        url_map_class: type[Map] = MapWithoutCase

    legacy = OwnRouting("legacy", static_folder=None)
    add_rule(legacy, "/a", version=2)
    add_rule(legacy, "/<x>")
    app = native_with("GET /{x}")
    mount(app, legacy, "GET /<x>")
    assert ask(app, "GET", "/A").text == "flask GET /a {}"
    assert ask(app, "GET", "/b").served_by == "fastapi"


def test_a_before_request_that_reads_the_rule(mount: Mount) -> None:
    """What Flask answers is routed by Flask itself: `request.url_rule` is its own."""
    from flask import request

    legacy = flask_with("GET /a/<int:x>")

    @legacy.after_request
    def name_rule(response: Response) -> Response:
        response.headers["X-Rule"] = str(request.url_rule)
        return response

    app = native_with("GET /a/{x}")
    mount(app, legacy)
    assert ask(app, "GET", "/a/1").get("x-rule") == "/a/<int:x>"
