"""Users: list, read, create."""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify, request, url_for
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from legacy_flask.extensions import db
from legacy_flask.models import User
from legacy_flask.validation import JsonObject, new_user

blueprint = Blueprint("users", __name__, url_prefix="/users")


def user_json(user: User) -> JsonObject:
    """Return what the API shows of a user."""
    return {"id": user.id, "name": user.name, "email": user.email, "age": user.age}


@blueprint.get("")
def list_users() -> Response:
    """Return `?limit=` users (20 unless told, 100 at most), after the first `?offset=`."""
    limit = min(max(request.args.get("limit", 20, type=int), 1), 100)
    offset = max(request.args.get("offset", 0, type=int), 0)
    users = db.session.scalars(select(User).order_by(User.id).limit(limit).offset(offset))
    total = db.session.scalar(select(func.count()).select_from(User))
    return jsonify(users=[user_json(user) for user in users], total=total)


@blueprint.get("/<int:user_id>")
def get_user(user_id: int) -> Response:
    """Return one user."""
    user = db.session.get(User, user_id)
    if user is None:
        abort(404, description=f"User {user_id} not found")
    return jsonify(user_json(user))


@blueprint.post("")
def create_user() -> tuple[Response, int, dict[str, str]]:
    """Create a user; each e-mail address can register once."""
    user = User(**new_user())
    db.session.add(user)
    try:
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        abort(409, description=f"{user.email} is already registered")
    location = url_for("users.get_user", user_id=user.id)
    return jsonify(status="created", user=user_json(user)), 201, {"Location": location}
