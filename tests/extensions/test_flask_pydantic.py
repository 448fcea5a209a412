"""Quotes: Flask-Pydantic's decorator, borrowed on one native route, replaced on two."""

from __future__ import annotations

import json
from typing import Any

from tests.extensions.conftest import Gateway

NATIVE = ("GET /venues/search", "POST /venues/search", "POST /venues/quotes")
FORM = {"content-type": "application/x-www-form-urlencoded"}
QUOTE = {"venue_id": 1, "starts": "2026-05-01T10:00:00+02:00"}
REQUESTS: list[tuple[str, str, str | None, dict[str, str]]] = [
    *(
        ("GET", f"/venues/search{query}", None, {})
        for query in (
            "",
            "?tag=stand&tag=floodlight&name=GROUND",
            "?limit=1&limit=x",
            "?limit=x&min_capacity=-1&name=a",
            "?limit=&other=1",
        )
    ),
    ("POST", "/venues/search", "name=hal&name=x", FORM),
    ("POST", "/venues/search?limit=x", "name=h&min_capacity=", FORM),
    ("POST", "/venues/search", '{"name": "hal"}', {"content-type": "application/json"}),
    *(
        ("POST", "/venues/quotes", json.dumps(body), {"content-type": kind})
        for kind in ("application/json", "application/vnd.club+json; v=1", "text/plain")
        for body in (
            QUOTE,
            {**QUOTE, "hours": "2", "promotion": "YOUTH"},
            {**QUOTE, "hours": 0.5, "promotion": "AUTUMN", "starts": "soon"},
            {**QUOTE, "venue_id": 9},
            {},
        )
    ),
    ("POST", "/venues/quotes", "{", {"content-type": "application/json"}),
    ("POST", "/venues/quotes", "[]", {"content-type": "application/vnd.club+json"}),
]


def test_the_same_bytes(gateway: Gateway) -> None:
    """Answers and mistakes, whoever read the request."""
    flask, fastapi = gateway(), gateway(*NATIVE)
    statuses = set()
    for method, url, body, headers in REQUESTS:
        answers = [
            side.request(method, url, content=body, headers=headers) for side in (flask, fastapi)
        ]
        assert [answer.headers.pop("x-served-by") for answer in answers] == ["flask", "fastapi"]
        for answer in answers:
            del answer.headers["date"]
        assert answers[1].content == answers[0].content, (url, body)
        assert answers[1].status_code == answers[0].status_code, (url, body)
        assert sorted(answers[1].headers.items()) == sorted(answers[0].headers.items()), (url, body)
        statuses.add(answers[1].status_code)
    assert statuses == {200, 201, 400, 404, 415}


def test_what_a_mistake_looks_like(gateway: Gateway) -> None:
    """`ctx`, `input`, `url`, `loc` are Flask-Pydantic's; a validator's error is written out."""
    answer = gateway(*NATIVE).post("/venues/quotes", json={**QUOTE, "hours": 0, "promotion": "NO"})
    hours, promotion = answer.json()["validation_error"]["body_params"]
    assert hours["url"].endswith("/v/greater_than_equal")
    assert {key: hours[key] for key in ("ctx", "input", "loc", "type")} == {
        "ctx": {"ge": 1},
        "input": 0,
        "loc": ["hours"],
        "type": "greater_than_equal",
    }
    assert promotion["ctx"] == {"error": {"message": "no such promotion", "type": "ValueError"}}


def test_the_decorator_collects_the_mistakes_of_all_places(gateway: Gateway) -> None:
    """Borrowed, it says everything at once: query and form."""
    answer = gateway(*NATIVE).post("/venues/search?limit=0", content="name=h", headers=FORM)
    assert set(answer.json()["validation_error"]) == {"form_params", "query_params"}


def test_no_object_is_a_server_error_on_both_sides(gateway: Gateway) -> None:
    """Flask-Pydantic unpacks whatever came: clients get 500 where 400 would be right."""
    flask, fastapi = gateway(), gateway(*NATIVE)
    for body in "[]", "null", "3", '"text"':
        # A server closes the connection after an exception, here and in FastAPI alone.
        headers = {"content-type": "application/json", "connection": "close"}
        options: Any = {"content": body, "headers": headers}
        answer = fastapi.post("/venues/quotes", **options)
        assert answer.status_code == 500
        assert answer.content == flask.post("/venues/quotes", **options).content


def test_models_are_shared_with_what_marshmallow_made(gateway: Gateway) -> None:
    """A venue that was created by the other subject's native route is found and quoted."""
    venue: dict[str, Any] = {
        "name": "Zoo",
        "capacity": 9,
        "fee": "10.10",
        "email": "zoo@example.com",
        "address": {"street": "Zoo 1", "city": "Bath"},
    }
    number = gateway("POST /venues").post("/venues", json=venue).json()["id"]
    for side in gateway(), gateway(*NATIVE):
        found = side.get("/venues/search?name=zoo").text
        assert found == '{"venues":[{"id":3,"name":"Zoo","capacity":9}],"total":1}'
        quote = side.post("/venues/quotes", json={**QUOTE, "venue_id": number, "hours": 3})
        assert quote.json()["price"] == "30.30"


def test_models_are_in_the_document_before_and_after(gateway: Gateway) -> None:
    """Before the move as `@validate` has them, afterwards as FastAPI shows them."""
    for native in (), NATIVE:
        paths = gateway(*native).get("/openapi.json").json()["paths"]
        names = [each["name"] for each in paths["/venues/search"]["get"]["parameters"]]
        assert names == ["name", "min_capacity", "tag", "limit"]
        assert "application/json" in paths["/venues/quotes"]["post"]["requestBody"]["content"]
        assert {"201", "400"} <= set(paths["/venues/quotes"]["post"]["responses"])
        form = paths["/venues/search"]["post"]["requestBody"]["content"]
        assert set(form) == {"application/x-www-form-urlencoded", "multipart/form-data"}
