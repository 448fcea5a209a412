"""Teams and their players."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from legacy_flask.models import Player, Team
from new_fastapi.compat.openapi import json_body
from new_fastapi.dependencies import Session, body
from new_fastapi.schemas import Error, NewTeam, PlayerOut, TeamCreated, TeamList

router = APIRouter(tags=["club"])


async def find_player(player_id: int, session: Session) -> Player | None:
    """Return the player with their team, which an async session cannot load later."""
    return await session.get(Player, player_id, options=[selectinload(Player.team)])


FoundPlayer = Annotated[Player | None, Depends(find_player)]


@router.get("/teams", response_model=TeamList)
async def list_teams(session: Session) -> object:
    """Return every team."""
    teams = await session.scalars(select(Team).order_by(Team.id))
    return {"teams": teams.all()}


@router.post(
    "/teams",
    status_code=201,
    response_model=TeamCreated,
    responses={code: {"model": Error} for code in (400, 409, 413, 415)},
    openapi_extra=json_body(NewTeam),
)
async def create_team(new: Annotated[NewTeam, Depends(body(NewTeam))], session: Session) -> object:
    """Create a team; names are unique."""
    team = Team(**new.model_dump())
    session.add(team)
    try:
        await session.commit()
    except IntegrityError as error:
        raise HTTPException(409, f"There is a team called {new.name} already") from error
    return {"team": team}


@router.get("/players/{player_id}", response_model=PlayerOut, responses={404: {"model": Error}})
async def get_player(player_id: int, player: FoundPlayer) -> Player:
    """Return one player with their team."""
    if player is None:
        raise HTTPException(404, f"Player {player_id} not found")
    return player
