"""`contract_routes.explore()`: what Hypothesis finds where no probe looks, and how small it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import crossfade.contract.run.exploration  # noqa: F401 - a run of pytester's forgets what it imports
from crossfade.contract.cases.http_file import parse_cases
from tests.plugin.test_plugin import QUIET

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

pytest_plugins = ["pytester"]

GATEWAY = """
from typing import Annotated

import flask
from fastapi import FastAPI, Header, Query
from pydantic import BaseModel, Field

from crossfade import mount_legacy
from crossfade.compat import FlaskJSONResponse

legacy = flask.Flask(__name__, static_folder=None)
app = FastAPI(default_response_class=FlaskJSONResponse)
rows = []
starts = []

class Home(BaseModel):
    street: str = "-"

class Person(BaseModel):
    name: str
    age: int = 0
    home: Home | None = None
    tags: list[Annotated[str, Field(max_length=5)]] = []

@legacy.post("/people")
def people():
    try:
        person = Person.model_validate_json(flask.request.get_data())
    except ValueError:
        return flask.jsonify(error="no person"), 422
    starts.append(len(rows))
    rows.append(person.name)
    return flask.jsonify(person.model_dump(), )

@app.post("/people")
def native_people(person: Person):
    starts.append(len(rows))
    rows.append(person.name)
    found = person.model_dump()
    # a defect here
    return found

@app.exception_handler(422)
@app.exception_handler(__import__("fastapi").exceptions.RequestValidationError)
def refused(request, error):
    return FlaskJSONResponse({"error": "no person"}, 422)

@legacy.get("/things/<int:number>")
def things(number):
    page = (flask.request.args.getlist("page") or ["1"])[-1]
    lang = flask.request.headers.get("x-lang", "en")
    if not page.isascii() or not page.isdecimal() or not 1 <= int(page) <= 1000 or len(lang) > 40:
        return flask.jsonify(error="no person"), 422
    return flask.jsonify(number=number, page=int(page), lang=lang)

@app.get("/things/{number}")
def native_things(
    number: int,
    page: Annotated[str, Query(pattern="^[0-9]{1,4}$")] = "1",
    x_lang: Annotated[str, Header(max_length=40)] = "en",
):
    if not 1 <= int(page) <= 1000:
        return FlaskJSONResponse({"error": "no person"}, 422)
    found = {"number": number, "page": int(page), "lang": x_lang}
    # another defect here
    return found

mount_legacy(app, legacy, migration_map="migration_map.toml")
"""

TEST = """
import pytest
import gateway

class Rows:
    def capture(self):
        return tuple(gateway.rows)

    def restore(self, captured):
        gateway.rows[:] = captured

@pytest.fixture
def contract_state():
    return Rows()

def test_routes(contract_routes):
    gateway.starts.clear()
    contract_routes.explore({arguments})
    assert set(gateway.starts) <= {{0}}
    assert gateway.rows == []
"""
# More than the default: what chance finds in one version of Hypothesis it shall find in all.
PEOPLE = "'POST /people', examples=200"
DEFECT = "    # a defect here\n"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with two routes that are alike on both sides."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=os.pathsep)
    pytester.makepyfile(gateway=GATEWAY, test_contracts=TEST.format(arguments=PEOPLE))
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    (pytester.path / "migration_map.toml").write_text('[routes]\n"POST /people" = "native"\n')
    return pytester


def explored(project: pytest.Pytester, mark: str = "", code: str = "") -> pytest.RunResult:
    """Run pytest in the project, whose native side got a line.

    In a process of its own: Hypothesis draws constants that it finds in the modules of a process.
    """
    assert mark in GATEWAY
    project.makepyfile(gateway=GATEWAY.replace(mark, code) if mark else GATEWAY)
    return project.runpytest_subprocess(*QUIET, "-vv")


def smallest(result: pytest.RunResult) -> str:
    """The case that the report offers to keep, which can be read as one."""
    text = result.stdout.str().partition("keep it in contracts/NAME.http:\n")[2]
    lines = text.partition("\n  ")[2].partition("\n\n  note")[0].split("\n")
    kept = "\n".join(
        line[4:] if line.startswith("    ") else line for line in ["  " + lines[0], *lines[1:]]
    )
    kept = kept.partition("\n____")[0].partition("\n====")[0].rstrip() + "\n"
    (case,) = parse_cases(kept, "kept.http")
    return f"{case.request.line} {case.request.body.decode()}".strip()


def test_equal_sides_stay_green(project: pytest.Pytester) -> None:
    """Bodies, parameters and headers in and out of their schemas; each from the same state."""
    project.makepyfile(test_contracts=TEST.format(arguments="examples=200"))
    explored(project).assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("code", "body", "where"),
    [
        ('if person.age > 120: found["age"] = 120', '{"name": "", "age": 121}', "body.age"),
        (
            'if len(person.name) > 30: found["name"] = "long"',
            '{"name": "' + "0" * 31 + '"}',
            "body.name",
        ),
        ('if person.home: found["home"] = None', '{"name": "", "home": {}}', "body.home"),
        (
            'if person.tags: found["tags"] = person.tags[1:]',
            '{"name": "", "tags": [""]}',
            "body.tags",
        ),
        ("if person.age < -1000: rows.append(1)", '{"name": "", "age": -1001}', "state"),
    ],
)
def test_a_body_is_shrunk(project: pytest.Pytester, code: str, body: str, where: str) -> None:
    """A defect of some values only is found, and the smallest of them is shown."""
    result = explored(project, DEFECT, f"    {code}\n")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines([f"*{where}*Flask*", "*smallest request: POST /people*"])
    assert smallest(result) == f"POST /people {body}"


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ('if number > 5000: found["number"] = 0', "GET /things/5001"),
        ('if int(page) > 99: found["page"] = 0', "GET /things/1?page=100"),
        ('if len(x_lang) > 20: found["lang"] = ""', "GET /things/1"),
    ],
)
def test_parameters_are_shrunk(project: pytest.Pytester, code: str, line: str) -> None:
    """Of the path, the query and the headers."""
    project.makepyfile(test_contracts=TEST.format(arguments="'/things/*', examples=200"))
    result = explored(project, "    # another defect here\n", f"    {code}\n")
    result.assert_outcomes(failed=2)
    assert smallest(result) == line
    if "x_lang" in code:
        assert f"x-lang: {'0' * 21}\n" in result.stdout.str()


def test_limits_of_the_schema_are_tried(project: pytest.Pytester) -> None:
    """A limit that only the native side has shows one past it."""
    native = '@app.post("/people")\ndef native_people(person: Person):'
    tight = "class Tight(Person):\n    age: int = Field(0, le=100_000)\n\n"
    tighter = tight + native.replace("Person)", "Tight)")
    project.makepyfile(test_contracts=TEST.format(arguments="'POST /people', examples=20"))
    result = explored(project, native, tighter)
    result.assert_outcomes(failed=2)
    assert smallest(result) == 'POST /people {"name": "", "age": 100001}'


def test_two_runs_are_alike(project: pytest.Pytester) -> None:
    """What is drawn is the same each time, so that CI is."""
    code = '    if person.age % 2: found["age"] = 120\n'
    first, second = (smallest(explored(project, DEFECT, code)) for _ in range(2))
    assert first == second


def test_what_is_shown_runs_again(project: pytest.Pytester) -> None:
    """Kept below contracts/, the smallest request fails the same way."""
    code = '    if person.age > 120: found["age"] = 120\n'
    explored(project, DEFECT, code)
    folder = project.path / "contracts"
    folder.mkdir()
    kept = '### kept\nPOST /people\ncontent-type: application/json\n\n{"name": "", "age": 121}\n'
    (folder / "kept.http").write_text(kept)
    prove = "contract_routes.prove('POST /people', probes=False)"
    text = TEST.replace("contract_routes.explore({arguments})", prove).format()
    project.makepyfile(test_contracts=text)
    project.runpytest_inprocess(*QUIET).assert_outcomes(failed=2)


def test_rules_of_the_map_hold(project: pytest.Pytester) -> None:
    """What the map overlooks is no failure here either, and no rule is stale by what was drawn."""
    (project.path / "migration_map.toml").write_text(
        '[routes]\n"POST /people" = { stage = "native", ignore = ["body.age", "body.never"] }\n'
    )
    result = explored(project, DEFECT, '    if person.age > 120: found["age"] = 120\n')
    result.assert_outcomes(passed=2)


def test_hypothesis_is_not_installed(project: pytest.Pytester) -> None:
    """The error says what to install."""
    project.makeconftest(
        """
        import sys

        class Absent:
            def find_spec(self, name, path=None, target=None):
                if name == "hypothesis":
                    raise ModuleNotFoundError("No module named 'hypothesis'", name="hypothesis")

        sys.meta_path.insert(0, Absent())
        """
    )
    result = project.runpytest_subprocess(*QUIET)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*explore() needs Hypothesis *: *pip install hypothesis*"])
