"""Flask-Migrate and plain Alembic, one folder of migrations: either can take over from the other.

`EXAMPLE_DATABASE_URL=postgresql://…` makes the databases of these tests on that server.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from legacy_flask import config, create_app
from legacy_flask.extensions import MIGRATIONS, db
from new_fastapi.settings import async_url

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
NewDatabase = Callable[[str], str]

# An Alembic that can't make a Flask application.
PLAIN = """
import sys, alembic.config, flask
flask.Flask.__init__ = None
alembic.config.main(sys.argv[1:])
"""

# What a team adds next: a legacy model, and a native one that refers to a legacy table.
NEXT = """
import sys
from alembic import command
from alembic.config import Config
from sqlalchemy.orm import Mapped, mapped_column
from sqlmodel import Field
from legacy_flask.models import Base
from new_fastapi.models import NativeModel

class Trophy(Base):
    __tablename__ = "trophies"
    id: Mapped[int] = mapped_column(primary_key=True)

class Sponsor(NativeModel, table=True):
    __tablename__ = "sponsors"
    id: int | None = Field(default=None, primary_key=True)
    match_id: int = Field(foreign_key="matches.id")

alembic = Config(sys.argv[1])
command.revision(alembic, "next", autogenerate=True, rev_id="next")
command.upgrade(alembic, "head")
command.check(alembic)
"""


@pytest.fixture
def new_database(tmp_path: Path) -> Iterator[NewDatabase]:
    """Return what makes an empty database and returns its URL."""
    server = os.environ.get("EXAMPLE_DATABASE_URL")
    with ExitStack() as stack:

        def new(name: str) -> str:
            if server is None:
                return f"sqlite:///{tmp_path}/{name}.db"
            return stack.enter_context(_postgres_database(server, f"migrations_{name}"))

        yield new


@contextmanager
def _postgres_database(server: str, name: str) -> Iterator[str]:
    admin = create_engine(config.database_url(server), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
        admin.dispose()


def flask_db(url: str, *arguments: str) -> None:
    """Run `flask db …` on a database."""
    app = create_app({"SQLALCHEMY_DATABASE_URI": url, "PREPARE_DATABASE": False})
    result = app.test_cli_runner().invoke(args=["db", *arguments])
    with app.app_context():
        db.engine.dispose()
    assert result.exit_code == 0, result.output


def alembic(url: str, what: str, *arguments: str, **options: Any) -> str:
    """Run `alembic …` on a database, outside of any Flask application; return what it printed."""
    output = StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        ini = Config(MIGRATIONS / "alembic.ini", stdout=output, output_buffer=output)
        getattr(command, what)(ini, *arguments, **options)
    return output.getvalue()


def python(url: str, program: str, *arguments: str | Path) -> None:
    """Run a program in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(ROOT)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr


def schema(url: str) -> dict[str, Any]:
    """Return all that the database says of its tables, and its revision."""
    engine = create_engine(config.database_url(url))
    with engine.connect() as connection:
        seen = inspect(connection)
        tables = {
            table: {
                "columns": [{**each, "type": str(each["type"])} for each in columns],
                "key": seen.get_pk_constraint(table),
                "foreign": seen.get_foreign_keys(table),
                "unique": seen.get_unique_constraints(table),
                "checks": seen.get_check_constraints(table),
                "indexes": seen.get_indexes(table),
            }
            for (_, table), columns in seen.get_multi_columns().items()
        }
        revision = MigrationContext.configure(connection).get_current_heads()
    engine.dispose()
    return {**tables, "revision": revision}


def test_flask_db_and_alembic_make_the_same_database(new_database: NewDatabase) -> None:
    """The same tables, the same revision; neither tool finds the other's work to differ."""
    by_flask, by_alembic = new_database("flask"), new_database("alembic")
    flask_db(by_flask, "upgrade")
    python(by_alembic, PLAIN, "-c", MIGRATIONS / "alembic.ini", "upgrade", "head")
    assert schema(by_alembic) == schema(by_flask)
    assert schema(by_flask)["matches"]["checks"][0]["name"] == "ck_matches_two_teams"
    assert "No new upgrade operations" in alembic(by_flask, "check")
    flask_db(by_alembic, "check")  # an exit code of 1 says that they differ


def test_one_goes_on_where_the_other_stopped(new_database: NewDatabase) -> None:
    """Half by Flask, half by Alembic, and back again."""
    url = new_database("both")
    flask_db(url, "upgrade", "0002")
    alembic(url, "upgrade", "head")
    assert "(head)" in alembic(url, "current")
    complete = schema(url)
    alembic(url, "downgrade", "0003")
    flask_db(url, "upgrade")
    assert schema(url) == complete


def test_there_is_one_head() -> None:
    """Both sides add their migrations to one line of revisions."""
    assert len(ScriptDirectory(str(MIGRATIONS)).get_heads()) == 1


def test_the_lifespan_can_migrate(new_database: NewDatabase) -> None:
    """FastAPI's async engine lends its connection, as a lifespan would."""
    url = new_database("lifespan")
    asyncio.run(migrate(async_url(config.database_url(url))))
    by_alembic = new_database("alembic")
    alembic(by_alembic, "upgrade", "head")
    assert schema(url) == schema(by_alembic)


async def migrate(database_url: str) -> None:
    """Bring the database up to date, before the first request."""
    engine = create_async_engine(database_url)

    def upgrade(connection: Connection) -> None:
        alembic = Config(MIGRATIONS / "alembic.ini")
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, "head")

    async with engine.begin() as connection:
        await connection.run_sync(upgrade)
    await engine.dispose()


def test_autogenerate_sees_the_tables_of_both_sides(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    """A new legacy table and a new native one, in one migration, and nothing else in it."""
    url = new_database("next")
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    ini = folder / "alembic.ini"
    alembic(url, "upgrade", "head")
    python(url, NEXT, ini)
    (written,) = (folder / "versions").glob("next_*.py")
    upgrade = written.read_text(encoding="utf-8").partition("def downgrade")[0]
    assert [line.strip() for line in upgrade.splitlines() if "op." in line] == [
        "op.create_table('trophies',",
        "op.create_table('sponsors',",
    ]
    assert schema(url)["sponsors"]["foreign"][0]["referred_table"] == "matches"


def test_sql_instead_of_a_connection(new_database: NewDatabase) -> None:
    """`alembic upgrade head --sql` prints the statements and runs none."""
    url = new_database("offline")
    by_alembic = alembic(url, "upgrade", "head", sql=True)
    assert "CREATE TABLE matches" in by_alembic
    assert schema(url) == {"revision": ()}
