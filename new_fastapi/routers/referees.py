"""Referees: what Flask-RESTX answered, by its own parser and models, and by pydantic's."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel
from sqlalchemy import select

from crossfade import compat
from legacy_flask.models import Referee
from legacy_flask.views.referees import (
    AlreadyListedError,
    api,
    namespace,
    new_referee_model,
    referee_model,
    wanted,
)
from new_fastapi.compat.restx import (
    marshalled,
    parsed,
    parser_query,
    payload,
    payload_body,
    shown,
    written,
)
from new_fastapi.dependencies import Session

router = APIRouter(prefix="/restx/referees", tags=["referees"])


class RefereeOut(BaseModel):
    """A referee, its members in the order in which RESTX wrote them."""

    id: int
    name: str
    level: int
    country: str
    certified: date | None
    uri: str

    @classmethod
    def of(cls, referee: Referee, request: Request) -> RefereeOut:
        """Return what is shown of a referee."""
        members = {name: getattr(referee, name) for name in cls.model_fields if name != "uri"}
        uri = str(request.app.url_path_for("show_referee", referee_id=str(referee.id)))
        return cls(**members, uri=uri)


class Refusal(BaseModel):
    """An error of RESTX's; `errors` has a text for each member that is wrong."""

    message: str
    errors: dict[str, str] | None = None


async def find_referee(referee_id: int, session: Session) -> Referee:
    """Return the referee, or answer 404 in the words of the `Api`."""
    referee = await session.get(Referee, referee_id)
    if referee is None:
        namespace.abort(404, f"Referee {referee_id} not found")
    assert referee is not None
    return referee


FoundReferee = Annotated[Referee, Depends(find_referee)]


@router.get(
    "",
    responses={200: {"model": list[RefereeOut]}, 400: {"model": Refusal}},
    openapi_extra=parser_query(wanted),
)
async def list_referees(
    args: Annotated[dict[str, Any], parsed(wanted)],
    session: Session,
    request: compat.FlaskRequest,
) -> Response:
    """List referees."""
    query = select(Referee).order_by(Referee.id).limit(args["limit"])
    if args["country"]:
        query = query.where(Referee.country.in_(args["country"]))
    if args["certified"] is not None:
        query = query.where(Referee.certified.is_not(None) == args["certified"])
    return marshalled((await session.scalars(query)).all(), referee_model, request)


@router.post(
    "",
    status_code=201,
    responses={
        201: {"model": RefereeOut},
        400: {"model": Refusal},
        409: {"model": Refusal},
    },
    openapi_extra=payload_body(new_referee_model),
)
async def add_referee(
    new: Annotated[dict[str, Any], payload(new_referee_model, api)],
    session: Session,
    request: Request,
) -> Response:
    """Add a referee."""
    if await session.scalar(select(Referee.id).where(Referee.name == new["name"])):
        raise AlreadyListedError(new["name"])
    referee = Referee(name=new["name"], country=new["country"], level=new.get("level", 1))
    session.add(referee)
    await session.commit()
    data = RefereeOut.of(referee, request).model_dump(mode="json")
    return written(data, 201, {"X-Referee": str(referee.id)})


@router.get("/{referee_id}", responses={200: {"model": RefereeOut}, 404: {"model": Refusal}})
async def show_referee(
    referee: FoundReferee,
    request: Request,
    mask: Annotated[str | None, compat.header("X-Fields")],
) -> Response:
    """Show a referee."""
    return shown(RefereeOut.of(referee, request), mask)
