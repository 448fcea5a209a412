"""Venues, written twice: by the legacy schema, borrowed, and by models of their own."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from crossfade import compat
from legacy_flask.models import Venue
from legacy_flask.venue_schemas import VenueQuery, VenueSchema
from legacy_flask.views.venues import parser
from new_fastapi.compat.marshmallow import (
    in_words_of_marshmallow,
    loaded,
    schema_body,
    schema_query,
)
from new_fastapi.dependencies import Session
from new_fastapi.schemas import Error
from new_fastapi.venue_models import NewVenue, SchemaErrors, VenueList, VenueOut

router = APIRouter(prefix="/venues", tags=["venues"])

QUERY = VenueQuery()  # once: to make a schema takes longer than to load by it
REFUSED: dict[int | str, dict[str, Any]] = {400: {"model": SchemaErrors}}


async def wanted(request: compat.FlaskRequest) -> Any:
    """Return the query string as webargs reads it."""
    return parser.parse(QUERY, request, location="query")


async def find_venue(venue_id: int, session: Session) -> Venue:
    """Return the venue, or answer 404."""
    venue = await session.get(Venue, venue_id)
    if venue is None:
        raise HTTPException(404, f"Venue {venue_id} not found")
    return venue


async def save(session: Session, venue: Venue) -> Venue:
    """Commit; names are unique."""
    name = venue.name
    try:
        await session.commit()
    except IntegrityError as error:
        raise HTTPException(409, f"There is a venue called {name} already") from error
    return venue


@router.get("", response_model=VenueList, responses=REFUSED, openapi_extra=schema_query(QUERY))
async def list_venues(args: Annotated[dict[str, Any], Depends(wanted)], session: Session) -> object:
    """Return the venues that fit the query."""
    query = select(Venue).where(Venue.capacity >= args["capacity"]).order_by(Venue.id)
    if "surface" in args:
        query = query.where(Venue.surface == args["surface"])
    if args["covered"] is not None:
        query = query.where(Venue.covered == args["covered"])
    tags = set(args["tags"])
    return {"venues": [each for each in await session.scalars(query) if tags <= set(each.tags)]}


@router.post(
    "",
    status_code=201,
    response_model=VenueOut,
    responses={**REFUSED, 409: {"model": Error}},
    openapi_extra=compat.json_body(NewVenue),
)
@compat.validation_error(in_words_of_marshmallow(NewVenue))
async def create_venue(
    new: Annotated[NewVenue, compat.json_model(NewVenue, strict=False)], session: Session
) -> object:
    """Create a venue."""
    venue = Venue(**new.model_dump())
    session.add(venue)
    return await save(session, venue)


@router.patch(
    "/{venue_id}",
    response_model=VenueOut,
    responses={**REFUSED, 404: {"model": Error}, 409: {"model": Error}},
    openapi_extra=schema_body(VenueSchema(partial=True)),
)
async def update_venue(
    venue: Annotated[Venue, Depends(find_venue)],
    changes: Annotated[dict[str, Any], loaded(VenueSchema(), partial=True)],
    session: Session,
) -> object:
    """Change the members that the body has."""
    if "address" in changes:
        changes["address"] = {**venue.address, **changes["address"]}
    for name, value in changes.items():
        setattr(venue, name, value)
    return await save(session, venue)
