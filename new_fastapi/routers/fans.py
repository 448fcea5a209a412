"""What the fans' own websites use: rate-limited, cached, and open to their origins (CORS)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from flask_login import login_required  # type: ignore[import-untyped]
from pydantic import BaseModel, PlainValidator
from sqlalchemy import func, select

from crossfade.compat import decorated
from legacy_flask.models import Player, Team
from legacy_flask.views import fans as legacy
from new_fastapi import caching
from new_fastapi.compat.openapi import json_body, query
from new_fastapi.compat.requests import RequestModel, first_args
from new_fastapi.compat.responses import FlaskJSONResponse, no_content
from new_fastapi.dependencies import QueryArgs, Session, body
from new_fastapi.limits import limiter
from new_fastapi.schemas import Error

router = APIRouter(prefix="/fan-api", tags=["fans"])


# --- rate limits ----------------------------------------------------------------------------------


class Found(BaseModel):
    """A player who was found."""

    id: int
    name: str


class FoundPlayers(BaseModel):
    """The answer to a search."""

    players: list[Found]


def asks_nothing(request: Request) -> bool:
    """An empty search costs nothing: it finds nothing, and no limit counts it."""
    return not first_args(request).get("q")


# The scope is the endpoint's name in Flask, by which Flask-Limiter counts.
@router.get(
    "/search",
    response_model=FoundPlayers,
    responses={429: {"model": Error}},
    openapi_extra=query(q="a part of a player's name"),
)
@limiter.shared_limit("5 per minute", scope="fans.search", exempt_when=asks_nothing)
async def search(request: Request, args: QueryArgs, session: Session) -> object:
    """Find players by a part of their name."""
    wanted = args.get("q", "")
    players = (await session.scalars(select(Player).order_by(Player.id))).all() if wanted else []
    return {"players": [p for p in players if wanted.casefold() in p.name.casefold()]}


def _row_id(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31:
        raise ValueError("not the number of a row")
    return value


RowId = Annotated[int, PlainValidator(_row_id, json_schema_input_type=int)]


class NewTransfer(RequestModel):
    """The body of `POST /fan-api/transfers`."""

    problems: ClassVar[dict[str, str]] = {
        "player_id": "player_id must be a number that a player has",
        "team_id": "team_id must be a number that a team has",
    }

    player_id: RowId
    team_id: RowId


class Transfer(BaseModel):
    """A player who has moved."""

    status: str
    player: str
    team: str


@router.post(
    "/transfers",
    status_code=201,
    response_model=Transfer,
    responses={code: {"model": Error} for code in (400, 401, 404, 413, 415, 429)},
    openapi_extra=json_body(NewTransfer),
    dependencies=[decorated(login_required, legacy.twenty_changes, legacy.ten_transfers)],
)
async def transfer(
    new: Annotated[NewTransfer, Depends(body(NewTransfer))], session: Session
) -> object:
    """Move a player to another team."""
    player = await session.get(Player, new.player_id)
    team = await session.get(Team, new.team_id)
    if player is None or team is None:
        raise HTTPException(404, "No such player or team")
    left, player.team_id = player.team_id, team.id
    await session.commit()
    await forget_standings(left, team.id)
    return {"status": "moved", "player": player.name, "team": team.name}


@router.delete(
    "/players/{player_id}/team",
    status_code=204,
    responses={code: {"model": Error} for code in (401, 404, 429)},
    dependencies=[decorated(login_required, legacy.twenty_changes)],
)
async def release(player_id: int, session: Session) -> Response:
    """Make a player a free agent."""
    player = await session.get(Player, player_id)
    if player is None:
        raise HTTPException(404, f"Player {player_id} not found")
    left, player.team_id = player.team_id, None
    await session.commit()
    await forget_standings(left)
    return no_content()


# --- the cache ------------------------------------------------------------------------------------


class Standing(BaseModel):
    """A team in the table."""

    team: str
    founded: int | None
    squad: int


class Standings(BaseModel):
    """The table."""

    standings: list[Standing]


@router.get(
    "/standings",
    response_model=Standings,
    openapi_extra=query(order="name, founded or squad"),
)
async def standings(request: Request, args: QueryArgs, session: Session) -> Response:
    """Return every team with the size of its squad."""
    if request.headers.get("cache-control") == "no-cache":
        return await make_standings(args.get("order"), session)
    key = legacy.standings_key(args.get("order", ""))
    found = await caching.answer(key)
    if found is None:
        found = await make_standings(args.get("order"), session)
        await caching.keep_answer(key, found, timeout=300)
    return found


async def make_standings(order: str | None, session: Session) -> Response:
    """Return the table as a whole answer, which is what Flask-Caching keeps."""
    teams = await session.scalars(select(Team).order_by(Team.id))
    rows = [legacy.standing(team, await squad_size(team.id, session)) for team in teams]
    return FlaskJSONResponse({"standings": legacy.sort_standings(rows, order)})


async def squad_size(team_id: int, session: Session) -> int:
    """Return how many players a team has: what Flask has memoized, or what it will find."""
    key = await caching.memoized_key(legacy.squad_size, team_id)
    size: int | None = await caching.get(key)
    if size is None:
        query = select(func.count()).select_from(Player).where(Player.team_id == team_id)
        size = await session.scalar(query) or 0
        await caching.put(key, size, timeout=300)
    return size


async def forget_standings(*team_ids: int | None) -> None:
    """Delete what the cache holds of these teams."""
    await caching.in_thread(legacy.forget_standings, *team_ids)
