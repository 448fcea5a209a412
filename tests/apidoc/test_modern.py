"""Swagger 2.0 and OpenAPI 3.0 become OpenAPI 3.1."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from crossfade.apidoc import modern
from crossfade.apidoc.parameters import Json
from crossfade.apidoc.sources import Documented


def rename(kind: str, name: str) -> str | None:
    """Every component is known, but for one."""
    return None if name == "Gone" else f"New.{name}"


def converted(operation: Json, **document: Any) -> Json:
    """Return an operation of OpenAPI 3.1."""
    return modern.operation(operation, document, rename)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": False}, {"type": "string"}),
        (
            {"type": "string", "x-nullable": True, "enum": ["a"]},
            {"type": ["string", "null"], "enum": ["a", None]},
        ),
        ({"$ref": "#/definitions/Pet"}, {"$ref": "#/components/schemas/New.Pet"}),
        ({"$ref": "#/components/schemas/Pet"}, {"$ref": "#/components/schemas/New.Pet"}),
        ({"$ref": "#/definitions/Gone"}, {}),
        ({"$ref": "other.yml#/Pet"}, {}),
        ({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
        ({"minimum": 1, "exclusiveMinimum": False}, {"minimum": 1}),
        ({"exclusiveMaximum": 5}, {"exclusiveMaximum": 5}),
        ({"minimum": "0.50", "maximum": "much"}, {"minimum": 0.5}),
        ({"minimum": 1, "maximum": math.inf}, {"minimum": 1}),
        ({"type": "number", "default": Decimal("1.50")}, {"type": "number", "default": 1.5}),
        ({"type": "file"}, {"type": "string", "format": "binary"}),
        ({"discriminator": "kind"}, {"discriminator": {"propertyName": "kind"}}),
        ({"type": "string", "required": True}, {"type": "string"}),
        (
            {"properties": {"a": {"items": {"type": "integer", "nullable": True}}}},
            {"properties": {"a": {"items": {"type": ["integer", "null"]}}}},
        ),
        (
            {"example": {"nullable": True, "schema": "words", "$ref": "#/definitions/Pet"}},
            {"example": {"nullable": True, "schema": "words", "$ref": "#/definitions/Pet"}},
        ),
        ("PetSchema", {}),
        (True, True),
    ],
)
def test_schemas(old: Any, new: Any) -> None:
    """What JSON Schema 2020-12 writes otherwise."""
    assert modern.schema(old, rename) == new


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            {"type": "array", "items": {"type": "string"}, "collectionFormat": "multi"},
            {"style": "form", "explode": True},
        ),
        (
            {"type": "array", "collectionFormat": "pipes"},
            {"style": "pipeDelimited", "explode": False},
        ),
        ({"type": "array", "collectionFormat": "csv"}, {"style": "form", "explode": False}),
        ({"type": "integer", "required": True}, {"required": True}),
        ({"type": "integer", "description": "How many"}, {"description": "How many"}),
    ],
)
def test_query_parameters(old: Json, new: Json) -> None:
    """The type moves into a schema; how a list is written stays said."""
    (parameter,) = converted({"parameters": [{"name": "q", "in": "query", **old}]})["parameters"]
    assert parameter.pop("schema")["type"] == old["type"]
    assert parameter == {"name": "q", "in": "query", **new}


def test_parameters_of_version_3_stay() -> None:
    """With a schema or with content."""
    given = [
        {"name": "a", "in": "query", "schema": {"type": "string"}},
        {"name": "b", "in": "header", "content": {"text/plain": {"schema": {"type": "string"}}}},
    ]
    assert converted({"parameters": given})["parameters"] == given


def test_parameters_that_are_none() -> None:
    """Without a name or place, or a reference that leads nowhere or in a circle."""
    circle = {"A": {"$ref": "#/parameters/B"}, "B": {"$ref": "#/parameters/A"}}
    given = [{"name": "a"}, {"in": "query"}, {"$ref": "#/parameters/A"}, {"$ref": "#/no"}, "words"]
    assert "parameters" not in converted({"parameters": given}, parameters=circle)


def test_references_within_the_document() -> None:
    """Shared parameters, bodies and answers are written out."""
    new = converted(
        {
            "parameters": [{"$ref": "#/parameters/page"}],
            "requestBody": {"$ref": "#/components/requestBodies/pet"},
            "responses": {404: {"$ref": "#/responses/none"}},
        },
        parameters={"page": {"name": "page", "in": "query", "type": "integer"}},
        responses={"none": {"description": "None"}},
        components={"requestBodies": {"pet": {"content": {"application/json": {}}}}},
    )
    assert new["parameters"] == [{"name": "page", "in": "query", "schema": {"type": "integer"}}]
    assert new["responses"] == {"404": {"description": "None"}}
    assert new["requestBody"] == {"content": {"application/json": {}}}


def test_bodies() -> None:
    """A body has the document's media types unless the operation names its own."""
    body = {"name": "b", "in": "body", "required": True, "schema": {"$ref": "#/definitions/Pet"}}
    schema = {"schema": {"$ref": "#/components/schemas/New.Pet"}}
    new = converted({"parameters": [body]}, consumes=["application/xml"])
    assert new["requestBody"] == {"content": {"application/xml": schema}, "required": True}
    new = converted({"parameters": [body], "consumes": ["text/csv"]}, consumes=["application/xml"])
    assert list(new["requestBody"]["content"]) == ["text/csv"]


def test_forms() -> None:
    """Fields are one body: of a form, or of several parts where a file is among them."""
    field = {"name": "a", "in": "formData", "type": "string", "required": True}
    (kind,) = converted({"parameters": [field]})["requestBody"]["content"].items()
    assert kind[0] == "application/x-www-form-urlencoded"
    assert kind[1]["schema"]["required"] == ["a"]
    file = {"name": "f", "in": "formData", "type": "file"}
    assert list(converted({"parameters": [field, file]})["requestBody"]["content"]) == [
        "multipart/form-data"
    ]


def test_answers() -> None:
    """Schema, headers and examples by media type."""
    new = converted(
        {
            "produces": ["application/json", "text/plain"],
            "responses": {
                200: {
                    "schema": {"type": "string"},
                    "examples": {"application/json": "a", "text/csv": "b", "rgb": "no type"},
                    "headers": {"X": {"type": "integer"}, "Y": None},
                },
                "default": {},
            },
        }
    )
    assert new["responses"] == {
        "200": {
            "description": "",
            "content": {
                "application/json": {"schema": {"type": "string"}, "example": "a"},
                "text/plain": {"schema": {"type": "string"}},
                "text/csv": {"schema": {"type": "string"}, "example": "b"},
            },
            "headers": {"X": {"schema": {"type": "integer"}}, "Y": {"schema": {}}},
        },
        "default": {"description": ""},
    }


@pytest.mark.parametrize(
    ("operation", "document", "security"),
    [
        ({}, [{"key": []}], [{"New.key": []}]),
        ({"security": []}, [{"key": []}], []),
        (
            {"security": [{"key": [], "oauth": ["read"]}]},
            None,
            [{"New.key": [], "New.oauth": ["read"]}],
        ),
        ({"security": "key"}, None, [{"New.key": []}]),
        ({"security": [{"Gone": []}]}, None, []),
    ],
)
def test_security(operation: Json, document: Any, security: Any) -> None:
    """The document's requirement holds where an operation says nothing."""
    assert converted(operation, security=document)["security"] == security


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "basic"}, {"type": "http", "scheme": "basic"}),
        (
            {"type": "apiKey", "in": "header", "name": "X"},
            {"type": "apiKey", "in": "header", "name": "X"},
        ),
        (
            {"type": "oauth2", "flow": "application", "tokenUrl": "t", "scopes": {"r": "Read"}},
            {
                "type": "oauth2",
                "flows": {"clientCredentials": {"tokenUrl": "t", "scopes": {"r": "Read"}}},
            },
        ),
    ],
)
def test_security_schemes(old: Json, new: Json) -> None:
    """Swagger's three kinds."""
    assert modern.security_scheme(old) == new


def test_what_an_operation_has_no_place_for_is_dropped() -> None:
    """But extensions stay, and what is made on demand becomes text."""

    class Lazy:
        def __str__(self) -> str:
            return "made on demand"

    new = converted({"summary": Lazy(), "schemes": ["http"], "definitions": {}, "x-own": {1: (2,)}})
    assert new == {"summary": "made on demand", "x-own": {"1": [2]}}


def test_names_of_several_documents_do_not_collide() -> None:
    """Two extensions may each have a `Pet`, of different forms."""
    found = Documented()
    for kind in ("string", "integer"):
        pet = {"type": kind}
        answer = {"description": "", "schema": {"$ref": "#/definitions/Pet%20dog"}}
        found.add(
            {
                "basePath": "/v1",
                "definitions": {"Pet dog": pet},
                "paths": {f"/{kind}": {"get": {"responses": {"200": answer}}}, "/bad": None},
            }
        )
    assert found.components["schemas"] == {
        "Legacy.Pet_dog": {"type": "string"},
        "Legacy.Pet_dog_": {"type": "integer"},
    }
    answers = found.operations["/v1/integer", "GET"]["responses"]["200"]["content"]
    assert answers["application/json"]["schema"] == {"$ref": "#/components/schemas/Legacy.Pet_dog_"}
