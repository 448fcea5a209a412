"""Runs in which nothing is red and nothing is proven: none of them is green without a word."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.plugin.test_plugin import QUIET

pytestmark = pytest.mark.slow

pytest_plugins = ["pytester"]

GATEWAY = """
import flask
from fastapi import FastAPI, Header, HTTPException
from crossfade import mount_legacy
from crossfade.compat import FlaskJSONResponse

legacy = flask.Flask(__name__, static_folder=None)
legacy.secret_key = "k"
app = FastAPI(default_response_class=FlaskJSONResponse)
rows = []

@legacy.get("/open")
def open_():
    return flask.jsonify(a=1)

@app.get("/open")
def native_open():
    return {"a": 1}

@legacy.post("/rows")
def add():
    rows.append(1)
    return flask.jsonify(rows=len(rows)), 201

@app.post("/rows", status_code=201)
def native_add():
    rows.append(1)
    return {"rows": len(rows)}

@legacy.get("/mine")
def mine():
    if flask.request.headers.get("authorization") != "Bearer good":
        flask.abort(401)
    return flask.jsonify(mine=1)

@app.get("/mine")
def native_mine(authorization: str = Header("")):
    if authorization != "Bearer good":
        flask.abort(401)
    return {"mine": 1}

@legacy.post("/login")
def login():
    if flask.request.form.get("password") != "right":
        return "<form>once more</form>", int(flask.request.args.get("status", 200))
    flask.session["user"] = "ada"
    return "welcome"

mount_legacy(app, legacy, migration_map="migration_map.toml")
"""

TEST = """
import pytest
import gateway

class Rows:
    def capture(self):
        return {"rows": list(gateway.rows)}

    def restore(self, captured):
        gateway.rows[:] = captured["rows"]

@pytest.fixture
def contract_state():
    return Rows()

def test_routes(contract_routes):
    contract_routes.prove(PATTERNS)
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with three routes on both sides, none of them in the map."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=os.pathsep)
    pytester.makepyfile(gateway=GATEWAY)
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    (pytester.path / "migration_map.toml").write_text("[routes]\n")
    return pytester


def run(project: pytest.Pytester, *arguments: str, patterns: str = "", test: str = "") -> str:
    """Run pytest in the project; return its exit code and what it printed."""
    project.makepyfile(test_contracts=test or TEST.replace("PATTERNS", patterns))
    result = project.runpytest_inprocess(*QUIET, "-rs", *arguments)
    return f"exit {int(result.ret)}\n{result.stdout.str()}"


def with_logins(logins: str, patterns: str = "") -> str:
    """Return the test with a fixture `contract_logins`."""
    fixture = f"@pytest.fixture\ndef contract_logins():\n{logins}\n\n"
    return TEST.replace("PATTERNS", patterns).replace(
        "def test_routes", fixture + "def test_routes"
    )


def receipt_of(project: pytest.Pytester, route: str) -> str:
    """Return the text of the receipt of a route."""
    files = (project.path / "contract-receipts").glob("*.toml")
    (text,) = (t for t in (file.read_text() for file in files) if f'route = "{route}"' in t)
    return text


@pytest.mark.parametrize("patterns", ['"GET /nothing"', '"/open", "GET /opne"', '"/legacy/*"'])
def test_prove_pattern_of_no_route_fails(project: pytest.Pytester, patterns: str) -> None:
    """Each pattern for itself, with what is near."""
    output = run(project, patterns=patterns)
    assert output.startswith("exit 1")
    assert "matches no route that exists in both applications" in output
    assert ('Did you mean "GET /open"?' in output) is ("opne" in patterns)


def test_route_option_pattern_of_no_route_fails(project: pytest.Pytester) -> None:
    """On the command line as well."""
    assert run(project, "--crossfade-route", "GET /nothing").startswith("exit 1")


def test_prove_all_routes_skipped_is_red(project: pytest.Pytester) -> None:
    """Every answer was an error: no route is proven, and the run is not green."""
    output = run(project, patterns='"GET /mine"')
    assert output.startswith("exit 1")
    assert "contract_routes: nothing is proven, 1 of 1 routes skipped" in output


def test_prove_without_cases_is_red(project: pytest.Pytester) -> None:
    """No probes and no file of cases: nothing was asked."""
    output = run(project, patterns='"GET /open", probes=False')
    assert output.startswith("exit 1")
    assert "no case reached FastAPI's route" in output


def test_prove_one_proven_route_is_enough(project: pytest.Pytester) -> None:
    """A route that is not proven yet is skipped beside others."""
    assert run(project).startswith("exit 0")


@pytest.mark.parametrize(
    "ignore", ['["status", "body", "header.*"]', '["status", "body", "header.*", "cookie.*"]']
)
def test_prove_rules_that_overlook_all_prove_nothing(project: pytest.Pytester, ignore: str) -> None:
    """None of the broken answers is noticed, so none of the good ones means anything."""
    entry = f'"GET /open" = {{ stage = "native", ignore = {ignore} }}'
    (project.path / "migration_map.toml").write_text(f"[routes]\n{entry}\n")
    output = run(project, "--crossfade-receipts", patterns='"GET /open"')
    assert output.startswith("exit 1")
    assert not (project.path / "contract-receipts").exists()


# --- logins ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("logins", "why"),
    [
        (
            '    return {"ada": lambda client: client.post("/login?status=403")}',
            "the login 'ada' failed: Flask answered POST /login?status=403 with 403",
        ),
        (
            '    return {"ada": lambda client: client.post("/login", data={"password": "x"})}',
            "answered POST /login with 200, and there is neither a cookie nor a header to send",
        ),
        ('    return {"ada": lambda client: None}', "failed: it sent no request"),
    ],
    ids=["refused", "the form again", "nothing"],
)
def test_login_that_fails_in_silence_is_an_error(
    project: pytest.Pytester, logins: str, why: str
) -> None:
    """Whatever the function returns: nobody is logged in."""
    output = run(project, test=with_logins(logins))
    assert output.startswith("exit 1")
    assert why in output


def test_login_that_succeeds_is_none(project: pytest.Pytester) -> None:
    """With a cookie or a header."""
    logins = (
        '    return {"ada": lambda client: client.post("/login", data={"password": "right"}),\n'
        '            "bob": {"authorization": "Bearer good"}}'
    )
    output = run(project, test=with_logins(logins))
    assert output.startswith("exit 0")
    assert "the login 'bob'" not in output


def test_login_with_a_dead_token_is_a_remark(project: pytest.Pytester) -> None:
    """Nobody is answered otherwise than a stranger: said in the summary and in the receipt."""
    logins = '    return {"bob": {"authorization": "Bearer dead"}}'
    output = run(project, "--crossfade-receipts", test=with_logins(logins))
    assert "the login 'bob' of contract_logins made no difference to any answer" in output
    assert "remarks = [\"the login 'bob' of contract_logins" in receipt_of(project, "GET /open")


# --- states ---------------------------------------------------------------------------------------

DO_NOTHING = {
    "another database": ("gateway.rows", "[]"),
    "methods that do nothing": ('{"rows": list(gateway.rows)}', '{"rows": []}'),
}


@pytest.mark.parametrize("way", DO_NOTHING)
def test_state_that_no_post_changes_is_a_remark(project: pytest.Pytester, way: str) -> None:
    """Rows were added, and the state has not seen any: green is not proven without a word."""
    test = TEST.replace("PATTERNS", '"/open"').replace(*DO_NOTHING[way])
    posts = "def test_rows(contract):\n    contract.request('POST', '/rows')\n"
    silent = GATEWAY.replace("rows=len(rows)", "rows=1").replace('"rows": len(rows)', '"rows": 1')
    project.makepyfile(gateway=silent)
    output = run(project, "--crossfade-receipts", test=f"{test}\n{posts}")
    said = "no successful POST, PUT, PATCH or DELETE of this run changed contract_state"
    assert output.startswith("exit 0")
    assert said in output
    assert said in receipt_of(project, "POST /rows")
    assert "remarks = []" in receipt_of(project, "GET /open")


def test_state_that_is_not_restored_is_a_remark(project: pytest.Pytester) -> None:
    """The second side starts from what the first left."""
    test = TEST.replace("PATTERNS", '"/open"').replace('gateway.rows[:] = captured["rows"]', "pass")
    posts = "def test_rows(contract):\n    contract.post('/rows')\n"
    output = run(project, test=f"{test}\n{posts}")
    assert "Rows.restore() does not bring back what its capture() showed" in output


def test_state_that_works_is_none(project: pytest.Pytester) -> None:
    """Nothing is said of it."""
    output = run(project, "--crossfade-receipts", patterns='"POST /rows"')
    assert output.startswith("exit 0")
    assert "remarks = []" in receipt_of(project, "POST /rows")


# --- how a fixture is taken -----------------------------------------------------------------------


def test_contract_by_getfixturevalue_counts(project: pytest.Pytester) -> None:
    """It compares, so it is in the account, and proves."""
    test = "def test_it(request):\n    request.getfixturevalue('contract').get('/open')\n"
    output = run(project, "--crossfade-receipts", test=test)
    assert output.startswith("exit 0")
    assert "GET /open  1 exchange" in output
    assert "receipt written: 1 route" in output


def test_contract_by_getfixturevalue_that_differs_fails_and_withdraws(
    project: pytest.Pytester,
) -> None:
    """Its receipt goes as any other."""
    test = "def test_it(request):\n    request.getfixturevalue('contract').get('/open')\n"
    run(project, "--crossfade-receipts", test=test)
    project.makepyfile(gateway=GATEWAY.replace('{"a": 1}', '{"a": 2}'))
    output = run(project, "--crossfade-receipts", test=test)
    assert output.startswith("exit 1")
    assert "1 exchange of 1 differ; its receipt is withdrawn" in output


def test_contract_by_hand_proves_what_prove_skips(project: pytest.Pytester) -> None:
    """`prove()` knows nobody who may ask; a test does."""
    by_hand = (
        "def test_mine(contract):\n"
        "    contract.get('/mine', headers={'authorization': 'Bearer good'})\n"
    )
    test = TEST.replace("PATTERNS", '"GET /mine"')
    output = run(project, "--crossfade-receipts", test=f"{test}\n{by_hand}")
    assert output.startswith("exit 0")
    assert "is not proven: every answer was an error" in output
    assert "receipt written: 1 route" in output
