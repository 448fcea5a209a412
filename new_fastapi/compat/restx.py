"""Flask-RESTX's habits, borrowed: its parsers, its models, its JSON."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import Depends, Response
from flask_restx import fields, marshal  # type: ignore[import-untyped]
from flask_restx.mask import apply as masked  # type: ignore[import-untyped]
from pydantic import BaseModel

from crossfade import compat


def parsed(parser: Any) -> Any:
    """Return a dependency: what a `reqparse` parser reads, a dict."""

    def parse(request: compat.FlaskRequest) -> Any:
        return parser.parse_args(request)

    return Depends(parse)


def parser_query(parser: Any) -> dict[str, Any]:
    """Return the `openapi_extra` of a route whose query string a parser reads."""
    kept = ("type", "format", "minimum", "maximum", "enum", "default", "items")
    return {
        "parameters": [
            {
                "name": each["name"],
                "in": each["in"],
                "required": each.get("required", False),
                "description": each.get("description", ""),
                "schema": {key: each[key] for key in kept if key in each},
            }
            for each in parser.__schema__
        ]
    }


def payload(model: Any, api: Any) -> Any:
    """Return a dependency: the JSON body, if the model of `@expect(model, validate=True)` takes it.

    The texts are those of the package jsonschema: nothing else spells them.
    """

    async def read(data: Annotated[Any, compat.json()]) -> Any:
        model.validate(data, api.refresolver, api.format_checker)
        return data

    return Depends(read)


def payload_body(model: Any) -> dict[str, Any]:
    """Return the `openapi_extra` of a route whose body `payload` reads."""
    media = {"schema": model.__schema__}
    return {"requestBody": {"required": True, "content": {"application/json": media}}}


def marshalled(data: Any, model: Any, request: Any) -> Response:
    """Return what `@marshal_with(model)` makes of `data`, with the mask that the client sent."""
    return written(marshal(data, model, mask=request.headers.get("X-Fields")))


def written(data: Any, status_code: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return JSON as RESTX writes it: blanks, escapes, the data's own order, a newline."""
    return Response(f"{json.dumps(data)}\n", status_code, headers, media_type="application/json")


def shown(model: BaseModel, mask: str | None) -> Response:
    """Return a model without a model inside as RESTX writes one, with the members of a mask."""
    data: Any = model.model_dump(mode="json")
    if mask:
        data = {name: data[name] for name in masked(dict.fromkeys(data, fields.String), mask, True)}
    return written(data)
