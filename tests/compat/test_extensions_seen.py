"""Extensions and WSGI middleware of the Flask application, and maps that can't work without Flask.

Packages that the tests don't install are stood for by what they leave in an application; how the
real ones behave was looked at by hand, and is in `docs/extensions/other-extensions.md`.
"""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import functools
import logging
import re
import types
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import flask_login  # type: ignore[import-untyped]
import pytest
from fastapi import Depends, FastAPI
from flask import Flask, session
from flask.sessions import SecureCookieSessionInterface
from flask_caching import Cache
from flask_cors import CORS
from flask_wtf import CSRFProtect  # type: ignore[import-untyped]
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.profiler import ProfilerMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from crossfade import MapError, MountError, compat, mount_legacy
from crossfade.checks.extensions import extensions_of
from crossfade.checks.known_extensions import ROWS
from crossfade.checks.wsgi_middleware import middleware_around
from tests.asgi.kit import Mount, ask, flask_with, save_map

ROOT = Path(__file__).parent.parent.parent
PAGES = ROOT / "docs" / "extensions"


# --- extensions -----------------------------------------------------------------------------------


def seen(app: Flask) -> dict[str, str]:
    """Return the names of what is seen, with how much is borrowed."""
    found = extensions_of(app, middleware_around(app, app))
    return {each.name: each.borrowed.value for each in found}


def test_a_bare_application_has_none() -> None:
    """Flask itself is no extension."""
    assert seen(Flask("bare")) == {}


def test_real_extensions_are_seen_by_what_they_leave() -> None:
    """A hook, a key, an error handler; with the version that is installed."""
    app = Flask("real")
    app.secret_key = "k"
    flask_login.LoginManager(app)
    Cache(app, config={"CACHE_TYPE": "SimpleCache"})
    CSRFProtect(app)
    CORS(app)
    assert seen(app) == {
        "Flask-Caching": "partly",
        "Flask-CORS": "partly",
        "Flask-Login": "partly",
        "Flask-WTF": "yes",
    }
    assert all(each.version for each in extensions_of(app, []))


def made_by(module: str) -> Callable[..., Any]:
    """Return a function as if a module had defined it."""
    code = "def hook(*values, **named): return values[0] if values else None"
    namespace: dict[str, Any] = {"__name__": module}
    exec(code, namespace)  # noqa: S102 - gives the function the globals of that module
    found: Callable[..., Any] = namespace["hook"]
    return found


def _session(app: Flask) -> None:
    kind = type("Interface", (SecureCookieSessionInterface,), {"__module__": "flask_session.redis"})
    app.session_interface = kind()


def _decorated(app: Flask) -> None:
    wrapper = made_by("flask_httpauth")
    app.add_url_rule("/a", "a", functools.wraps(test_a_bare_application_has_none)(wrapper))


def _middleware(app: Flask) -> None:
    kind = type("WhiteNoise", (Wrapping,), {"__module__": "whitenoise.base"})
    app.wsgi_app = kind(app.wsgi_app)  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("leave", "expected"),
    [
        (lambda app: app.extensions.update(babel=object()), {"Flask-Babel": "yes"}),
        (lambda app: app.extensions.update({"flask-smorest": {}}), {"flask-smorest": "partly"}),
        (
            lambda app: app.after_request(made_by("flask_talisman.talisman")),
            {"Flask-Talisman": "yes"},
        ),
        (lambda app: app.before_request(made_by("flask_seasurf")), {"Flask-SeaSurf": "yes"}),
        (
            lambda app: app.before_request(functools.partial(made_by("flask_principal"))),
            {"Flask-Principal": "partly"},
        ),
        (
            lambda app: app.register_error_handler(404, made_by("connexion.apps")),
            {"Connexion": "no"},
        ),
        (
            lambda app: app.add_url_rule("/p", "p", made_by("flask_profiler")),
            {"flask-profiler": "no"},
        ),
        (_session, {"Flask-Session": "yes"}),
        (_decorated, {"Flask-HTTPAuth": "no"}),
        (_middleware, {"WhiteNoise": "no"}),
        (lambda app: app.extensions.update(shop=object()), {"shop": "unknown"}),
    ],
)
def test_others_are_seen_by_the_same_marks(
    leave: Callable[[Flask], Any], expected: dict[str, str]
) -> None:
    """What the real packages leave, found by looking at applications that have them."""
    app = Flask("stand-in", static_folder=None)
    leave(app)
    assert seen(app) == expected


def test_an_unknown_extension_is_named(mount: Mount) -> None:
    """Nothing is known of it but the rule that holds for all."""
    app = Flask("unknown")
    app.extensions["shop"] = object()
    (found,) = extensions_of(app, [])
    assert found.instead == (
        "not known to crossfade: its hooks are borrowed, its decorators and WSGI middleware are not"
    )


def test_the_page_and_the_table_say_the_same() -> None:
    """Every row that has no page of its own is in the page of the others; no other is."""
    text = (PAGES / "other-extensions.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| (.+?) \| (\S+) \| (yes|partly|no) \| (.+) \|$", text, re.MULTILINE)
    expected = [
        (row.name, row.ran, row.borrowed.value, row.instead.replace("|", "\\|"))
        for row in ROWS
        if not row.page
    ]
    assert shown == expected


def test_the_table_is_sound() -> None:
    """One row a package, in the order of their names; every page is there."""
    names = [row.name for row in ROWS]
    assert names == sorted(names, key=str.casefold)
    assert len({row.package for row in ROWS}) == len(ROWS)
    assert [row.page for row in ROWS if row.page and not (PAGES / row.page).exists()] == []


# --- WSGI middleware ------------------------------------------------------------------------------


class Wrapping:
    """WSGI middleware as a class, which may well decide who may call."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Refuse what has no token."""
        if environ.get("HTTP_X_TOKEN") != "yes":
            start_response("403 Forbidden", [("Content-Type", "text/plain")])
            return [b"no token"]
        return self.inner(environ, start_response)


class Unknown(Wrapping):
    """WSGI middleware that says neither by its name nor by its code what it is for."""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Pass on."""
        return self.inner(environ, start_response)


def wrapping(inner: Any) -> Any:
    """WSGI middleware as a function."""

    def application(environ: Any, start_response: Any) -> Any:
        return inner(environ, start_response)

    return application


class Own(Flask):
    """An application that does something around every request by a method."""

    def wsgi_app(self, environ: Any, start_response: Any) -> Any:
        """Answer."""
        return super().wsgi_app(environ, start_response)


CLASS, FUNCTION = f"{__name__}.Wrapping", f"{__name__}.wrapping.application"
METHOD = f"{__name__}.Own.wsgi_app"


@pytest.mark.parametrize(
    ("wrap", "around", "expected"),
    [
        (lambda inner: inner, lambda app: app, []),
        (Wrapping, lambda app: app, [CLASS]),
        (wrapping, lambda app: app, [FUNCTION]),
        (lambda inner: Wrapping(ProxyFix(wrapping(inner))), lambda app: app, [CLASS, FUNCTION]),
        (
            lambda inner: DispatcherMiddleware(Wrapping(inner), {"/x": wrapping(wrapping)}),
            lambda app: app,
            [CLASS],
        ),
        (lambda inner: inner, wrapping, [FUNCTION]),
        (lambda inner: inner, lambda app: Wrapping(app).__call__, [f"{CLASS}.__call__"]),
        (wrapping, Wrapping, [CLASS, FUNCTION]),
        (lambda inner: functools.partial(Wrapping(inner)), lambda app: app, [CLASS]),
        (lambda inner: ProfilerMiddleware(inner), lambda app: app, [
            "werkzeug.middleware.profiler.ProfilerMiddleware"
        ]),
    ],
)  # fmt: skip
def test_every_layer_is_named(
    wrap: Callable[[Any], Any], around: Callable[[Any], Any], expected: list[str]
) -> None:
    """From the outside inwards; what is followed is not named."""
    app = Flask("wrapped")
    app.wsgi_app = wrap(app.wsgi_app)  # type: ignore[method-assign]
    found = [layer.place for layer in middleware_around(around(app), app)]
    assert [place for place in found if place != "functools.partial"] == expected


def test_a_method_in_the_place_of_middleware_is_named() -> None:
    """A subclass's `wsgi_app` runs around every request, too."""
    app = Own("own")
    assert [layer.place for layer in middleware_around(app, app)] == [METHOD]


class Dispatching(Flask):
    """An application that looks at who calls where it calls the view."""

    def dispatch_request(self) -> Any:
        """Answer."""
        return super().dispatch_request()


def test_what_calls_the_view_is_named() -> None:
    """A native route has no view, so this is skipped as middleware is."""
    app, patched = Dispatching("own"), Flask("patched")
    assert [e.place for e in middleware_around(app, app)] == [
        f"{__name__}.Dispatching.dispatch_request"
    ]
    patched.full_dispatch_request = no_dispatch  # type: ignore[method-assign]
    assert [e.place for e in middleware_around(patched, patched)] == [f"{__name__}.no_dispatch"]


def no_dispatch() -> Any:
    """Stand in for Flask's own."""


def test_middleware_that_leads_to_itself_ends() -> None:
    """And what can't be looked into is named by its outermost layer."""
    app, first = Flask("loop"), Wrapping(None)
    first.inner = Wrapping(first)
    assert [layer.place for layer in middleware_around(first, app)] == [CLASS]
    app.wsgi_app = first  # type: ignore[method-assign]
    assert [layer.place for layer in middleware_around(app, app)] == [CLASS]


class Lazy:
    """Middleware that raises whatever it is asked for."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Answer."""


def test_what_cannot_be_read_is_named() -> None:
    """It may be anything, so it counts as unknown; a proxy is not asked outside of a request."""
    app, user = Flask("lazy"), flask_login.current_user

    def application(environ: Any, start_response: Any) -> Any:
        return user(environ, app.extensions)

    for layer in (Lazy(), application):
        app.wsgi_app = layer  # type: ignore[method-assign]
        (found,) = middleware_around(app, app)
        assert found.lost is None


def wrapped(around: type[Wrapping] = Wrapping) -> tuple[FastAPI, Flask]:
    """Return two applications with two routes, of which Flask's stand behind middleware."""
    app, legacy = FastAPI(openapi_url=None), flask_with("GET /a", "GET /b")
    legacy.wsgi_app = around(legacy.wsgi_app)  # type: ignore[method-assign]
    for path in ("/a", "/b"):
        app.get(path)(lambda: "native")
    return app, legacy


def test_unknown_middleware_is_an_error_in_the_log(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """It may decide who may call: said of every route that moves past it, with what to write."""
    mount(*wrapped(Unknown), "GET /a", "GET /b")
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    place = f"{__name__}.Unknown"
    assert f"{place} does not run for native routes (GET /a, GET /b)" in record.message
    assert "if it decides who may call, they are OPEN" in record.message
    assert record.message.endswith(f'[gateway] skipped_middleware = ["{place}"]')


def test_nothing_is_said_while_no_route_moves(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """And a route that Flask never had was never behind the middleware."""
    app, legacy = wrapped()
    app.get("/new")(lambda: "new")
    gateway = mount(app, legacy, "GET /new")
    assert ask(app, "GET", "/a").status == 403
    assert ask(app, "GET", "/new").text == '"new"'
    assert gateway.status()["skipped_middleware"] == [CLASS]
    assert caplog.records == []
    # The edit that would open a route is not taken over.
    gateway.live.path.write_text('[routes]\n"GET /a" = "native"\n', encoding="utf-8")
    gateway.live.poll()
    assert f"it may be OPEN: WSGI middleware {CLASS}" in str(gateway.live.rejected)
    assert ask(app, "GET", "/a").status == 403


@pytest.mark.parametrize(("around", "named"), [(Unknown, "*"), (Wrapping, "Wrapping")])
def test_the_map_can_say_that_native_routes_do_without(
    mount: Mount, caplog: pytest.LogCaptureFixture, around: type[Wrapping], named: str
) -> None:
    """By its place, or a pattern where it is no guard; then nothing more is said."""
    app, legacy = wrapped(around)
    settings = f'[gateway]\nskipped_middleware = ["{__name__}.{named}"]'
    mount(app, legacy, "GET /a", settings=settings)
    assert caplog.records == []
    assert ask(app, "GET", "/a").text == '"native"'


def test_middleware_that_decides_nothing_is_a_warning(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """With the routes that it misses, and what is lost."""
    app, legacy = wrapped()
    legacy.wsgi_app = ProfilerMiddleware(legacy.wsgi_app.inner)  # type: ignore[method-assign, attr-defined]
    mount(app, legacy, "GET /a", "GET /b")
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "ProfilerMiddleware does not run for native routes (GET /a, GET /b)" in record.message


def test_middleware_that_comes_late_is_said(mount: Mount, caplog: pytest.LogCaptureFixture) -> None:
    """Added after `mount_legacy`, it is in the log with the next map, as the error it is."""
    app, legacy = FastAPI(openapi_url=None), flask_with("GET /a", "GET /b")
    app.get("/a")(lambda: "native")
    gateway = mount(app, legacy, "GET /a")
    legacy.wsgi_app = Wrapping(legacy.wsgi_app)  # type: ignore[method-assign]
    messages = gateway.unborrowed.messages(gateway.live.snapshot.map, gateway.live.snapshot.table)
    (message,) = messages
    assert (message.level, CLASS in message.text) == (logging.ERROR, True)
    save_map(gateway, '[routes]\n"GET /b" = "legacy"\n')
    assert ask(app, "GET", "/b").status == 403


def test_an_asgi_application_is_no_legacy_one(tmp_path: Path) -> None:
    """Connexion 3 is one: mounted, it would have answered every request with 500."""

    class Application:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...

    async def application(scope: Any, receive: Any, send: Any) -> None: ...

    for legacy in (Application(), application):
        with pytest.raises(MountError, match="is an ASGI application"):
            mount_legacy(FastAPI(), legacy, migration_map=tmp_path / "none")  # type: ignore[arg-type]


# --- hooks = "none" -------------------------------------------------------------------------------


async def uses_g(g: compat.G) -> None:
    """A dependency of the team's own."""


async def deep(below: Annotated[None, Depends(uses_g)]) -> None:
    """A handler that borrows by way of another dependency."""


async def reads(page: Annotated[int, compat.arg("page", int, 1)]) -> int:
    """A handler that lets Flask read an argument."""
    return page


async def user(user: compat.LoggedIn, session: compat.Session) -> None:
    """A handler that borrows two things."""


async def by_hand() -> str:
    """A handler that uses Flask without a dependency that says so."""
    return str(session.get("name"))


async def free() -> str:
    """A handler that borrows nothing."""
    return "free"


@pytest.mark.parametrize(
    ("handler", "needs"),
    [(deep, "G"), (reads, "a reader of the request"), (user, "LoggedIn and Session")],
)
def test_hooks_none_can_lend_nothing(mount: Mount, handler: Any, needs: str) -> None:
    """Said when the map is read, not to each client with a 500."""
    app, legacy = FastAPI(openapi_url=None), flask_with("GET /a", "GET /free")
    app.get("/a")(handler)
    app.get("/free")(free)
    with pytest.raises(MapError) as caught:
        mount(app, legacy, "GET /free", "GET /a", hooks="none")
    (problem,) = caught.value.problems
    assert (problem.line, problem.subject) == (4, "GET /a")
    assert problem.reason.startswith(f"the handler depends on {needs} of crossfade.compat, but ")
    assert 'Remove hooks = "none"' in problem.remedy


def test_code_that_uses_flask_is_a_warning(mount: Mount, caplog: pytest.LogCaptureFixture) -> None:
    """It may never come to that line, so the map is not refused."""
    app, legacy = FastAPI(openapi_url=None), flask_with("GET /a", "GET /free")
    app.get("/a")(by_hand)
    app.get("/free")(free)
    mount(app, legacy, "GET /free", "GET /a", hooks="none")
    (record,) = caplog.records
    assert record.message.startswith('GET /a has hooks = "none" in ')
    assert "needs Flask's request context" in record.message


def test_a_handler_that_borrows_needs_a_flask(mount: Mount) -> None:
    """A legacy application that can't be looked into lends nothing, either."""
    app, legacy = FastAPI(openapi_url=None), flask_with("GET /a")
    app.get("/a")(user)
    hidden = types.MethodType(lambda self, environ, start: self(environ, start), legacy)
    with pytest.raises(MapError, match=r"not known to be Flask\. Name the Flask inside"):
        mount(app, lambda environ, start: hidden(environ, start), "GET /a")
