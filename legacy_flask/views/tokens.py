"""Tokens for the fans' own applications: get one, renew it, use it, revoke it."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue
from flask_jwt_extended import create_access_token, current_user, get_jwt, jwt_required

from legacy_flask.login import authenticate
from legacy_flask.tokens import blocklist, pair

blueprint = Blueprint("tokens", __name__, url_prefix="/fan-api")


@blueprint.post("/token")
def token() -> ResponseReturnValue:
    """Return an access token and a refresh token for `username` and `password`, sent as a form."""
    member = authenticate(request.form.get("username", ""), request.form.get("password", ""))
    if member is None:
        return jsonify(msg="Wrong e-mail address or password"), 401
    return jsonify(pair(member.user))


@blueprint.post("/refresh")
@jwt_required(refresh=True)  # type: ignore[untyped-decorator]
def refresh() -> Response:
    """Return a new access token for a refresh token; it is not fresh."""
    return jsonify(access_token=create_access_token(current_user), token_type="bearer")  # noqa: S106


@blueprint.delete("/token")
@jwt_required(verify_type=False)  # type: ignore[untyped-decorator]
def revoke() -> ResponseReturnValue:
    """Revoke the token with which this is asked, of either type."""
    blocklist().add(get_jwt()["jti"])
    return "", 204


@blueprint.get("/profile")
@jwt_required()  # type: ignore[untyped-decorator]
def profile() -> Response:
    """Return whose token this is."""
    return jsonify(id=current_user.id, name=current_user.name, role=get_jwt()["role"])


@blueprint.get("/contact")
@jwt_required(fresh=True)  # type: ignore[untyped-decorator]
def contact() -> Response:
    """Return what only a token of somebody who has just typed their password shows."""
    return jsonify(email=current_user.email)
