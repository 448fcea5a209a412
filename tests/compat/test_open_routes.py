"""Guards of Flask views against what the native handler shows: what counts, and what is OPEN."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import asyncio
import functools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flask_jwt_extended as flask_jwt
import flask_login  # type: ignore[import-untyped]
import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.security import HTTPBearer
from flask import Flask
from flask_limiter import Limiter
from flask_pydantic import validate  # type: ignore[import-untyped]

from crossfade import compat
from crossfade.checks.guards import Guards
from crossfade.errors import MapError
from crossfade.routing import NativeApp
from tests.asgi.kit import Mount, ask, flask_with, save_map, start
from tests.compat.guarding import (
    Refusing,
    View_,
    admin_required,
    before,
    by_another,
    by_class,
    by_constant,
    by_variable,
    by_werkzeug,
    get_member_count,
    inner_circle,
    inside,
    jwt_by_hand,
    jwt_freshly,
    jwt_perhaps,
    login_required,
    not_found,
    perhaps,
    refusing_view,
    require_admin,
    roles,
    scheme_only,
    suppressed,
    throttle,
    timed,
    to_the_door,
    turn_away,
    unauthorized,
    user,
)

OWN = admin_required.__module__


def view() -> str:
    """A view that nothing decorates."""
    return "x"


async def handler() -> str:
    """A handler without anything."""
    return "native"


limiter = Limiter(lambda: "anybody")
LOGIN, FRESH, ADMIN = flask_login.login_required, flask_login.fresh_login_required, admin_required
JWT, JWT_FRESH = flask_jwt.jwt_required(), flask_jwt.jwt_required(fresh=True)
JWT_OPTIONAL = flask_jwt.jwt_required(optional=True)
LOGGED_IN = compat.LoggedIn.__metadata__[0]
FRESHLY = compat.FreshlyLoggedIn.__metadata__[0]
CURRENT = compat.CurrentUser.__metadata__[0]


def judged(
    decorate: Callable[[View_], View_], dependencies: list[Any], endpoint: View_ = handler
) -> tuple[str, str]:
    """Return what becomes of a decorator on a native route with these dependencies."""
    app = FastAPI(openapi_url=None)
    # Also where it stands on the router, as for a whole section of an application.
    router = APIRouter(dependencies=dependencies)
    router.get("/a")(endpoint)
    app.include_router(router)
    (native,) = NativeApp(app).routes
    (guard,) = Guards.of(decorate(view), "GET", native).judged()
    return guard.state.value, guard.by


@pytest.mark.parametrize(
    ("decorate", "dependencies", "by"),
    [
        (LOGIN, [LOGGED_IN], "LoggedIn"),
        (LOGIN, [FRESHLY], "FreshlyLoggedIn"),
        (LOGIN, [compat.allowed(bool)], "allowed"),
        (LOGIN, [compat.decorated(LOGIN)], "flask_login.utils.login_required"),
        (LOGIN, [Depends(unauthorized)], "unauthorized"),
        (LOGIN, [Depends(by_constant)], "by_constant"),
        (LOGIN, [Depends(by_variable)], "by_variable"),
        (LOGIN, [Depends(by_werkzeug)], "by_werkzeug"),
        (LOGIN, [Depends(by_another)], "by_another"),
        (LOGIN, [Depends(functools.partial(unauthorized))], "unauthorized"),
        (LOGIN, [Depends(Refusing())], "Refusing"),
        (LOGIN, [Depends(user)], "user"),
        (JWT, [Depends(unauthorized)], "unauthorized"),
        (JWT, [Depends(jwt_by_hand)], "jwt_by_hand"),
        (JWT_FRESH, [Depends(jwt_freshly)], "verify_jwt_in_request()"),
        (FRESH, [FRESHLY], "FreshlyLoggedIn"),
        (ADMIN, [compat.allowed(bool)], "allowed"),
        (ADMIN, [compat.decorated(ADMIN)], f"{OWN}.admin_required"),
        (ADMIN, [Depends(by_werkzeug)], "by_werkzeug"),
        (ADMIN, [Depends(by_class)], "by_class"),
        (roles("a"), [compat.decorated(roles("a"))], f"{OWN}.roles"),
        (inner_circle, [Depends(unauthorized)], "unauthorized"),
        (limiter.limit("1/day"), [Depends(throttle)], "throttle"),
    ],
)
def test_guards_handler_that_refuses_is_a_counterpart(
    decorate: Callable[[View_], View_], dependencies: list[Any], by: str
) -> None:
    """What is known to refuse strangers, or can be read to do so."""
    assert judged(decorate, dependencies) == ("native", by)


@pytest.mark.parametrize(
    ("decorate", "dependencies"),
    [
        (LOGIN, []),
        (LOGIN, [CURRENT]),
        (LOGIN, [Depends(get_member_count)]),
        (LOGIN, [Depends(require_admin)]),
        (LOGIN, [Depends(login_required)]),
        (LOGIN, [Depends(HTTPBearer())]),
        (LOGIN, [Depends(HTTPBearer(auto_error=False))]),
        (LOGIN, [Depends(scheme_only)]),
        (LOGIN, [Depends(perhaps)]),
        (LOGIN, [Depends(suppressed)]),
        (LOGIN, [Depends(not_found)]),
        (LOGIN, [Depends(inside)]),
        (LOGIN, [Depends(jwt_perhaps)]),
        (JWT, [compat.decorated(JWT_OPTIONAL)]),
        (JWT_FRESH, [compat.decorated(JWT)]),
        (JWT_FRESH, [Depends(jwt_by_hand)]),
        (FRESH, [LOGGED_IN]),
        (FRESH, [Depends(unauthorized)]),
        (ADMIN, [LOGGED_IN]),
        (ADMIN, [Depends(unauthorized)]),
        (ADMIN, [Depends(require_admin)]),
        (ADMIN, [compat.decorated(roles("a"))]),
        (roles("a"), [compat.decorated(roles("b"))]),
        (inner_circle, [LOGGED_IN]),
        (inner_circle, [Depends(by_class)]),
        (to_the_door, [Depends(unauthorized)]),
        (limiter.limit("1/day"), [LOGGED_IN]),
    ],
)
def test_guards_handler_that_refuses_nobody_is_none(
    decorate: Callable[[View_], View_], dependencies: list[Any]
) -> None:
    """A name, a scheme that judges nothing, a refusal that is caught, one of other people."""
    assert judged(decorate, dependencies)[0] == "missing"


@pytest.mark.parametrize(
    ("decorate", "opens"),
    [
        (inner_circle, True),
        (to_the_door, True),
        (before(turn_away), True),
        (timed, False),
        (lambda _: timed(refusing_view), False),
        (JWT_OPTIONAL, False),
    ],
)
def test_guards_decorator_is_judged_by_its_code(
    mount: Mount, decorate: Callable[[View_], View_], opens: bool
) -> None:
    """A name that promises nothing hides no guard; what lets strangers in is none."""
    app, legacy = FastAPI(openapi_url=None), Flask("legacy", static_folder=None)
    legacy.add_url_rule("/a", "a", decorate(view))
    app.get("/a")(handler)
    if opens:
        with pytest.raises(MapError, match="GET /a: it may be OPEN"):
            mount(app, legacy, "GET /a")
    else:
        mount(app, legacy, "GET /a")


def test_guards_same_decorator_with_other_arguments_is_said() -> None:
    """`roles("b")` on the handler is no `roles("a")`; who reads of it learns what is there."""
    assert judged(roles("a"), [compat.decorated(roles("b"))]) == ("missing", f"{OWN}.roles")


def test_guards_same_decorator_on_the_handler_counts() -> None:
    """And what the handler's own code calls."""
    assert judged(timed, [], timed(handler))[0] == "native"
    assert judged(JWT, [], jwt_by_hand) == ("native", "verify_jwt_in_request()")
    assert judged(JWT, [], jwt_perhaps)[0] == "missing"


# --- what the map may say -------------------------------------------------------------------------


def opened(mount: Mount, **options: Any) -> str:
    """Mount a route that is open; return the one problem that the map has."""
    app, legacy = FastAPI(openapi_url=None), Flask("legacy", static_folder=None)
    legacy.add_url_rule("/a", "a", admin_required(timed(view)))
    app.get("/a")(handler)
    with pytest.raises(MapError) as caught:
        mount(app, legacy, "GET /a", **options)
    (problem,) = caught.value.problems
    assert problem.line is not None
    return str(problem)


def test_map_open_route_is_a_problem(mount: Mount) -> None:
    """With file, line and route, the guard, what to write, and how to answer."""
    text = opened(mount)
    assert "map0.toml:3: GET /a: it may be OPEN: Flask's view has admin_required" in text
    assert f"no such guard is seen on {__name__}.handler. Replacement: dependencies=[dec" in text
    assert text.endswith('name what it replaces in the map: guards = ["admin_required"]')


@pytest.mark.parametrize("pattern", ["*", "admin_*", "?dmin_required", "[a]dmin_required", ""])
def test_map_guards_pattern_is_refused(mount: Mount, pattern: str) -> None:
    """A pattern would silence guards that nobody has seen yet."""
    text = opened(mount, more=f', guards = ["{pattern}"]')
    assert "GET /a: " in text
    if pattern:
        assert f'guards = ["{pattern}"] is not the name of a decorator: name each guard' in text


def test_map_guards_misspelt_name_acknowledges_nothing(mount: Mount) -> None:
    """The route stays open, and the name that means nothing is in the message."""
    text = opened(mount, more=', guards = ["admin_requierd"]')
    assert "it may be OPEN" in text
    assert "guards = ['admin_requierd'] names no decorator of the view" in text


@pytest.mark.parametrize("patterns", [f"{OWN}.*", f"{OWN}.admin_*", "admin_required"])
def test_map_harmless_pattern_covers_no_guard(mount: Mount, patterns: str) -> None:
    """What may decide who may call is named in full, or it is one."""
    text = opened(mount, settings=f'[gateway]\nharmless_decorators = ["{patterns}"]')
    assert "it may be OPEN: Flask's view has admin_required" in text


@pytest.mark.parametrize("key", ["harmless_decorators", "skipped_middleware"])
def test_map_pattern_of_everything_is_refused(mount: Mount, key: str) -> None:
    """`["*"]` acknowledges what nobody has looked at."""
    text = opened(mount, settings=f'[gateway]\n{key} = ["*"]', more=', guards = ["admin_required"]')
    assert f"gateway.{key}.0: '*' is not valid" in text


def test_map_known_guard_is_never_harmless(mount: Mount) -> None:
    """That `login_required` decides nothing on any route is nothing that a map can say."""
    app, legacy = FastAPI(openapi_url=None), Flask("legacy", static_folder=None)
    legacy.add_url_rule("/a", "a", flask_login.login_required(view))
    app.get("/a")(handler)
    settings = '[gateway]\nharmless_decorators = ["flask_login.utils.login_required"]'
    with pytest.raises(MapError, match="it may be OPEN: Flask's view has login_required"):
        mount(app, legacy, "GET /a", settings=settings)


@pytest.mark.parametrize(
    ("more", "settings"),
    [
        (', guards = ["admin_required", "timed"]', ""),
        (f', guards = ["{OWN}.admin_required", "timed"]', ""),
        ("", f'[gateway]\nharmless_decorators = ["timed", "{OWN}.admin_required"]'),
    ],
)
def test_map_named_guard_is_acknowledged(
    mount: Mount, caplog: pytest.LogCaptureFixture, more: str, settings: str
) -> None:
    """With the names that the message gave: for a route, or for all of them."""
    app, legacy = FastAPI(openapi_url=None), Flask("legacy", static_folder=None)
    legacy.add_url_rule("/a", "a", admin_required(timed(view)))
    app.get("/a")(handler)
    gateway = mount(app, legacy, "GET /a", more=more, settings=settings)
    assert caplog.records == []
    states = {guard["state"] for guard in gateway.status()["routes"][0]["guards"]}
    assert states == {"acknowledged"} if more else {"not needed"}


def test_map_what_decides_nothing_is_one_warning_for_all_routes(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """However many routes have the decorator; and what FastAPI does itself is no warning."""
    app, legacy, paths = FastAPI(openapi_url=None), Flask("legacy"), [f"/{n}" for n in range(8)]
    for path in paths:
        legacy.add_url_rule(path, path, validate()(timed(view)))
        app.get(path)(handler)
    mount(app, legacy, *(f"GET {path}" for path in paths))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"decorator {OWN}.timed" in record.getMessage()
    assert "GET /0, GET /1, GET /2, GET /3, GET /4 and 3 more" in record.getMessage()
    assert "crossfade does not know what it does" in record.getMessage()


# --- a gateway that runs --------------------------------------------------------------------------


def test_reload_edit_that_opens_a_route_is_refused(mount: Mount) -> None:
    """The last good map stays, and the next good one is taken."""
    app, legacy = FastAPI(openapi_url=None), Flask("legacy", static_folder=None)
    for path in ("/a", "/b"):
        legacy.add_url_rule(path, path, admin_required(view))
        app.get(path)(handler)
    gateway = mount(app, legacy)
    gateway.live.path.write_text('[routes]\n"GET /a" = "native"\n', encoding="utf-8")
    assert not gateway.live.poll()
    assert "GET /a: it may be OPEN" in str(gateway.live.rejected)
    assert ask(app, "GET", "/a").status == 403
    save_map(gateway, '[routes]\n"GET /a" = { stage = "native", guards = ["admin_required"] }\n')
    assert ask(app, "GET", "/a").text == '"native"'


def test_start_view_decorated_after_the_mount_is_refused(mount: Mount) -> None:
    """An extension that is set up late may wrap every view: a server's start looks again."""
    app, legacy = FastAPI(openapi_url=None), flask_with("GET /a")
    app.get("/a")(handler)
    mount(app, legacy, "GET /a")
    (name,) = legacy.view_functions
    legacy.view_functions[name] = admin_required(legacy.view_functions[name])

    (sent,) = asyncio.run(start(app))
    assert "GET /a: it may be OPEN" in sent["message"]


# --- middleware -----------------------------------------------------------------------------------


class TokenAuth:
    """WSGI middleware whose name says what it does."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Pass on."""
        return self.app(environ, start_response)


class Front(TokenAuth):
    """One whose code says it."""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Refuse whom nobody knows."""
        if "HTTP_X_FRIEND" in environ:
            return self.app(environ, start_response)
        start_response("403 Forbidden", [])
        return [b""]


@pytest.fixture(params=[TokenAuth, Front])
def around(request: pytest.FixtureRequest) -> type:
    """Return middleware that decides who may call."""
    return request.param  # type: ignore[no-any-return]


@pytest.mark.parametrize("named", [None, f"{__name__}.*", "full"])
def test_map_middleware_that_refuses_is_a_problem_until_it_is_named(
    mount: Mount, around: type, named: str | None
) -> None:
    """In full: a pattern may cover what is added later."""
    app, legacy = FastAPI(openapi_url=None), flask_with("GET /a")
    legacy.wsgi_app = around(legacy.wsgi_app)  # type: ignore[method-assign]
    app.get("/a")(handler)
    place = f"{__name__}.{around.__name__}"
    given = place if named == "full" else named
    settings = f'[gateway]\nskipped_middleware = ["{given}"]' if given else ""
    if named == "full":
        mount(app, legacy, "GET /a", settings=settings)
        return
    with pytest.raises(MapError) as caught:
        mount(app, legacy, "GET /a", settings=settings)
    (problem,) = caught.value.problems
    assert (problem.subject, Path(problem.file).name) == ("GET /a", "map0.toml")
    assert f"it may be OPEN: WSGI middleware {place}" in problem.reason
    assert problem.remedy.endswith(f'skipped_middleware = ["{place}"]')
