"""A session with something drawn by lot, such as a form's token: that is noise, and no more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.plugin.test_plugin import QUIET

pytest_plugins = ["pytester"]

GATEWAY = """
import secrets

import flask
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from crossfade import mount_legacy
from crossfade.compat import Session

legacy = flask.Flask(__name__, static_folder=None)
legacy.secret_key = "k"
app = FastAPI()

@legacy.get("/form")
def form():
    flask.session["token"], flask.session["step"] = secrets.token_hex(20), 1
    return "form"

@app.get("/form", response_class=HTMLResponse)
def native_form(session: Session):
    session["token"], session["step"] = secrets.token_hex(20), 1
    return "form"

mount_legacy(app, legacy, migration_map="migration_map.toml")
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with one route on both sides."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=os.pathsep)
    pytester.makepyfile(
        gateway=GATEWAY,
        test_contracts="def test_routes(contract_routes):\n    contract_routes.prove()\n",
    )
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    (pytester.path / "migration_map.toml").write_text("[routes]\n")
    return pytester


def test_a_token_is_noise(project: pytest.Pytester) -> None:
    """Flask draws another one each time, too."""
    result = project.runpytest_inprocess(*QUIET)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["noise, Flask differs from itself: GET /form: cookie.session"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("token_hex(20), 1\n", "token_hex(20), 2\n"),
        ('return "form"', 'session["x"] = 1; return "form"'),
        ("= secrets.token_hex(20)", "= 7"),
    ],
    ids=["another value", "another key", "another form"],
)
def test_the_rest_of_the_session_counts(project: pytest.Pytester, old: str, new: str) -> None:
    """A difference beside the token is a difference."""
    start = GATEWAY.index("@app.get")
    assert old in GATEWAY[start:]
    broken = GATEWAY[:start] + GATEWAY[start:].replace(old, new)
    project.makepyfile(gateway=broken)
    result = project.runpytest_inprocess(*QUIET)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*cookie.session: read with Flask's key*"])
