"""The example's Flask application: a small sports-club service, as a team could run it.

`create_app()` is all that a WSGI server, the `flask` command or the gateway needs:

    flask --app legacy_flask run
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask

from legacy_flask import (
    admin,
    apidocs,
    cli,
    config,
    database,
    errors,
    forms,
    hooks,
    login,
    sessions,
    tokens,
)
from legacy_flask.converters import IdListConverter
from legacy_flask.extensions import MIGRATIONS, cache, cors, db, limiter, mail, migrate
from legacy_flask.views import BLUEPRINTS

__all__ = ["create_app"]


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """Return the application, with its data in place.

    `overrides` wins over the environment, which wins over the defaults in `config`.
    A new SQLite database is migrated and seeded here, once, however many workers boot together;
    any other database is the team's to prepare: `flask --app legacy_flask db upgrade`, then
    `flask --app legacy_flask seed`.
    """
    app = Flask(__name__, instance_path=str(config.INSTANCE))
    app.config.from_mapping(config.complete({**config.from_environ(), **(overrides or {})}))
    app.url_map.converters["ids"] = IdListConverter

    db.init_app(app)
    migrate.init_app(app, db, directory=str(MIGRATIONS))
    mail.init_app(app)
    sessions.init_app(app)
    login.init_app(app)
    tokens.init_app(app)
    hooks.init_app(app)
    errors.init_app(app)
    cache.init_app(app)
    cors.init_app(app, resources=config.CORS_RESOURCES)
    limiter.init_app(app)
    cli.init_app(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    apidocs.init_app(app)
    forms.init_app(app)  # after the blueprints, which it looks at
    admin.init_app(app)

    if app.config["PREPARE_DATABASE"]:
        database.prepare(app)
    return app
