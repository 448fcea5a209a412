"""A suite whose database is in memory, and another one in each thread."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugin.test_plugin import QUIET

NOTES = """
import sqlite3, threading
from flask import Flask, abort, g, jsonify, request
from sqlalchemy import create_engine, text

def create_app():
    app = Flask("notes", static_folder=None)
    app.testing = True
    app.engine = create_engine("sqlite://")             # each thread its own database
    app.lite = sqlite3.connect(":memory:")              # no other thread may touch it
    app.local = threading.local()                       # each thread its own values
    app.local.owner = app.owner = threading.get_ident()
    with app.engine.begin() as connection:
        connection.execute(text("CREATE TABLE note (body TEXT)"))
        connection.execute(text("CREATE TABLE log (path TEXT)"))
    app.lite.execute("CREATE TABLE tag (name TEXT)")

    @app.before_request
    def note_path():
        if not hasattr(app.local, "owner"):
            abort(500, "another thread")
        with app.engine.begin() as connection:
            connection.execute(text("INSERT INTO log VALUES (:p)"), {"p": request.path})

    @app.after_request
    def count(response):
        response.headers["X-Tags"] = str(app.lite.execute("SELECT count(*) FROM tag").fetchone()[0])
        return response

    @app.teardown_request
    def close(error):
        app.lite.execute("SELECT 1")

    app.add_url_rule("/notes", "notes", lambda: "flask")
    app.add_url_rule("/notes", "add", lambda: "flask", methods=["POST"])
    app.add_url_rule("/stream", "stream", lambda: "flask")
    app.add_url_rule("/nested", "nested", lambda: "flask")
    app.add_url_rule("/back", "back", lambda: "flask")
    return app
"""
NATIVE = """
import threading
from typing import Annotated
from anyio import from_thread
from fastapi import BackgroundTasks, Body, Depends, FastAPI
from fastapi.responses import StreamingResponse
from sqlalchemy import text
from starlette.concurrency import run_in_threadpool
from crossfade import compat

def create_native(flask_app):
    app = FastAPI(openapi_url=None)

    def connection():
        with flask_app.engine.begin() as connection:
            yield connection

    Connection = Annotated[object, Depends(connection)]

    @app.get("/notes")
    def notes(db: Connection):
        return compat.jsonify([row.body for row in db.execute(text("SELECT body FROM note"))])

    @app.post("/notes")
    def add(db: Connection, body: Annotated[str, Body(embed=True)], later: BackgroundTasks):
        db.execute(text("INSERT INTO note VALUES (:body)"), {"body": body})
        later.add_task(flask_app.lite.execute, "INSERT INTO tag VALUES ('later')")

    @app.get("/stream")
    def stream():
        rows = flask_app.lite.execute("SELECT name FROM tag")
        return StreamingResponse(str(row[0]) for row in rows)

    @app.get("/nested", dependencies=[compat.decorated(tagged(flask_app))])
    def nested():
        return compat.jsonify(flask_app.test_client().get("/notes").json)

    @app.get("/back")
    def back():
        return compat.jsonify(from_thread.run(on_loop, flask_app))

    return app

async def on_loop(flask_app):
    # Its thread is blocked for it, and makes this call as well.
    there = await run_in_threadpool(threading.get_ident)
    return there == flask_app.owner

def tagged(flask_app):
    def decorate(view):
        def guarded(**values):
            flask_app.lite.execute("INSERT INTO tag VALUES ('guard')")
            return view(**values)
        return guarded
    return decorate
"""
SUITE = """
from concurrent.futures import ThreadPoolExecutor
import notes, pytest
from sqlalchemy import text

@pytest.fixture
def app():
    return notes.create_app()

@pytest.fixture
def client(app):
    return app.test_client()

def test_rows_of_the_test(app, client):
    with app.engine.begin() as connection:
        connection.execute(text("INSERT INTO note VALUES ('of the test')"))
    assert client.get("/notes").json == ["of the test"]

def test_rows_of_the_handler(app, client):
    assert client.post("/notes", json={"body": "b"}).status_code == 200
    with app.engine.connect() as connection:
        assert connection.execute(text("SELECT body FROM note")).scalars().all() == ["b"]
        assert connection.execute(text("SELECT path FROM log")).scalars().all() == ["/notes"]

def test_background_and_hooks(app, client):
    client.post("/notes", json={"body": "b"})
    assert client.get("/notes").headers["X-Tags"] == "1"

def test_streams_and_guards(app, client):
    app.lite.execute("INSERT INTO tag VALUES ('a')")
    assert client.get("/stream").text == "a"
    assert client.get("/nested").json == []
    assert client.get("/stream").text == "aguard"

def test_hook_that_reads_a_stream(app, client):
    @app.after_request
    def read(response):
        response.headers["X-Length"] = str(len(response.get_data()))
        return response
    assert client.get("/stream").headers["X-Length"] == "0"

def test_back_to_the_loop(client):
    assert client.get("/back").json is True

def test_a_thread_of_its_own(app):
    def ask():
        other = notes.create_app()
        assert other.test_client().post("/notes", json={"body": "x"}).status_code == 200
        return other.test_client().get("/notes").json
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(ask).result() == ["x"]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of three files."""
    folder = tmp_path_factory.mktemp("in-memory") / "notes"
    folder.mkdir()
    for name, text in (("notes", NOTES), ("native", NATIVE), ("test_notes", SUITE)):
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    ini = "[pytest]\ncrossfade_native_app = native:create_native\n"
    (folder / "pytest.ini").write_text(ini, encoding="utf-8")
    return folder


def test_suite_with_a_database_in_memory_passes_natively(project: Path) -> None:
    """Hooks, guards, plain handlers and what they leave behind run in the test's thread."""
    command = [sys.executable, "-m", "pytest", "-q", *QUIET, "--crossfade-native", "all"]
    environment = dict(os.environ)
    environment.pop("PYTEST_ADDOPTS", None)
    result = subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout
    assert "7 passed" in result.stdout
    for route in ("GET /notes", "POST /notes", "GET /stream", "GET /nested", "GET /back"):
        assert f"{route} " in result.stdout
