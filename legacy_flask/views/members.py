"""For members only: pages behind Flask-Login's decorators."""

from __future__ import annotations

from flask import Blueprint, abort, render_template
from flask_login import (  # type: ignore[import-untyped]
    current_user,
    fresh_login_required,
    login_required,
)
from sqlalchemy import select

from legacy_flask.extensions import db
from legacy_flask.models import User

blueprint = Blueprint("members", __name__, url_prefix="/members")

ADULT, REDUCED = 120, 60


@blueprint.get("/dues")
@login_required  # type: ignore[untyped-decorator]
def dues() -> str:
    """Show what every member owes a year: to the treasurer."""
    if not current_user.is_treasurer:
        abort(403, description="Only the treasurer may see this.")
    members = db.session.scalars(select(User).order_by(User.id))
    return render_template("dues.html", dues=[(member, amount(member)) for member in members])


@blueprint.get("/locker")
@login_required  # type: ignore[untyped-decorator]
def locker() -> str:
    """Show which locker is whose."""
    return render_template("locker.html", member=current_user.user)


@blueprint.get("/card")
@fresh_login_required  # type: ignore[untyped-decorator]
def card() -> str:
    """Show the card that opens the clubhouse: to who has just typed their password."""
    return render_template("card.html", member=current_user.user)


def amount(member: User) -> int:
    """Return a member's yearly dues: the young and the old pay half."""
    return ADULT if member.age is None or 18 <= member.age < 65 else REDUCED
