"""Fees: Flasgger documents and validates; FastAPI documents, and Flasgger validates no longer."""

from __future__ import annotations

import json
from typing import Any

from tests.extensions.conftest import Gateway

NATIVE = ("GET /fees/<int:level>", "POST /fees")
SERVED = ("flask", "fastapi")


BODIES: list[Any] = [
    {"level": 2, "matches": 3},
    {"level": 2.0, "matches": 3},
    {"level": "2", "matches": 3},
    {"level": 2, "matches": True},
    {"level": 9},
    {},
    [],
    [1],
    None,
    "text",
]


def test_the_same_answers(gateway: Gateway) -> None:
    """Validation is the decorator's on one side and a call of `validate` on the other."""
    sides = gateway(), gateway(*NATIVE)
    for body in BODIES:
        options: Any = {
            "content": json.dumps(body),
            "headers": {"content-type": "application/json"},
        }
        flask, fastapi = (side.post("/fees", **options) for side in sides)
        assert (flask.headers["x-served-by"], fastapi.headers["x-served-by"]) == SERVED
        assert fastapi.content == flask.content
        assert fastapi.headers["content-type"] == flask.headers["content-type"]
        expected = 200 if flask.text == '{"total":75}\n' else 400
        assert fastapi.status_code == flask.status_code == expected


def test_one_document(gateway: Gateway) -> None:
    """The operations have the same parts before and after, each from its own side."""
    documents = [gateway(*native).get("/openapi.json").json() for native in ((), NATIVE)]
    for document, side in zip(documents, ("flask", "fastapi"), strict=True):
        show, claim = document["paths"]["/fees/{level}"]["get"], document["paths"]["/fees"]["post"]
        assert show["x-crossfade"]["served_by"] == claim["x-crossfade"]["served_by"] == side
        assert show["summary"].startswith("Show")
        assert "A match's, in euros." in show["description"]
        (level,) = show["parameters"]
        assert (level["description"], level["schema"]["type"]) == ("From 1 to 5", "integer")
        assert {"200", "404"} <= set(show["responses"])
        schema = claim["requestBody"]["content"]["application/json"]["schema"]
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        assert schema["required"] == ["level", "matches"]
        assert schema["properties"]["level"]["maximum"] == 5


def test_its_own_document_stays(gateway: Gateway) -> None:
    """Flasgger goes on describing its views, although FastAPI answers: the last to go."""
    documents = [gateway(*native).get("/fees/swagger.json").json() for native in ((), NATIVE)]
    assert documents[0] == documents[1]
    assert set(documents[0]["paths"]) == {"/fees", "/fees/{level}"}
    assert gateway(*NATIVE).get("/fees/docs/").status_code == 200
