"""What native routes do without, as the command line says it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_cli import crossfade

GATEWAY = """\
import functools
from fastapi import Depends, FastAPI
from flask import Flask, abort
from flask_login import LoginManager, login_required
from crossfade import mount_legacy

def admin_required(view):
    @functools.wraps(view)
    def inner():
        return abort(403)
    return inner

legacy = Flask("shop", static_folder=None)
LoginManager(legacy)
legacy.extensions["shop"] = object()
legacy.add_url_rule("/a", "a", login_required(admin_required(lambda: "a")))
legacy.add_url_rule("/b", "b", login_required(lambda: "b"))

app = FastAPI(openapi_url=None)

def check_token(): ...

@app.get("/a")
def a(): return "a"

@app.get("/b", dependencies=[Depends(check_token)])
def b(): return "b"

mount_legacy(app, legacy)
"""

OPEN = (
    "GET /a is native and may be OPEN: Flask's view has login_required (flask_login.utils) and "
    "admin_required (gateway), and no such guard is seen on gateway.a."
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one route that is open, and one that has a guard of its own."""
    (tmp_path / "gateway.py").write_text(GATEWAY, encoding="utf-8")
    both = '[routes]\n"GET /a" = "native"\n"GET /b" = "native"\n'
    (tmp_path / "migration_map.toml").write_text(both, encoding="utf-8")
    return tmp_path


def test_the_status_says_what_is_open(project: Path) -> None:
    """Once, and not in what a server would log; and how many extensions there are."""
    result = crossfade(project, "status")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count(OPEN) == 1
    assert "GET /b is native" not in result.stdout
    assert "2 extensions seen, 2 not wholly borrowed" in result.stdout


def test_check_map_looks_at_the_map_that_it_is_given(project: Path) -> None:
    """Before that is the live one."""
    (project / "migration_map.toml").write_text("[routes]\n", encoding="utf-8")
    next_map = '[routes]\n"GET /a" = { stage = "native", guards = ["login_required"] }\n'
    (project / "next.toml").write_text(next_map, encoding="utf-8")
    result = crossfade(project, "check-map", "next.toml")
    assert (result.returncode, result.stderr) == (0, "")
    assert "Flask's view has admin_required (gateway), and no such guard" in result.stdout


def test_explain_says_what_becomes_of_each_decorator(project: Path) -> None:
    """Also of a route that is not native yet: that is when to know it."""
    (project / "migration_map.toml").write_text("[routes]\n", encoding="utf-8")
    shown = crossfade(project, "explain", "GET /a").stdout
    assert "view has  login_required (flask_login.utils): NOT SEEN in the handler; take" in shown
    known = json.loads(crossfade(project, "explain", "GET /b", "--json").stdout)
    (guard,) = known["guards"]
    assert guard["text"] == "login_required (flask_login.utils): the handler has check_token"
    assert (guard["state"], guard["by"]) == ("native", "check_token")


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


def test_a_cutover_says_what_the_handler_lacks(project: Path) -> None:
    """Beside the change of the map, before it is saved."""
    (project / "migration_map.toml").write_text("[routes]\n", encoding="utf-8")
    waived = ("--waive", "the client is ours", "--until", "2999-01-31", "--dry-run")
    result = crossfade(project, "cutover", "GET /a", *waived)
    assert result.returncode == 0, result.stderr
    assert "Flask's view has login_required (flask_login.utils): NOT SEEN in" in result.stdout
    assert "Flask's view has admin_required (gateway): NOT SEEN in" in result.stdout
