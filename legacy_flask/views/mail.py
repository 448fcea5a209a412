"""Invite players by mail: Flask-Mail hands it to the SMTP server before the client is answered."""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify
from sqlalchemy import select

from legacy_flask.extensions import db, mail
from legacy_flask.invitations import REMINDER, is_email, is_note
from legacy_flask.mails import invitation
from legacy_flask.models import Player, Team
from legacy_flask.validation import JsonObject, json_object

blueprint = Blueprint("mail", __name__)


def new_invitation() -> JsonObject:
    """Return where the invitation goes, and what the trainer adds."""
    data = json_object()
    email, note = data.get("email"), data.get("note")
    if not is_email(email):
        abort(400, description="email is required and must be an address")
    if note is not None and not is_note(note):
        abort(400, description="note must be a text of at most 500 characters")
    return {"email": email, "note": note}


def find_player(player_id: int) -> Player:
    """Return the player, or answer 404."""
    player = db.session.get(Player, player_id)
    if player is None:
        abort(404, description=f"Player {player_id} not found")
    return player


@blueprint.post("/players/<int:player_id>/invite")
def invite(player_id: int) -> tuple[Response, int]:
    """Invite a player. The client waits for the SMTP server; a mail that it refuses is a 500."""
    player = find_player(player_id)
    new = new_invitation()
    mail.send(invitation(player, new["email"], new["note"]))
    return jsonify(status="invited", email=new["email"]), 202


@blueprint.post("/players/<int:player_id>/remind")
def remind(player_id: int) -> tuple[Response, int]:
    """Remind a player of the invitation."""
    player = find_player(player_id)
    new = new_invitation()
    mail.send(invitation(player, new["email"], new["note"], REMINDER))
    return jsonify(status="reminded", email=new["email"]), 202


@blueprint.post("/teams/<int:team_id>/invite")
def invite_team(team_id: int) -> tuple[Response, int]:
    """Invite everybody of a team at their trainer's address, over one connection."""
    team = db.session.get(Team, team_id)
    if team is None:
        abort(404, description=f"Team {team_id} not found")
    new = new_invitation()
    players = db.session.scalars(
        select(Player).where(Player.team_id == team_id).order_by(Player.id)
    ).all()
    with mail.connect() as connection:
        for player in players:
            connection.send(invitation(player, new["email"], new["note"]))
    return jsonify(status="invited", players=[player.name for player in players]), 202
