"""Matches

Revision ID: 0005
Revises: 0004
Create Date: 2025-04-14 16:20:00
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "matches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("home_id", sa.Integer(), nullable=False),
        sa.Column("away_id", sa.Integer(), nullable=False),
        sa.Column("played", sa.Date(), nullable=False),
        sa.Column("home_goals", sa.Integer(), nullable=True),
        sa.Column("away_goals", sa.Integer(), nullable=True),
        sa.CheckConstraint("home_id <> away_id", name="ck_matches_two_teams"),
        sa.ForeignKeyConstraint(["home_id"], ["teams.id"]),
        sa.ForeignKeyConstraint(["away_id"], ["teams.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("home_id", "away_id", "played", name="uq_matches_teams_played"),
    )


def downgrade():
    op.drop_table("matches")
