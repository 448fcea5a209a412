"""Venues: marshmallow's schemas and webargs, borrowed on one native route, replaced on another."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Annotated, Any

import pytest
from marshmallow import Schema, ValidationError, fields
from openapi_spec_validator import validate
from pydantic import BaseModel, Field, TypeAdapter
from pydantic import ValidationError as PydanticError

from new_fastapi.compat.marshmallow import words_of
from tests.extensions.conftest import Gateway

pytestmark = pytest.mark.slow

NATIVE = ("GET /venues", "POST /venues", "PATCH /venues/<int:venue_id>")
GOOD: dict[str, Any] = {
    "name": " Park ",
    "capacity": "50",
    "email": "park@example.com",
    "address": {"street": "Park 1", "city": "Bath", "gate": "B"},
}
REFUSED: list[tuple[Any, dict[str, Any]]] = [
    ({}, {name: ["Missing data for required field."] for name in GOOD}),
    ([], {"_schema": ["Invalid input type."]}),
    (None, {"_schema": ["Invalid input type."]}),
    ({**GOOD, "id": 1, "nmae": 1}, {"id": ["Unknown field."], "nmae": ["Unknown field."]}),
    ({**GOOD, "name": None}, {"name": ["Field may not be null."]}),
    ({**GOOD, "name": 12}, {"name": ["Not a valid string."]}),
    ({**GOOD, "name": "12 "}, {"name": ["Must not be a number."]}),
    ({**GOOD, "name": ""}, {"name": ["Length must be between 1 and 80."]}),
    ({**GOOD, "surface": "mud"}, {"surface": ["Must be one of: grass, clay, artificial."]}),
    ({**GOOD, "capacity": True}, {"capacity": ["Not a valid integer."]}),
    (
        {**GOOD, "capacity": 0},
        {"capacity": ["Must be greater than or equal to 1 and less than or equal to 200000."]},
    ),
    ({**GOOD, "fee": "much"}, {"fee": ["Not a valid number."]}),
    (
        {**GOOD, "fee": "NaN"},
        {"fee": ["Special numeric values (nan or infinity) are not permitted."]},
    ),
    ({**GOOD, "covered": 2}, {"covered": ["Not a valid boolean."]}),
    ({**GOOD, "opened": "2026-02-30"}, {"opened": ["Not a valid date."]}),
    ({**GOOD, "inspectedAt": 0}, {"inspectedAt": ["Not a valid datetime."]}),
    ({**GOOD, "inspected_at": None}, {"inspected_at": ["Unknown field."]}),
    ({**GOOD, "email": "park"}, {"email": ["Not a valid email address."]}),
    ({**GOOD, "website": "park"}, {"website": ["Not a valid URL."]}),
    ({**GOOD, "tags": "park"}, {"tags": ["Not a valid list."]}),
    (
        {**GOOD, "tags": ["a", 1, "x" * 21]},
        {"tags": {"1": ["Not a valid string."], "2": ["Longer than maximum length 20."]}},
    ),
    ({**GOOD, "hours": []}, {"hours": ["Not a valid mapping type."]}),
    (
        {**GOOD, "hours": {"mon": 8, "day": "8"}},
        {
            "hours": {
                "mon": {"value": ["Not a valid string."]},
                "day": {"key": ["Must be one of: mon, tue, wed, thu, fri, sat, sun."]},
            }
        },
    ),
    ({**GOOD, "address": None}, {"address": ["Field may not be null."]}),
    ({**GOOD, "address": "Bath"}, {"address": {"_schema": ["Invalid input type."]}}),
    (
        {**GOOD, "address": {"street": "", "postCode": 1}},
        {
            "address": {
                "street": ["Length must be between 1 and 120."],
                "city": ["Missing data for required field."],
                "postCode": ["Not a valid string."],
            }
        },
    ),
]


def sent(body: object) -> dict[str, Any]:
    """Return the options of a request with a JSON body, `null` too."""
    return {"content": json.dumps(body), "headers": {"content-type": "application/json"}}


def test_both_sides_refuse_in_the_same_words(gateway: Gateway) -> None:
    """Texts, places and bytes: of the schema, of the models, of the borrowed schema."""
    sides = gateway(), gateway(*NATIVE)
    for body, errors in REFUSED:
        answers = [side.post("/venues", **sent(body)) for side in sides]
        assert [answer.headers["x-served-by"] for answer in answers] == ["flask", "fastapi"]
        assert [answer.status_code for answer in answers] == [400, 400], body
        assert answers[0].json() == {"errors": errors}, body
        assert answers[1].content == answers[0].content, body
        answers = [side.patch("/venues/1", **sent(body)) for side in sides]
        assert answers[1].content == answers[0].content, body


def test_partial_needs_nothing(gateway: Gateway) -> None:
    """The borrowed schema with `partial=True`, also in what is nested."""
    for side in gateway(), gateway(*NATIVE):
        before = side.get("/venues").json()["venues"][1]
        answer = side.patch("/venues/2", json={"address": {"city": "Bonn"}})
        assert answer.json() == {**before, "address": {**before["address"], "city": "Bonn"}}
        assert side.patch("/venues/2", json={"address": before["address"]}).json() == before


@pytest.mark.parametrize("creator", [(), NATIVE], ids=["flask", "fastapi"])
def test_one_table(gateway: Gateway, creator: tuple[str, ...]) -> None:
    """What one side creates and changes the other shows; whichever is which."""
    other = tuple(route for route in NATIVE if route not in creator)
    first, second = gateway(*creator), gateway(*other)
    created = first.post("/venues", json={**GOOD, "fee": 7.005, "inspectedAt": "2026-01-31T10:00Z"})
    assert created.status_code == 201
    assert created.json() == {
        "address": {"city": "Bath", "postCode": None, "street": "Park 1"},
        "capacity": 50,
        "covered": False,
        "email": "park@example.com",
        "fee": "7.00",
        "hours": {},
        "id": 3,
        "inspectedAt": "2026-01-31T10:00:00",
        "name": "Park",
        "opened": None,
        "rating": 0,
        "surface": "grass",
        "tags": [],
        "website": None,
    }
    changed = second.patch("/venues/3", json={"tags": ["lawn"], "opened": "2020-02-29"})
    assert first.get("/venues?tag=lawn").json() == {"venues": [changed.json()]}
    again = second.post("/venues", json=GOOD)
    assert (again.status_code, again.json()) == (
        409,
        {"error": "There is a venue called Park already"},
    )


def test_webargs_reads_the_query_on_both_sides(gateway: Gateway) -> None:
    """Lists, defaults, and its own place for errors."""
    flask, fastapi = gateway(), gateway(*NATIVE)
    for query in "", "?tag=stand&tag=floodlight", "?min_capacity=500&covered=off", "?other=1":
        assert fastapi.get(f"/venues{query}").content == flask.get(f"/venues{query}").content
    assert len(fastapi.get("/venues?tag=stand&tag=floodlight").json()["venues"]) == 1
    refused = fastapi.get("/venues?min_capacity=some")
    assert refused.status_code == 400
    assert refused.json() == {"errors": {"query": {"min_capacity": ["Not a valid integer."]}}}
    assert refused.content == flask.get("/venues?min_capacity=some").content


def test_the_borrowed_schema_is_in_the_document(gateway: Gateway) -> None:
    """Before the move by the YAML of the view, afterwards by `openapi_extra`."""
    for native in (), NATIVE:
        document = gateway(*native).get("/openapi.json").json()
        validate(document)
        create = document["paths"]["/venues"]["post"]
        schema = create["requestBody"]["content"]["application/json"]["schema"]
        if not native:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        assert schema["properties"]["capacity"]["maximum"] == 200_000
        assert {"name", "capacity", "email", "address"} == set(schema["required"])
    change = document["paths"]["/venues/{venue_id}"]["patch"]
    schema = change["requestBody"]["content"]["application/json"]["schema"]
    assert "inspectedAt" in schema["properties"]
    assert "required" not in schema
    names = [each["name"] for each in document["paths"]["/venues"]["get"]["parameters"]]
    assert names == ["surface", "min_capacity", "covered", "tag"]


# --- why the models keep the fields' own conversion -----------------------------------------------

OTHERWISE: list[tuple[Any, fields.Field[Any], Any, Any, Any]] = [
    # pydantic's type, marshmallow's field, the value, marshmallow's result, pydantic's result
    (int, fields.Integer(), 1.9, 1, PydanticError),
    (int, fields.Integer(), True, ValidationError, 1),
    (int, fields.Integer(), "1.0", ValidationError, 1),
    (Decimal, fields.Decimal(places=2), "1.005", Decimal("1.00"), Decimal("1.005")),
    (bool, fields.Boolean(), "tRuE", ValidationError, True),
    (date, fields.Date(), 0, ValidationError, date(1970, 1, 1)),
    (date, fields.Date(), "2026-01-31T00:00:00", ValidationError, date(2026, 1, 31)),
    (datetime, fields.DateTime(), 0, ValidationError, datetime(1970, 1, 1, tzinfo=timezone.utc)),
    (Annotated[str, Field(max_length=9)], fields.String(), "\ud800", "\ud800", PydanticError),
]


@pytest.mark.parametrize(("kind", "field", "value", "kept", "plain"), OTHERWISE)
def test_what_plain_types_do_otherwise(
    kind: Any, field: fields.Field[Any], value: Any, kept: Any, plain: Any
) -> None:
    """The table of the page, run."""
    if kept is ValidationError:
        with pytest.raises(ValidationError):
            field.deserialize(value)
    else:
        assert field.deserialize(value) == kept
    if plain is PydanticError:
        with pytest.raises(PydanticError):
            TypeAdapter(kind).validate_python(value)
    else:
        assert TypeAdapter(kind).validate_python(value) == plain


class Plain(BaseModel, extra="forbid"):
    """A model of plain types, as it is once marshmallow has gone."""

    count: int = 0
    price: Decimal = Decimal(0)
    sure: bool = False
    day: date | None = None
    moment: datetime | None = None


class PlainSchema(Schema):
    """The schema that it replaces."""

    count = fields.Integer()
    price = fields.Decimal()
    sure = fields.Boolean()
    day = fields.Date(allow_none=True)
    moment = fields.DateTime(allow_none=True)


@pytest.mark.parametrize("value", ["much", [], {}, None])
def test_plain_types_still_have_marshmallows_words(value: object) -> None:
    """Where both refuse, the table of texts says the same."""
    body = {"count": value, "price": value, "sure": value, "other": value}
    if value is not None:
        body |= {"day": value, "moment": value}
    with pytest.raises(ValidationError) as refused:
        PlainSchema().load(body)
    with pytest.raises(PydanticError) as error:
        Plain.model_validate(body)
    located = [{**each, "loc": ("body", *each["loc"])} for each in error.value.errors()]
    assert words_of(Plain, located) == refused.value.messages
