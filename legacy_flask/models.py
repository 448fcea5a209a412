"""The tables. Plain SQLAlchemy, so that Flask and FastAPI can share them while both serve.

Flask reaches them through Flask-SQLAlchemy's session, FastAPI through an async one; once the
migration is over this module moves to the new package as it is.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import Float, ForeignKey, String
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
