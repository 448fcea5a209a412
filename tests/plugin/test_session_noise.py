"""A session and a page with something drawn by lot, a form's token: that is noise, and no more."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.plugin.test_plugin import QUIET

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

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

def page():
    token = secrets.token_urlsafe(20)
    return f"<form>\\n<input value={token}>\\n<button>Send</button>\\n</form>\\n"

@legacy.get("/form")
def form():
    flask.session["token"], flask.session["step"] = secrets.token_hex(20), 1
    return page()

native_page = page

@app.get("/form", response_class=HTMLResponse)
def native_form(session: Session):
    session["token"], session["step"] = secrets.token_hex(20), 1
    return native_page()

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
    noise = "noise, Flask differs from itself: GET /form:"
    result.stdout.fnmatch_lines([f"{noise} cookie.session, body"])


def test_what_is_not_noticed_adds_up(project: pytest.Pytester) -> None:
    """What several shapes of answers have in common counts as often as in the sum above it."""
    text = project.runpytest_inprocess(*QUIET).stdout.str()
    strength = re.search(r"^strength: (\d+) of (\d+) ", text, re.MULTILINE)
    assert strength is not None
    hidden = sum(map(int, re.findall(r"^    (\d+) not noticed because of", text, re.MULTILINE)))
    assert hidden == int(strength[2]) - int(strength[1]) > 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("token_hex(20), 1\n", "token_hex(20), 2\n"),
        ("return native_page()", 'session["x"] = 1; return native_page()'),
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


@pytest.mark.parametrize(
    "change",
    [
        '.replace("Send", "Sent")',
        '.replace("</form>", "")',
        '.replace("<input ", "<input  ")',
        "[:40]",
        ' + "more"',
    ],
)
def test_the_rest_of_the_page_counts(project: pytest.Pytester, change: str) -> None:
    """Lines that Flask repeats have to be the same, and the token's line has to look alike."""
    assert "return native_page()" in GATEWAY
    changed = f"return native_page(){change}"
    project.makepyfile(gateway=GATEWAY.replace("return native_page()", changed))
    result = project.runpytest_inprocess(*QUIET)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*body: - Flask, + FastAPI"])
