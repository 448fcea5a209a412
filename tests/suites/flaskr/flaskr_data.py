"""What tests begin with."""

from __future__ import annotations

from flask import Flask
from flaskr.db import get_db, init_db
from werkzeug.security import generate_password_hash


def fill(app: Flask) -> None:
    """Begin with two users and one post."""
    with app.app_context():
        init_db()
        get_db().executemany(
            "INSERT INTO user (username, password) VALUES (?, ?)",
            [(name, generate_password_hash(name, "pbkdf2:sha256:1")) for name in ("test", "other")],
        )
        get_db().execute(
            "INSERT INTO post (title, body, author_id, created)"
            " VALUES ('test title', 'test\nbody', 1, '2018-01-01 00:00:00')"
        )
        get_db().commit()
