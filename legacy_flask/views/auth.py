"""Log in, log out, who am I. Forms are redirected, JSON is answered with JSON."""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user  # type: ignore[import-untyped]

from legacy_flask.login import authenticate, local_path
from legacy_flask.views.users import user_json

blueprint = Blueprint("auth", __name__)


@blueprint.get("/login")
def login_form() -> str:
    """Show the form."""
    return render_template("login.html", email="", problem=None, next=request.args.get("next"))


@blueprint.post("/login")
def login() -> ResponseReturnValue:
    """Start a session for `email` and `password`, sent as a form or as JSON.

    With `remember` a cookie logs the browser in again when the session is over.
    """
    given = request.get_json() if request.is_json else request.form
    if not hasattr(given, "get"):
        abort(400, description="Request body must be a JSON object")
    email, password = str(given.get("email", "")), str(given.get("password", ""))
    member = authenticate(email, password)
    target = request.args.get("next")
    if member is None:
        problem = "Wrong e-mail address or password"
        if request.is_json:
            abort(401, description=problem)
        return render_template("login.html", email=email, problem=problem, next=target), 401
    login_user(member, remember=bool(given.get("remember")))
    if request.is_json:
        return jsonify(status="logged in", user=user_json(member.user))
    return redirect(local_path(target) or url_for("auth.me"))


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """End the session, if there is one."""
    logout_user()
    return redirect(url_for("auth.login_form"))


@blueprint.get("/me")
def me() -> Response:
    """Return the user who is logged in."""
    if not current_user.is_authenticated:
        abort(401, description="Log in first")
    return jsonify(user_json(current_user.user))
