"""Matches, by three ways to the database: an async session, SQLModel, and still Flask's own."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from fastapi import APIRouter, Depends, HTTPException, Response
from flask import url_for
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from legacy_flask.extensions import db
from legacy_flask.models import Match, Team, Todo
from new_fastapi.compat.openapi import json_body, query
from new_fastapi.compat.pagination import WantedPage, paginate
from new_fastapi.compat.requests import RequestModel
from new_fastapi.compat.responses import HttpDate
from new_fastapi.dependencies import Session, body
from new_fastapi.models import MatchRow
from new_fastapi.schemas import Answer, Day, Error, TeamOut, Text

router = APIRouter(prefix="/matches", tags=["matches"])


class NewMatch(RequestModel):
    """The body of `POST /matches`."""

    problems: ClassVar[dict[str, str]] = {
        "home": "home is required and must be a team's name",
        "away": "away is required and must be a team's name",
        "played": "played is required and must be a date like 2026-05-31",
    }

    home: Text = Field(examples=["Rovers"])
    away: Text = Field(examples=["Wanderers & Co"])
    played: Day


class MatchOut(Answer):
    """A match with its teams; without goals it is still to be played."""

    id: int
    home: TeamOut
    away: TeamOut
    played: HttpDate
    home_goals: int | None
    away_goals: int | None


class MatchList(Answer):
    """A page of matches."""

    matches: list[MatchOut]
    total: int
    page: int
    pages: int


class MatchCreated(Answer):
    """The answer of `POST /matches`."""

    status: Literal["created"] = "created"
    match: MatchOut


@router.get(
    "",
    response_model=MatchList,
    responses={404: {"model": Error}},
    openapi_extra=query(page="1 unless told", per_page="1 to 50; 20 unless told"),
)
async def list_matches(session: Session, wanted: WantedPage) -> object:
    """Return a page of matches, the teams loaded with it."""
    matches = (
        select(Match)
        .options(selectinload(Match.home), selectinload(Match.away))
        .order_by(Match.played, Match.id)
    )
    page = await paginate(session, matches, wanted, max_per_page=50)
    return {"matches": page.items, "total": page.total, "page": page.page, "pages": page.pages}


@router.get("/{match_id}", response_model=MatchOut, responses={404: {"model": Error}})
async def get_match(match_id: int, session: Session) -> MatchRow:
    """Return one match with its teams."""
    match = await session.get(MatchRow, match_id)
    if match is None:
        raise HTTPException(404, f"Match {match_id} not found")
    return match


def team_called(name: str) -> Team:
    """Return the team, or answer 404 as Flask-SQLAlchemy does."""
    description = f"There is no team called {name}"
    team: Team = db.first_or_404(select(Team).where(Team.name == name), description=description)
    return team


@router.post(
    "",
    status_code=201,
    response_model=MatchCreated,
    responses={code: {"model": Error} for code in (400, 404, 409, 413, 415)},
    openapi_extra=json_body(NewMatch),
)
def create_match(new: Annotated[NewMatch, Depends(body(NewMatch))], response: Response) -> object:
    """Arrange a match, and have the pitch marked for it: both, or neither."""
    home, away = team_called(new.home), team_called(new.away)
    db.session.add(Todo(title=f"Mark the pitch for {home.name}", due=new.played))
    db.session.flush()
    match = Match(home=home, away=away, played=new.played)
    db.session.add(match)
    try:
        db.session.commit()
    except IntegrityError as error:
        db.session.rollback()
        raise HTTPException(409, f"{new.home} can't play {new.away} on that day") from error
    response.headers["Location"] = url_for("matches.get_match", match_id=match.id)
    return {"match": match}
