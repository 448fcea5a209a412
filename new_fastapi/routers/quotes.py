"""Find a venue and ask for its price."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel
from sqlalchemy import select

from crossfade import compat
from legacy_flask.models import Venue
from legacy_flask.quotes import Paging, Quote, QuoteRequest, VenueForm, VenueSearch, VenuesFound
from new_fastapi.compat.flask_pydantic import (
    Given,
    body_model,
    by_flask_pydantic,
    form_of,
    in_shape_of_flask_pydantic,
    query_model,
    query_of,
    written,
)
from new_fastapi.dependencies import Session

router = APIRouter(prefix="/venues", tags=["venues"])


class Mistakes(BaseModel):
    """What is wrong, by place (`query_params`, `body_params`, `form_params`): pydantic's errors."""

    validation_error: dict[str, list[dict[str, Any]]]


REFUSED: dict[int | str, dict[str, Any]] = {400: {"model": Mistakes}}


@router.get(
    "/search",
    responses={200: {"model": VenuesFound}, **REFUSED},
    openapi_extra=query_of(VenueSearch),
)
@compat.validation_error(in_shape_of_flask_pydantic)
async def search(
    query: Annotated[VenueSearch, query_model(VenueSearch)], session: Session
) -> Response:
    """Find venues."""
    return written(query.among(await session.scalars(select(Venue).order_by(Venue.id))))


@router.post(
    "/search",
    responses={200: {"model": VenuesFound}, **REFUSED},
    openapi_extra={**query_of(Paging), **form_of(VenueForm)},
)
async def search_by_form(
    given: Annotated[Given, by_flask_pydantic(form=VenueForm, query=Paging)], session: Session
) -> Response:
    """Find venues by a form, as the old page sends it."""
    form: VenueForm = given.form
    wanted = VenueSearch(name=form.name, min_capacity=form.min_capacity, limit=given.query.limit)
    return written(wanted.among(await session.scalars(select(Venue).order_by(Venue.id))))


@router.post(
    "/quotes",
    status_code=201,
    responses={201: {"model": Quote}, **REFUSED},
    openapi_extra=compat.json_body(QuoteRequest),
)
@compat.validation_error(in_shape_of_flask_pydantic)
async def quote(
    body: Annotated[QuoteRequest, body_model(QuoteRequest)], session: Session
) -> Response:
    """Return the price of some hours."""
    venue = await session.get(Venue, body.venue_id)
    if venue is None:
        raise HTTPException(404, f"Venue {body.venue_id} not found")
    return written(body.price(venue), 201)
