"""Mounted applications inside what Flask does around a view, and beside what Flask has there."""

from __future__ import annotations

import flask
import pytest
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount as StarletteMount
from starlette.routing import Route

from crossfade.errors import MapError
from tests.asgi.kit import Mount, ask, flask_with

LINE = "GET /sub/{path:path}"


def native(mounted: type[StarletteMount] = StarletteMount, at: str = "/sub") -> FastAPI:
    """Return an application that mounts one which tells what Flask takes the request for."""

    async def tell(request: Request) -> PlainTextResponse:
        it = flask.request
        return PlainTextResponse(f"{it.script_root} {it.path} {it.endpoint} {flask.url_for('a')}")

    sub = Starlette(routes=[Route("/{rest:path}", tell)])
    app = FastAPI()
    app.router.routes.append(mounted(at, app=sub))
    return app


class OwnMount(StarletteMount):
    """A subclass with a `handle` of its own is left to FastAPI's router."""

    async def handle(self, scope, receive, send):  # type: ignore[no-untyped-def]
        """Do as the parent does."""
        await super().handle(scope, receive, send)


def legacy(*rules: str) -> Flask:
    """Return an application whose every page but `/login` needs a header."""
    app = flask_with("GET /login", *rules)
    public = "GET /login {}"  # its endpoint
    app.add_url_rule("/a", "a")

    @app.before_request
    def only_friends() -> str | None:
        request = flask.request
        return None if request.endpoint == public or "x-friend" in request.headers else "no friend"

    return app


@pytest.mark.parametrize("mounted", [StarletteMount, OwnMount])
@pytest.mark.parametrize("root", ["", "/proxy"])
def test_flask_sees_the_url_that_the_client_sent(
    mount: Mount, mounted: type[StarletteMount], root: str
) -> None:
    """The mount's own root path is for the mounted application alone."""
    app = native(mounted)
    mount(app, legacy(), LINE)
    answer = ask(app, "GET", f"{root}/sub/a", ("X-Friend", "yes"), root_path=root)
    assert answer.text == f"{root} /sub/a None {root}/a"


@pytest.mark.parametrize("path", ["/sub/x", "/sub/login", "/sub/", "/sub//login"])
def test_hooks_take_no_url_below_for_another(mount: Mount, path: str) -> None:
    """`/sub/login` is not the `/login` that a hook lets pass."""
    app = native()
    mount(app, legacy(), LINE)
    assert ask(app, "GET", path).text == "no friend"
    assert ask(app, "GET", "/login").text == "flask GET /login {}"


def test_a_rule_of_flasks_for_the_whole_mount(mount: Mount) -> None:
    """The mounted application stands for the rule's view, its blueprint and hooks."""
    app = native()
    mount(app, legacy("GET /sub/<path:rest>"), "GET /sub/<path:rest>")
    answer = ask(app, "GET", "/sub/x/y", ("X-Friend", "yes"))
    assert answer.text.startswith(" /sub/x/y ")
    assert "None" not in answer.text


def test_flasks_context_without_any_hook(mount: Mount) -> None:
    """What a mounted application uses can't be seen, so it always has the context."""
    app = native()
    plain = Flask(__name__)
    plain.add_url_rule("/a", "a")
    mount(app, plain, LINE)
    assert ask(app, "GET", "/sub/x").text == " /sub/x None /a"


def test_says_that_nobody_serves_a_mount(mount: Mount, caplog: pytest.LogCaptureFixture) -> None:
    """Unlisted it would be Flask's 404, and nobody would know why."""
    mount(native(), legacy())
    assert "at /sub, nor its WebSockets. List it by method" in caplog.text
    assert '"GET /sub/{path:path}" = "native"' in caplog.text


def test_says_what_flask_keeps_below(mount: Mount, caplog: pytest.LogCaptureFixture) -> None:
    """Flask's more specific rules go before the mount."""
    app = native()
    rules = [f"GET /sub/{n}" for n in range(7)]
    mount(app, legacy("GET /sub/", "GET /submarine", *rules), LINE)
    assert "keeps what it has below /sub, " in caplog.text
    assert ": /sub/, /sub/0, /sub/1, /sub/2, /sub/3 and 3 more." in caplog.text
    assert ask(app, "GET", "/sub/4", ("X-Friend", "yes")).text == "flask GET /sub/4 {}"


@pytest.mark.parametrize(
    ("rules", "listed", "at"),
    [
        ([], [LINE], "/sub"),
        (["GET /sub/<path:rest>"], [], "/sub"),
        (["GET /sub/<path:rest>"], ["GET /sub/<path:rest>"], "/sub"),
        (["GET /b"], ["GET /{path:path}"], ""),
    ],
)
def test_says_nothing_where_all_is_clear(
    mount: Mount, caplog: pytest.LogCaptureFixture, rules: list[str], listed: list[str], at: str
) -> None:
    """Listed, or a route like any other that is Flask's still; at the root every URL is below."""
    mount(native(at=at), legacy(*rules), *listed)
    assert not [record for record in caplog.records if "mounts" in record.getMessage()]


@pytest.mark.parametrize("rule", ["/sub", "/sub/", "/sub/<path:rest>", "/sub/x", "/sub/{a}/{b}"])
def test_a_line_that_means_a_mount(mount: Mount, rule: str) -> None:
    """The problem names the line that would be right."""
    with pytest.raises(MapError) as caught:
        mount(native(), legacy(), f"GET {rule}")
    assert 'Write "GET /sub/{path:path}"' in str(caught.value)


def test_a_line_beside_a_mount(mount: Mount) -> None:
    """`/subs` is not below `/sub`."""
    with pytest.raises(MapError) as caught:
        mount(native(), legacy(), "GET /subs")
    assert "mounts" not in str(caught.value)
