"""How many automatic cases a second run in process on one core, the state reset between the sides.

    python -m benchmarks.contracts                   ~1 minute
    python -m benchmarks.contracts --routes 1000     a thousand small routes, ~5 minutes

A case is one request to both sides (to one where Flask's URL map keeps FastAPI from being asked),
with the database captured, compared and put back. The goal is 300 a second on an idle core.
"""

from __future__ import annotations

import argparse
import logging
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import flask
from fastapi import FastAPI
from pydantic import BaseModel

from benchmarks._harness import table
from crossfade import mount_legacy
from crossfade.compat import FlaskJSONResponse
from crossfade.contract import SQLAlchemyState
from crossfade.contract.engine.prover import Options, Prover
from crossfade.contract.engine.runner import Runner
from crossfade.contract.transport.asgi import InProcessApp
from legacy_flask import create_app
from new_fastapi import Settings
from new_fastapi import create_app as create_native_app

GOAL: Final = 300


class Note(BaseModel):
    """What a POST takes."""

    text: str


def small(folder: Path, routes: int) -> tuple[flask.Flask, FastAPI, str]:
    """Return two sides with a GET and a POST on SQLite, and as many routes as wanted."""
    file = folder / "small.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT)")
        rows = [(f"note {i}",) for i in range(200)]
        connection.executemany("INSERT INTO notes (text) VALUES (?)", rows)
        connection.commit()
    legacy, native = flask.Flask("small", static_folder=None), FastAPI()

    def one(number: int) -> dict[str, Any] | None:
        with closing(sqlite3.connect(file)) as connection:
            row = connection.execute("SELECT * FROM notes WHERE id = ?", (number,)).fetchone()
        return row and {"id": row[0], "text": row[1]}

    def add(text: object) -> dict[str, Any]:
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            done = connection.execute("INSERT INTO notes (text) VALUES (?)", (str(text),))
            connection.commit()
        return {"id": done.lastrowid, "text": text}

    def read(number: int) -> Any:
        return flask.jsonify(one(number if number < 2**63 else 0))

    def write() -> Any:
        return flask.jsonify(add(flask.request.get_json()["text"])), 201

    async def native_read(number: int) -> Any:
        return FlaskJSONResponse(one(number if number < 2**63 else 0))

    async def native_write(note: Note) -> Any:
        return FlaskJSONResponse(add(note.text), 201)

    legacy.add_url_rule("/notes", "write", write, methods=["POST"])
    native.add_api_route("/notes", native_write, methods=["POST"])
    for index in range(routes):
        legacy.add_url_rule(f"/notes{index}/<int:number>", f"read{index}", read)
        native.add_api_route(f"/notes{index}/{{number}}", native_read)
    return legacy, native, f"sqlite:///{file}"


def example(folder: Path) -> tuple[flask.Flask, FastAPI, str]:
    """Return the project's example."""
    settings = {
        "SQLALCHEMY_DATABASE_URI": f"sqlite:///{folder}/club.db",
        "UPLOAD_DIR": str(folder / "uploads"),
        "DASHBOARD_SCORES_DELAY": 0.0,
        "DASHBOARD_NEWS_DELAY": 0.0,
    }
    legacy = create_app(settings)
    native = create_native_app(Settings.load(legacy.config))
    return legacy, native, settings["SQLALCHEMY_DATABASE_URI"]  # type: ignore[return-value]


@contextmanager
def prover(legacy: flask.Flask, native: FastAPI, url: str, folder: Path) -> Iterator[Prover]:
    """Start the gateway over both."""
    path = folder / "migration_map.toml"
    path.write_text("[routes]\n")
    mount_legacy(native, legacy, migration_map=path)
    app = InProcessApp(native)
    app.start()
    state = SQLAlchemyState(url)
    try:
        yield Prover(Runner(app, state, "http"), Options())
    finally:
        state.close()
        app.close()


def measure(made: Prover, only: str = "") -> tuple[int, float, float, int]:
    """Prove the routes; return cases, seconds, seconds of processor, and cases that differ."""
    cases = differ = 0
    wall, processor = time.perf_counter(), time.process_time()
    for target in made.targets():
        if only in target.route:
            result = made.prove(target)
            cases += len(result.verdicts) + result.flasks + result.others
            differ += len(result.failures)
    return cases, time.perf_counter() - wall, time.process_time() - processor, differ


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = argparse.ArgumentParser(description="Automatic cases a second, on one core.")
    options.add_argument("--routes", type=int, default=10, help="small routes")
    options.add_argument("--core", type=int, help="the core to run on; by default the first")
    given = options.parse_args(arguments)
    core = min(os.sched_getaffinity(0)) if given.core is None else given.core
    os.sched_setaffinity(0, {core})
    logging.disable(logging.CRITICAL)
    rows = []
    for name, make, only in (
        ("GET, sqlite3", lambda folder: small(folder, given.routes), "GET"),
        ("POST, sqlite3", lambda folder: small(folder, 1), "POST"),
        ("the example, SQLAlchemy", example, ""),
    ):
        with tempfile.TemporaryDirectory() as folder:
            with prover(*make(Path(folder)), Path(folder)) as made:
                cases, wall, processor, differ = measure(made, only)
            rate, possible = cases / wall, cases / processor
            met = "" if possible < GOAL else "yes"
            rows.append([name, f"{cases:,}", str(differ), f"{rate:,.0f}", f"{possible:,.0f}", met])
    head = ["", "cases", "differ", "cases/s", "cases/s of processor time", f"≥ {GOAL}"]
    print(table(head, rows))
    print(f"\nload average {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
