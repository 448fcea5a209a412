"""`--crossfade-report`: which forms there are, and what a report owns up to."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from crossfade.contract.reporting.html import html_report
from crossfade.contract.reporting.markdown import markdown
from tests.plugin.test_plugin import QUIET
from tests.reports.accounts import account

pytestmark = pytest.mark.slow

pytest_plugins = ["pytester"]

GATEWAY = r"""
import flask
from fastapi import FastAPI, Response

from crossfade import mount_legacy

legacy = flask.Flask(__name__, static_folder=None)
app = FastAPI()

@legacy.get("/half")
def half():
    return flask.Response('"\\ud800 flask <b>"', mimetype="application/json")

@app.get("/half")
def native_half():
    return Response('"\\ud800 fastapi <b>"', media_type="application/json")

@legacy.get("/same")
def same():
    return flask.Response("{}", mimetype="application/json")

@app.get("/same")
def native_same():
    return Response("{}", media_type="application/json")

mount_legacy(app, legacy, migration_map="migration_map.toml")
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a route that is alike and one that differs."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=os.pathsep)
    test = "def test_routes(contract_routes):\n    contract_routes.prove(probes=True)\n"
    pytester.makepyfile(gateway=GATEWAY, test_contracts=test)
    pytester.path.joinpath("migration_map.toml").write_text("[routes]\n")
    return pytester


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    """Run its tests."""
    return project.runpytest_inprocess(*QUIET, *options)


def test_both_forms_at_once(project: pytest.Pytester) -> None:
    """The suffix says which; folders are made; half a surrogate pair stops no report."""
    files = ("out/new/r.HTML", "step-summary", "r.json")
    result = run(project, *(each for file in files for each in ("--crossfade-report", file)))
    result.assert_outcomes(passed=1, failed=2)
    page = (project.path / "out/new/r.HTML").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "1 of 2 routes answer alike on both sides" in page
    assert "fastapi &lt;b&gt;" in page
    assert r"\ud800" in page
    text = (project.path / "step-summary").read_text(encoding="utf-8")
    assert text.startswith("# Contracts\n\n1 of 2 routes answer alike on both sides")
    assert r"\ud800" in text
    found = json.loads((project.path / "r.json").read_text(encoding="utf-8"))
    assert found["verdicts"]["differs"] == 1
    assert found["routes"][0]["route"] == "GET /half"


def test_what_the_terminal_leaves_out_is_in_a_file(project: pytest.Pytester) -> None:
    """In pytest's cache, named by the last of the five lines; with -vv it is in the terminal."""
    result = project.runpytest_inprocess("-p", "no:hypothesispytest")
    result.assert_outcomes(passed=1, failed=2)
    file = ".pytest_cache/d/crossfade/contracts.txt"
    result.stdout.fnmatch_lines([f"  *all of it: -vv, or {file}"])
    lines = result.stdout.lines
    begin = next(at for at, line in enumerate(lines) if line.startswith("GET /half: "))
    assert any(line.startswith("___") for line in lines[begin + 1 : begin + 6])
    text = (project.path / file).read_text(encoding="utf-8")
    assert "  1. in " in text
    assert "keep it in contracts/NAME.http" in text
    assert re.search(r"^GET /same: \d+ cases, proven$", text, re.MULTILINE)
    assert "  1. in " not in result.stdout.str()
    assert "  1. in " in run(project, "-vv").stdout.str()


def test_a_run_without_routes_writes_no_file(project: pytest.Pytester) -> None:
    """Nothing of it in the cache."""
    project.makepyfile(test_contracts="def test_same(contract):\n    contract.get('/same')\n")
    project.runpytest_inprocess("-p", "no:hypothesispytest").assert_outcomes(passed=1)
    assert not (project.path / ".pytest_cache/d/crossfade").exists()


def test_an_unknown_form(project: pytest.Pytester) -> None:
    """Markdown under another name is nobody's wish."""
    result = run(project, "--crossfade-report", "report.pdf")
    result.stderr.fnmatch_lines(
        ["*report.pdf: there is no report of the form .pdf; use .html, .md or .json*"]
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_a_run_that_was_cut_short(project: pytest.Pytester) -> None:
    """With -x the first route that differs is the last one; the report says so."""
    run(project, "-x", "--crossfade-report", "r.md", "--crossfade-report", "r.html")
    for name in ("r.md", "r.html"):
        assert "The run ended early" in (project.path / name).read_text()
    run(project, "--crossfade-report", "r.md")
    assert "The run ended early" not in (project.path / "r.md").read_text()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "proven"),
        ({"unproven": "no case reached FastAPI's route"}, "not proven"),
        ({"stale": ["GET /a: body.x"]}, "rule matches nothing"),
        # Was "alike" once: a contract that can't fail proves nothing.
        ({"too_weak": "this contract can't fail: GET /a"}, "can't fail"),
        ({"failed": 2, "too_weak": "…", "unproven": "…"}, "differs"),
    ],
)
def test_verdicts(more: dict[str, object], words: str) -> None:
    """Both forms have the same word, and call only that proven which is."""
    routes = [account("GET /a", **more)]
    good = f"{int(words == 'proven')} of 1 routes answer alike"
    text = markdown(routes)
    row = next(line for line in text.splitlines() if line.startswith("| `GET /a`"))
    assert row.split("|")[-2].strip().strip("*").startswith(words)
    assert good in text
    page = html_report(routes).replace("&#39;", "'")
    assert f" {words}</span>" in page
    assert good in page


def test_a_cell_of_the_table_holds_what_a_request_holds() -> None:
    """A pipe, a line end or HTML in a path makes no second cell, line or element."""
    text = markdown([account("GET /a", unproven="Flask answered GET /a|b`\n<img src=x> with 404")])
    row = next(line for line in text.splitlines() if line.startswith("| `GET /a`"))
    assert row.endswith("not proven: `` Flask answered GET /a\\|b` <img src=x> with 404 `` |")
