"""Flask-WTF: forms, and the token that each of them has to bring back."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_wtf import CSRFProtect, FlaskForm  # type: ignore[import-untyped]
from wtforms import StringField, TextAreaField  # type: ignore[import-untyped]
from wtforms.validators import DataRequired, Length  # type: ignore[import-untyped]

PROTECTED = {"guestbook", "guestbook_api"}
"""Blueprints whose clients are browsers. To all others the token is unknown: they serve programs,
or forms that were there before it."""


class GuestbookForm(FlaskForm):  # type: ignore[misc]
    """What a visitor fills in."""

    author = StringField(
        "Name",
        validators=[
            DataRequired("Please sign with your name."),
            Length(max=40, message="A name has at most 40 characters."),
        ],
    )
    message = TextAreaField(
        "Message",
        validators=[
            DataRequired("Please write something."),
            Length(max=200, message="A message has at most 200 characters."),
        ],
    )


def init_app(app: Flask) -> None:
    """Check the token of every POST, PUT, PATCH and DELETE to a blueprint that is `PROTECTED`.

    Call it last: a blueprint that is registered later is protected as well.
    """
    csrf = CSRFProtect(app)  # a global one would keep the blueprints of every application
    for name, blueprint in app.blueprints.items():
        if name not in PROTECTED:
            exempt: Any = csrf.exempt
            exempt(blueprint)
