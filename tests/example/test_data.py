"""How the example's database comes to be: migrations, seeding, reset, several workers at once."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from flask import Flask
from flask.testing import FlaskClient

from legacy_flask import config, create_app
from legacy_flask.extensions import db, migrate
from legacy_flask.seed import reset_data
from new_fastapi import Settings

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

ROOT = Path(__file__).parents[2]


def test_migrations_match_the_models(legacy_app: Flask) -> None:
    """`flask db check`: no migration is missing."""
    with legacy_app.app_context():
        command.check(migrate.get_config())


def test_migrations_run_back_and_forth(tmp_path: Path) -> None:
    """`flask db downgrade base` undoes all of them; a later boot leaves the database alone."""
    uri = {"SQLALCHEMY_DATABASE_URI": f"sqlite:///{tmp_path}/club.db"}
    app = create_app(uri)
    with app.app_context():
        command.downgrade(migrate.get_config(), "base")
        create_app(uri)
        assert db.inspect(db.engine).get_table_names() == ["alembic_version"]
        command.upgrade(migrate.get_config(), "head")
        db.engine.dispose()


def test_workers_that_boot_together_seed_once(tmp_path: Path) -> None:
    """Four processes create one set of data."""
    database = tmp_path / "new" / "club.db"
    env = {**os.environ, "DATABASE_URL": f"sqlite:///{database}", "PYTHONPATH": str(ROOT)}
    boot = [sys.executable, "-W", "error", "-c", "import legacy_flask; legacy_flask.create_app()"]
    workers = [subprocess.Popen(boot, env=env, cwd=tmp_path) for _ in range(4)]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0, 0, 0]
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT count(*), max(id) FROM users").fetchone() == (4, 4)
        assert connection.execute("SELECT count(*) FROM todos").fetchone() == (3,)


def test_the_flask_command_prepares_too(tmp_path: Path) -> None:
    """`flask db upgrade` on a new database ends with its data in place; `flask seed` notices."""
    env = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path}/club.db", "PYTHONPATH": str(ROOT)}

    def flask(*arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `flask --app legacy_flask …`."""
        command = [sys.executable, "-m", "flask", "--app", "legacy_flask", *arguments]
        return subprocess.run(
            command, env=env, cwd=tmp_path, check=False, capture_output=True, text=True
        )

    assert flask("db", "upgrade").returncode == 0
    assert "--reset" in flask("seed").stderr
    assert flask("seed", "--reset").stdout == "Seeded the demo data.\n"


def test_seed_fills_a_migrated_database(tmp_path: Path) -> None:
    """`flask seed` is how the data gets into a database that the team migrates itself."""
    uri = f"sqlite:///{tmp_path}/club.db"
    app = create_app({"SQLALCHEMY_DATABASE_URI": uri, "PREPARE_DATABASE": False})
    with app.app_context():
        command.upgrade(migrate.get_config(), "head")
        assert app.test_client().get("/users").get_json()["total"] == 0
        assert app.test_cli_runner().invoke(args=["seed"]).exit_code == 0
        assert app.test_client().get("/users").get_json()["total"] == 4
        db.session.remove()
        db.engine.dispose()


def test_reset_starts_ids_over(legacy: FlaskClient, legacy_app: Flask) -> None:
    """The same request gives the same id after each reset."""
    answers = []
    for _ in range(2):
        legacy.delete("/todos/1")
        answers.append(legacy.post("/todos", json={"title": "Again"}).data)
        reset_data(legacy_app)
    assert answers[0] == answers[1]
    assert legacy.get("/todos").get_json()[0]["id"] == 1


@pytest.mark.parametrize(
    ("url", "sync", "native"),
    [
        (
            "sqlite:///club.db",
            f"sqlite:///{config.INSTANCE}/club.db",
            f"sqlite+aiosqlite:///{config.INSTANCE}/club.db",
        ),
        ("sqlite:////tmp/club.db", "sqlite:////tmp/club.db", "sqlite+aiosqlite:////tmp/club.db"),
        ("postgres://u:p@db/club", "postgresql+psycopg://u:p@db/club", None),
        ("postgresql://u:p@db/club", "postgresql+psycopg://u:p@db/club", None),
        ("postgresql+psycopg://u:p@db/club", "postgresql+psycopg://u:p@db/club", None),
    ],
)
def test_both_sides_use_one_database(url: str, sync: str, native: str | None) -> None:
    """The native side derives its driver from the one URL."""
    assert config.database_url(url) == sync
    assert Settings.load({"SQLALCHEMY_DATABASE_URI": url}).database_url == (native or sync)
