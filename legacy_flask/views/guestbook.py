"""The guestbook: a page with a form, and the same for scripts on the page."""

from __future__ import annotations

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from legacy_flask.extensions import db
from legacy_flask.forms import GuestbookForm
from legacy_flask.models import GuestbookEntry
from legacy_flask.validation import JsonObject, new_entry

blueprint = Blueprint("guestbook", __name__, url_prefix="/guestbook")
api = Blueprint("guestbook_api", __name__, url_prefix="/guestbook")


def entry_json(entry: GuestbookEntry) -> JsonObject:
    """Return what scripts are shown of an entry."""
    return {"id": entry.id, "author": entry.author, "message": entry.message}


@blueprint.route("", methods=["GET", "POST"])
def guestbook() -> ResponseReturnValue:
    """Show the entries and the form; add what it was filled in with."""
    form = GuestbookForm()
    if form.validate_on_submit():
        db.session.add(GuestbookEntry(author=form.author.data, message=form.message.data))
        db.session.commit()
        flash(f"Thank you, {form.author.data}!", "success")
        return redirect(url_for("guestbook.guestbook"))
    entries = db.session.scalars(select(GuestbookEntry).order_by(GuestbookEntry.id)).all()
    return render_template("guestbook.html", form=form, entries=entries)


@api.post("/entries")
def create_entry() -> tuple[Response, int]:
    """Add an entry that a script sends as JSON, with the token in `X-CSRFToken`."""
    entry = GuestbookEntry(**new_entry())
    db.session.add(entry)
    db.session.commit()
    return jsonify(status="created", entry=entry_json(entry)), 201
