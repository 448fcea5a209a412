"""Flask-Pydantic's habits: how it reads a request, what it calls a mistake, how it writes a model.

`by_flask_pydantic` borrows its decorator; the rest needs pydantic and Flask's reading of requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, NoReturn, TypeVar, get_args, get_origin

from fastapi import Depends, Response
from fastapi.exceptions import RequestValidationError
from flask import abort, make_response
from flask import jsonify as flask_jsonify
from flask_pydantic import validate  # type: ignore[import-untyped]
from flask_pydantic.exceptions import JsonBodyParsingError  # type: ignore[import-untyped]
from pydantic import BaseModel, ValidationError
from pydantic.version import version_short
from werkzeug.datastructures import MultiDict

from crossfade import compat

Model = TypeVar("Model", bound=BaseModel)

# --- the decorator itself, borrowed ---------------------------------------------------------------


class Given:
    """What Flask-Pydantic read: an attribute for each model that it was given."""

    query: Any
    body: Any
    form: Any


def by_flask_pydantic(**models: type[BaseModel]) -> Any:
    """Return a dependency: what `@validate(query=…, body=…, form=…)` gives a view.

    It collects the mistakes of all of them, and its answer to a mistake is the route's.
    """
    read = validate(**models)(lambda: None)

    def given(request: compat.FlaskRequest) -> Given:
        refusal = read()
        if refusal is not None:
            abort(refusal)
        found = Given()
        for name in models:
            setattr(found, name, getattr(request, f"{name}_params"))
        return found

    return Depends(given)


# --- the same without it --------------------------------------------------------------------------


def query_model(model: type[Model]) -> Any:
    """Return a dependency: the query string as `model`. The first of two equal keys counts."""
    lists = {name for name, field in model.model_fields.items() if _is_list(field.annotation)}

    async def read(request: compat.FlaskRequest) -> Model:
        args: MultiDict[str, str] = request.args
        given = {name: args.getlist(name) if name in lists else args[name] for name in args}
        return _validated(model, given, "query")

    return Depends(read)


def body_model(model: type[Model]) -> Any:
    """Return a dependency: the JSON body as `model`.

    What is no object is a server error to Flask-Pydantic; 415 where the type is another `+json`.
    """

    async def read(data: Annotated[Any, compat.json()], request: compat.FlaskRequest) -> Model:
        if not isinstance(data, Mapping):
            _refuse_what_is_no_object(request.headers.get("Content-Type", "").lower())
        return _validated(model, data, "body")

    return Depends(read)


def _refuse_what_is_no_object(content_type: str) -> NoReturn:
    if content_type.partition(";")[0] == "application/json":
        raise JsonBodyParsingError
    problem = f"Unsupported media type '{content_type}' in request. 'application/json' is required."
    abort(make_response(flask_jsonify(detail=problem), 415))


def _validated(model: type[Model], given: Mapping[str, Any], place: str) -> Model:
    try:
        return model(**given)
    except ValidationError as error:
        details = error.errors()
        located = [{**detail, "loc": (place, *detail["loc"])} for detail in details]
        raise RequestValidationError(located, body=given) from error


def _is_list(annotation: Any) -> bool:
    origin = get_origin(annotation) or annotation
    if isinstance(origin, type) and issubclass(origin, Sequence | set | frozenset):
        return not issubclass(origin, str | bytes)
    return any(map(_is_list, get_args(annotation)))


def in_shape_of_flask_pydantic(error: RequestValidationError) -> tuple[dict[str, Any], int]:
    """Return `{"validation_error": …}`: what `compat.validation_error` needs.

    FastAPI leaves out pydantic's `url`, and calls a place `("query", "limit")`.
    """
    places: dict[str, list[dict[str, Any]]] = {}
    for detail in error.errors():
        place, *loc = detail["loc"]
        places.setdefault(f"{place}_params", []).append(_shaped(detail, loc))
    return {"validation_error": places}, 400


def _shaped(detail: Mapping[str, Any], loc: list[Any]) -> dict[str, Any]:
    url = f"https://errors.pydantic.dev/{version_short()}/v/{detail['type']}"
    shaped = {"url": url, **detail, "loc": loc}
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, Exception):
        shaped["ctx"] = {"error": {"type": type(cause).__name__, "message": str(cause)}}
    return shaped


def written(model: BaseModel, status_code: int = 200) -> Response:
    """Return a model as pydantic writes JSON: no blanks, no escapes, the model's own order."""
    return Response(model.model_dump_json(), status_code, media_type="application/json")


def query_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route whose query string `query_model` reads."""
    schema = model.model_json_schema()
    required = schema.get("required", ())
    return {
        "parameters": [
            {"name": name, "in": "query", "required": name in required, "schema": shown}
            for name, shown in schema["properties"].items()
        ]
    }


def form_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route whose form Flask-Pydantic reads."""
    kinds = ("application/x-www-form-urlencoded", "multipart/form-data")
    media = {"schema": model.model_json_schema()}
    return {"requestBody": {"required": True, "content": dict.fromkeys(kinds, media)}}
