"""The venues' models, which accept, refuse and answer what `legacy_flask.venue_schemas` did."""

from __future__ import annotations

from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal

from marshmallow import fields
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    field_validator,
)

from new_fastapi.compat.marshmallow import loads, loads_text
from new_fastapi.schemas import Answer

Surface = Literal["grass", "clay", "artificial"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Text = Annotated[str, loads_text(fields.String())]
Tag = Annotated[str, loads_text(fields.String()), Field(max_length=20)]


class Address(BaseModel):
    """Where a venue is. What else an address may have is dropped."""

    model_config = ConfigDict(extra="ignore")

    street: Annotated[Text, Field(min_length=1, max_length=120)]
    city: Annotated[Text, Field(min_length=1, max_length=80)]
    post_code: Annotated[str | None, loads_text(fields.String(allow_none=True), str | None)] = (
        Field(default=None, alias="postCode")
    )


class NewVenue(BaseModel):
    """The body of `POST /venues`. A member that it doesn't know is refused."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Text, Field(min_length=1, max_length=80)]
    surface: Surface = "grass"
    capacity: Annotated[int, Field(ge=1, le=200_000), loads(fields.Integer())]
    fee: Annotated[Decimal, Field(ge=0, le=99_999), loads(fields.Decimal(places=2))] = Decimal("0")
    covered: Annotated[bool, loads(fields.Boolean())] = False
    opened: Annotated[date | None, loads(fields.Date(allow_none=True))] = None
    inspected_at: Annotated[
        datetime | None, loads(fields.NaiveDateTime(timezone=timezone.utc, allow_none=True))
    ] = Field(default=None, alias="inspectedAt")
    email: Annotated[
        str, loads_text(fields.Email()), WithJsonSchema({"type": "string", "format": "email"})
    ]
    website: Annotated[
        str | None,
        loads_text(fields.Url(allow_none=True)),
        WithJsonSchema({"type": ["string", "null"], "format": "uri"}),
    ] = None
    # What passes for a list differs between versions of marshmallow.
    tags: Annotated[list[Tag], loads(fields.List(fields.Raw(allow_none=True)))] = []
    hours: dict[Weekday, Text] = {}
    address: Address

    @field_validator("name")
    @classmethod
    def refuse_numbers(cls, name: str) -> str:
        """A name has a letter in it, and is kept without the blanks around it."""
        if name.strip().isdigit():
            raise ValueError("Must not be a number.")
        return name.strip()


def _iso(value: datetime) -> str:
    return value.isoformat()


class AddressOut(Answer):
    """Where a venue is."""

    street: str
    city: str
    post_code: str | None = Field(serialization_alias="postCode")


class VenueOut(Answer):
    """A venue."""

    id: int
    name: str
    surface: str
    capacity: int
    fee: Annotated[Decimal, PlainSerializer("{:.2f}".format, return_type=str)]
    covered: bool
    opened: date | None
    inspected_at: Annotated[datetime, PlainSerializer(_iso, return_type=str)] | None = Field(
        serialization_alias="inspectedAt"
    )
    email: str
    website: str | None
    tags: list[str]
    hours: dict[str, str]
    address: AddressOut
    rating: int = 0


class VenueList(Answer):
    """The venues that fit."""

    venues: list[VenueOut]


class SchemaErrors(Answer):
    """What a schema refuses, by member: a list of texts, or the same for what is inside of it."""

    errors: dict[str, Any]
