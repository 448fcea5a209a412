"""Matches: Flask-SQLAlchemy as its documentation has it."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, Response, abort, jsonify, url_for
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from legacy_flask.extensions import db
from legacy_flask.models import Match, Team, Todo
from legacy_flask.validation import JsonObject, is_text, json_object
from legacy_flask.views.club import team_json

blueprint = Blueprint("matches", __name__, url_prefix="/matches")


def match_json(match: Match) -> JsonObject:
    """Return what the API shows of a match; the teams are loaded when they are asked for."""
    return {
        "id": match.id,
        "home": team_json(match.home),
        "away": team_json(match.away),
        "played": match.played,
        "home_goals": match.home_goals,
        "away_goals": match.away_goals,
    }


def new_match() -> JsonObject:
    """Return the names of the two teams, and the day."""
    data = json_object()
    for side in ("home", "away"):
        if not is_text(data.get(side)):
            abort(400, description=f"{side} is required and must be a team's name")
    try:
        played = date.fromisoformat(data["played"])
    except (KeyError, TypeError, ValueError):
        abort(400, description="played is required and must be a date like 2026-05-31")
    return {"home": data["home"], "away": data["away"], "played": played}


def team_called(name: str) -> Team:
    """Return the team, or answer 404."""
    description = f"There is no team called {name}"
    team: Team = db.first_or_404(select(Team).where(Team.name == name), description=description)
    return team


@blueprint.get("")
def list_matches() -> Response:
    """Return `?page=` of the matches, `?per_page=` at a time (20 unless told, 50 at most)."""
    page = db.paginate(select(Match).order_by(Match.played, Match.id), max_per_page=50)
    matches = [match_json(match) for match in page]
    return jsonify(matches=matches, total=page.total, page=page.page, pages=page.pages)


@blueprint.get("/<int:match_id>")
def get_match(match_id: int) -> Response:
    """Return one match with its teams."""
    match = db.get_or_404(Match, match_id, description=f"Match {match_id} not found")
    return jsonify(match_json(match))


@blueprint.post("")
def create_match() -> tuple[Response, int, dict[str, str]]:
    """Arrange a match, and have the pitch marked for it: both, or neither."""
    new = new_match()
    home, away = team_called(new["home"]), team_called(new["away"])
    db.session.add(Todo(title=f"Mark the pitch for {home.name}", due=new["played"]))
    db.session.flush()
    match = Match(home=home, away=away, played=new["played"])
    db.session.add(match)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        abort(409, description=f"{new['home']} can't play {new['away']} on that day")
    location = url_for("matches.get_match", match_id=match.id)
    return jsonify(status="created", match=match_json(match)), 201, {"Location": location}
