"""Find a venue and ask for its price: Flask-Pydantic reads the requests and writes the answers."""

# mypy: disable-error-code="untyped-decorator"
# Without postponed annotations: Flask-Pydantic takes a view's annotations as they stand.
from flask import Blueprint, abort
from flask_pydantic import validate  # type: ignore[import-untyped]
from sqlalchemy import select

from legacy_flask.extensions import db
from legacy_flask.models import Venue
from legacy_flask.quotes import Paging, Quote, QuoteRequest, VenueForm, VenueSearch, VenuesFound

blueprint = Blueprint("quotes", __name__, url_prefix="/venues")


@blueprint.get("/search")
@validate()
def search(query: VenueSearch) -> VenuesFound:
    """Find venues."""
    return query.among(db.session.scalars(select(Venue).order_by(Venue.id)))


@blueprint.post("/search")
@validate()
def search_by_form(form: VenueForm, query: Paging) -> VenuesFound:
    """Find venues by a form, as the old page sends it."""
    wanted = VenueSearch(name=form.name, min_capacity=form.min_capacity, limit=query.limit)
    return wanted.among(db.session.scalars(select(Venue).order_by(Venue.id)))


@blueprint.post("/quotes")
@validate(on_success_status=201)
def quote(body: QuoteRequest) -> Quote:
    """Return the price of some hours."""
    venue = db.session.get(Venue, body.venue_id)
    if venue is None:
        abort(404, description=f"Venue {body.venue_id} not found")
    return body.price(venue)
