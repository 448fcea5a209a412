"""Flask-JWT-Extended: tokens for the fans' own applications."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token

from legacy_flask.blocklist import Blocklist
from legacy_flask.extensions import db
from legacy_flask.models import User


def init_app(app: Flask) -> None:
    """Bind a token manager to `app`."""
    manager = JWTManager(app)
    manager.additional_claims_loader(claims)
    manager.user_identity_loader(lambda user: str(user.id))
    manager.user_lookup_loader(load_user)
    manager.token_in_blocklist_loader(is_revoked)
    app.extensions["blocklist"] = Blocklist(
        app.config["TOKEN_BLOCKLIST"], app.config["JWT_REFRESH_TOKEN_EXPIRES"].total_seconds()
    )


def claims(user: User) -> dict[str, Any]:
    """Return what a token tells about its owner."""
    return {"role": "treasurer" if user.email == current_app.config["TREASURER"] else "member"}


def load_user(_header: dict[str, Any], token: dict[str, Any]) -> User | None:
    """Return the owner of a token, or None once they are gone."""
    return db.session.get(User, int(token["sub"]))


def is_revoked(_header: dict[str, Any], token: dict[str, Any]) -> bool:
    """Tell whether a token must not be used any more."""
    return token["jti"] in blocklist()


def blocklist() -> Blocklist:
    """Return the application's list of revoked tokens."""
    found: Blocklist = current_app.extensions["blocklist"]
    return found


def pair(user: User) -> dict[str, str]:
    """Return both tokens of somebody who has just typed their password."""
    return {
        "access_token": create_access_token(user, fresh=True),
        "refresh_token": create_refresh_token(user),
        "token_type": "bearer",
    }
