"""Decorators of Flask views that a native route does without: found, judged, said."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import asyncio
import functools
import logging
from collections.abc import Callable
from typing import Any

import flask_jwt_extended as flask_jwt
import flask_login  # type: ignore[import-untyped]
import flask_restx  # type: ignore[import-untyped]
import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.security import HTTPBearer
from flasgger import swag_from  # type: ignore[import-untyped]
from flask import Flask, abort, jsonify, request
from flask.views import MethodView, View
from flask_admin import Admin, BaseView, expose  # type: ignore[import-untyped]
from flask_caching import Cache
from flask_cors import cross_origin
from flask_limiter import Limiter
from flask_pydantic import validate  # type: ignore[import-untyped]
from flask_wtf import CSRFProtect  # type: ignore[import-untyped]
from webargs import fields
from webargs.flaskparser import use_args

from crossfade import compat
from crossfade.compat.known_guards import Work, known
from crossfade.compat.wrappers import _search, decorators_of
from tests.asgi.kit import Mount, ask, flask_with, save_map

View_ = Callable[..., Any]


def view() -> str:
    """A view that nothing decorates."""
    return "x"


def another_view() -> View_:
    """Return a view of its own: some decorators write on the view, or know it by its name."""

    def another() -> Any:
        return jsonify("x")

    return another


# --- finding them ---------------------------------------------------------------------------------


def no_wraps(view: View_) -> View_:
    """A decorator that forgets functools.wraps."""

    def inner(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return inner


def no_wraps_for_one(f: View_) -> View_:
    """The same for views that take one value of the URL."""

    def inner(number: int) -> Any:
        return f(number)

    return inner


def wrapping(view: View_) -> View_:
    """A decorator as they should be."""

    @functools.wraps(view)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return inner


def copying(view: View_) -> View_:
    """A decorator that copies `__dict__`, and with it another's `__wrapped__`."""

    def inner(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    inner.__dict__.update(view.__dict__)
    return inner


class Holding:
    """A decorator that is an object."""

    def __init__(self, view: View_) -> None:
        self._view = view
        self.__name__ = "holding"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the view."""
        return self._view(*args, **kwargs)


def page(render: View_) -> View_:
    """A factory of views, which is no decorator."""

    def show(number: int) -> Any:
        return render(number)

    return show


cache = Cache()
limiter = Limiter(lambda: "anybody")


@pytest.mark.parametrize(
    ("decorate", "name", "work"),
    [
        (flask_login.login_required, "flask_login.utils.login_required", Work.LOGIN),
        (flask_login.fresh_login_required, "flask_login.utils.fresh_login_required", Work.FRESH),
        (
            flask_jwt.jwt_required(),
            "flask_jwt_extended.view_decorators.jwt_required",
            Work.LOGIN,
        ),
        (cross_origin(), "flask_cors.decorator.cross_origin", Work.ANSWER),
        (cache.cached(), "flask_caching.Cache.cached", Work.ANSWER),
        (cache.memoize(), "flask_caching.Cache.memoize", Work.ANSWER),
        (validate(), "flask_pydantic.core.validate", Work.REPLACED),
        (
            use_args({"a": fields.Int()}, location="query"),
            "webargs.core.Parser.use_args",
            Work.REPLACED,
        ),
        (swag_from({}), "flasgger.utils.swag_from", Work.REPLACED),
        (functools.lru_cache, "functools._lru_cache_wrapper", Work.ANSWER),
        (wrapping, f"{__name__}.wrapping", Work.UNKNOWN),
        (no_wraps, f"{__name__}.no_wraps", Work.UNKNOWN),
        (no_wraps_for_one, f"{__name__}.no_wraps_for_one", Work.UNKNOWN),
        (Holding, f"{__name__}.Holding", Work.UNKNOWN),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_decorator_is_named_by_the_function_that_made_it(
    decorate: Callable[[View_], View_], name: str, work: Work
) -> None:
    """However it was imported, and whatever name functools.wraps gave its wrapper."""
    (found,) = decorators_of(decorate(another_view()), "GET")
    assert (str(found), known(found).work) == (name, work)


def test_a_limit_is_found() -> None:
    """Where Flask-Limiter keeps its code depends on its version."""
    (found,) = decorators_of(limiter.limit("1/day")(another_view()), "GET")
    assert (found.package, known(found).work) == ("flask_limiter", Work.LIMIT)


def test_marks_and_factories_are_no_decorators() -> None:
    """What returns the view itself wraps nothing; nor does what makes a view of a function."""
    app = Flask(__name__)
    csrf = CSRFProtect(app)
    for each in (view, csrf.exempt(view), limiter.exempt(view), page(view), lambda: view()):
        assert decorators_of(each, "GET") == []


class Raising:
    """An object that raises whatever it is asked for, as a proxy does outside of a request."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __call__(self, **values: Any) -> Any:
        """Answer."""


def test_proxies_are_not_asked() -> None:
    """A view that holds `current_user` is looked at where nobody is logged in."""
    user = flask_login.current_user

    def holding(**values: Any) -> Any:
        return user

    assert decorators_of(holding, "GET") == []
    (found,) = decorators_of(wrapping(holding), "GET")
    assert found.leaf == "wrapping"


def test_what_cannot_be_read_is_said_to_be_unknown() -> None:
    """An application starts, whatever its views are made of."""
    (found,) = decorators_of(Raising(), "GET")
    assert (found.leaf, known(found).work) == ("unreadable", Work.UNKNOWN)


def test_a_stack_is_found_from_the_outside_inwards() -> None:
    """Each layer, also those that hide another one."""
    stack = wrapping(no_wraps(flask_login.login_required(copying(wrapping(view)))))
    names = [each.leaf for each in decorators_of(stack, "GET")]
    assert names == ["wrapping", "no_wraps", "login_required", "copying"]
    hidden = copying(wrapping(no_wraps(view)))
    assert [e.leaf for e in decorators_of(hidden, "GET")] == ["copying", "wrapping", "no_wraps"]
    assert [e.leaf for e in decorators_of(functools.partial(wrapping(view)), "GET")] == ["wrapping"]


def test_python_310_finds_the_same_names() -> None:
    """There code objects don't know where they stand, so the module is searched."""
    wrapper: Any = flask_login.login_required(view)
    assert _search(wrapper.__code__, wrapper.__globals__) == "login_required"
    cached: Any = cache.cached()(view)
    assert _search(cached.__code__, cached.__globals__) == "Cache.cached"


class Both(MethodView):
    """A class of Flask's with decorators of the class and of a method."""

    decorators = [flask_login.login_required]  # noqa: RUF012 - as Flask's documentation has it

    @wrapping
    def get(self) -> str:
        """Answer."""
        return ""

    @no_wraps
    def post(self) -> str:
        """Answer."""
        return ""


class Checked(MethodView):
    """A class that checks in `dispatch_request`, where it is no decorator."""

    def dispatch_request(self, **values: Any) -> Any:
        """Answer."""
        return super().dispatch_request(**values)

    def get(self) -> str:
        """Answer."""
        return ""


class Plain(View):
    """A view of which `dispatch_request` is the view."""

    @wrapping
    def dispatch_request(self) -> str:
        """Answer."""
        return ""


class Resource(flask_restx.Resource):  # type: ignore[misc]
    """A resource of Flask-RESTX."""

    method_decorators = {"get": [flask_login.login_required]}  # noqa: RUF012

    def get(self) -> str:
        """Answer."""
        return ""

    def post(self) -> str:
        """Answer."""
        return ""


@pytest.mark.parametrize(
    ("view_class", "method", "names"),
    [
        (Both, "GET", ["login_required", "wrapping"]),
        (Both, "HEAD", ["login_required", "wrapping"]),
        (Both, "POST", ["login_required", "no_wraps"]),
        (Checked, "GET", ["dispatch_request"]),
        (Plain, "GET", ["wrapping"]),
        (Resource, "GET", ["login_required"]),
        (Resource, "POST", []),
    ],
)
def test_views_that_are_classes(view_class: type[View], method: str, names: list[str]) -> None:
    """The class's decorators, those of the method, and no other method's."""
    found = decorators_of(view_class.as_view("it"), method)
    assert [each.leaf for each in found] == names


def test_flask_admin_asks_is_accessible_in_a_wrapper() -> None:
    """Which a native route in the place of such a page does without."""

    class Page(BaseView):  # type: ignore[misc]
        @expose("/")  # type: ignore[untyped-decorator]
        def index(self) -> str:
            return ""

    app = Flask(__name__)
    admin = Admin(app)
    admin.add_view(Page(endpoint="it"))
    (found,) = decorators_of(app.view_functions["it.index"], "GET")
    assert (str(found), known(found).work) == ("flask_admin.base._wrap_view", Work.PERMISSION)


# --- judging them ---------------------------------------------------------------------------------


def admin_required(view: View_) -> View_:
    """A guard of the team's own."""

    @functools.wraps(view)
    def inner(*args: Any, **kwargs: Any) -> Any:
        if request.headers.get("X-Admin") != "yes":
            abort(403)
        return view(*args, **kwargs)

    return inner


async def require_admin() -> None:
    """A dependency by whose name one sees what it does."""


async def settings() -> None:
    """A dependency that says nothing of access."""


async def get_author() -> None:
    """A dependency whose name only begins like a guard's."""


def throttle() -> None:
    """A dependency that limits."""


def jwt_by_hand() -> str:
    """A handler that does in its code what the decorator did."""
    flask_jwt.verify_jwt_in_request()
    return "x"


async def handler() -> str:
    """A handler without anything."""
    return "native"


LOGIN, FRESH, ADMIN = flask_login.login_required, flask_login.fresh_login_required, admin_required
LOGGED_IN = compat.LoggedIn.__metadata__[0]
FRESHLY = compat.FreshlyLoggedIn.__metadata__[0]
CURRENT = compat.CurrentUser.__metadata__[0]


@pytest.mark.parametrize(
    ("decorate", "dependencies", "by"),
    [
        (LOGIN, [], None),
        (LOGIN, [LOGGED_IN], "LoggedIn"),
        (LOGIN, [FRESHLY], "FreshlyLoggedIn"),
        (LOGIN, [compat.allowed(bool)], "allowed"),
        (LOGIN, [compat.decorated(LOGIN)], "flask_login.utils.login_required"),
        (LOGIN, [Depends(HTTPBearer())], "HTTPBearer"),
        (LOGIN, [Depends(require_admin)], "require_admin"),
        (LOGIN, [CURRENT], None),
        (LOGIN, [Depends(settings)], None),
        (LOGIN, [Depends(get_author)], None),
        (FRESH, [LOGGED_IN], None),
        (FRESH, [FRESHLY], "FreshlyLoggedIn"),
        (ADMIN, [LOGGED_IN], None),
        (ADMIN, [Depends(HTTPBearer())], None),
        (ADMIN, [compat.allowed(bool)], "allowed"),
        (ADMIN, [compat.decorated(ADMIN)], f"{__name__}.admin_required"),
        (ADMIN, [Depends(require_admin)], "require_admin"),
        (limiter.limit("1/day"), [LOGGED_IN], None),
        (limiter.limit("1/day"), [Depends(throttle)], "throttle"),
    ],
)
def test_what_counts_as_a_counterpart(
    mount: Mount, decorate: Callable[[View_], View_], dependencies: list[Any], by: str | None
) -> None:
    """What can be seen on the handler; who may log in is not yet who may see."""
    app, legacy = FastAPI(openapi_url=None), Flask("legacy", static_folder=None)
    legacy.add_url_rule("/a", "a", decorate(view))
    # Also where it stands on the router, as for a whole section of an application.
    router = APIRouter(dependencies=dependencies)
    router.get("/a")(handler)
    app.include_router(router)
    gateway = mount(app, legacy, "GET /a")
    (guard,) = gateway.status()["routes"][0]["guards"]
    expected = ("missing", "") if by is None else ("native", by)
    assert (guard["state"], guard["by"]) == expected


def test_the_handlers_own_name_is_no_counterpart(mount: Mount) -> None:
    """A page may be called `admin` and let everybody in."""
    app, legacy = FastAPI(openapi_url=None), Flask("legacy", static_folder=None)
    legacy.add_url_rule("/a", "a", admin_required(view))
    app.get("/a")(require_admin)
    (guard,) = mount(app, legacy, "GET /a").status()["routes"][0]["guards"]
    assert guard["state"] == "missing"


def test_the_same_decorator_on_the_handler_counts(mount: Mount) -> None:
    """And what the handler's own code calls."""
    app, legacy = FastAPI(openapi_url=None), Flask("legacy", static_folder=None)
    jwt = flask_jwt.jwt_required()
    for path, endpoint in {"/a": wrapping(handler), "/b": jwt_by_hand}.items():
        legacy.add_url_rule(path, path, wrapping(view) if path == "/a" else jwt(view))
        app.get(path)(endpoint)
    routes = mount(app, legacy, "GET /a", "GET /b").status()["routes"]
    states = [[guard["state"] for guard in route["guards"]] for route in routes]
    assert states == [["native"], ["native"]]


# --- saying them ----------------------------------------------------------------------------------


def test_an_open_route_is_an_error_in_the_log(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """It is open, indeed; and the log names the guard, what to do, and how to answer."""
    app, legacy = FastAPI(openapi_url=None), Flask("legacy", static_folder=None)
    legacy.add_url_rule("/a", "a", admin_required(view))
    legacy.add_url_rule("/b", "b", admin_required(view))
    app.get("/a")(handler)
    app.get("/b", dependencies=[compat.decorated(admin_required)])(handler)
    mount(app, legacy, "GET /a", "GET /b")
    assert ask(app, "GET", "/a").text == '"native"'
    assert ask(app, "GET", "/b").status == 403
    (record,) = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert record.levelno == logging.ERROR
    text = record.getMessage()
    assert text.startswith("GET /a is native and may be OPEN: Flask's view has admin_required")
    assert "decorated(" in text
    assert text.endswith('guards = ["admin_required"]')


def test_what_decides_nothing_is_one_warning_for_all_routes(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """However many routes have the decorator; and what FastAPI does itself is no warning."""
    app, legacy, paths = FastAPI(openapi_url=None), Flask("legacy"), [f"/{n}" for n in range(8)]
    for path in paths:
        legacy.add_url_rule(path, path, validate()(wrapping(view)))
        app.get(path)(handler)
    mount(app, legacy, *(f"GET {path}" for path in paths))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert f"decorator {__name__}.wrapping" in record.getMessage()
    assert "GET /0, GET /1, GET /2, GET /3, GET /4 and 3 more" in record.getMessage()
    assert "crossfade does not know what it does" in record.getMessage()


@pytest.mark.parametrize(
    ("more", "settings"),
    [
        (', guards = ["admin_required", "wrapping"]', ""),
        (f', guards = ["{__name__}.*"]', ""),
        ("", f'[gateway]\nharmless_decorators = ["wrapping", "{__name__}.admin_*"]'),
    ],
)
def test_the_map_can_answer(
    mount: Mount, caplog: pytest.LogCaptureFixture, more: str, settings: str
) -> None:
    """With the names that the log gave: for a route, or for all of them."""
    app, legacy = FastAPI(openapi_url=None), Flask("legacy", static_folder=None)
    legacy.add_url_rule("/a", "a", admin_required(wrapping(view)))
    app.get("/a")(handler)
    gateway = mount(app, legacy, "GET /a", more=more, settings=settings)
    assert caplog.records == []
    states = {guard["state"] for guard in gateway.status()["routes"][0]["guards"]}
    assert states == {"acknowledged"} if more else {"not needed"}


def test_an_answer_to_nothing_is_said(mount: Mount, caplog: pytest.LogCaptureFixture) -> None:
    """A misspelt name acknowledges nothing, and a guard that is added later is not covered."""
    app, legacy = FastAPI(openapi_url=None), Flask("legacy", static_folder=None)
    legacy.add_url_rule("/a", "a", admin_required(view))
    app.get("/a")(handler)
    mount(app, legacy, "GET /a", more=', guards = ["admin_requierd"]')
    opened, idle = caplog.records
    assert opened.levelno == logging.ERROR
    assert "has guards = ['admin_requierd']" in idle.getMessage()


def test_an_edit_of_the_map_says_it_again(mount: Mount, caplog: pytest.LogCaptureFixture) -> None:
    """At the first request under the new map; and never twice for one map."""
    app, legacy = FastAPI(openapi_url=None), Flask("legacy", static_folder=None)
    for path in ("/a", "/b"):
        legacy.add_url_rule(path, path, admin_required(view))
        app.get(path)(handler)
    gateway = mount(app, legacy, "GET /a")
    for path in ("/b", "/a"):  # the second was said once already, of another map
        caplog.clear()
        save_map(gateway, f'[routes]\n"GET {path}" = "native"\n')
        for _ in range(3):
            ask(app, "GET", path)
        start(app)
        (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
        assert record.getMessage().startswith(f"GET {path} is native and may be OPEN")


def test_a_view_that_is_decorated_after_the_mount_is_said_at_the_start(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """An extension that is set up late may wrap every view: a server's start looks again."""
    app, legacy = FastAPI(openapi_url=None), flask_with("GET /a")
    app.get("/a")(handler)
    mount(app, legacy, "GET /a")
    assert caplog.records == []
    (name,) = legacy.view_functions
    legacy.view_functions[name] = admin_required(legacy.view_functions[name])
    start(app)
    assert "GET /a is native and may be OPEN" in caplog.text


def start(app: FastAPI) -> None:
    """Start the application as a server does, and stop it."""

    async def live() -> None:
        messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

        async def receive() -> Any:
            return messages.pop(0)

        async def send(message: Any) -> None:
            assert message["type"].endswith(".complete")

        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)

    asyncio.run(live())


# --- what is true of the packages -----------------------------------------------------------------


def test_which_limits_are_borrowed(mount: Mount) -> None:
    """Default limits by a hook; those on a view not, until the handler stands behind them."""
    for limits, dependencies, expected in (
        ({"default_limits": ["1/day"]}, False, [200, 429]),
        ({}, False, [200, 200]),
        ({}, True, [200, 429]),
    ):
        app, legacy = FastAPI(openapi_url=None), Flask("legacy", static_folder=None)
        own = Limiter(lambda: "anybody", app=legacy, storage_uri="memory://", **limits)  # type: ignore[arg-type]
        decorate = (lambda it: it) if limits else own.limit("1/day")
        legacy.add_url_rule("/a", "a", decorate(another_view()))
        behind = [compat.decorated(own.limit("1/day"))] if dependencies else []
        app.get("/a", dependencies=behind)(handler)
        mount(app, legacy, "GET /a")
        assert [ask(app, "GET", "/a").status for _ in range(2)] == expected


def test_a_cached_view_is_computed_natively(mount: Mount) -> None:
    """`@cache.cached` does not answer for a native handler."""
    app, legacy, counted = FastAPI(openapi_url=None), Flask("legacy", static_folder=None), []
    own = Cache(legacy, config={"CACHE_TYPE": "SimpleCache"})

    def count() -> int:
        counted.append(1)
        return len(counted)

    legacy.add_url_rule("/a", "a", own.cached()(lambda: str(count())))
    app.get("/a")(count)
    mount(app, legacy, "GET /a")
    assert [ask(app, "GET", "/a").text for _ in range(2)] == ["1", "2"]
