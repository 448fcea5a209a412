"""URLs of the other side, who is logged in, what blocks the loop, and what `/docs` shows."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import io
import logging
import threading
from collections.abc import Callable
from typing import Annotated, Any

import flask
import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from flask import Flask, flash, get_flashed_messages, session
from flask_login import LoginManager, UserMixin, login_user, logout_user  # type: ignore[import-untyped]
from pydantic import BaseModel
from starlette.routing import NoMatchFound
from werkzeug.routing import BuildError

from crossfade import compat
from crossfade.native.context_use import needs_flask
from crossfade.native.loop_watchdog import Watch
from tests.asgi.kit import Answer, Mount, ask, flask_with

# --- URLs -----------------------------------------------------------------------------------------


def linked(mount: Mount) -> tuple[Flask, FastAPI]:
    """Return two applications with endpoints of their own, mounted."""
    legacy = flask_with("GET /hook")
    legacy.before_request(lambda: None)
    blueprint = flask.Blueprint("auth", __name__)
    blueprint.add_url_rule("/login/<int:step>", "login", lambda step: str(step))
    legacy.register_blueprint(blueprint)
    app, router = FastAPI(openapi_url=None), APIRouter(prefix="/v2")

    @router.get("/things/{thing_id}", name="thing")
    async def thing(thing_id: int) -> None: ...

    @app.get("/native")
    async def native(request: Request) -> list[str]:
        values: dict[str, Any] = {"thing_id": 7, "q": ["a b", "c"]}
        return [
            str(request.url_for("auth.login", step=2)),
            str(request.app.url_path_for("auth.login", step=2, next="/x")),
            str(request.url_for("thing", thing_id=1)),
            flask.url_for("thing", **values),
            flask.url_for("thing", thing_id=7, _external=True, _anchor="top"),
            flask.url_for("auth.login", step=1),
        ]

    app.include_router(router)
    mount(app, legacy, "GET /native", "GET /v2/things/{thing_id}")
    return legacy, app


@pytest.mark.parametrize("root", ["", "/prefix"])
def test_each_side_finds_the_others_urls(mount: Mount, root: str) -> None:
    """`request.url_for` knows Flask's endpoints, `flask.url_for` FastAPI's; also below a prefix."""
    _, app = linked(mount)
    answer = ask(app, "GET", f"{root}/native", root_path=root)
    base = f"http://testserver{root}"
    assert (
        JSONResponse(
            [
                f"{base}/login/2",
                "/login/2?next=/x",
                f"{base}/v2/things/1",
                f"{root}/v2/things/7?q=a+b&q=c",
                f"{base}/v2/things/7#top",
                f"{root}/login/1",
            ]
        ).body
        == answer.body
    )


def test_what_nobody_has_is_an_error_as_ever(mount: Mount) -> None:
    """Each side raises its own."""
    legacy, app = linked(mount)
    with pytest.raises(NoMatchFound):
        app.url_path_for("auth.login")  # a value is missing
    with pytest.raises(NoMatchFound):
        app.url_path_for("nowhere")
    with legacy.test_request_context(), pytest.raises(BuildError):
        flask.url_for("nowhere")


# --- who is logged in -----------------------------------------------------------------------------


class User(UserMixin):  # type: ignore[misc]
    """A user of Flask-Login's."""

    def __init__(self, name: str) -> None:
        self.id = name


def club(mount: Mount, *native: str) -> FastAPI:
    """Return two applications with Flask-Login, each route on both sides."""
    legacy = Flask("club", static_folder=None)
    legacy.secret_key = "k"
    manager = LoginManager(legacy)
    manager.user_loader(User)
    manager.login_view = "login"
    app = FastAPI(openapi_url=None)

    @legacy.get("/login")
    def login() -> Any:
        login_user(User(flask.request.args.get("as", "ada")))
        flash("welcome")
        return "in"

    @legacy.get("/me")
    def me() -> Any:
        return flask.jsonify(get_flashed_messages())

    legacy.add_url_rule("/logout", "logout", lambda: str(logout_user()))
    legacy.add_url_rule("/admin", "admin", lambda: "admin")

    @app.get("/login")
    def native_login(flash: compat.Flash) -> str:
        login_user(User("ada"))
        flash("welcome")
        return "in"

    @app.get("/me")
    async def native_me(user: compat.LoggedIn) -> dict[str, Any]:
        return {"me": user.id, "told": get_flashed_messages()}

    @app.get("/logout")
    def native_logout() -> str:
        return str(logout_user())

    @app.get("/admin", dependencies=[compat.allowed(lambda user: user.id == "root")])
    async def native_admin(user: compat.CurrentUser) -> str:
        return str(user.id)

    mount(app, legacy, *native)
    return app


class Browser:
    """Keeps cookies."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.cookies: dict[str, str] = {}

    def get(self, target: str) -> Answer:
        """Ask, and keep what is set."""
        text = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = ask(self.app, "GET", target, *([("Cookie", text)] if text else []))
        for cookie in answer.all("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
            if not value:
                del self.cookies[name]
        return answer


@pytest.mark.parametrize(
    "native", [("GET /me", "GET /logout"), ("GET /login", "GET /me"), ("GET /me",)]
)
def test_a_session_goes_back_and_forth(mount: Mount, native: tuple[str, ...]) -> None:
    """Logged in on one side, known on the other, logged out on either; a flash crosses too."""
    browser = Browser(club(mount, *native))
    refused = browser.get("/me")
    assert refused.status == 302
    assert str(refused.get("location")).startswith("/login?next=%2Fme")
    browser.cookies.clear()
    assert browser.get("/login").status == 200
    assert browser.get("/me").body == b'{"me":"ada","told":["welcome"]}'
    assert browser.get("/me").body == b'{"me":"ada","told":[]}'
    browser.get("/logout")
    assert browser.get("/me").status == 302


def test_roles(mount: Mount) -> None:
    """401 or a redirect for nobody, 403 for the wrong one."""
    browser = Browser(club(mount, "GET /admin"))
    assert browser.get("/admin").status == 302
    browser.get("/login")
    assert browser.get("/admin").status == 403
    browser.get("/login?as=root")
    assert browser.get("/admin").body == b'"root"'


# --- what uses Flask ------------------------------------------------------------------------------


def deep() -> str:
    """Use Flask two calls away."""
    return _deeper()


def _deeper() -> str:
    return str(flask.request.path)


class Callable_:  # noqa: N801
    """A dependency that is an object."""

    def __call__(self) -> str:
        """Use Flask."""
        return str(session.get("x"))


async def by_dependency(value: Annotated[str, Depends(deep)]) -> str:
    """Use Flask by what it depends on."""
    return value


async def plain(value: int = 1) -> bool:
    """Use nothing of Flask's."""
    return flask.has_request_context()


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (deep, True),
        (by_dependency, True),
        (Callable_(), True),
        (lambda: [flask.g for _ in range(3)], True),
        (compat.flask_view(lambda: "x"), True),
        (plain, False),
        (lambda: compat.jsonify(1), False),
        (lambda: JSONResponse(1), False),
    ],
)
def test_a_handler_that_uses_flask_is_known(endpoint: Callable[..., Any], expected: bool) -> None:
    """So that it gets a context even where the application has no hooks."""
    app = FastAPI()
    app.get("/a", response_model=None)(endpoint)
    assert needs_flask(getattr(app.routes[-1], "dependant", None)) is expected


# --- async truth ----------------------------------------------------------------------------------


def test_what_holds_up_the_loop_is_named(mount: Mount) -> None:
    """In development: the line that blocks. Here it blocks until it has been named."""
    named = threading.Event()
    messages: list[str] = []

    class Listen(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())
            if "named.wait" in record.getMessage():
                named.set()

    listener = Listen()
    logging.getLogger("crossfade.blocking").addHandler(listener)

    async def handler() -> bool:
        return named.wait(20)  # the line that blocks

    legacy = flask_with("GET /a")
    legacy.debug = True
    app = FastAPI(openapi_url=None)
    app.get("/a")(handler)
    mount(app, legacy, "GET /a")
    try:
        assert ask(app, "GET", "/a").text == "true"
    finally:
        logging.getLogger("crossfade.blocking").removeHandler(listener)
    line = handler.__code__.co_firstlineno + 1
    place = f"{__file__}:{line} in handler: return named.wait(20)"
    # A busy machine may hold up another line as well.
    (message,) = [each for each in messages if place in each]
    assert message.startswith("GET /a holds up the event loop")


def test_nothing_is_watched_in_production(mount: Mount) -> None:
    """The watch costs each step a little."""
    app = FastAPI(openapi_url=None)
    gateway = mount(app, flask_with("GET /a"))
    assert gateway.borrower is not None
    assert gateway.borrower.watch is None


def test_a_plain_def_may_block(caplog: pytest.LogCaptureFixture) -> None:
    """It runs in a thread of FastAPI's: the watch has nothing to say of it."""
    watch = Watch(threshold=0.001)
    app = FastAPI(openapi_url=None)
    looked = threading.Event()

    @app.get("/a")
    def handler() -> str:
        looked.wait(0.05)
        return "a"

    assert ask(watch.watched(app), "GET", "/a").status == 200
    assert not [r for r in caplog.records if "in handler:" in r.getMessage()]


# --- /docs ----------------------------------------------------------------------------------------


class Item(BaseModel):
    """A body."""

    count: int


def test_signatures_appear_in_the_document() -> None:
    """Names, types and defaults, as FastAPI shows its own."""
    app = FastAPI()

    @app.get("/search")
    async def search(
        page: Annotated[int, compat.arg("page", int, 1, "Which page.")],
        words: Annotated[list[str], compat.args("word")],
        token: Annotated[str, compat.header("X-Token")],
        theme: Annotated[str, compat.cookie("theme", "light")],
        required: Annotated[str, compat.arg("r")],
    ) -> None: ...

    @app.post("/items", openapi_extra=compat.json_body(Item))
    async def create(item: Annotated[Item, compat.json_model(Item)]) -> None: ...

    document = app.openapi()
    shown = {
        (p["in"], p["name"]): (p["schema"].get("type"), p.get("description", ""))
        for p in document["paths"]["/search"]["get"]["parameters"]
    }
    assert shown == {
        ("query", "page"): ("integer", "Which page. Default: 1."),
        ("query", "word"): ("array", ""),
        ("header", "X-Token"): ("string", ""),
        ("cookie", "theme"): ("string", "Default: light."),
        ("query", "r"): ("string", "Required."),
    }
    body = document["paths"]["/items"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["properties"]["count"]["type"] == "integer"


# --- files ----------------------------------------------------------------------------------------


def test_a_hook_knows_a_file_by_its_passthrough(mount: Mount) -> None:
    """Hooks that read or compress answers leave files alone: `direct_passthrough` says which."""
    legacy, seen = Flask("files"), []

    def file() -> flask.Response:
        return flask.send_file(io.BytesIO(b"x" * 500), mimetype="text/csv")

    legacy.add_url_rule("/legacy", "legacy", file)
    legacy.add_url_rule("/a", "a", file)

    @legacy.after_request
    def look(response: flask.Response) -> flask.Response:
        seen.append(response.direct_passthrough)
        if "read" in flask.request.args:
            response.get_data()
        if "whole" in flask.request.args:
            response.direct_passthrough = False
            response.set_data(response.get_data().upper())
        return response

    app = FastAPI(openapi_url=None)
    app.add_api_route("/a", lambda: compat.FlaskResponse(file()))
    mount(app, legacy, "GET /a")
    for query in ("", "?whole", "?read"):
        expected, answer = (ask(app, "GET", path + query) for path in ("/legacy", "/a"))
        assert (answer.status, answer.body) == (expected.status, expected.body)
        assert sorted(answer.headers) == sorted(expected.headers)
    # Flask's page of a 500, which a hook sees too, is no file.
    assert seen == [True, True, True, True, True, False, True, False]


def test_hooks_see_the_body_that_head_leaves_out(mount: Mount) -> None:
    """A hash or a compressed length is that of GET, as under Flask."""
    legacy = Flask("hashes")
    legacy.add_url_rule("/legacy", "legacy", lambda: "some text")
    legacy.add_url_rule("/a", "a", lambda: "some text")

    @legacy.after_request
    def hash_it(response: flask.Response) -> flask.Response:
        response.add_etag()
        return response

    app = FastAPI(openapi_url=None)
    app.add_api_route("/a", compat.flask_view(lambda: "some text"), response_model=None)
    mount(app, legacy, "GET /a")
    expected, answer = (ask(app, "HEAD", path) for path in ("/legacy", "/a"))
    assert sorted(answer.headers) == sorted(expected.headers)
    assert (answer.get("etag"), answer.body) == (ask(app, "GET", "/a").get("etag"), b"")
