"""`contract_routes` in a pytest run of its own: outcomes, selection, rules, noise, reports."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.plugin.test_plugin import QUIET

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

pytest_plugins = ["pytester"]

GATEWAY = """
import itertools
import uuid

import flask
from fastapi import FastAPI
from fastapi.responses import JSONResponse

from crossfade import mount_legacy
from crossfade.compat import FlaskJSONResponse

legacy = flask.Flask(__name__, static_folder=None)
legacy.secret_key = "k"
app = FastAPI(default_response_class=FlaskJSONResponse)
numbers = itertools.count()
asked = []

@legacy.get("/same/<int:number>")
def same(number):
    return flask.jsonify(number=number)

@app.get("/same/{number}")
def native_same(number: int):
    return {"number": number}

@legacy.get("/other")
def other():
    asked.append(1)
    return flask.jsonify(a=1, made="by flask")

@app.get("/other")
def native_other():
    return {"a": 2, "made": "by fastapi"}

@legacy.get("/secret/<name>")
def secret(name):
    if flask.session.get("user") != "ada":
        flask.abort(401)
    return flask.jsonify(name=name)

@app.get("/secret/{name}")
def native_secret(name: str):
    if flask.session.get("user") != "ada":
        flask.abort(401)
    return {"name": name}

@legacy.post("/login")
def login():
    flask.session["user"] = flask.request.get_json()["user"]
    return ""

@legacy.get("/noisy")
def noisy():
    return flask.jsonify(id=str(uuid.uuid4()), day="Mon, 02 Jan 2026 00:00:00 GMT", n=next(numbers))

@app.get("/noisy")
def native_noisy():
    return {"id": str(uuid.uuid4()), "day": "Mon, 02 Jan 2026 00:00:00 GMT", "n": next(numbers)}

@legacy.get("/legacy-only")
def legacy_only():
    return ""

mount_legacy(app, legacy, migration_map="migration_map.toml")
"""

TEST = """
import pytest

@pytest.fixture
def contract_logins():
    def ada(client):
        client.post("/login", json={"user": "ada"})
    return {"ada": ada, "bob": {"authorization": "Basic Ym9iOg=="}}

def test_routes(contract_routes):
    contract_routes.prove()
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with four routes on both sides."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=os.pathsep)
    pytester.makepyfile(gateway=GATEWAY, test_contracts=TEST)
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    write_map(pytester)
    return pytester


def write_map(project: pytest.Pytester, text: str = "") -> None:
    """Write the map: one native route and what a test adds."""
    (project.path / "migration_map.toml").write_text(
        f'[routes]\n"GET /same/<int:number>" = "native"\n{text}'
    )


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest in the project."""
    return project.runpytest_inprocess(*QUIET, *arguments)


def test_each_route_is_a_test(project: pytest.Pytester) -> None:
    """What agrees passes, what differs fails with every finding once; the test itself fails."""
    result = run(project, "-v", "--crossfade-report", "report.md", "--junitxml", "junit.xml")
    result.assert_outcomes(passed=3, failed=2)
    result.stdout.fnmatch_lines(
        [
            "*test_routes?GET /same/<int:number>? PASSED*",
            "GET /other: 57 of 57 cases differ",
            "  57 cases: body.a: Flask 1, FastAPI 2",
            "    good request: GET /other",
            "  and 1 other finding (body.made); -vv shows all, --crossfade-report FILE writes it",
            "1 of 4 routes differ",
        ]
    )
    report = (project.path / "report.md").read_text()
    assert "3 of 4 routes answer alike on both sides" in report
    assert "## `GET /other`" in report
    assert "body.a: Flask 1, FastAPI 2" in report
    assert 'name="test_routes[GET /other]"' in (project.path / "junit.xml").read_text()


def test_logins(project: pytest.Pytester) -> None:
    """A route behind a login is proven by who may; spoilt sessions are tried as well."""
    project.makepyfile(
        test_contracts=TEST.replace(
            "contract_routes.prove()",
            """contract_routes.prove("/secret/*")
    from crossfade.contract.prove import Options, Prover
    """,
        )
    )
    result = run(project, "-v")
    result.assert_outcomes(passed=2)
    project.makepyfile(
        test_contracts=TEST.replace("contract_routes.prove()", "").replace(
            "def test_routes(contract_routes):",
            """
def test_who_asks(contract_runner, contract_logins):
    from crossfade.contract.prove import Options, Prover

    prover = Prover(contract_runner, Options(logins=contract_logins))
    target = next(t for t in prover.targets() if t.route == "GET /secret/<name>")
    result = prover.prove(target)
    assert result.good[1] == 200
    asked = {v.case.name: v.outcome.legacy.response.status for v in result.verdicts
             if v.case.name.startswith("asked by")}
    assert asked == {
        "asked by nobody": 401, "asked by bob": 401,
        "asked by ada (session expired)": 401, "asked by ada (session forged)": 401,
    }
""",
        )
    )
    run(project).assert_outcomes(passed=1)


def test_a_route_without_a_way_in_is_not_proven(project: pytest.Pytester) -> None:
    """Only errors are no proof: the route is skipped, and said to be."""
    project.makepyfile(
        test_contracts="def test_routes(contract_routes):\n    contract_routes.prove('/secret/*')\n"
    )
    result = run(project, "-rs")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["*GET /secret/<name> is not proven: every answer was an error*"])


TOKENS = """
import logging

import flask
from fastapi import FastAPI, Header

from crossfade import mount_legacy
from crossfade.compat import FlaskJSONResponse, FlaskResponse

legacy = flask.Flask(__name__, static_folder=None)
app = FastAPI(default_response_class=FlaskJSONResponse)

def refused():
    logging.getLogger("shop").error("who is it?")
    if flask.request.headers.get("authorization") != "Token ada":
        return flask.jsonify(error="no token"), 401

@legacy.get("/me")
def me():
    return refused() or flask.jsonify(name="ada")

@app.get("/me")
def native_me(authorization: str = Header()):
    return {"name": "eve"}

@legacy.post("/notes")
def note():
    return refused() or (flask.jsonify(error="no such pen"), 409)

@app.post("/notes")
def native_note():
    return FlaskResponse(refused() or (flask.jsonify(error="no such pen"), 409))

mount_legacy(app, legacy, migration_map="migration_map.toml")
"""


NOTHING_TO_RESET = """
import pytest
from crossfade.contract import NoState

@pytest.fixture(scope="session")
def contract_state():
    return NoState()
"""


def test_prove_without_a_state_sends_no_unsafe_method(project: pytest.Pytester) -> None:
    """The route is skipped with the reason; no answer of it is shown, because there is none."""
    (project.path / "migration_map.toml").write_text("[routes]\n")
    test = "def test_routes(contract_routes):\n    contract_routes.prove('/register')\n"
    project.makepyfile(gateway=GUARDED, test_contracts=test)
    result = run(project, "-rs")
    result.stdout.fnmatch_lines(
        ["*POST /register is not proven: no request was sent: POST may change data*"]
    )
    result.stdout.no_fnmatch_line("*Flask answered POST*")
    project.makepyfile(conftest=NOTHING_TO_RESET)
    run(project, "-rs").stdout.no_fnmatch_line("*no request was sent*")


def test_a_login_by_header(project: pytest.Pytester) -> None:
    """It counts where FastAPI declares the header; what Flask said to it is shown, no log."""
    project.makepyfile(
        gateway=TOKENS,
        test_contracts=TEST.replace("Basic Ym9iOg==", "Token ada").replace('"ada": ada, ', ""),
        conftest=NOTHING_TO_RESET,
    )
    (project.path / "migration_map.toml").write_text("[routes]\n")
    result = run(project, "-rs", "-vv")
    result.stdout.fnmatch_lines_random(
        [
            "*varied from GET /me, which Flask answers 200*",
            '*body.name: Flask "ada", FastAPI "eve"*',
            "*POST /notes is not proven: *"
            'Flask answered POST /notes as bob with 409 ({"error":"no such pen"}); *',
        ]
    )
    result.stdout.no_fnmatch_line("*who is it?*")


GUARDED = """
import flask
from fastapi import FastAPI

from crossfade import mount_legacy
from crossfade.compat import FlaskResponse

legacy = flask.Flask(__name__, static_folder=None)
legacy.secret_key = "k"
app = FastAPI()
users = []

def mine():
    if flask.session.get("user") != ["ada", flask.request.headers.get("user-agent")]:
        return flask.redirect("/login?next=/mine")
    return "mine"

def register():
    users.append(flask.request.form["name"])
    return flask.redirect("/auth/login")

def login():
    if flask.request.form["name"] != "ada":
        return flask.redirect("/login")
    flask.session["user"] = ["ada", flask.request.headers.get("user-agent")]
    return flask.redirect("/mine")

def logout():
    flask.session.clear()
    return flask.redirect("/login")

for path, method, view in [
    ("/mine", "GET", mine), ("/register", "POST", register),
    ("/login", "POST", login), ("/logout", "POST", logout),
]:
    legacy.add_url_rule(path, path, view, methods=[method])
    app.add_api_route(path, lambda view=view: FlaskResponse(view()), methods=[method])

mount_legacy(app, legacy, migration_map="migration_map.toml")
"""

USERS = """
import pytest
from gateway import users

class Users:
    def capture(self):
        return {"users": list(users)}

    def restore(self, captured):
        users[:] = captured["users"]

@pytest.fixture(scope="session")
def contract_state():
    return Users()
"""


def test_a_redirect_to_a_login_is_a_refusal(project: pytest.Pytester) -> None:
    """It proves nothing of a guarded route; who logs out or registers is served by one."""
    (project.path / "migration_map.toml").write_text("[routes]\n")
    test = "def test_routes(contract_routes):\n    contract_routes.prove()\n"
    project.makepyfile(gateway=GUARDED, conftest=USERS, test_contracts=test)
    result = run(project, "-rs")
    result.assert_outcomes(passed=3, skipped=2)  # the test itself among them
    result.stdout.fnmatch_lines_random(
        [
            "*GET /mine is not proven: *"
            "Flask answered GET /mine with 302 (to /login?next=/mine); contract_logins*",
            "*POST /login is not proven: *Flask answered POST /login with 302 (to /login); *",
        ]
    )
    project.makepyfile(test_contracts=TEST.replace("json={", "data={").replace('user":', 'name":'))
    run(project).assert_outcomes(passed=4, skipped=1)


def test_selection(project: pytest.Pytester) -> None:
    """By pattern, by stage, by what has no receipt."""
    run(project, "--crossfade-route", "GET /s*").assert_outcomes(passed=3)
    run(project, "--crossfade-route", "/same/*").assert_outcomes(passed=2)
    run(project, "--crossfade-stage", "native").assert_outcomes(passed=2)
    run(project, "--crossfade-unproven").assert_outcomes(passed=2)
    run(project, "--crossfade-route", "/nowhere").assert_outcomes(failed=1)


def test_rules_of_the_map(project: pytest.Pytester) -> None:
    """What is ignored or approved is no failure; the run lists it."""
    write_map(
        project,
        """
        "GET /other" = { stage = "legacy", ignore = ["body.made"] }
        [[deviations]]
        route = "GET /other"
        what = "body.a"
        reason = "two is right"
        until = 2099-12-31
        """,
    )
    result = run(project, "--crossfade-route", "/other", "--crossfade-report", "report.md")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        [
            "overlooked * times: GET /other: body.a (two is right, until 2099-12-31)",
            "overlooked * times: GET /other: body.made",
        ]
    )
    assert "two is right" in (project.path / "report.md").read_text()
    project.makepyfile(test_contracts="def test_by_hand(contract):\n    contract.get('/other')\n")
    run(project).assert_outcomes(passed=1)


def test_rules_that_match_nothing(project: pytest.Pytester) -> None:
    """They are errors, as is a deviation of no route; one whose time is over counts no longer."""
    write_map(project, '"GET /noisy" = { stage = "legacy", ignore = ["body.gone"] }')
    result = run(project, "--crossfade-route", "/noisy")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*rules of the map that match nothing*", "*GET /noisy: body.gone"])
    deviation = '\n[[deviations]]\nroute = "{}"\nwhat = "body"\nreason = "r"\nuntil = 2020-01-01\n'
    write_map(project, deviation.format("GET /other"))
    result = run(project, "--crossfade-route", "/other")
    result.assert_outcomes(failed=2)
    write_map(project, deviation.format("GET /othr"))
    result = run(project)
    result.stdout.fnmatch_lines(
        ["*migration_map.toml:4: GET /othr: a deviation of an unknown route. Did you mean*"]
    )


def test_noise(project: pytest.Pytester) -> None:
    """What Flask itself answers differently each time is named, and no failure."""
    result = run(project, "--crossfade-route", "/noisy", "--crossfade-report", "report.md")
    result.assert_outcomes(passed=2)
    report = (project.path / "report.md").read_text()
    # The form of a body counts beside its noise.
    assert "not noticed because of Flask differs from itself there: body.n changed`" in report
    result.stdout.fnmatch_lines(
        [
            "noise, Flask differs from itself: GET /noisy: body.id, body.n",
        ]
    )


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('{"id": str(uuid.uuid4()), "day"', '{"id": None, "day"', "body.id"),
        ('{"id": str(uuid.uuid4()), "day"', '{"id": uuid.uuid4().hex, "day"', "body.id"),
        ('00:00:00 GMT", "n"', '00:00:01 GMT", "n"', "body.day"),
        ("FlaskJSONResponse)\nnumbers", "JSONResponse)\nnumbers", "body: other values"),
    ],
)
def test_noise_hides_nothing(project: pytest.Pytester, old: str, new: str, where: str) -> None:
    """A value of another form, and a difference beside the noise, are differences."""
    assert old in GATEWAY
    project.makepyfile(gateway=GATEWAY.replace(old, new))
    result = run(project, "--crossfade-route", "/noisy")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["GET /noisy: 5? of 57 cases differ", f"*{where}*"])


def test_cases_of_files(project: pytest.Pytester) -> None:
    """Recorded and hand-written cases run with the probes, or alone; a bad file says where."""
    folder = project.path / "contracts"
    folder.mkdir()
    (folder / "same.http").write_text("### the answer\nGET /same/42\n")
    project.makepyfile(test_contracts=TEST.replace("prove()", "prove('/same/*', probes=False)"))
    result = run(project)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["GET /same/<int:number>  1 exchange"])
    (folder / "same.http").write_text("### the answer\n# @login zoe\nGET /same/42\n")
    run(project).stdout.fnmatch_lines(["*the login 'zoe' is not in the fixture contract_logins*"])
    (folder / "same.http").write_text("### the answer\n")
    shown = run(project).stdout
    shown.fnmatch_lines(["*same.http:1: the answer: the case has no request line*"])
    shown.no_fnmatch_line("*raise *")  # the file is wrong: nobody has to read the library's code


INTERRUPTED = """
import gateway
import pytest

class Interrupts:
    def capture(self):
        if gateway.asked:
            raise KeyboardInterrupt

    def restore(self, captured):
        pass

@pytest.fixture
def contract_state():
    return Interrupts()

def test_routes(contract_routes):
    contract_routes.prove("/s*", "/o*")
"""


def test_an_interrupt_keeps_what_was_learnt(project: pytest.Pytester) -> None:
    """Ctrl-C ends the run; the routes before it are reported, in the Markdown as well."""
    project.makepyfile(test_contracts=INTERRUPTED)
    result = project.runpytest_subprocess(*QUIET, "-v", "--crossfade-report", "report.md")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*test_routes?GET /same/<int:number>?*", "*KeyboardInterrupt*"])
    assert "`GET /same/<int:number>`" in (project.path / "report.md").read_text()


def test_maxfail(project: pytest.Pytester) -> None:
    """The first route that differs ends the run where pytest is told so."""
    result = run(project, "-x", "-v")
    result.stdout.no_fnmatch_line("*GET /noisy*PASSED*")


def test_processes_share_the_routes(project: pytest.Pytester) -> None:
    """With pytest-xdist every route is run once, and reported by its own name."""
    pytest.importorskip("xdist")
    result = project.runpytest_subprocess("-p", "no:cacheprovider", "-n", "2", "-v")
    result.assert_outcomes(passed=4, failed=2)
    assert result.stdout.str().count("PASSED test_contracts.py::test_routes[GET /noisy]") == 1
