"""Referees by Flask-RESTX: an `Api` with a document, errors and JSON of its own."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask_restx import (  # type: ignore[import-untyped]
    Api,
    Namespace,
    Resource,
    fields,
    inputs,
    marshal,
    reqparse,
)
from sqlalchemy import select

from legacy_flask.extensions import db
from legacy_flask.models import Referee

blueprint = Blueprint("restx", __name__, url_prefix="/restx")
namespace: Any = Namespace("referees", description="Who whistles", path="/referees")

referee_model = namespace.model(
    "Referee",
    {
        "id": fields.Integer(description="Its number"),
        "name": fields.String(required=True),
        "level": fields.Integer(description="From 1 to 5", min=1, max=5),
        "country": fields.String(description="ISO 3166"),
        "certified": fields.Date(),
        "uri": fields.Url("restx.referees_referee_by_id"),
    },
)
new_referee_model = namespace.model(
    "NewReferee",
    {
        "name": fields.String(required=True, min_length=1, max_length=80),
        "country": fields.String(required=True, pattern="^[A-Z]{2}$"),
        "level": fields.Integer(min=1, max=5, default=1),
    },
)

wanted = reqparse.RequestParser()
wanted.add_argument("limit", type=inputs.int_range(1, 100), default=20, location="args")
wanted.add_argument("country", type=str, action="append", location="args", help="ISO 3166")
wanted.add_argument("certified", type=inputs.boolean, location="args")


class AlreadyListedError(Exception):
    """There is a referee of this name."""


@namespace.errorhandler(AlreadyListedError)  # type: ignore[untyped-decorator]
def already_listed(error: AlreadyListedError) -> tuple[dict[str, Any], int]:
    """Two referees of one name would be taken for one."""
    return {"message": f"{error} is listed already", "hint": "Add an initial"}, 409


@namespace.route("")
class Referees(Resource):  # type: ignore[misc]
    """All of them."""

    @namespace.expect(wanted)  # type: ignore[untyped-decorator]
    @namespace.marshal_list_with(referee_model)  # type: ignore[untyped-decorator]
    def get(self) -> Any:
        """List referees."""
        args = wanted.parse_args()
        query = select(Referee).order_by(Referee.id).limit(args["limit"])
        if args["country"]:
            query = query.where(Referee.country.in_(args["country"]))
        if args["certified"] is not None:
            query = query.where(Referee.certified.is_not(None) == args["certified"])
        return db.session.scalars(query).all()

    @namespace.expect(new_referee_model, validate=True)  # type: ignore[untyped-decorator]
    @namespace.response(201, "Created", referee_model)  # type: ignore[untyped-decorator]
    @namespace.response(409, "Listed already")  # type: ignore[untyped-decorator]
    def post(self) -> Any:
        """Add a referee."""
        new = namespace.payload
        if db.session.scalar(select(Referee.id).where(Referee.name == new["name"])):
            raise AlreadyListedError(new["name"])
        referee = Referee(name=new["name"], country=new["country"], level=new.get("level", 1))
        db.session.add(referee)
        db.session.commit()
        return marshal(referee, referee_model), 201, {"X-Referee": str(referee.id)}


@namespace.route("/<int:id>")
@namespace.param("id", "The referee's number")
class RefereeById(Resource):  # type: ignore[misc]
    """One of them."""

    @namespace.marshal_with(referee_model)  # type: ignore[untyped-decorator]
    @namespace.response(404, "No such referee")  # type: ignore[untyped-decorator]
    def get(self, id: int) -> Any:  # noqa: A002 - `fields.Url` fills it from the member
        """Show a referee."""
        return find_referee(id)

    @namespace.response(204, "Gone")  # type: ignore[untyped-decorator]
    def delete(self, id: int) -> Any:  # noqa: A002
        """Take a referee off the list."""
        db.session.delete(find_referee(id))
        db.session.commit()
        return "", 204


def find_referee(referee_id: int) -> Referee:
    """Return the referee, or answer 404 in the words of the `Api`."""
    referee = db.session.get(Referee, referee_id)
    if referee is None:
        namespace.abort(404, f"Referee {referee_id} not found")
    assert referee is not None
    return referee


api = Api(blueprint, title="Referees", version="1.0", doc="/docs", validate=False)
api.add_namespace(namespace)
