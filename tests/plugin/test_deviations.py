"""Deviations with conditions in a pytest run: what they cover, what they do not, what they hide."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.plugin.test_plugin import QUIET

pytest_plugins = ["pytester"]

GATEWAY = """
import flask
from fastapi import FastAPI, HTTPException, Request

from crossfade import mount_legacy
from crossfade.compat import FlaskJSONResponse, FlaskResponse

legacy = flask.Flask(__name__, static_folder=None)
legacy.secret_key = "k"
app = FastAPI()
orders = []
CREATED = 201

@legacy.post("/orders")
def create():
    orders.append(flask.request.get_json(silent=True)["name"])
    return flask.jsonify(number=len(orders)), 201

@app.post("/orders")
async def native_create(request: Request):
    try:
        name = (await request.json())["name"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise HTTPException(400, "name") from None
    if flask.request.mimetype != "application/json" and "+json" not in flask.request.mimetype:
        raise HTTPException(400, "name")
    orders.append(name)
    return FlaskJSONResponse({"number": len(orders)}, status_code=CREATED)

@legacy.get("/me")
def me():
    return flask.jsonify(name=flask.request.headers.get("x-user"))

@app.get("/me")
async def native_me():
    user = flask.request.headers.get("x-user")
    return FlaskJSONResponse({"name": "eve" if user == "ada" else user})

@legacy.get("/late")
def late():
    return flask.jsonify(1)

@app.get("/late")
async def native_late():
    return FlaskJSONResponse(2)

mount_legacy(app, legacy, migration_map="migration_map.toml")
"""

TEST = """
import pytest
import gateway

class Orders:
    def capture(self):
        return {"orders": list(gateway.orders)}

    def restore(self, captured):
        gateway.orders[:] = captured["orders"]

@pytest.fixture
def contract_state():
    return Orders()

@pytest.fixture
def contract_logins():
    return {"ada": {"x-user": "ada"}, "bob": {"x-user": "bob"}}

@pytest.fixture
def contract_values():
    return {"name": "bolts"}

def test_routes(contract_routes):
    contract_routes.prove()
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A shop whose Flask side crashes on a malformed order."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=os.pathsep)
    pytester.makepyfile(gateway=GATEWAY, test_contracts=TEST)
    write_map(pytester)
    return pytester


def write_map(project: pytest.Pytester, text: str = "") -> None:
    """Write the map with these rules."""
    (project.path / "migration_map.toml").write_text(f"[routes]\n{text}\n")


def run(project: pytest.Pytester, route: str, *arguments: str) -> pytest.RunResult:
    """Compare one route."""
    return project.runpytest_inprocess(*QUIET, "--crossfade-route", route, *arguments)


def offered(result: pytest.RunResult) -> str:
    """The lines that the report offers for the map."""
    taken, within = [], False
    for line in result.stdout.lines:
        within = "approved by these lines of the map" in line or (
            within and line.startswith("         ")
        )
        if within and "approved by" not in line:
            taken.append(line.strip())
    return "\n".join(taken)


def test_deviation_as_it_is_offered_covers_the_crash_and_nothing_else(
    project: pytest.Pytester,
) -> None:
    """Pasted it makes the route proven; a 200 in place of the 201 is noticed in spite of it."""
    before = run(project, "/orders", "-vv")
    before.assert_outcomes(failed=2)
    rules = offered(before)
    for name in ("TypeError", "KeyError", "RecursionError"):
        assert f'when = "flask raises {name} and fastapi 400"' in rules
    write_map(project, rules)
    result = run(project, "/orders")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["overlooked * times: POST /orders: status when flask raises*"])

    project.makepyfile(gateway=GATEWAY.replace("CREATED = 201", "CREATED = 200"))
    result = run(project, "/orders")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*status: Flask 201, FastAPI 200"])


def test_deviation_without_a_condition_says_what_it_hides(project: pytest.Pytester) -> None:
    """The good path's status as well: strength names the rule and the broken answers."""
    rule = '[[deviations]]\nroute = "POST /orders"\nwhat = "status"\nreason = "crashes"\n'
    write_map(project, rule)
    project.makepyfile(gateway=GATEWAY.replace("CREATED = 201", "CREATED = 200"))
    result = run(project, "/orders")
    # The bodies of the crashes are still there: such a rule covers the status alone.
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["*not noticed because of POST /orders: status (crashes): status an error or none, *"]
    )


def test_ignore_with_a_condition_is_a_deviation_in_one_line(project: pytest.Pytester) -> None:
    """`PLACE when CONDITION`, in the route's own list."""
    rule = 'ignore = ["status when flask 5xx and fastapi 400"]'
    write_map(project, f'"POST /orders" = {{ stage = "legacy", {rule} }}')
    run(project, "/orders").assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("when", "passes"),
    [
        ("login ada", True),
        ("login bob", False),
        ("case asked by ada", True),
        ("case query: *", False),
        ("case asked by *", True),
    ],
)
def test_condition_about_who_asks_covers_their_answers_only(
    project: pytest.Pytester, when: str, passes: bool
) -> None:
    """The name in contract_logins, and the name of the case."""
    rule = f'[[deviations]]\nroute = "GET /me"\nwhat = "body.name"\nwhen = "{when}"\nreason = "r"\n'
    write_map(project, rule)
    passed = run(project, "/me").parseoutcomes().get("passed", 0)
    assert (passed == 2) is passes


def test_rule_for_a_status_never_covers_an_exception_of_fastapis(project: pytest.Pytester) -> None:
    """Unless its condition speaks of FastAPI's answer."""
    broken = GATEWAY.replace("FlaskJSONResponse(2)", "1 / 0")
    project.makepyfile(gateway=broken)
    rule = '[[deviations]]\nroute = "GET /late"\nwhat = "status"\n{}reason = "r"\n'
    write_map(project, rule.format(""))
    run(project, "/late").assert_outcomes(failed=2)
    write_map(project, rule.format('when = "flask 200"\n'))
    run(project, "/late").assert_outcomes(failed=2)
    write_map(project, rule.format('when = "fastapi raises ZeroDivisionError"\n'))
    run(project, "/late").assert_outcomes(passed=2)


EXPIRED = """
[[deviations]]
route = "GET /late"
what = "body"
reason = "two is right"
until = 2020-01-01
"""


def test_deviation_that_has_expired_is_named(project: pytest.Pytester) -> None:
    """In the finding that it would cover, in the summary and in the reports."""
    write_map(project, EXPIRED)
    rule = "GET /late: body (two is right, until 2020-01-01)"
    result = run(
        project, "/late", "-vv", "--crossfade-report", "r.md", "--crossfade-report", "r.html"
    )
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            f"*note: a deviation that has expired: {rule}",
            f"a deviation has expired and counts no longer: {rule}",
        ]
    )
    for name in ("r.md", "r.html"):
        text = (project.path / name).read_text()
        assert "Deviations that have expired" in text
        assert "two is right, until 2020" in text
    test = "def test_late(contract):\n    contract.get('/late')\n"
    project.makepyfile(test_contracts=test)
    result = project.runpytest_inprocess(*QUIET)
    result.stdout.fnmatch_lines([f"*note: a deviation that has expired: {rule}"])


def test_deviation_that_has_expired_and_is_not_needed_is_named_too(
    project: pytest.Pytester,
) -> None:
    """The route is green: the rule may go."""
    write_map(project, EXPIRED.replace("/late", "/me").replace("two", "eve"))
    project.makepyfile(gateway=GATEWAY.replace('"eve" if user == "ada" else user', "user"))
    result = run(project, "/me")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["a deviation has expired and counts no longer: GET /me: body*"])


def test_ignored_state_costs_strength(project: pytest.Pytester) -> None:
    """A rule that hides a table hides rows that are missing, changed or added in it."""
    project.makepyfile(
        gateway=GATEWAY.replace("orders.append(name)\n", "orders.append(f'{name}!')\n")
    )
    rules = "status when flask 500 and fastapi 400"
    write_map(
        project,
        f'"POST /orders" = {{ stage = "legacy", ignore = ["{rules}", "state.orders"] }}',
    )
    result = run(project, "/orders")
    result.assert_outcomes(passed=2)
    text = result.stdout.str()
    found = re.search(r"strength: (\d+) of (\d+) broken answers noticed", text)
    assert found
    assert int(found[1]) <= int(found[2]) - 3
    result.stdout.fnmatch_lines(
        ["*6 not noticed because of POST /orders: state.orders: state.orders row added, *"]
    )


STATELESS = TEST.replace("return Orders()", "return NoState()").replace(
    "import gateway\n", "import gateway\nfrom crossfade.contract.state.base import NoState\n"
)


def test_noticed_state_counts_in_strength(project: pytest.Pytester) -> None:
    """Broken states are broken answers; without a state there are none."""
    counts = []
    for test in (TEST, STATELESS):
        project.makepyfile(test_contracts=test)
        rule = '[[deviations]]\nroute = "GET /me"\nwhat = "body.name"\nreason = "r"\n'
        write_map(project, rule)
        found = re.search(r"strength: (\d+) of (\d+)", run(project, "/me").stdout.str())
        assert found
        counts.append((int(found[1]), int(found[2])))
    with_state, without = counts
    # No order is there: one could be added.
    assert (with_state[0] - without[0], with_state[1] - without[1]) == (1, 1)
