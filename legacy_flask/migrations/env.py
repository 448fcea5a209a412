"""Run the migrations on the application's database.

Logging is left as it is: Alembic's usual `fileConfig` would silence the server's own loggers when
the application migrates a new database at boot.
"""

from alembic import context
from flask import current_app

settings = current_app.extensions["migrate"]
db = settings.db


def drop_empty_revision(_context, _revision, directives):
    """Write no file when `flask db migrate` finds nothing to do."""
    if getattr(context.config.cmd_opts, "autogenerate", False):
        (script,) = directives
        if script.upgrade_ops.is_empty():
            directives.clear()


def run(connection):
    """Run the migrations on `connection`, in its transaction if it is in one."""
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        process_revision_directives=drop_empty_revision,
        **settings.configure_args,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_offline():
    """Print the SQL instead of running it: `flask db upgrade --sql`."""
    context.configure(url=db.engine.url, target_metadata=db.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run_offline()
elif (shared := context.config.attributes.get("connection")) is not None:
    run(shared)
else:
    with db.engine.connect() as own:
        run(own)
