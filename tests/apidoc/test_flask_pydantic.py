"""Flask-Pydantic's models are in the one document, wherever a view names them."""

# Without postponed annotations, which Flask-Pydantic does not read.
# mypy: disable-error-code="untyped-decorator"
import functools
from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from flask import Flask
from flask.views import MethodView
from flask_pydantic import validate  # type: ignore[import-untyped]
from pydantic import BaseModel, Field

from tests.apidoc.kit import Json, fetch
from tests.asgi.kit import Mount


class Inner(BaseModel):
    """A model inside of another."""

    size: int = Field(ge=1)


class Query(BaseModel):
    """A query string."""

    page: int = 1
    word: list[str]


class Body(BaseModel):
    """A body."""

    inner: Inner


class Answer(BaseModel):
    """An answer."""

    found: list[Inner]


def guarded(view: Callable[..., Any]) -> Callable[..., Any]:
    """Stand around a view as a login does."""

    @functools.wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return view(*args, **kwargs)

    return wrapper


def app_with_models() -> Flask:
    """Return an application that names its models in every way."""
    app = Flask("app", static_folder=None)

    @app.get("/by-annotation/<int:number>")
    @guarded
    @validate()
    def by_annotation(number: int, query: Query) -> Answer:
        """Find."""
        return Answer(found=[])

    @app.post("/by-argument")
    @validate(body=Body, query=Query, on_success_status=201)
    def by_argument():  # type: ignore[no-untyped-def]
        return Answer(found=[])

    class View(MethodView):
        @validate(form=Inner)
        def put(self) -> str:
            return ""

        def get(self) -> str:
            return ""

    app.add_url_rule("/by-class", view_func=View.as_view("by_class"))

    @app.get("/plain")
    def plain() -> str:
        return ""

    return app


def component(document: Json, schema: Json) -> Json:
    """Return what a reference leads to."""
    found: Json = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


def test_models_of_views(mount: Mount) -> None:
    """Query, body, form and answer; path parameters stay the URL map's."""
    app = FastAPI()
    mount(app, app_with_models())
    document = fetch(app)
    paths = document["paths"]

    read = paths["/by-annotation/{number}"]["get"]
    assert [(each["name"], each["in"]) for each in read["parameters"]] == [
        ("number", "path"),
        ("page", "query"),
        ("word", "query"),
    ]
    assert [each["required"] for each in read["parameters"]] == [True, False, True]
    answer = read["responses"]["200"]["content"]["application/json"]["schema"]
    items = component(document, answer)["properties"]["found"]["items"]
    assert component(document, items)["properties"]["size"]["minimum"] == 1
    assert "validation_error" in str(read["responses"]["400"])

    create = paths["/by-argument"]["post"]
    body = create["requestBody"]["content"]["application/json"]["schema"]
    assert component(document, body)["required"] == ["inner"]
    assert "201" not in create["responses"]  # without an annotation nobody knows the answer
    assert [each["name"] for each in create["parameters"]] == ["page", "word"]

    replaced = paths["/by-class"]["put"]["requestBody"]["content"]
    assert "application/x-www-form-urlencoded" in replaced
    assert "requestBody" not in paths["/by-class"]["get"]
    assert set(paths["/plain"]["get"]["responses"]) == {"default"}
