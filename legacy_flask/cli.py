"""Commands beside Flask's own and Flask-Migrate's."""

from __future__ import annotations

import click
from flask import Flask, current_app
from sqlalchemy import select

from legacy_flask.extensions import db
from legacy_flask.models import User
from legacy_flask.seed import insert_demo_data, reset_data


def init_app(app: Flask) -> None:
    """Register the commands."""
    app.cli.add_command(seed)


@click.command("seed")
@click.option("--reset", is_flag=True, help="Delete every row first, and start ids over.")
def seed(reset: bool) -> None:
    """Put the demo data into a migrated database."""
    if reset:
        reset_data(current_app)
    elif db.session.scalar(select(User.id).limit(1)) is not None:
        raise click.ClickException("The database has users already. Start over with --reset.")
    else:
        with db.engine.begin() as connection:
            insert_demo_data(connection)
    click.echo("Seeded the demo data.")
