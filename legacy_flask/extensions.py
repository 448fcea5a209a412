"""The extensions, made once and bound to each application by `create_app`."""

from __future__ import annotations

from pathlib import Path

from flask_caching import Cache
from flask_cors import CORS
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_mail import Mail
from flask_migrate import Migrate  # type: ignore[import-untyped]
from flask_sqlalchemy import SQLAlchemy

from legacy_flask.models import Base

MIGRATIONS = Path(__file__).parent / "migrations"

db = SQLAlchemy(model_class=Base)
migrate = Migrate(compare_type=True)
mail = Mail()
cache = Cache()
cors = CORS()
limiter = Limiter(key_func=get_remote_address)
