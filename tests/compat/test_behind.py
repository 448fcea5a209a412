"""Native handlers behind the decorators of the views that they stand for."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
from collections.abc import Callable
from functools import wraps
from typing import Any

import flask
import pytest
from fastapi import FastAPI
from flask import Flask, abort, g, redirect, request
from flask_caching import Cache

from crossfade.compat import decorated
from crossfade.errors import CrossfadeError
from tests.asgi.kit import Answer, Mount, ask

View = Callable[..., Any]


def shown(number: int) -> str:
    """Stand for a view and for a handler."""
    return f"number {number}"


def both(mount: Mount, *decorators: Callable[[View], View], app: Flask | None = None) -> FastAPI:
    """Mount `GET /a/1` (native) and `GET /b/1` (legacy), both behind the decorators."""
    legacy = app or Flask("app", static_folder=None)
    view: View = shown
    for decorator in reversed(decorators):
        view = decorator(view)
    legacy.add_url_rule("/a/<int:number>", "a", view)
    legacy.add_url_rule("/b/<int:number>", "b", view)
    native = FastAPI(openapi_url=None)
    native.add_api_route("/a/{number}", shown, dependencies=[decorated(*decorators)])
    mount(native, legacy, "GET /a/<int:number>")
    return native


def pair(app: FastAPI, query: str = "", *headers: tuple[str, str]) -> tuple[Answer, Answer]:
    """Ask both."""
    native, legacy = (ask(app, "GET", f"/{name}/1{query}", *headers) for name in "ab")
    assert (native.served_by, legacy.served_by) == ("fastapi", "flask")
    return native, legacy


def answers(app: FastAPI, query: str = "", *headers: tuple[str, str]) -> tuple[int, str]:
    """Return what both answer to people who are not let in."""
    native, legacy = pair(app, query, *headers)
    assert native.status == legacy.status
    assert native.body == legacy.body
    assert sorted(native.headers) == sorted(legacy.headers)
    return native.status, native.text


def only_with_key(view: View) -> View:
    """Let in who has a key, as a team writes it; tell the view who it is."""

    @wraps(view)
    def inner(**values: Any) -> Any:
        if "key" not in request.args:
            abort(403, description="no key")
        if request.args["key"] == "old":
            return redirect("/new-key")
        g.key = request.args["key"], values, request.endpoint
        return view(**values)

    return inner


def with_headers(view: View) -> View:
    """Add to the view's response."""

    @wraps(view)
    def inner(**values: Any) -> Any:
        response = flask.make_response(view(**values))
        response.headers["Cache-Control"] = "no-store"
        response.vary.add("X-Key")
        response.set_cookie("seen", "1")
        return response, {"X-More": "yes"}

    return inner


def test_a_refusal_is_the_answer(mount: Mount) -> None:
    """What is raised, and what is returned."""
    app = both(mount, only_with_key)
    assert answers(app)[0] == 403
    assert answers(app, "?key=old")[0] == 302


def test_a_refusal_is_no_exception_to_flask(mount: Mount) -> None:
    """What is returned isn't trapped, and no handler of exceptions sees it."""
    legacy = Flask("app", static_folder=None)
    legacy.config["TRAP_HTTP_EXCEPTIONS"] = True
    app = both(mount, only_with_key, app=legacy)
    assert answers(app, "?key=old")[0] == 302


def test_who_passes_reaches_the_handler(mount: Mount) -> None:
    """With what the decorator left in `g`, under the endpoint that Flask knows."""
    seen = []
    legacy = Flask("app", static_folder=None)

    @legacy.after_request
    def note(response: flask.Response) -> flask.Response:
        seen.append(g.key)
        return response

    app = both(mount, only_with_key, app=legacy)
    native, old = pair(app, "?key=k")
    assert (native.status, native.text, old.text) == (200, '"number 1"', "number 1")
    assert seen == [("k", {"number": 1}, "a"), ("k", {"number": 1}, "b")]


def test_the_first_decorator_is_asked_first(mount: Mount) -> None:
    """As they stand above a view."""
    order = []

    def named(name: str) -> Callable[[View], View]:
        def decorate(view: View) -> View:
            @wraps(view)
            def inner(**values: Any) -> Any:
                order.append(name)
                return view(**values)

            return inner

        return decorate

    pair(both(mount, named("outer"), named("inner")))
    assert order == ["outer", "inner"] * 2


def test_headers_are_added_to_the_answer(mount: Mount) -> None:
    """Set, added to a list, cookies: as on the view's own response, before the hooks see it."""
    legacy = Flask("app", static_folder=None)

    @legacy.after_request
    def add(response: flask.Response) -> flask.Response:
        response.headers["X-Seen"] = response.headers["Cache-Control"]
        return response

    native, old = pair(both(mount, with_headers, app=legacy))
    for name in ("cache-control", "vary", "set-cookie", "x-more", "x-seen"):
        assert native.all(name) == old.all(name) != []


def test_a_refusal_has_the_outer_decorators_headers(mount: Mount) -> None:
    """What an inner one returns goes through the outer ones."""
    status, _ = answers(both(mount, with_headers, only_with_key), "?key=old")
    assert status == 302


def test_nothing_is_kept_of_an_answer_that_is_not_there_yet(mount: Mount) -> None:
    """A cache would give the empty stand-in to Flask's clients."""
    legacy = Flask("app", static_folder=None)
    cache = Cache(legacy, config={"CACHE_TYPE": "SimpleCache"})
    app = both(mount, cache.cached(key_prefix="shared"), app=legacy)
    assert ask(app, "GET", "/a/1").status == 500
    assert ask(app, "GET", "/b/1").text == "number 1"
    assert ask(app, "GET", "/a/1").text == "number 1"  # a hit: the cache answers


def test_an_old_stand_in_is_no_answer(mount: Mount) -> None:
    """Kept as it is, without being pickled."""
    kept: list[Any] = []

    def keep(view: View) -> View:
        def inner(**values: Any) -> Any:
            if not kept:
                kept.append(view(**values))
            return kept[0]

        return inner

    legacy = Flask("app", static_folder=None)
    legacy.testing = True
    app = both(mount, keep, app=legacy)
    ask(app, "GET", "/a/1")
    with pytest.raises(
        CrossfadeError, match=r"keeps or changes the view's answer: decorated\(test"
    ):
        ask(app, "GET", "/a/1")


@pytest.mark.parametrize(
    "change", [lambda r: setattr(r, "status_code", 202), lambda r: r.set_data("x")]
)
def test_another_answer_is_refused(
    mount: Mount, change: Callable[[flask.Response], object]
) -> None:
    """Rather than lost."""

    def changing(view: View) -> View:
        def inner(**values: Any) -> Any:
            response = flask.make_response(view(**values))
            change(response)
            return response

        return inner

    legacy = Flask("app", static_folder=None)
    legacy.testing = True
    app = both(mount, changing, app=legacy)
    with pytest.raises(CrossfadeError, match="can only let a request pass, refuse it, or add"):
        ask(app, "GET", "/a/1")


def test_there_must_be_a_decorator() -> None:
    """Nothing to stand behind is a mistake."""
    with pytest.raises(TypeError, match="needs the decorators"):
        decorated()
