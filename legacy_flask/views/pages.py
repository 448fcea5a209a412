"""Pages for people."""

from __future__ import annotations

from flask import Blueprint, abort, render_template
from sqlalchemy import select

from legacy_flask.extensions import db
from legacy_flask.models import Player, Team

blueprint = Blueprint("pages", __name__)


@blueprint.get("/")
def home() -> str:
    """List the teams and the players."""
    teams = db.session.scalars(select(Team).order_by(Team.id)).all()
    players = db.session.scalars(select(Player).order_by(Player.id)).all()
    return render_template("home.html", teams=teams, players=players)


@blueprint.get("/players/<int:player_id>/page")
def player_page(player_id: int) -> str:
    """Show one player with their jersey."""
    player = db.session.get(Player, player_id)
    if player is None:
        abort(404, description=f"There is no player number {player_id} here.")
    return render_template("player.html", player=player)
