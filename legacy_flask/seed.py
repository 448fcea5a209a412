"""The demo data: the same rows with the same ids, every time."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from flask import Flask
from sqlalchemy import Connection, insert, text

from legacy_flask.extensions import db
from legacy_flask.models import (
    Base,
    GuestbookEntry,
    Match,
    Player,
    Referee,
    Team,
    Todo,
    User,
    Venue,
)

DEMO_EMAIL = "ada@example.com"
DEMO_PASSWORD = "engine-no-1"  # noqa: S105 - the demo account's, printed in the documentation

# Hashed ahead of time: a fresh salt would make every seeding differ from the last.
_DEMO_HASH = (
    "scrypt:32768:8:1$demosalt$"
    "ba8fd9c8a9544959e448c45f272b85d2941fb418896a6bc3fdf29c4a5007f6e0"
    "a543d61f714a44a0786969467d9730b0ccdef1aab7118609f194cbcf45001437"
)

USERS: list[dict[str, Any]] = [
    {"name": "Ada Lovelace", "email": DEMO_EMAIL, "age": 36, "password_hash": _DEMO_HASH},
    {"name": "Grace Hopper", "email": "grace@example.com", "age": 85, "password_hash": None},
    {"name": "Zoë Müller", "email": "zoë@example.com", "age": None, "password_hash": None},
    {"name": "Linus 🐧", "email": "linus@example.com", "age": 21, "password_hash": None},
]

TEAMS: list[dict[str, Any]] = [
    {"name": "Rovers", "city": "Bristol", "founded": 1883},
    {"name": "São Jorge", "city": "Lisboa", "founded": 1911},
    {"name": "Wanderers & Co", "city": None, "founded": None},
]

PLAYERS: list[dict[str, Any]] = [
    {
        "name": "Mia Hamm",
        "jersey_number": 9,
        "height_m": 1.65,
        "born": date(1972, 3, 17),
        "team_id": 1,
    },
    {
        "name": 'Siobhán "Sibs" O\'Brien',
        "jersey_number": 10,
        "height_m": 1.7,
        "born": date(1999, 12, 31),
        "team_id": 2,
    },
    {
        "name": "Jo <Striker> & Sons",
        "jersey_number": 0,
        "height_m": 2.0,
        "born": date(2004, 2, 29),
        "team_id": None,
    },
]

TODOS: list[dict[str, Any]] = [
    {"title": "Mark the pitch", "done": True, "due": date(2026, 3, 1)},
    {"title": "Wash the kits", "done": False, "due": date(2026, 3, 7)},
    {"title": "Book the café", "done": False, "due": None},
]

GUESTBOOK: list[dict[str, Any]] = [
    {"author": "Grace", "message": "What a match! <3"},
    {"author": "Zoë & Söhne", "message": "Bis nächstes Jahr."},
]

MATCHES: list[dict[str, Any]] = [
    {"home_id": 1, "away_id": 2, "played": date(2026, 2, 28), "home_goals": 2, "away_goals": 1},
    {"home_id": 3, "away_id": 1, "played": date(2026, 3, 1), "home_goals": 0, "away_goals": 0},
    {
        "home_id": 2,
        "away_id": 3,
        "played": date(2026, 9, 5),
        "home_goals": None,
        "away_goals": None,
    },
]

VENUES: list[dict[str, Any]] = [
    {
        "name": "Main ground",
        "surface": "grass",
        "capacity": 1200,
        "fee_cents": 12000,
        "covered": False,
        "opened": date(1903, 5, 1),
        "inspected_at": datetime(2026, 1, 15, 9, 30),  # UTC
        "email": "ground@example.com",
        "website": "https://club.example.com/ground",
        "tags": ["floodlight", "stand"],
        "hours": {"mon": "8-22", "sat": "9-20"},
        "address": {"street": "Mill Lane 1", "city": "Bristol", "post_code": "BS1 4ST"},
    },
    {
        "name": "Halle Süd",
        "surface": "artificial",
        "capacity": 300,
        "fee_cents": 8550,
        "covered": True,
        "opened": None,
        "inspected_at": None,
        "email": "halle@example.com",
        "website": None,
        "tags": [],
        "hours": {},
        "address": {"street": "Südring 9", "city": "Köln", "post_code": None},
    },
]

REFEREES: list[dict[str, Any]] = [
    {"name": "Pia Colina", "country": "IT", "level": 5, "certified": date(2001, 6, 30)},
    {"name": "Bo Øst", "country": "DK", "level": 2, "certified": None},
]

# Teams before the players and matches that refer to them.
_ROWS = (
    (User, USERS),
    (Team, TEAMS),
    (Player, PLAYERS),
    (Todo, TODOS),
    (GuestbookEntry, GUESTBOOK),
    (Match, MATCHES),
    (Venue, VENUES),
    (Referee, REFEREES),
)


def insert_demo_data(connection: Connection) -> None:
    """Insert the demo rows into empty tables. Their ids follow from their order, from 1 on."""
    for model, rows in _ROWS:
        connection.execute(insert(model), rows)


def reset_data(app: Flask) -> None:
    """Bring the database of `app` to its seeded state, in one transaction.

    Every row goes, ids start over, the demo rows come back: the next `POST /users` gets the same
    id that it got after the last reset. Needs the tables; takes a few milliseconds.
    """
    with app.app_context(), db.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            tables = ", ".join(table.name for table in Base.metadata.sorted_tables)
            connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))
        else:
            # SQLite gives a new row the highest id plus one, so empty tables start over.
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(table.delete())
        insert_demo_data(connection)
