"""What the tests of this folder share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from openapi_spec_validator import OpenAPIV31SpecValidator

from crossfade import Gateway
from crossfade.apidoc import MARK
from tests.asgi.kit import ask, save_map

Json = dict[str, Any]


def fetch(app: FastAPI, url: str = "/openapi.json", **scope: Any) -> Json:
    """Return the document as a client gets it; fail where it is not OpenAPI 3.1."""
    answer = ask(app, "GET", url, **scope)
    assert answer.status == 200, answer.text
    document: Json = json.loads(answer.body)
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids)), "an operation id came twice"
    return document


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Yield path, method and operation, in the document's order."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method not in ("parameters", "summary", "description", "servers"):
                yield path, method, operation


def shape(document: Json) -> list[tuple[object, ...]]:
    """Return what a move must not change: order, paths, methods, ids, groups, parameters."""
    return [
        (
            path,
            method,
            operation["operationId"],
            operation.get("tags"),
            [each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"],
        )
        for path, method, operation in operations(document)
    ]


def served(document: Json) -> dict[str, str]:
    """Return `GET /path` to who answers it."""
    return {
        f"{method.upper()} {path}": operation[MARK]["served_by"]
        for path, method, operation in operations(document)
    }


def with_docs(settings: str) -> str:
    """Return the settings of a map with `api_docs` on."""
    head = "[gateway]\napi_docs = true\n"
    return head + settings.removeprefix("[gateway]\n")


def move(gateway: Gateway, *native: str, settings: str = "") -> None:
    """Save another map and let the gateway see it."""
    routes = [f'"{route}" = "native"' for route in native]
    save_map(gateway, "\n".join([with_docs(settings), "[routes]", *routes]))
