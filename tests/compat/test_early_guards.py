"""What decides who may call goes before a body is read, as decorators of Flask views do."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import asyncio
import functools
from collections.abc import Callable
from typing import Annotated, Any

import flask
import pytest
from fastapi import Depends, FastAPI, File, Form, HTTPException, Request, UploadFile
from fastapi.responses import PlainTextResponse
from fastapi.security import HTTPBearer
from flask import Flask, abort
from flask_login import LoginManager, UserMixin, login_required  # type: ignore[import-untyped]
from pydantic import BaseModel
from starlette.types import Message

from crossfade import compat
from tests.asgi.kit import Answer, Mount, ask, http_scope

JSON = ("Content-Type", "application/json")
LENGTH = 118_000_000
PIECE = b" " * 65_536
ADA = ("X-User", "ada")


class Order(BaseModel):
    """What FastAPI reads by itself."""

    name: str


def legacy_app() -> Flask:
    """Return a Flask application with a user who is known by a header."""
    legacy = Flask("legacy", static_folder=None)
    legacy.secret_key = "fake"
    manager = LoginManager(legacy)

    @manager.request_loader  # type: ignore[untyped-decorator]
    def load(request: flask.Request) -> UserMixin | None:
        if "X-User" not in request.headers:
            return None
        user = UserMixin()
        user.id = request.headers["X-User"]
        return user

    legacy.add_url_rule("/a", "a", login_required(lambda: "legacy"), methods=["POST"])
    return legacy


def counted(seen: list[str], name: str = "guard") -> Callable[[Any], Any]:
    """Return a decorator of views that counts its calls and refuses strangers."""

    def decorate(view: Any) -> Any:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            seen.append(name)
            if "X-User" not in flask.request.headers:
                abort(403)
            return view(*args, **kwargs)

        return guarded

    return decorate


def flood(app: FastAPI, content_type: str, *headers: tuple[str, str]) -> tuple[int, int]:
    """Upload 118 MB, and return the status and how much of it was taken."""
    taken = 0
    answer = Answer()

    async def upload() -> None:
        answered = asyncio.Event()

        async def receive() -> Message:
            nonlocal taken
            await asyncio.sleep(0)
            if answered.is_set():
                return {"type": "http.disconnect"}
            taken += len(PIECE)
            return {"type": "http.request", "body": PIECE, "more_body": taken < LENGTH}

        async def send(message: Message) -> None:
            answer.status = message.get("status", answer.status)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                answered.set()

        sent = [("Content-Type", content_type), ("Content-Length", str(LENGTH)), *headers]
        await app(http_scope("POST", "/a", sent), receive, send)

    asyncio.run(upload())
    return answer.status, taken


async def model(order: Order) -> None:
    """JSON by FastAPI."""


async def form(name: Annotated[str, Form()]) -> None:
    """A form by FastAPI."""


async def upload(up: Annotated[UploadFile, File()]) -> None:
    """A file by FastAPI."""


async def own_json(order: Annotated[Order, compat.json_model(Order)]) -> None:
    """JSON as Flask reads it."""


async def own_file(up: Annotated[Any, compat.file("up")]) -> None:
    """A file as Flask reads it."""


READERS: dict[Callable[..., Any], str] = {
    model: "application/json",
    form: "application/x-www-form-urlencoded",
    upload: "multipart/form-data; boundary=B",
    own_json: "application/json",
    own_file: "multipart/form-data; boundary=B",
}


def refusing() -> dict[str, tuple[Any, int]]:
    """Return guards of this package, and how each refuses."""
    from crossfade.compat import login

    def known(user: Any) -> bool:
        return False

    return {
        "LoggedIn": (Depends(login._logged_in), 401),
        "FreshlyLoggedIn": (Depends(login._freshly_logged_in), 401),
        "allowed": (compat.allowed(known), 401),
        "decorated": (compat.decorated(counted([])), 403),
    }


@pytest.mark.parametrize("guard", refusing())
@pytest.mark.parametrize("reader", READERS, ids=lambda each: each.__name__)
def test_stranger_is_refused_before_the_body_is_taken(
    mount: Mount, reader: Callable[..., Any], guard: str
) -> None:
    """Not more than `request_buffer` of 118 MB comes in."""
    dependency, status = refusing()[guard]
    app = FastAPI(openapi_url=None)
    app.add_api_route("/a", reader, methods=["POST"], dependencies=[dependency])
    mount(app, legacy_app(), "POST /a")
    answered, taken = flood(app, READERS[reader])
    assert answered == status
    assert taken <= 262_144 + len(PIECE)


def test_logged_in_among_the_parameters_goes_before_the_body(mount: Mount) -> None:
    """Wherever it stands, also below a dependency of the team's and behind others."""

    async def database() -> None: ...

    async def whose(user: compat.LoggedIn) -> str:
        return str(user.id)

    async def first(user: compat.LoggedIn, order: Order) -> None: ...

    async def last(
        order: Annotated[Order, compat.json_model(Order)],
        db: Annotated[None, Depends(database)],
        user: compat.LoggedIn,
    ) -> None: ...

    async def below(order: Order, name: Annotated[str, Depends(whose)]) -> None: ...

    for handler in (first, last, below):
        app = FastAPI(openapi_url=None)
        app.add_api_route("/a", handler, methods=["POST"])
        mount(app, legacy_app(), "POST /a")
        answered, taken = flood(app, "application/json")
        assert (answered, taken <= 262_144 + len(PIECE)) == (401, True)
        # As in Flask: a stranger is a stranger, whatever he sends.
        assert ask(app, "POST", "/a", JSON, body=b"{").status == 401
        assert ask(app, "POST", "/a").status == 401
        assert ask(app, "POST", "/a", JSON, ADA, body=b"{").status == 400
        assert ask(app, "POST", "/a", JSON, ADA, body=b'{"name": "x"}').status == 200


def test_guard_runs_once_and_its_value_reaches_the_handler(mount: Mount) -> None:
    """Early, and not again when FastAPI asks its dependencies."""
    seen: list[str] = []

    def check(user: Any) -> bool:
        seen.append("check")
        return True

    async def handler(user: Annotated[Any, compat.allowed(check)], order: Order) -> str:
        return f"{user.id} {order.name}"

    app = FastAPI(openapi_url=None)
    guard = compat.decorated(counted(seen))
    app.add_api_route("/a", handler, methods=["POST"], dependencies=[guard])
    mount(app, legacy_app(), "POST /a")
    answer = ask(app, "POST", "/a", JSON, ADA, body=b'{"name": "x"}')
    assert (answer.text, seen) == ('"ada x"', ["guard", "check"])


def test_decorated_behind_a_guard_of_the_teams_does_not_overtake_it(mount: Mount) -> None:
    """It may count, and whom the team refuses is not to be counted."""
    seen: list[str] = []

    async def own(request: Request) -> None:
        seen.append("own")
        raise HTTPException(402)

    app = FastAPI(openapi_url=None)
    app.add_api_route(
        "/a", model, methods=["POST"], dependencies=[Depends(own), compat.decorated(counted(seen))]
    )
    mount(app, legacy_app(), "POST /a")
    assert ask(app, "POST", "/a", JSON, body=b'{"name": "x"}').status == 402
    assert seen == ["own"]


def test_guard_that_is_overridden_does_not_run(mount: Mount) -> None:
    """`dependency_overrides` of a team's tests go before it, early or not."""
    app = FastAPI(openapi_url=None)
    dependency = refusing()["decorated"][0]
    app.add_api_route("/a", model, methods=["POST"], dependencies=[dependency])
    mount(app, legacy_app(), "POST /a")
    assert ask(app, "POST", "/a", JSON, body=b'{"name": "x"}').status == 403
    app.dependency_overrides[dependency.dependency] = lambda: None
    assert ask(app, "POST", "/a", JSON, body=b'{"name": "x"}').status == 200


def test_handler_of_an_exception_answers_what_an_early_guard_raises(mount: Mount) -> None:
    """FastAPI's goes before Flask's, as it does for dependencies."""

    class NotYoursError(Exception):
        pass

    def check(user: Any) -> bool:
        raise NotYoursError

    app = FastAPI(openapi_url=None)
    app.add_api_route("/a", model, methods=["POST"], dependencies=[compat.allowed(check)])

    @app.exception_handler(NotYoursError)
    async def explain(request: Request, error: NotYoursError) -> PlainTextResponse:
        return PlainTextResponse("not yours", 409)

    mount(app, legacy_app(), "POST /a")
    answer = ask(app, "POST", "/a", JSON, ADA, body=b'{"name": "x"}')
    assert (answer.status, answer.text) == (409, "not yours")


def require_member() -> None:
    """Guard of the team's own."""
    raise HTTPException(401)


@pytest.mark.parametrize(
    ("reader", "guard", "limits", "said"),
    [
        (model, Depends(require_member), {}, True),
        (model, Depends(HTTPBearer()), {}, True),
        (model, Depends(require_member), {"settings": "[bridge]\nmax_body = 1000000"}, False),
        (model, Depends(require_member), {"flask": 1000}, False),
        (model, compat.decorated(counted([])), {}, False),
        (own_json, Depends(require_member), {}, False),
        (model, Depends(lambda: None), {}, False),
    ],
)
def test_body_without_a_limit_before_a_guard_is_said_at_the_start(
    mount: Mount, caplog: pytest.LogCaptureFixture, reader: Any, guard: Any, limits: Any, said: bool
) -> None:
    """FastAPI reads it first, which can't be changed: so its length should have an end."""
    legacy = Flask("legacy", static_folder=None)
    legacy.add_url_rule("/a", "a", lambda: "legacy", methods=["POST"])
    legacy.config["MAX_CONTENT_LENGTH"] = limits.get("flask")
    app = FastAPI(openapi_url=None)
    app.add_api_route("/a", reader, methods=["POST"], dependencies=[guard])
    mount(app, legacy, "POST /a", settings=limits.get("settings", ""))
    texts = [each.getMessage() for each in caplog.records]
    found = [text for text in texts if "takes in the whole body" in text]
    assert len(found) == said
    if said:
        for part in ("POST /a", "max_body", "MAX_CONTENT_LENGTH", "silences", "LoggedIn"):
            assert part in found[0]
