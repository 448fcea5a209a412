"""The example's gateway with chosen routes native, on a real server in a thread of this process.

`EXAMPLE_DATABASE_URL=postgresql://…` runs these tests on that (empty) database.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from alembic import command
from fastapi import FastAPI
from flask import Flask

from crossfade import mount_legacy
from legacy_flask import create_app
from legacy_flask.extensions import db, migrate
from legacy_flask.seed import reset_data
from new_fastapi import Settings
from new_fastapi import create_app as create_native_app

Gateway = Callable[..., httpx.Client]

_NATIVE = '"native"'
# What a guard of the handler's own asks for is not seen in its code: the map says it.
_GUARDED = {"GET /fan-api/contact": '{ stage = "native", guards = ["jwt_required"] }'}


class _Server(uvicorn.Server):
    """Tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def client_of(app: FastAPI) -> Iterator[httpx.Client]:
    """Serve `app` on a free port and lend a client of it, which keeps cookies, no redirects."""
    server = _Server(uvicorn.Config(app, log_config=None))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            assert server.ready.wait(30), "the server did not start: its log says why"
            url = "http://{}:{}".format(*listener.getsockname())
            with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    """Return the configuration of the Flask application; a test file may override it."""
    url = os.environ.get("EXAMPLE_DATABASE_URL", f"sqlite:///{tmp_path}/club.db")
    return {"SQLALCHEMY_DATABASE_URI": url, "UPLOAD_DIR": str(tmp_path / "uploads")}


@pytest.fixture
def legacy(config: dict[str, Any]) -> Iterator[Flask]:
    """Return the Flask application on a seeded database of its own."""
    app = create_app(config)
    if not app.config["PREPARE_DATABASE"]:
        with app.app_context():
            command.upgrade(migrate.get_config(), "head")
    reset_data(app)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def gateway(legacy: Flask, tmp_path: Path) -> Iterator[Gateway]:
    """Return what starts a gateway: `gateway("GET /me", "POST /login")` has these routes native.

    Those in `without_flask` are native, and borrow nothing.

    Each call is a gateway of its own, in front of one Flask application, with a client that keeps
    its cookies; clients made from one test thus share nothing but the application's state.
    """
    with ExitStack() as stack:
        count = 0

        def start(*native: str, without_flask: Sequence[str] = ()) -> httpx.Client:
            nonlocal count
            count += 1
            path = tmp_path / f"map{count}.toml"
            lines = "".join(f'"{route}" = {_GUARDED.get(route, _NATIVE)}\n' for route in native)
            bare = '{ stage = "native", hooks = "none" }'
            lines += "".join(f'"{route}" = {bare}\n' for route in without_flask)
            settings = "[gateway]\nserved_by_header = true\napi_docs = true\n"
            path.write_text(f"{settings}[routes]\n{lines}")
            app = create_native_app(Settings.load(legacy.config))
            mount_legacy(app, legacy, migration_map=path)
            return stack.enter_context(client_of(app))

        yield start
