"""What Flask-Pydantic's `@validate` knows of a view: the models of its query, body, form, answer.

Found by the view's own annotations, and by what the decorator was given.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeGuard

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from crossfade.apidoc.docstrings import METHODS, handler_of
from crossfade.apidoc.parameters import Json
from crossfade.routing.shapes import flask_shape

_PLACES: Final = ("query", "body", "form")
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_REFERENCE: Final = "#/components/schemas/{model}"
_REFUSED: Final[Json] = {
    "description": "What is wrong, by place",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"validation_error": {"type": "object"}},
                "required": ["validation_error"],
            }
        }
    },
}

Models = Mapping[str, type[BaseModel]]


def documents(flask_app: Flask) -> Iterator[Json]:
    """Yield a document with every view that `@validate` decorates, if there is one."""
    found = [
        (rule.rule, method.lower(), models, status)
        for rule in flask_app.url_map.iter_rules()
        for method in sorted(rule.methods or ())
        if method.lower() in METHODS and method not in ("HEAD", "OPTIONS")
        for models, status in _validated(flask_app.view_functions.get(rule.endpoint), method)
    ]
    if not found:
        return
    kinds: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (model, _mode(place)) for _, _, models, _ in found for place, model in models.items()
    ]
    schemas, definitions = models_json_schema(kinds, ref_template=_REFERENCE)
    components: Json = definitions.get("$defs", {})
    paths: dict[str, Json] = {}
    for rule, method, models, status in found:
        shown = {place: schemas[model, _mode(place)] for place, model in models.items()}
        paths.setdefault(_path(rule), {})[method] = _operation(shown, status, components)
    yield {"openapi": "3.1.0", "paths": paths, "components": {"schemas": components}}


def _validated(view: Callable[..., Any] | None, method: str) -> Iterator[tuple[Models, str]]:
    """Yield the models of a view and the status of its answer, where `@validate` decorates it."""
    function = handler_of(view, method)
    while function is not None:
        module = getattr(function, "__globals__", {}).get("__name__", "")
        if module.partition(".")[0] == "flask_pydantic":
            given = inspect.getclosurevars(function).nonlocals
            # As the package reads them: names that are only text are none of its models.
            own = getattr(function, "__annotations__", {})
            models = {place: own.get(place) or given.get(place) for place in _PLACES}
            models["return"] = own.get("return")
            found: Models = {place: model for place, model in models.items() if _is_model(model)}
            yield found, str(int(given.get("on_success_status", 200)))
            return
        function = getattr(function, "__wrapped__", None)


def _is_model(model: Any) -> TypeGuard[type[BaseModel]]:
    return isinstance(model, type) and issubclass(model, BaseModel)


def _mode(place: str) -> JsonSchemaMode:
    return "serialization" if place == "return" else "validation"


def _path(rule: str) -> str:
    """`/venues/<int:venue_id>` → `/venues/{venue_id}`."""
    shape = flask_shape(rule)
    first, *rest = shape.skeleton.split("\0")
    return first + "".join(
        f"{{{name}}}{part}" for name, part in zip(shape.variables, rest, strict=True)
    )


def _operation(schemas: Mapping[str, Json], status: str, components: Json) -> Json:
    operation: Json = {"responses": {}}
    if "query" in schemas:
        query = _resolved(schemas["query"], components)
        required = query.get("required", ())
        operation["parameters"] = [
            {"name": name, "in": "query", "required": name in required, "schema": schema}
            for name, schema in query.get("properties", {}).items()
        ]
    content = {kind: {"schema": schemas["form"]} for kind in _FORMS if "form" in schemas}
    if "body" in schemas:
        content["application/json"] = {"schema": schemas["body"]}
    if content:
        operation["requestBody"] = {"required": True, "content": content}
    if "return" in schemas:
        media = {"application/json": {"schema": schemas["return"]}}
        operation["responses"][status] = {"description": "Successful Response", "content": media}
    if schemas.keys() & set(_PLACES):
        operation["responses"]["400"] = _REFUSED
    return operation


def _resolved(schema: Json, components: Json) -> Json:
    found: Json = components.get(str(schema.get("$ref", "")).rpartition("/")[2], schema)
    return found
