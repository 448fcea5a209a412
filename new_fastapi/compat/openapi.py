"""Document what the endpoints read by hand, which FastAPI therefore cannot see."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


def json_body(model: type[BaseModel]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route whose body is `model`."""
    content = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}


def json_or_form(model: type[BaseModel]) -> dict[str, Any]:
    """Return the `openapi_extra` of a route whose body is `model`, as JSON or as a form."""
    schema = model.model_json_schema()
    content = {
        "application/json": {"schema": schema},
        "application/x-www-form-urlencoded": {"schema": schema},
    }
    return {"requestBody": {"required": True, "content": content}}


def query(**parameters: str) -> dict[str, Any]:
    """Return the `openapi_extra` of a route with these optional arguments: `name="what it is"`."""
    return {
        "parameters": [
            {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}
            for name, text in parameters.items()
        ]
    }
