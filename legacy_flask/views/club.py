"""Teams and their players."""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from legacy_flask.extensions import db
from legacy_flask.models import Player, Team
from legacy_flask.validation import JsonObject, new_team

blueprint = Blueprint("club", __name__)


def team_json(team: Team) -> JsonObject:
    """Return what the API shows of a team."""
    return {"id": team.id, "name": team.name, "city": team.city, "founded": team.founded}


def player_json(player: Player) -> JsonObject:
    """Return what the API shows of a player. Flask writes the date as in HTTP headers."""
    return {
        "id": player.id,
        "name": player.name,
        "jersey_number": player.jersey_number,
        "height_m": player.height_m,
        "born": player.born,
        "team": team_json(player.team) if player.team else None,
    }


@blueprint.get("/teams")
def list_teams() -> Response:
    """Return every team."""
    teams = db.session.scalars(select(Team).order_by(Team.id))
    return jsonify(teams=[team_json(team) for team in teams])


@blueprint.post("/teams")
def create_team() -> tuple[Response, int]:
    """Create a team; names are unique."""
    team = Team(**new_team())
    db.session.add(team)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        abort(409, description=f"There is a team called {team.name} already")
    return jsonify(status="created", team=team_json(team)), 201


@blueprint.get("/players/<int:player_id>")
def get_player(player_id: int) -> Response:
    """Return one player with their team."""
    player = db.session.get(Player, player_id)
    if player is None:
        abort(404, description=f"Player {player_id} not found")
    return jsonify(player_json(player))
