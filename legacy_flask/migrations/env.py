"""Run the migrations: for `flask db`, for plain `alembic`, at boot.

Logging is left as it is: Alembic's usual `fileConfig` would silence the server's own loggers when
the application migrates a new database at boot.
"""

from alembic import context
from flask import current_app, has_app_context
from sqlalchemy import NullPool, create_engine

from legacy_flask import config
from new_fastapi.models import NativeModel

# Legacy and native tables stand in one MetaData. It has to be complete here, or autogenerate would
# drop the tables that it doesn't know.
OPTIONS = {
    "target_metadata": NativeModel.metadata,
    "compare_type": True,
    "render_as_batch": True,  # SQLite alters a table by copying it
}


def engine():
    """Return the Flask application's engine; without one, an engine by the same settings."""
    if has_app_context():
        return current_app.extensions["migrate"].db.engine
    url = config.complete(config.from_environ())["SQLALCHEMY_DATABASE_URI"]
    return create_engine(url, poolclass=NullPool)


def drop_empty_revision(_context, _revision, directives):
    """Write no file when there is nothing to migrate."""
    if getattr(context.config.cmd_opts, "autogenerate", False):
        (script,) = directives
        if script.upgrade_ops.is_empty():
            directives.clear()


def run(connection):
    """Run the migrations on `connection`, in its transaction if it is in one."""
    context.configure(
        connection=connection, process_revision_directives=drop_empty_revision, **OPTIONS
    )
    with context.begin_transaction():
        context.run_migrations()


def run_offline():
    """Print the SQL instead of running it: `flask db upgrade --sql`."""
    context.configure(url=engine().url, literal_binds=True, **OPTIONS)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run_offline()
elif (shared := context.config.attributes.get("connection")) is not None:
    run(shared)
else:
    with engine().connect() as own:
        run(own)
