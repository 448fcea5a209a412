"""The mails that the club sends, as Flask-Mail's messages."""

from __future__ import annotations

from flask import current_app, render_template
from flask_mail import Message

from legacy_flask.invitations import FIXTURES, INVITATION
from legacy_flask.models import Player


def invitation(player: Player, email: str, note: str | None, occasion: str = INVITATION) -> Message:
    """Return the mail that invites `player`; needs an application context."""
    about = {"player": player, "note": note, "occasion": occasion}
    message = Message(
        subject=f"Training with {player.name} ⚽",
        recipients=[(player.name, email)],
        body=render_template("mail/invitation.txt", **about),
        html=render_template("mail/invitation.html", **about),
        reply_to=current_app.config["MAIL_REPLY_TO"],
    )
    message.attach("Fixtures São Jorge.txt", "text/plain", FIXTURES.read_bytes())
    return message
