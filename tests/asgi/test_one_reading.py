"""What FastAPI, its middleware and Flask's hooks see of a request is one thing."""

from __future__ import annotations

import json
from typing import Any

import flask
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from flask import Flask
from starlette.types import ASGIApp, Receive, Scope, Send
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.asgi.kit import Answer, Mount, ask, flask_with

# The target as it was sent, what the server makes of it, and what Flask reads.
TARGETS: dict[str, tuple[dict[str, Any], str]] = {
    "slashes": ({"path": "//admin/1", "raw_path": b"//admin/1"}, "/admin/1"),
    "many slashes": ({"path": "////admin/1", "raw_path": b"////admin/1"}, "/admin/1"),
    "quoted slash": ({"path": "//admin/1", "raw_path": b"/%2fadmin/1"}, "/admin/1"),
    "slashes, no raw path": ({"path": "//admin/1", "raw_path": None}, "/admin/1"),
    "absolute": (
        {"path": "http://evil/admin/1", "raw_path": b"http://evil/admin/1"},
        "/admin/1",
    ),
    "absolute and slashes": (
        {"path": "http://evil//admin/1", "raw_path": b"http://evil//admin/1"},
        "/admin/1",
    ),
    "fragment": ({"path": "/admin/1#x", "raw_path": b"/admin/1#x"}, "/admin/1"),
    "fragment in the query": (
        {"path": "/admin/1", "raw_path": b"/admin/1", "query_string": b"a=1#b"},
        "/admin/1",
    ),
    "fragment before the query": (
        {"path": "/admin/1#x", "raw_path": b"/admin/1#x", "query_string": b"a=2"},
        "/admin/1",
    ),
    "quoted letters": ({"path": "/admin/1", "raw_path": b"/%61dmin/1"}, "/admin/1"),
    "bytes": ({"path": "/admin/\ufffd", "raw_path": b"/admin/%ff"}, "/admin/\ufffd"),
    "below a root path": (
        {"path": "/api//admin/1", "raw_path": b"/api//admin/1", "root_path": "/api"},
        "/admin/1",
    ),
    "a root path that is a slash": (
        {"path": "//admin/1", "raw_path": b"//admin/1", "root_path": "/"},
        "/admin/1",
    ),
}


class Guard:
    """Middleware in plain ASGI that notes what it sees, and refuses what is below `/admin`."""

    def __init__(self, app: ASGIApp, seen: list[dict[str, Any]], refuse: bool) -> None:
        self.app = app
        self.seen = seen
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope)
        root = scope["root_path"].rstrip("/")
        self.seen.append(noted(request))
        if self.refuse and request.url.path.startswith(f"{root}/admin"):
            await JSONResponse("refused", 403)(scope, receive, send)
        else:
            await self.app(scope, receive, send)


def noted(request: Request) -> dict[str, Any]:
    """Return what FastAPI's side sees of a request, in the form of Flask's."""
    return {
        "path": request.scope["path"].removeprefix(request.scope["root_path"].rstrip("/")),
        "query": request.scope["query_string"].decode(),
        "host": request.headers.get("host"),
        "user": request.headers.get("x-user"),
        "users": request.headers.getlist("x-user"),
        "cookies": request.cookies,
    }


def flask_with_hook(seen: list[dict[str, Any]]) -> Flask:
    """Return a Flask application whose hook notes what it sees."""
    app = flask_with("GET|POST /admin/<name>", "GET /open")

    @app.before_request
    def note() -> None:
        request = flask.request
        seen.append(
            {
                "path": request.path,
                "query": request.query_string.decode(),
                "host": request.host,
                "user": request.headers.get("X-User"),
                "users": request.headers.getlist("X-User"),
                "cookies": dict(request.cookies),
            }
        )

    return app


def native() -> FastAPI:
    """Return an application whose route says what it sees."""
    app = FastAPI(openapi_url=None)

    @app.api_route("/admin/{name}", methods=["GET", "POST"])
    def read(request: Request, name: str) -> dict[str, Any]:
        return noted(request)

    return app


def all_that_see(mount: Mount, hooks: str, wsgi: Any = None, **options: Any) -> Any:
    """Return the gateway with notes taken before it, inside it and by Flask's hook."""
    seen: list[dict[str, Any]] = []
    app, legacy = native(), flask_with_hook(seen)
    app.add_middleware(Guard, seen=seen, refuse=False)
    outer = None if wsgi is None else wsgi(legacy)
    if outer is None:
        mount(app, legacy, "GET /admin/<name>", "POST /admin/<name>", hooks=hooks, **options)
    else:
        mount(app, outer, "GET /admin/<name>", hooks=hooks, flask_app=legacy, **options)
    app.add_middleware(Guard, seen=seen, refuse=False)
    return app, seen


@pytest.mark.parametrize("hooks", ["flask", "none"])
@pytest.mark.parametrize("name", TARGETS)
def test_a_path_is_read_alike_by_everybody(mount: Mount, hooks: str, name: str) -> None:
    """Middleware of both kinds, the hook and the handler see the path that chose the handler."""
    scope, path = TARGETS[name]
    app, seen = all_that_see(mount, hooks)
    answer = ask(app, "GET", "/", **scope)
    assert answer.status == 200
    everybody = [*seen, json.loads(answer.body)]
    assert len(everybody) == (4 if hooks == "flask" else 3)
    assert all(each == everybody[0] for each in everybody), everybody
    assert everybody[0]["path"] == path
    assert "#" not in everybody[0]["query"]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", [name for name in TARGETS if name != "bytes"])
def test_a_path_guard_is_not_passed_by(mount: Mount, after: bool, name: str) -> None:
    """Whatever form the target has: a guard added before the mount, and one added after it."""
    app = native()
    if not after:
        app.add_middleware(Guard, seen=[], refuse=True)
    mount(app, flask_with("GET /admin/<name>"), "GET /admin/<name>")
    if after:
        app.add_middleware(Guard, seen=[], refuse=True)
    assert ask(app, "GET", "/", **TARGETS[name][0]).status == 403


@pytest.mark.parametrize("name", TARGETS)
def test_a_path_guard_after_the_mount_guards_flask(mount: Mount, name: str) -> None:
    """It sees the path that Flask goes by."""
    app = native()
    mount(app, flask_with("GET /admin/<name>"))
    app.add_middleware(Guard, seen=[], refuse=True)
    assert ask(app, "GET", "/", **TARGETS[name][0]).status == 403


def test_flask_gets_what_was_sent(mount: Mount) -> None:
    """Also where middleware outside was shown something else."""
    legacy = Flask("legacy", static_folder=None)

    @legacy.get("/a")
    def read() -> list[str]:
        environ = flask.request.environ
        names = ("PATH_INFO", "RAW_URI", "QUERY_STRING", "HTTP_X_A", "HTTP_COOKIE", "HTTP_X_OUTER")
        return [environ.get(name, "") for name in names]

    class Adds:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            assert scope["path"] == "/a"
            await self.app(scope, receive, send)

    app = FastAPI()
    mount(app, legacy)
    app.add_middleware(Adds)
    headers = [("X-A", "1"), ("X-A", "2 "), ("Cookie", "a=1; a=2")]
    scope: dict[str, Any] = {"path": "//a", "raw_path": b"//a", "query_string": b"x=1"}
    expected = ["//a", "//a?x=1", "x=1", "1,2", "a=1; a=2", ""]
    assert json.loads(ask(app, "GET", "/", *headers, **scope).body) == expected


def test_middleware_outside_may_change_what_it_was_shown(mount: Mount) -> None:
    """A path or header of its own reaches both sides."""

    class Rewrites:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            scope["path"] = scope["path"].replace("/v1", "")
            scope["headers"].append((b"x-user", b"ada"))
            await self.app(scope, receive, send)

    seen: list[dict[str, Any]] = []
    app = native()
    mount(app, flask_with_hook(seen), "GET /admin/<name>")
    app.add_middleware(Rewrites)
    answer = ask(app, "GET", "//v1/admin/1", ("X-A", "1"), ("X-A", "2"))
    assert answer.served_by == "fastapi"
    assert json.loads(answer.body)["user"] == seen[0]["user"] == "ada"
    assert ask(app, "GET", "//v1/open", ("X-A", "1"), ("X-A", "2")).text.startswith("flask")
    assert [each["path"] for each in seen] == ["/admin/1", "/open"]


HEADERS: list[tuple[list[tuple[str, str]], str]] = [
    ([("X-User", "bob"), ("X-User", "admin")], "bob,admin"),
    ([("X-User", "admin"), ("X-Other", "x"), ("X-User", "bob")], "admin,bob"),
    ([("X-User", "bob\t ")], "bob"),
    ([("X-User", " bob"), ("X-User", "")], "bob,"),
]


@pytest.mark.parametrize("hooks", ["flask", "none"])
@pytest.mark.parametrize(("headers", "user"), HEADERS)
def test_a_header_is_read_alike_by_everybody(
    mount: Mount, hooks: str, headers: list[tuple[str, str]], user: str
) -> None:
    """One that came twice is joined as WSGI joins it; blanks around it are none of it."""
    app, seen = all_that_see(mount, hooks)
    everybody = [*seen, json.loads(ask(app, "GET", "/admin/1", *headers).body)]
    everybody = [*seen, *everybody[-1:]]
    assert [each["user"] for each in everybody] == [user] * (4 if hooks == "flask" else 3)
    assert [each["users"] for each in everybody] == [[user]] * len(everybody)


@pytest.mark.parametrize("hooks", ["flask", "none"])
@pytest.mark.parametrize(
    ("headers", "cookies"),
    [
        ([("Cookie", "user=bob; user=admin")], {"user": "bob"}),
        ([("Cookie", "user=bob"), ("Cookie", "user=admin; a=1")], {"user": "bob", "a": "1"}),
        ([("Cookie", "user=bob;user=admin;")], {"user": "bob"}),
        ([("Cookie", "user =bob; user=admin")], {"user": "bob"}),
        ([("Cookie", 'a="x; user=admin"; user=bob')], None),
        ([("Cookie", 'user="admin; b=c')], None),
        ([("Cookie", "user=a b; user=bob")], None),
        ([("Cookie", r'user="b\157b"; user=admin')], {"user": "bob"}),
        ([("Cookie", "user; user=admin")], None),
        ([("Cookie", "user\xc2\xa0=admin; user=bob")], None),
        ([("Cookie", "=admin; user=bob")], None),
        ([("Cookie", ",user=admin; user=bob")], None),
    ],
)
def test_a_cookie_is_read_alike_by_everybody(
    mount: Mount,
    hooks: str,
    headers: list[tuple[str, str]],
    cookies: dict[str, str] | None,
) -> None:
    """Of two cookies with one name the first counts, and what Flask can't read is not there."""
    app, seen = all_that_see(mount, hooks)
    answer = json.loads(ask(app, "GET", "/admin/1", *headers).body)
    everybody = [each["cookies"] for each in (*seen, answer)]
    assert all(each == everybody[0] for each in everybody), everybody
    if cookies is not None:
        assert everybody[0] == cookies


@pytest.mark.parametrize("hooks", ["flask", "none"])
@pytest.mark.parametrize("name", ["Host", "Content-Type"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_header_that_may_come_once_is_refused_twice(
    mount: Mount, hooks: str, name: str, method: str
) -> None:
    """On both sides: nobody can say which of the two is meant."""
    app, _ = all_that_see(mount, hooks)
    twice = (name, "a"), (name, "b")
    assert ask(app, method, "/admin/1", *twice).status == 400
    assert ask(app, "GET", "/open", *twice).status == 400


def test_a_proxys_host_is_read_alike_by_everybody(mount: Mount) -> None:
    """What `ProxyFix` takes for the host, the scheme and the client is FastAPI's word too."""

    def fixed(legacy: Flask) -> ProxyFix:
        legacy.wsgi_app = ProxyFix(legacy.wsgi_app, x_host=1)  # type: ignore[method-assign]
        return ProxyFix(legacy, x_for=1, x_proto=1)

    app, seen = all_that_see(mount, "flask", fixed)
    forwarded = {"Host": "shop.example", "Proto": "https", "For": "10.0.0.1, 10.0.0.2"}
    headers = [(f"X-Forwarded-{name}", value) for name, value in forwarded.items()]
    answer = ask(app, "GET", "/admin/1", *headers)
    hosts = [each["host"] for each in (*seen, json.loads(answer.body))]
    assert hosts == ["shop.example"] * 4


def test_a_path_below_a_dispatchers_mount_is_read_alike(mount: Mount) -> None:
    """The prefix that `DispatcherMiddleware` takes off stays, slashes after it don't."""

    def below(legacy: Flask) -> DispatcherMiddleware:
        return DispatcherMiddleware(lambda environ, start: [], {"/shop": legacy})

    app, seen = all_that_see(mount, "flask", below)
    answer = ask(app, "GET", "/shop///admin/1")
    outer, inner, hook = (each["path"] for each in seen)
    assert (outer, inner, hook) == ("/shop/admin/1", "/shop/admin/1", "/admin/1")
    assert json.loads(answer.body)["path"] == "/shop/admin/1"


@pytest.mark.parametrize("hooks", ["flask", "none"])
def test_a_server_without_raw_path_serves_other_letters(mount: Mount, hooks: str) -> None:
    """Such as the adapters for Lambda: both sides answer, alike."""
    app, _ = all_that_see(mount, hooks)

    def send(path: str) -> Answer:
        return ask(app, "GET", "/", path=path, raw_path=None)

    answer = send("/admin/caf\xe9 #1")
    assert (answer.status, answer.served_by) == (200, "fastapi")
    assert json.loads(answer.body)["path"] == "/admin/caf\xe9 #1"
    legacy = flask_with("GET /<name>")
    other = FastAPI()
    mount(other, legacy)
    answer = ask(other, "GET", "/", path="/\u65e5\u672c\xe9", raw_path=None)
    assert answer.text == "flask GET /<name> {'name': '\u65e5\u672c\xe9'}"
