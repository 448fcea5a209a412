"""Some of the blog's routes in FastAPI. They use Flask's session, `g`, flashes and templates.

`FLASKR_DEFECT` makes one of them wrong, to see that the suite notices: `status`, `state`, `text`,
`session`, `error`, `raises`.
"""

from __future__ import annotations

import os
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI
from flask import Flask, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flaskr import blog
from flaskr.blog import POSTS, get_post
from flaskr.db import get_db, moment
from werkzeug.datastructures import FileStorage
from werkzeug.security import check_password_hash

from crossfade.compat import Session, file, flask_context, flask_view, form, jsonify

DEFECT = os.environ.get("FLASKR_DEFECT")

router = APIRouter(dependencies=[Depends(flask_context)])


@router.get("/", response_model=None)
@flask_view
def index() -> ResponseReturnValue:
    """All posts."""
    rows = get_db().execute(POSTS + " ORDER BY created DESC").fetchall()
    if DEFECT == "text":
        rows = []
    return render_template("blog/index.html", posts=rows, moment=moment)


@router.get("/{post_id}.json")
def as_json(post_id: int) -> object:
    """One post for programs."""
    if DEFECT == "raises":
        return {"id": post_id, "title": "test title", "author": "test"}
    row = blog.get_db().execute(POSTS + " WHERE post.id = ?", (post_id,)).fetchone()
    if row is None and DEFECT == "error":
        return jsonify(None)
    row = get_post(post_id, own=False)
    return jsonify(id=row["id"], title=row["title"], author=row["username"])


@router.post("/auth/login", response_model=None)
@flask_view
def login(
    username: Annotated[str, form("username")],
    password: Annotated[str, form("password")],
    session: Session,
) -> ResponseReturnValue:
    """Begin a session."""
    row = get_db().execute("SELECT * FROM user WHERE username = ?", (username,)).fetchone()
    if row is None:
        flash("Incorrect username.")
    elif not check_password_hash(row["password"], password):
        flash("Incorrect password.")
    else:
        session.clear()
        if DEFECT != "session":
            session["user_id"] = row["id"]
        return redirect(url_for("index"))
    return render_template("auth/login.html")


@router.post("/{post_id}/delete", response_model=None)
@flask_view
async def delete(post_id: int) -> ResponseReturnValue:
    """Delete a post of one's own."""
    if g.user is None:
        return redirect(url_for("auth.login"))
    get_post(post_id)
    if DEFECT != "state":
        get_db().execute("DELETE FROM post WHERE id = ?", (post_id,))
        get_db().commit()
    return redirect(url_for("blog.index"))


@router.post("/import", response_model=None)
@flask_view
def import_posts(posts: Annotated[FileStorage, file("posts")]) -> ResponseReturnValue:
    """Take the posts of a text file."""
    if g.user is None:
        return redirect(url_for("auth.login"))
    lines = posts.read().decode().splitlines()
    get_db().executemany(
        "INSERT INTO post (title, body, author_id) VALUES (?, '', ?)",
        [(line, g.user["id"]) for line in lines],
    )
    get_db().commit()
    flash(f"{len(lines)} posts imported.")
    return redirect(url_for("blog.index"), 303 if DEFECT == "status" else 302)


app = FastAPI(openapi_url=None)
app.include_router(router)


def create_native(flask_app: Flask) -> FastAPI:
    """Return a FastAPI application of its own for one Flask application."""
    native = FastAPI(openapi_url=None)
    native.include_router(router)
    native.state.database = flask_app.config.get("DATABASE")
    return native
