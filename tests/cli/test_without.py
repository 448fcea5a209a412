"""What native routes do without, as the command line says it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_cli import crossfade

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

GATEWAY = """\
import functools
from fastapi import Depends, FastAPI, HTTPException
from flask import Flask, abort
from flask_login import LoginManager, login_required
from crossfade import mount_legacy

def admin_required(view):
    @functools.wraps(view)
    def inner():
        return abort(403)
    return inner

def traced(view):
    @functools.wraps(view)
    def inner():
        return view()
    return inner

legacy = Flask("shop", static_folder=None)
LoginManager(legacy)
legacy.extensions["shop"] = object()
legacy.add_url_rule("/a", "a", login_required(admin_required(lambda: "a")))
legacy.add_url_rule("/b", "b", login_required(traced(lambda: "b")))

app = FastAPI(openapi_url=None)

def check_token():
    raise HTTPException(401)

@app.get("/a")
def a(): return "a"

@app.get("/b", dependencies=[Depends(check_token)])
def b(): return "b"

mount_legacy(app, legacy)
"""

OPEN = (
    "GET /a: it may be OPEN: Flask's view has login_required (flask_login.utils) and "
    "admin_required (gateway), and no such guard is seen on gateway.a."
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one native route that has a guard of its own, and one that would be open."""
    (tmp_path / "gateway.py").write_text(GATEWAY, encoding="utf-8")
    save_map(tmp_path, '"GET /b" = "native"\n')
    return tmp_path


def save_map(project: Path, routes: str) -> None:
    """Write the map."""
    (project / "migration_map.toml").write_text(f"[routes]\n{routes}", encoding="utf-8")


def test_status_lost_decorator_is_said(project: Path) -> None:
    """Once, and not in what a server would log; and how many extensions there are."""
    result = crossfade(project, "status")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("the decorator gateway.traced of Flask's views") == 1
    assert "2 extensions seen, 2 not wholly borrowed" in result.stdout


@pytest.mark.parametrize("command", ["check-map", "status", "verify"])
def test_commands_open_route_is_a_problem_of_the_map(project: Path, command: str) -> None:
    """With file, line and route, and the exit code of a bad map."""
    save_map(project, '"GET /b" = "native"\n"GET /a" = "native"\n')
    result = crossfade(project, command)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"migration_map.toml:3: {OPEN}")
    assert result.stderr.endswith("1 problem\n")


def test_check_map_looks_at_the_map_that_it_is_given(project: Path) -> None:
    """Before that is the live one: every guard has to be named."""
    entry = '[routes]\n"GET /a" = { stage = "native", guards = [%s] }\n'
    (project / "next.toml").write_text(entry % '"login_required"', encoding="utf-8")
    result = crossfade(project, "check-map", "next.toml")
    assert (result.returncode, result.stdout) == (1, "")
    assert "next.toml:2: GET /a: it may be OPEN: Flask's view has admin_required" in result.stderr
    both = entry % '"login_required", "admin_required"'
    (project / "next.toml").write_text(both, encoding="utf-8")
    result = crossfade(project, "check-map", "next.toml")
    assert (result.returncode, result.stderr) == (0, "")


def test_explain_says_what_becomes_of_each_decorator(project: Path) -> None:
    """Also of a route that is not native yet: that is when to know it."""
    shown = crossfade(project, "explain", "GET /a").stdout
    assert "view has  login_required (flask_login.utils): NOT SEEN in the handler; take" in shown
    known = json.loads(crossfade(project, "explain", "GET /b", "--json").stdout)
    guard = known["guards"][0]
    assert guard["text"] == "login_required (flask_login.utils): the handler has check_token"
    assert (guard["state"], guard["by"]) == ("native", "check_token")


@pytest.mark.parametrize("waived", [True, False])
def test_cutover_open_route_is_refused(project: Path, waived: bool) -> None:
    """Before a test runs, and with a waiver too: that is for a proof, not for a guard."""
    before = (project / "migration_map.toml").read_bytes()
    options = ("--waive", "the client is ours", "--until", "2999-01-31") if waived else ()
    result = crossfade(project, "cutover", "GET /a", *options)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(f"migration_map.toml:3: {OPEN}")
    assert (project / "migration_map.toml").read_bytes() == before


def test_cutover_says_what_the_handler_lacks(project: Path) -> None:
    """What decides nothing is no reason to refuse: it is said beside the change of the map."""
    save_map(project, "")
    waived = ("--waive", "the client is ours", "--until", "2999-01-31", "--dry-run")
    result = crossfade(project, "cutover", "GET /b", *waived)
    assert result.returncode == 0, result.stderr
    assert "Flask's view has traced (gateway): NOT SEEN in the handler" in result.stdout


def test_extensions(project: Path) -> None:
    """Each with its version, what is borrowed, and what to know."""
    lines = crossfade(project, "extensions").stdout.splitlines()
    rows = [" ".join(line.split()) for line in lines]
    assert rows[0] == "extension version borrowed what to know"
    assert rows[1].startswith("Flask-Login 0.")
    assert " partly the user and the remember cookie are borrowed" in rows[1]
    assert rows[1].endswith("(docs/extensions/flask-login.md)")
    assert rows[2].startswith("shop - unknown not known to crossfade: its hooks are borrowed")
    assert len(rows) == 3
