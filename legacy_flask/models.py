"""The tables. Plain SQLAlchemy, so that Flask and FastAPI can share them while both serve.

Flask reaches them through Flask-SQLAlchemy's session, FastAPI through an async one; once the
migration is over this module moves to the new package as it is.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Float, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """What every table derives from."""


class User(Base):
    """A member of the club. Only one with a password hash can log in."""

    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254), unique=True)
    age: Mapped[int | None]
    password_hash: Mapped[str | None] = mapped_column(String(255))


class Team(Base):
    """A team and the year it was founded."""

    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    city: Mapped[str | None] = mapped_column(String(120))
    founded: Mapped[int | None]

    def __str__(self) -> str:
        return self.name


class Player(Base):
    """A player; one without a team is a free agent."""

    __tablename__ = "players"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    jersey_number: Mapped[int]
    height_m: Mapped[float] = mapped_column(Float)
    born: Mapped[date]
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    team: Mapped[Team | None] = relationship()


class Todo(Base):
    """One thing on the club's list."""

    __tablename__ = "todos"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    done: Mapped[bool] = mapped_column(default=False)
    due: Mapped[date | None]


class GuestbookEntry(Base):
    """What a visitor left."""

    __tablename__ = "guestbook"

    id: Mapped[int] = mapped_column(primary_key=True)
    author: Mapped[str] = mapped_column(String(40))
    message: Mapped[str] = mapped_column(String(200))


class Match(Base):
    """A match of two teams on a day; without goals it is still to be played."""

    __tablename__ = "matches"
    __table_args__ = (
        UniqueConstraint("home_id", "away_id", "played", name="uq_matches_teams_played"),
        CheckConstraint("home_id <> away_id", name="ck_matches_two_teams"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    away_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    played: Mapped[date]
    home_goals: Mapped[int | None]
    away_goals: Mapped[int | None]
    home: Mapped[Team] = relationship(foreign_keys=[home_id])
    away: Mapped[Team] = relationship(foreign_keys=[away_id])


class Venue(Base):
    """A place to play."""

    __tablename__ = "venues"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    surface: Mapped[str] = mapped_column(String(20))
    capacity: Mapped[int]
    fee_cents: Mapped[int]  # an hour
    covered: Mapped[bool]
    opened: Mapped[date | None]
    inspected_at: Mapped[datetime | None]  # UTC
    email: Mapped[str] = mapped_column(String(254))
    website: Mapped[str | None] = mapped_column(String(500))
    tags: Mapped[list[str]] = mapped_column(JSON)
    hours: Mapped[dict[str, str]] = mapped_column(JSON)
    address: Mapped[dict[str, Any]] = mapped_column(JSON)

    @property
    def fee(self) -> Decimal:
        """The price of an hour; SQLite has no decimal numbers."""
        return Decimal(self.fee_cents).scaleb(-2)

    @fee.setter
    def fee(self, fee: Decimal) -> None:
        self.fee_cents = int(fee.scaleb(2))


class Referee(Base):
    """A referee, who whistles up to a level from 1 to 5."""

    __tablename__ = "referees"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    country: Mapped[str] = mapped_column(String(2))
    level: Mapped[int]
    certified: Mapped[date | None]
