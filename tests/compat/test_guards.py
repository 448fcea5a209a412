"""Decorators of Flask views that a native route does without: found, judged, said."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import functools
from collections.abc import Callable
from typing import Any

import flask_jwt_extended as flask_jwt
import flask_login  # type: ignore[import-untyped]
import flask_restx  # type: ignore[import-untyped]
import pytest
from fastapi import FastAPI
from flasgger import swag_from  # type: ignore[import-untyped]
from flask import Flask, jsonify
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
from crossfade.checks.known_guards import Work, known
from crossfade.checks.view_decorators import _search, decorators_of
from tests.asgi.kit import Mount, ask

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


async def handler() -> str:
    """A handler without anything."""
    return "native"


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
