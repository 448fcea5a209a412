"""The native side's SQLModel classes, in the one `MetaData` that the migrations look at."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from sqlalchemy import MetaData, Table
from sqlalchemy.orm import Mapped, relationship
from sqlmodel import Field, Relationship, SQLModel

from legacy_flask.models import Base, Match, Team


class NativeModel(SQLModel):
    """What every native table derives from: foreign keys lead to legacy tables and back."""

    metadata: ClassVar[MetaData] = Base.metadata


_matches: Table = Match.metadata.tables["matches"]


class MatchRow(NativeModel, table=True):
    """A match, on the columns that the legacy `Match` defines: there is one definition of them.

    Teams come with it, since an async session can't load them later; they are only read, so that
    the two classes don't both write the foreign key.
    """

    __table__ = _matches

    id: int | None = Field(default=None, sa_column=_matches.c.id)
    home_id: int = Field(sa_column=_matches.c.home_id)
    away_id: int = Field(sa_column=_matches.c.away_id)
    played: date = Field(sa_column=_matches.c.played)
    home_goals: int | None = Field(default=None, sa_column=_matches.c.home_goals)
    away_goals: int | None = Field(default=None, sa_column=_matches.c.away_goals)
    home: Mapped[Team] = Relationship(
        sa_relationship=relationship(
            Team, foreign_keys=[_matches.c.home_id], lazy="joined", viewonly=True
        )
    )
    away: Mapped[Team] = Relationship(
        sa_relationship=relationship(
            Team, foreign_keys=[_matches.c.away_id], lazy="joined", viewonly=True
        )
    )
