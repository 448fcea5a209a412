"""What goes in and out of the venues' API, in marshmallow's words."""

from __future__ import annotations

from datetime import timezone
from decimal import Decimal
from typing import Any

from marshmallow import (
    EXCLUDE,
    RAISE,
    Schema,
    ValidationError,
    fields,
    post_load,
    validate,
    validates,
)

SURFACES = ("grass", "clay", "artificial")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class AddressSchema(Schema):
    """Where a venue is. What else an address may have is dropped."""

    class Meta:
        """Old clients send what we have no use for."""

        unknown = EXCLUDE

    street = fields.String(required=True, validate=validate.Length(min=1, max=120))
    city = fields.String(required=True, validate=validate.Length(min=1, max=80))
    post_code = fields.String(data_key="postCode", load_default=None, allow_none=True)


class VenueSchema(Schema):
    """A venue. A member that it doesn't know is refused."""

    class Meta:
        """A typing error must not pass for a default."""

        unknown = RAISE

    id = fields.Integer(dump_only=True)
    name = fields.String(required=True, validate=validate.Length(min=1, max=80))
    surface = fields.String(load_default="grass", validate=validate.OneOf(SURFACES))
    capacity = fields.Integer(required=True, validate=validate.Range(min=1, max=200_000))
    fee = fields.Decimal(
        places=2,
        as_string=True,
        load_default=Decimal("0.00"),
        validate=validate.Range(min=0, max=99_999),
        metadata={"default": 0},  # to apispec, which would show the text "0.00" of a number
    )
    covered = fields.Boolean(load_default=False)
    opened = fields.Date(load_default=None, allow_none=True)
    inspected_at = fields.NaiveDateTime(
        timezone=timezone.utc, data_key="inspectedAt", load_default=None, allow_none=True
    )
    email = fields.Email(required=True)
    website = fields.Url(load_default=None, allow_none=True)
    tags = fields.List(fields.String(validate=validate.Length(max=20)), load_default=list)
    hours = fields.Dict(
        keys=fields.String(validate=validate.OneOf(DAYS)), values=fields.String(), load_default=dict
    )
    address = fields.Nested(AddressSchema, required=True)
    rating = fields.Integer(dump_only=True, dump_default=0)

    @validates("name")
    def refuse_numbers(self, value: str, **_: Any) -> None:
        """A name has a letter in it. marshmallow 4 also gives the key's name, 3 doesn't."""
        if value.strip().isdigit():
            raise ValidationError("Must not be a number.")

    @post_load
    def tidy(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Names are kept without the blanks around them."""
        if "name" in data:
            data["name"] = data["name"].strip()
        return data


class VenueQuery(Schema):
    """The query string of `GET /venues`."""

    surface = fields.String(validate=validate.OneOf(SURFACES))
    capacity = fields.Integer(data_key="min_capacity", load_default=0)
    covered = fields.Boolean(load_default=None)
    tags = fields.List(fields.String(), data_key="tag", load_default=list)
