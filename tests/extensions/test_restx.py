"""Referees: what Flask-RESTX's `Api` does for its resources holds for native routes too."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from flask import Flask
from flask_restx import Api, Resource  # type: ignore[import-untyped]

from tests.asgi.kit import Mount, ask
from tests.compat.conftest import mount  # noqa: F401 - a fixture
from tests.extensions.conftest import Gateway

pytestmark = pytest.mark.slow

LIST, ADD = "GET /restx/referees", "POST /restx/referees"
SHOW = "GET /restx/referees/<int:id>"
NATIVE = (LIST, ADD, SHOW)
HELP = "You have requested this URI [/restx/referees/9] but did you mean"


Sides = tuple[httpx.Client, httpx.Client]


@pytest.fixture
def sides(gateway: Gateway) -> Sides:
    """Return a client of each side."""
    return gateway(), gateway(*NATIVE)


def both(sides: Sides, method: str, url: str, **options: Any) -> httpx.Response:
    """Ask both sides; return the native answer, which is Flask's to the byte."""
    answers = [side.request(method, url, **options) for side in sides]
    by = [answer.headers.pop("x-served-by") for answer in answers]
    assert by == ["flask", "fastapi"]
    heads = [
        sorted((name, value) for name, value in answer.headers.items() if name != "date")
        for answer in answers
    ]
    assert (answers[1].status_code, heads[1]) == (answers[0].status_code, heads[0])
    assert answers[1].content == answers[0].content
    return answers[1]


def test_its_json(sides: Sides) -> None:
    """The model's order, blanks, escapes, a newline; no charset."""
    answer = both(sides, "GET", "/restx/referees/2")
    assert answer.headers["content-type"] == "application/json"
    assert answer.text == (
        '{"id": 2, "name": "Bo \\u00d8st", "level": 2, "country": "DK", "certified": null, '
        '"uri": "/restx/referees/2"}\n'
    )


def test_its_masks(sides: Sides) -> None:
    """`X-Fields` chooses the members of one, by pydantic, and of many, by `marshal`."""
    for mask, status, text in (
        ("{level,name}", 200, '{"level": 5, "name": "Pia Colina"}\n'),
        ("nobody", 200, "{}\n"),
        ("{name", 400, '{"message": "Mask parse error: Missing closing bracket"}\n'),
        ("{name{a}}", 400, '{"message": "Mask error: Mask is inconsistent with model"}\n'),
    ):
        headers = {"X-Fields": mask}
        answer = both(sides, "GET", "/restx/referees/1", headers=headers)
        assert (answer.status_code, answer.text) == (status, text)
        assert both(sides, "GET", "/restx/referees", headers=headers).status_code == status


def test_its_404_knows_better(sides: Sides) -> None:
    """The suggestion comes from Flask's URL map, whoever answers."""
    answer = both(sides, "GET", "/restx/referees/9")
    assert answer.status_code == 404
    assert answer.json()["message"].startswith(f"Referee 9 not found. {HELP}")


def test_its_parser(sides: Sides) -> None:
    """`reqparse` reads Flask's request, and refuses in its own words."""
    assert len(both(sides, "GET", "/restx/referees?limit=1").json()) == 1
    found = both(sides, "GET", "/restx/referees?country=DK&country=SE&certified=false")
    assert [each["name"] for each in found.json()] == ["Bo Øst"]
    refused = both(sides, "GET", "/restx/referees?limit=0")
    assert refused.json() == {
        "errors": {"limit": "Invalid argument: 0. argument must be within the range 1 - 100"},
        "message": "Input payload validation failed",
    }


def test_its_validation(sides: Sides) -> None:
    """`@expect(model, validate=True)`: jsonschema's texts, also for what is no object."""
    bodies: list[object] = [{}, [], {"name": 1, "country": "no", "level": "2"}, None]
    for body in bodies:
        content = json.dumps(body)
        headers = {"content-type": "application/json"}
        answer = both(sides, "POST", "/restx/referees", content=content, headers=headers)
        assert answer.status_code == 400
        assert answer.json()["message"] == "Input payload validation failed"
        assert answer.json()["errors"]


def test_its_error_handlers(sides: Sides) -> None:
    """One of the namespace's goes before FastAPI's handler of any exception."""
    answer = both(sides, "POST", "/restx/referees", json={"name": "Bo Øst", "country": "DK"})
    assert answer.status_code == 409
    assert answer.json() == {"message": "Bo Øst is listed already", "hint": "Add an initial"}


def test_what_flask_refuses_on_its_urls(sides: Sides) -> None:
    """Content types and broken JSON have its shape, natively too."""
    options: Any = {"content": "{", "headers": {"content-type": "application/json"}}
    assert set(both(sides, "POST", "/restx/referees", **options).json()) == {"message"}
    options = {"content": "{}", "headers": {"content-type": "text/plain"}}
    assert both(sides, "POST", "/restx/referees", **options).status_code == 415


@pytest.mark.parametrize("creator", [(ADD,), (LIST, SHOW)], ids=["native", "legacy"])
def test_a_resource_in_two_halves(gateway: Gateway, creator: tuple[str, ...]) -> None:
    """Some methods of a `Resource` are native, the others Flask's; then the other way round."""
    client = gateway(*creator)
    created = client.post("/restx/referees", json={"name": "Ö", "country": "SE", "level": 3})
    assert (created.status_code, created.headers["x-referee"]) == (201, "3")
    uri = created.json()["uri"]
    shown = client.get(uri)
    assert {created.headers["x-served-by"], shown.headers["x-served-by"]} == {"flask", "fastapi"}
    assert shown.json() == created.json()
    assert client.delete(uri).headers["x-served-by"] == "flask"
    assert client.get(uri).status_code == 404
    refused = client.patch(uri)
    assert (refused.status_code, refused.headers["x-served-by"]) == (405, "flask")
    assert {"GET", "HEAD", "OPTIONS", "DELETE"} == set(refused.headers["allow"].split(", "))


def test_one_document(gateway: Gateway) -> None:
    """RESTX's description moves out as FastAPI's moves in; `swagger.json` stays as it was."""
    before, after = (gateway(*native) for native in ((), (LIST, SHOW)))
    old, new = (client.get("/openapi.json").json() for client in (before, after))
    for document in old, new:
        paths = document["paths"]
        assert set(paths["/restx/referees"]) == {"get", "post"}
        assert set(paths["/restx/referees/{referee_id}"]) == {"get", "delete"}
        names = [each["name"] for each in paths["/restx/referees"]["get"]["parameters"]]
        assert names[:3] == ["limit", "country", "certified"]
    kinds = ["Legacy.Referee", "RefereeOut"]
    for document, kind in zip((old, new), kinds, strict=True):
        shown = document["paths"]["/restx/referees/{referee_id}"]["get"]["responses"]["200"]
        assert kind in str(shown)
    swagger = [client.get("/restx/swagger.json") for client in (before, after)]
    assert swagger[0].json() == swagger[1].json()
    assert "delete" in swagger[0].json()["paths"]["/referees/{id}"]


# --- an application with nothing of its own around ------------------------------------------------


def test_fastapis_own_exceptions_are_told_in_its_words(mount: Mount) -> None:  # noqa: F811
    """`HTTPException`, a validation error, a bug: where FastAPI has no handler, `Api` has one."""
    legacy = Flask("app", static_folder=None)
    api = Api(legacy, doc=False)

    @api.route("/things/<int:thing_id>")
    class Thing(Resource):  # type: ignore[misc]
        def get(self, thing_id: int) -> None:
            """Show it."""

    app = FastAPI(openapi_url=None)

    @app.get("/things/{thing_id}")
    async def thing(thing_id: int, size: int = 1) -> None:
        if thing_id == 1:
            raise HTTPException(404, "No such thing")
        raise RuntimeError("a bug")

    mount(app, legacy, "GET /things/<int:thing_id>")
    missing = ask(app, "GET", "/things/1")
    assert missing.status == 404
    assert missing.text.startswith('{"message": "No such thing. You have requested this URI')
    refused = ask(app, "GET", "/things/1?size=x")
    assert (refused.status, set(json.loads(refused.body))) == (400, {"message"})
    failed = ask(app, "GET", "/things/2")
    assert (failed.status, failed.text) == (500, '{"message": "Internal Server Error"}\n')
