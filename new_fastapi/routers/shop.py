"""The fan shop, whose URLs have a parameter of every kind.

The gateway passes what Flask's converters made of the path: an `int`, a `UUID`, a list of ids.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BeforeValidator, WithJsonSchema

from new_fastapi.schemas import (
    Catalogue,
    Comparison,
    Contact,
    Guide,
    Kit,
    Questions,
    Seat,
    ShopNews,
    Sizes,
    Ticket,
    Under,
)

kits = APIRouter(prefix="/kits")


@kits.get("/{slug}")
async def kit(slug: str) -> Kit:
    """Return a kit."""
    return Kit(kit=slug)


@kits.get("/{kind}/sizes")
async def sizes(kind: Literal["home", "away", "third"]) -> Sizes:
    """Return the sizes of a kind of kit."""
    return Sizes(kind=kind, sizes=["S", "M", "L"])


router = APIRouter(tags=["shop"])
router.include_router(kits)


@router.get("/seats/{seat}")
async def seat(seat: int) -> Seat:
    """Return the row of a seat."""
    return Seat(seat=seat, row=seat // 20 + 1)


@router.get("/under/{price}")
async def under(price: float) -> Under:
    """Return a price limit."""
    return Under(under=price)


@router.get("/guides/{page:path}")
async def guide(page: str) -> Guide:
    """Return a page of the guides."""
    return Guide(page=page, depth=page.count("/") + 1)


@router.get("/tickets/{ticket_id}")
async def ticket(ticket_id: UUID) -> Ticket:
    """Return a ticket."""
    return Ticket(ticket=ticket_id, version=ticket_id.version)


def _ids(value: Any) -> list[int]:
    # A list from the gateway; the text of the URL once Flask and its converter are gone.
    return [int(part) for part in value.split(",")] if isinstance(value, str) else value


# FastAPI takes no list in a path, so the type that it sees is Any.
Ids = Annotated[
    Any,
    Path(description="Ids with commas between: 1,2,3"),
    BeforeValidator(_ids),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(,\d+)*$"}),
]


@router.get("/compare/{player_ids}")
async def compare(player_ids: Ids) -> Comparison:
    """Return the players to compare."""
    return Comparison(players=player_ids)


@router.get("/news/")
async def news() -> ShopNews:
    """Return what is new."""
    return ShopNews(news=["Scarves are back"])


@router.get("/contact")
async def contact() -> Contact:
    """Return how to reach the shop."""
    return Contact(email="shop@example.com")


@router.get("/faq")
async def faq() -> Questions:
    """Return frequent questions."""
    return Questions(faq=["Do you ship to the moon? Not yet."])


@router.get("/catalogue/")
async def first_page() -> Catalogue:
    """Return the catalogue's first page."""
    return catalogue_page(1)


@router.get("/catalogue/page/{page}")
async def later_page(page: int) -> Catalogue:
    """Return another page of the catalogue."""
    return catalogue_page(page)


def catalogue_page(page: int) -> Catalogue:
    """Return the ten items of a page."""
    first = (page - 1) * 10 + 1
    return Catalogue(page=page, items=list(range(first, first + 10)))
