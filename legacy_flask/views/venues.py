"""Venues: bodies and answers by marshmallow, the query string by webargs."""

from __future__ import annotations

from typing import Any, NoReturn

from flask import Blueprint, Response, abort, jsonify, request
from marshmallow import ValidationError
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from webargs.flaskparser import FlaskParser

from legacy_flask.extensions import db
from legacy_flask.models import Venue
from legacy_flask.venue_schemas import VenueQuery, VenueSchema

blueprint = Blueprint("venues", __name__, url_prefix="/venues")
parser = FlaskParser()
venue_schema = VenueSchema()


@blueprint.errorhandler(ValidationError)
def refuse(error: ValidationError) -> tuple[Response, int]:
    """Answer what a schema refuses."""
    return jsonify(errors=error.messages), 400


@parser.error_handler
def raise_as_it_is(error: ValidationError, *_: Any, **__: Any) -> NoReturn:
    """Leave the answer to `refuse`: webargs by itself answers 422."""
    raise error


def find_venue(venue_id: int) -> Venue:
    """Return the venue, or answer 404."""
    venue = db.session.get(Venue, venue_id)
    if venue is None:
        abort(404, description=f"Venue {venue_id} not found")
    return venue


def save(venue: Venue) -> None:
    """Commit; names are unique."""
    name = venue.name
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        abort(409, description=f"There is a venue called {name} already")


@blueprint.get("")
@parser.use_args(VenueQuery(), location="query")
def list_venues(wanted: dict[str, Any]) -> Response:
    """Return the venues that fit the query."""
    query = select(Venue).where(Venue.capacity >= wanted["capacity"]).order_by(Venue.id)
    if "surface" in wanted:
        query = query.where(Venue.surface == wanted["surface"])
    if wanted["covered"] is not None:
        query = query.where(Venue.covered == wanted["covered"])
    tags = set(wanted["tags"])
    venues = [venue for venue in db.session.scalars(query) if tags <= set(venue.tags)]
    return jsonify(venues=venue_schema.dump(venues, many=True))


@blueprint.post("")
def create_venue() -> tuple[Response, int]:
    """Create a venue.

    ---
    requestBody: {required: true, content: {application/json: {schema: VenueSchema}}}
    responses:
      201: {description: The venue, content: {application/json: {schema: VenueSchema}}}
      400: {description: What the schema refuses}
    """
    venue = Venue(**venue_schema.load(request.get_json()))
    db.session.add(venue)
    save(venue)
    return jsonify(venue_schema.dump(venue)), 201


@blueprint.patch("/<int:venue_id>")
def update_venue(venue_id: int) -> Response:
    """Change the members that the body has."""
    venue = find_venue(venue_id)
    changes = venue_schema.load(request.get_json(), partial=True)
    if "address" in changes:
        changes["address"] = {**venue.address, **changes["address"]}
    for name, value in changes.items():
        setattr(venue, name, value)
    save(venue)
    return jsonify(venue_schema.dump(venue))
