"""Progress in a run of pytest: lines now and then, or one line that is rewritten in a terminal."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from crossfade.contract.engine import pace as pace
from crossfade.contract.run import route_run as autorun
from crossfade.pytest import reports as pytest_reports
from tests.plugin.test_plugin import QUIET

pytest_plugins = ["pytester"]

GATEWAY = """
import flask
from fastapi import FastAPI
from crossfade import mount_legacy
from crossfade.compat import FlaskJSONResponse
from werkzeug.security import check_password_hash

legacy = flask.Flask(__name__, static_folder=None)
app = FastAPI()

def known():
    return False and check_password_hash("", "")

@legacy.get("/login")
def login():
    known()
    return flask.jsonify(1)

@app.get("/login")
async def native_login():
    return FlaskJSONResponse(1)

legacy.add_url_rule("/quick", "quick", lambda: flask.jsonify(1))
app.add_api_route("/quick", lambda: FlaskJSONResponse(1), response_model=None)
mount_legacy(app, legacy, migration_map="migration_map.toml")
"""


class Clock:
    """A clock that goes on by a second each time that it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        self.now += 1.0
        return self.now


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Two routes, whose every case takes a second by the clock."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=os.pathsep)
    clock = Clock()
    monkeypatch.setattr(autorun, "clock", clock)
    monkeypatch.setattr(pytest_reports, "clock", lambda: clock.now)
    test = "def test_routes(contract_routes):\n    contract_routes.prove()\n"
    pytester.makepyfile(gateway=GATEWAY, test_contracts=test)
    pytester.path.joinpath("migration_map.toml").write_text("[routes]\n")
    return pytester


def test_run_without_a_terminal_says_a_line_now_and_then(project: pytest.Pytester) -> None:
    """Which route of how many, how many cases, and once that it is slow and what to do."""
    result = project.runpytest_inprocess(*QUIET)
    result.assert_outcomes(passed=3)
    lines = result.stdout.lines
    shown = [line for line in lines if line.startswith("route ")]
    assert re.fullmatch(r"route 1 of 2: GET /login, 2 of \d\d cases", shown[0])
    assert any(line.startswith("route 2 of 2: GET /quick, ") for line in shown)
    assert len(shown) < 8
    slow = [line for line in lines if line.startswith("slow: GET /login")]
    assert len(slow) == 2  # while it runs, and in the summary
    assert "it hashes passwords (check_password_hash)" in slow[0]


def test_quiet_run_says_nothing_while_it_runs(project: pytest.Pytester) -> None:
    """With -q."""
    result = project.runpytest_inprocess(*QUIET, "-q")
    assert not [line for line in result.stdout.lines if line.startswith("route ")]


class Terminal:
    """Takes what is written to a terminal."""

    isatty = True

    def __init__(self) -> None:
        self.written: list[tuple[str, str]] = []

    def ensure_newline(self) -> None:
        """Begin a line."""
        self.written.append(("newline", ""))

    def rewrite(self, text: str, **options: Any) -> None:
        """Write over the line."""
        self.written.append(("over", text))

    def write_line(self, text: str, **options: Any) -> None:
        """Write a line."""
        self.written.append(("line", text))

    def flush(self) -> None:
        """Show it."""


def test_progress_on_a_terminal_writes_over_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is slow stays; a route's end takes the line away."""
    terminal = Terminal()
    now = [0.0]
    monkeypatch.setattr(pytest_reports, "clock", lambda: now[0])

    class Config:
        class pluginmanager:  # noqa: N801 - as pytest has it
            @staticmethod
            def getplugin(name: str) -> object:
                return terminal if name == "terminalreporter" else None

        @staticmethod
        def get_verbosity() -> int:
            return 0

    progress = pytest_reports.Progress(Config())  # type: ignore[arg-type]
    step = pace.Step(1, 2, "GET /", 5, 9, 3.0)
    progress(step, "")
    now[0] = 1.0
    progress(step, "")
    progress(step, "GET / is slow")
    progress.clear()
    progress.clear()
    assert terminal.written == [
        ("newline", ""),
        ("over", "route 1 of 2: GET /, 5 of 9 cases"),
        ("over", "route 1 of 2: GET /, 5 of 9 cases"),
        ("over", "slow: GET / is slow"),
        ("line", ""),
    ]
