"""The extensions, made once and bound to each application by `create_app`."""

from __future__ import annotations

from pathlib import Path

from flask_migrate import Migrate  # type: ignore[import-untyped]
from flask_sqlalchemy import SQLAlchemy

from legacy_flask.models import Base

MIGRATIONS = Path(__file__).parent / "migrations"

db = SQLAlchemy(model_class=Base)
migrate = Migrate(compare_type=True)
