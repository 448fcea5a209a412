"""Read, write, change and delete posts."""

from __future__ import annotations

import sqlite3

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from flaskr.auth import login_required
from flaskr.db import get_db, moment

bp = Blueprint("blog", __name__)

POSTS = (
    "SELECT post.id, title, body, created, author_id, username"
    " FROM post JOIN user ON post.author_id = user.id"
)


@bp.get("/")
def index() -> str:
    """Show all posts, the newest first."""
    rows = get_db().execute(POSTS + " ORDER BY created DESC").fetchall()
    return render_template("blog/index.html", posts=rows, moment=moment)


def get_post(number: int, *, own: bool = True) -> sqlite3.Row:
    """Return a post; 404 where there is none, 403 for somebody else's."""
    row: sqlite3.Row | None = get_db().execute(POSTS + " WHERE post.id = ?", (number,)).fetchone()
    if row is None:
        abort(404, f"Post id {number} doesn't exist.")
    if own and row["author_id"] != g.user["id"]:
        abort(403)
    return row


@bp.get("/<int:number>.json")
def as_json(number: int) -> ResponseReturnValue:
    """Return a post for programs."""
    row = get_post(number, own=False)
    return {"title": row["title"], "id": row["id"], "author": row["username"]}


@bp.route("/create", methods=("GET", "POST"))
@login_required
def create() -> ResponseReturnValue:
    """Write a post."""
    if request.method == "POST":
        if request.form["title"]:
            connection = get_db()
            connection.execute(
                "INSERT INTO post (title, body, author_id) VALUES (?, ?, ?)",
                (request.form["title"], request.form["body"], g.user["id"]),
            )
            connection.commit()
            return redirect(url_for("blog.index"))
        flash("Title is required.")
    return render_template("blog/create.html")


@bp.route("/<int:number>/update", methods=("GET", "POST"))
@login_required
def update(number: int) -> ResponseReturnValue:
    """Change a post of one's own."""
    row = get_post(number)
    if request.method == "POST":
        if request.form["title"]:
            connection = get_db()
            connection.execute(
                "UPDATE post SET title = ?, body = ? WHERE id = ?",
                (request.form["title"], request.form["body"], number),
            )
            connection.commit()
            return redirect(url_for("blog.index"))
        flash("Title is required.")
    return render_template("blog/update.html", post=row)


@bp.post("/<int:number>/delete")
@login_required
def delete(number: int) -> ResponseReturnValue:
    """Delete a post of one's own."""
    get_post(number)
    connection = get_db()
    connection.execute("DELETE FROM post WHERE id = ?", (number,))
    connection.commit()
    return redirect(url_for("blog.index"))


@bp.post("/import")
@login_required
def import_posts() -> ResponseReturnValue:
    """Take the posts of a text file, one on each line."""
    lines = request.files["posts"].read().decode().splitlines()
    connection = get_db()
    connection.executemany(
        "INSERT INTO post (title, body, author_id) VALUES (?, '', ?)",
        [(line, g.user["id"]) for line in lines],
    )
    connection.commit()
    flash(f"{len(lines)} posts imported.")
    return redirect(url_for("blog.index"))
