"""Flask-Login: who is logged in, kept in Flask's signed session cookie."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask, current_app
from flask_login import LoginManager  # type: ignore[import-untyped]
from sqlalchemy import select
from werkzeug.security import check_password_hash

from legacy_flask.extensions import db
from legacy_flask.models import User


class Member:
    """A user as Flask-Login wants one; the model stays free of Flask."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, user: User) -> None:
        self.user = user

    @property
    def is_treasurer(self) -> bool:
        """Whether they keep the club's money."""
        return bool(self.user.email == current_app.config["TREASURER"])

    def get_id(self) -> str:
        """Return what the session cookie remembers."""
        return str(self.user.id)


def init_app(app: Flask) -> None:
    """Bind a login manager to `app`."""
    manager: Any = LoginManager()
    manager.user_loader(load_member)
    # People are sent to the form, programs are told 401.
    manager.blueprint_login_views = {"members": "auth.login_form"}
    manager.refresh_view = "auth.login_form"
    # Its context processor reads the session for every template, also one that shows no user.
    manager.init_app(app, add_context_processor=False)


def load_member(member_id: str) -> Member | None:
    """Return the member that a session cookie names, or None once the user is gone."""
    user = db.session.get(User, int(member_id))
    return Member(user) if user else None


def authenticate(email: str, password: str) -> Member | None:
    """Return the member with these credentials, or None."""
    user = db.session.scalar(select(User).where(User.email == email))
    if user is None or user.password_hash is None:
        return None
    return Member(user) if check_password_hash(user.password_hash, password) else None


def local_path(target: str | None) -> str | None:
    """Return where `?next=` leads if it is a path of this site, else None.

    Browsers take a backslash for a slash and skip control characters: with either it may lead away.
    """
    is_local = target and re.fullmatch(r"/(?![/\\])[^\\\x00-\x20\x7f]*", target)
    return target if is_local else None
