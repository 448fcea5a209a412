"""Several could answer an exception: the one that was written for it does."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from flask import Blueprint, Flask
from pydantic import BaseModel

from crossfade import compat
from tests.asgi.kit import Mount, ask, flask_with


class Domain(Exception):
    """An exception of the team's."""


class Refined(Domain):
    """A kind of it."""


async def fails() -> None:
    """Raise what the tests are about."""
    raise Refined


def native() -> FastAPI:
    """Return an application with a route that fails and a handler of any exception."""
    app = FastAPI(openapi_url=None)
    app.add_api_route("/a", fails)

    @app.exception_handler(Exception)
    async def any_exception(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse("fastapi's", 500)

    return app


def of_a_blueprint() -> Flask:
    """Return a Flask application that has `GET /a` in a blueprint."""
    app = Flask("app", static_folder=None)
    blueprint = Blueprint("inner", "inner")
    blueprint.add_url_rule("/a", "view", lambda: "flask")
    blueprint.register_error_handler(Domain, lambda error: ("blueprint's", 409))
    app.register_blueprint(blueprint)
    return app


def test_flasks_handler_of_a_kind_goes_before_fastapis_of_any(mount: Mount) -> None:
    """The application's."""
    legacy = flask_with("GET /a")
    legacy.register_error_handler(Domain, lambda error: (f"flask's {type(error).__name__}", 409))
    app = native()
    mount(app, legacy, "GET /a")
    answer = ask(app, "GET", "/a")
    assert (answer.status, answer.text) == (409, "flask's Refined")


def test_a_blueprints_handler_counts(mount: Mount) -> None:
    """As in Flask it is found by the view's blueprint."""
    app = native()
    mount(app, of_a_blueprint(), "GET /a")
    assert ask(app, "GET", "/a").text == "blueprint's"


@pytest.mark.parametrize("kind", [Exception, ValueError, 500])
def test_any_other_exception_is_fastapis(mount: Mount, kind: Any) -> None:
    """Flask's handler of any exception does not go before FastAPI's."""
    legacy = flask_with("GET /a")
    legacy.register_error_handler(kind, lambda error: ("flask's", 500))
    app = native()
    mount(app, legacy, "GET /a")
    with pytest.raises(Refined):
        ask(app, "GET", "/a")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_api_of_flask_restx_answers_its_resources(mount: Mount) -> None:
    """It is a handler of any exception too, but of these URLs only."""
    flask_restx = pytest.importorskip("flask_restx")
    legacy = flask_with("GET /b")
    api = flask_restx.Api(Blueprint("api", "api"))

    @api.route("/a")
    class Resource(flask_restx.Resource):  # type: ignore[misc, name-defined]
        def get(self) -> str:
            return "flask"

    @api.errorhandler(Domain)  # type: ignore[untyped-decorator]
    def domain(error: Domain) -> Any:
        return {"message": "restx's"}, 409

    legacy.register_blueprint(api.blueprint or api.app)
    later = Blueprint("later", "later")
    flask_restx.Api(later)
    legacy.register_blueprint(later, url_prefix="/later")
    app = native()
    app.add_api_route("/b", fails)
    mount(app, legacy, "GET /a", "GET /b")
    answer = ask(app, "GET", "/a")
    assert (answer.status, answer.text) == (409, '{"message": "restx\'s"}\n')
    with pytest.raises(Refined):
        ask(app, "GET", "/b")


def test_what_an_endpoint_says_goes_before_a_handler_of_all(mount: Mount) -> None:
    """Of validation errors: the endpoint's `validation_error`, then the application's handler."""
    app = FastAPI(openapi_url=None)

    @app.exception_handler(RequestValidationError)
    async def any_validation_error(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse("fastapi's", 422)

    def own(error: RequestValidationError) -> Any:
        return "the endpoint's", 400

    @app.get("/a")
    @compat.validation_error(own)
    async def a(n: int) -> int:
        return n

    @app.get("/b")
    async def b(n: int) -> int:
        return n

    mount(app, flask_with("GET /a", "GET /b"), "GET /a", "GET /b")
    assert ask(app, "GET", "/a").text == "the endpoint's"
    assert ask(app, "GET", "/b").text == '"fastapi\'s"'


class Leaf(BaseModel):
    """A model inside of another, and of itself."""

    size: int
    next: "Leaf | None" = None


class Tree(BaseModel):
    """A model with models."""

    leaf: Leaf
    leaves: list[Leaf]


def test_a_body_of_nested_models_is_written_out() -> None:
    """`json_body` stands in a document of which the model's `$defs` are no part."""
    body = compat.json_body(Tree)["requestBody"]["content"]["application/json"]["schema"]
    assert "$" not in str(body)
    assert body["properties"]["leaf"]["properties"]["size"]["type"] == "integer"
    assert body["properties"]["leaves"]["items"]["required"] == ["size"]
