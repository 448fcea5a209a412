"""Register, log in, log out."""

from __future__ import annotations

import functools
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from flask import (
    Blueprint,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from werkzeug.security import check_password_hash, generate_password_hash

from flaskr.db import get_db

bp = Blueprint("auth", __name__, url_prefix="/auth")

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


@bp.before_app_request
def load_logged_in_user() -> None:
    """Put the row of who is logged in into `g.user`."""
    user_id = session.get("user_id")
    g.user = None
    if user_id is not None:
        g.user = get_db().execute("SELECT * FROM user WHERE id = ?", (user_id,)).fetchone()


def login_required(view: View) -> View:
    """Send anonymous visitors to the login page."""

    @functools.wraps(view)
    def wrapped(**values: object) -> ResponseReturnValue:
        if g.user is None:
            return redirect(url_for("auth.login"))
        return view(**values)

    return wrapped  # type: ignore[return-value]


@bp.route("/register", methods=("GET", "POST"))
def register() -> ResponseReturnValue:
    """Create an account."""
    if request.method == "POST":
        username, password = request.form["username"], request.form["password"]
        error = None
        if not username:
            error = "Username is required."
        elif not password:
            error = "Password is required."
        if error is None:
            connection = get_db()
            try:
                connection.execute(
                    "INSERT INTO user (username, password) VALUES (?, ?)",
                    (username, generate_password_hash(password, "pbkdf2:sha256:1")),
                )
                connection.commit()
            except sqlite3.IntegrityError:
                error = f"User {username} is already registered."
            else:
                return redirect(url_for("auth.login"))
        flash(error)
    return render_template("auth/register.html")


@bp.route("/login", methods=("GET", "POST"))
def login() -> ResponseReturnValue:
    """Begin a session."""
    if request.method == "POST":
        row = (
            get_db()
            .execute("SELECT * FROM user WHERE username = ?", (request.form["username"],))
            .fetchone()
        )
        error = None
        if row is None:
            error = "Incorrect username."
        elif not check_password_hash(row["password"], request.form["password"]):
            error = "Incorrect password."
        if error is None:
            session.clear()
            session["user_id"] = row["id"]
            return redirect(url_for("index"))
        flash(error)
    return render_template("auth/login.html")


@bp.get("/logout")
def logout() -> ResponseReturnValue:
    """End the session."""
    session.clear()
    return redirect(url_for("index"))
