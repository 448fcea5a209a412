"""Invite players by mail, in the background where the client need not know how it went."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from fastapi import APIRouter, BackgroundTasks, Depends, HTTPException
from pydantic import BaseModel, PlainValidator
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from crossfade.compat import flask_context
from legacy_flask import mails
from legacy_flask.extensions import mail
from legacy_flask.invitations import REMINDER, is_email, is_note
from legacy_flask.models import Player, Team
from new_fastapi.compat.openapi import json_body
from new_fastapi.compat.requests import RequestModel
from new_fastapi.dependencies import Session, body
from new_fastapi.mail import TheMailer, invitation
from new_fastapi.routers.club import FoundPlayer
from new_fastapi.schemas import Error

router = APIRouter(tags=["mail"])


def _email(value: object) -> str:
    if not is_email(value):
        raise ValueError("not an address")
    return str(value)


def _note(value: object) -> str | None:
    if value is not None and not is_note(value):
        raise ValueError("not a text of at most 500 characters")
    return None if value is None else str(value)


class NewInvitation(RequestModel):
    """Where an invitation goes, and what the trainer adds."""

    problems: ClassVar[dict[str, str]] = {
        "email": "email is required and must be an address",
        "note": "note must be a text of at most 500 characters",
    }

    email: Annotated[str, PlainValidator(_email, json_schema_input_type=str)]
    note: Annotated[str | None, PlainValidator(_note, json_schema_input_type=str | None)] = None


class Invited(BaseModel):
    """The answer for one player."""

    status: Literal["invited", "reminded"]
    email: str


class TeamInvited(BaseModel):
    """The answer for a team."""

    status: Literal["invited"] = "invited"
    players: list[str]


async def known_player(player_id: int, player: FoundPlayer) -> Player:
    """Return the player, or answer 404."""
    if player is None:
        raise HTTPException(404, f"Player {player_id} not found")
    return player


async def known_team(team_id: int, session: Session) -> Team:
    """Return the team, or answer 404."""
    team = await session.get(Team, team_id)
    if team is None:
        raise HTTPException(404, f"Team {team_id} not found")
    return team


# Before the body: a player who is not there is 404, whatever the body.
KnownPlayer = Annotated[Player, Depends(known_player)]
KnownTeam = Annotated[Team, Depends(known_team)]
TheInvitation = Annotated[NewInvitation, Depends(body(NewInvitation))]


@router.post(
    "/players/{player_id}/invite",
    status_code=202,
    response_model=Invited,
    responses={code: {"model": Error} for code in (400, 404, 413, 415)},
    dependencies=[Depends(flask_context)],
    openapi_extra=json_body(NewInvitation),
)
async def invite(player: KnownPlayer, new: TheInvitation, background: BackgroundTasks) -> object:
    """Invite a player: Flask-Mail sends it, after the client has its answer."""
    message = mails.invitation(player, new.email, new.note)
    background.add_task(mail.send, message)
    return {"status": "invited", "email": new.email}


@router.post(
    "/players/{player_id}/remind",
    status_code=202,
    response_model=Invited,
    responses={code: {"model": Error} for code in (400, 404, 413, 415)},
    openapi_extra=json_body(NewInvitation),
)
async def remind(player: KnownPlayer, new: TheInvitation, mailer: TheMailer) -> object:
    """Remind a player; the client is told when the mail can't be sent, as by Flask."""
    message = invitation(mailer.settings, player, new.email, new.note, REMINDER)
    await run_in_threadpool(mailer.send, message)
    return {"status": "reminded", "email": new.email}


@router.post(
    "/teams/{team_id}/invite",
    status_code=202,
    response_model=TeamInvited,
    responses={code: {"model": Error} for code in (400, 404, 413, 415)},
    openapi_extra=json_body(NewInvitation),
)
async def invite_team(
    team: KnownTeam,
    new: TheInvitation,
    session: Session,
    mailer: TheMailer,
    background: BackgroundTasks,
) -> object:
    """Invite everybody of a team, over one connection, after the client has its answer."""
    query = select(Player).where(Player.team_id == team.id).order_by(Player.id)
    players = (await session.scalars(query)).all()
    messages = [invitation(mailer.settings, each, new.email, new.note) for each in players]
    background.add_task(mailer.send_or_log, messages)
    return {"players": [player.name for player in players]}
