"""What the fans' own websites use: rate-limited, cached, and open to their origins (CORS)."""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify, request
from flask_login import current_user, login_required  # type: ignore[import-untyped]
from sqlalchemy import func, select

from legacy_flask.extensions import cache, db, limiter
from legacy_flask.models import Player, Team
from legacy_flask.validation import JsonObject, is_integer, json_object

blueprint = Blueprint("fans", __name__, url_prefix="/fan-api")

ORDERS = ("name", "founded", "squad")


# --- rate limits ----------------------------------------------------------------------------------


def asks_nothing() -> bool:
    """An empty search costs nothing: it finds nothing, and no limit counts it."""
    return not request.args.get("q")


def member_id() -> str:
    """Whom a limit counts: the member who is logged in, wherever they sit."""
    return f"member-{current_user.get_id()}"


# Named, so that the native routes stand behind the very same limits.
ten_transfers = limiter.limit("10 per hour", key_func=member_id)
twenty_changes = limiter.shared_limit("20 per hour", scope="fan-changes", key_func=member_id)


@blueprint.get("/search")
@limiter.limit("5 per minute", exempt_when=asks_nothing)
def search() -> Response:
    """Find players by a part of their name: `?q=mia`."""
    wanted = request.args.get("q", "")
    players = db.session.scalars(select(Player).order_by(Player.id)).all() if wanted else []
    found = [player for player in players if wanted.casefold() in player.name.casefold()]
    return jsonify(players=[{"id": player.id, "name": player.name} for player in found])


@blueprint.post("/transfers")
@login_required  # type: ignore[untyped-decorator]
@twenty_changes
@ten_transfers
def transfer() -> tuple[Response, int]:
    """Move a player to another team."""
    data = json_object()
    for field in ("player_id", "team_id"):
        if not is_integer(data.get(field)) or not 0 < data[field] < 2**31:
            abort(400, description=f"{field} must be a number that a {field[:-3]} has")
    player = db.session.get(Player, data["player_id"])
    team = db.session.get(Team, data["team_id"])
    if player is None or team is None:
        abort(404, description="No such player or team")
    left, player.team_id = player.team_id, team.id
    db.session.commit()
    forget_standings(left, team.id)
    return jsonify(status="moved", player=player.name, team=team.name), 201


@blueprint.delete("/players/<int:player_id>/team")
@login_required  # type: ignore[untyped-decorator]
@twenty_changes
def release(player_id: int) -> tuple[str, int]:
    """Make a player a free agent."""
    player = db.session.get(Player, player_id)
    if player is None:
        abort(404, description=f"Player {player_id} not found")
    left, player.team_id = player.team_id, None
    db.session.commit()
    forget_standings(left)
    return "", 204


# --- the cache ------------------------------------------------------------------------------------


def standings_key(order: str | None = None) -> str:
    """Return the key of an answer: what it depends on and no more, so that all can be deleted."""
    order = request.args.get("order") if order is None else order
    return f"fan-standings/{order if order in ORDERS else ORDERS[0]}"


def wants_it_fresh() -> bool:
    """Whether the client wants no cached answer."""
    return request.headers.get("Cache-Control") == "no-cache"


@cache.memoize(timeout=300)
def squad_size(team_id: int) -> int:
    """Return how many players a team has."""
    query = select(func.count()).select_from(Player).where(Player.team_id == team_id)
    return db.session.scalar(query) or 0


@blueprint.get("/standings")
@cache.cached(
    timeout=300,
    make_cache_key=standings_key,
    unless=wants_it_fresh,
    response_hit_indication=True,
)
def standings() -> Response:
    """Return every team with the size of its squad: `?order=name`, `founded` or `squad`."""
    teams = db.session.scalars(select(Team).order_by(Team.id))
    rows = [standing(team, squad_size(team.id)) for team in teams]
    return jsonify(standings=sort_standings(rows, request.args.get("order")))


def standing(team: Team, squad: int) -> JsonObject:
    """Return what the table shows of a team."""
    return {"team": team.name, "founded": team.founded, "squad": squad}


def sort_standings(rows: list[JsonObject], order: str | None) -> list[JsonObject]:
    """Return the rows as asked for: the youngest team first, or the smallest squad, or by name."""
    if order == "founded":
        return sorted(rows, key=lambda row: -(row["founded"] or 0))
    if order == "squad":
        return sorted(rows, key=lambda row: row["squad"])
    return sorted(rows, key=lambda row: row["team"])


def forget_standings(*team_ids: int | None) -> None:
    """Delete what the cache holds of these teams."""
    for team_id in team_ids:
        if team_id is not None:
            cache.delete_memoized(squad_size, team_id)
    for order in ORDERS:  # delete_many stops at the first that is not there, before 2.5
        cache.delete(standings_key(order))
