"""What Flask-Pydantic validates; both sides use these models, which know neither framework."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel, Field, field_validator

from legacy_flask.models import Venue

PROMOTIONS = {"SPRING": Decimal("0.90"), "YOUTH": Decimal("0.50")}


class VenueSearch(BaseModel):
    """Which venues to find."""

    name: str = ""
    min_capacity: int = Field(0, ge=0)
    tag: list[str] = []
    limit: int = Field(20, ge=1, le=100)

    def among(self, venues: Iterable[Venue]) -> VenuesFound:
        """Return those of `venues` that fit."""
        found = [
            VenueFound(id=venue.id, name=venue.name, capacity=venue.capacity)
            for venue in venues
            if self.name.lower() in venue.name.lower()
            and venue.capacity >= self.min_capacity
            and set(self.tag) <= set(venue.tags)
        ]
        return VenuesFound(venues=found[: self.limit], total=len(found))


class VenueForm(BaseModel):
    """The form of the search; a form's field is one text."""

    name: str = Field(min_length=2)
    min_capacity: int = Field(0, ge=0)


class Paging(BaseModel):
    """How many to show."""

    limit: int = Field(20, ge=1, le=100)


class VenueFound(BaseModel):
    """A venue that fits."""

    id: int
    name: str
    capacity: int


class VenuesFound(BaseModel):
    """The venues that fit, and how many there are."""

    venues: list[VenueFound]
    total: int


class QuoteRequest(BaseModel):
    """What to quote a price for."""

    venue_id: int = Field(ge=1, le=2**31 - 1)
    starts: datetime
    hours: int = Field(1, ge=1, le=24)
    promotion: str | None = None

    @field_validator("promotion")
    @classmethod
    def is_known(cls, promotion: str | None) -> str | None:
        """Refuse what is no promotion of ours."""
        if promotion is not None and promotion not in PROMOTIONS:
            raise ValueError("no such promotion")
        return promotion

    def price(self, venue: Venue) -> Quote:
        """Return the price of these hours."""
        share = PROMOTIONS[self.promotion] if self.promotion else Decimal(1)
        price = (venue.fee * self.hours * share).quantize(Decimal("0.01"))
        return Quote(venue=venue.name, starts=self.starts, hours=self.hours, price=price)


class Quote(BaseModel):
    """A price, and what it is for."""

    venue: str
    starts: datetime
    hours: int
    price: Decimal
