"""Rules of the map that match nothing, in runs with contracts that were written by hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.plugin import test_routes
from tests.plugin.test_plugin import QUIET

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

pytest_plugins = ["pytester"]

MAP = """
[routes]
"GET /other" = { stage = "legacy", ignore = ["body.a", "body.made"] }
"GET /same/<int:number>" = { stage = "native", ignore = ["header.x-gone"] }
"GET /noisy" = { stage = "legacy", ignore = ["body.nobody-asks"] }
"""
SAID = "rules of the map that match nothing; remove them:"
GONE = "  GET /same/<int:number>: header.x-gone"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Two tests in two folders; of three rules for what they compare one matches nothing."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=os.pathsep)
    pytester.makepyfile(gateway=test_routes.GATEWAY)
    write(pytester, "tests/one/test_other.py", "def test_other(contract): contract.get('/other')\n")
    write(pytester, "tests/two/test_same.py", "def test_same(contract): contract.get('/same/1')\n")
    write(pytester, "migration_map.toml", MAP)
    return pytester


def write(project: pytest.Pytester, name: str, text: str) -> None:
    """Write one file."""
    path = project.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest in the project."""
    return project.runpytest_inprocess(*QUIET, *arguments)


@pytest.mark.parametrize("arguments", [[], ["tests"], ["."], ["tests/one", "tests/two", "tests"]])
def test_the_whole_run_judges(project: pytest.Pytester, arguments: list[str]) -> None:
    """All tests pass and the run fails, naming the rule, and not that of a route nobody asked."""
    result = run(project, *arguments)
    result.assert_outcomes(passed=2)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([SAID, GONE])
    result.stdout.no_fnmatch_line("*nobody-asks")
    result.stdout.no_fnmatch_line("  GET /other: body.a")


@pytest.mark.parametrize(
    "arguments",
    [
        ["tests/two/test_same.py"],
        ["tests/two/test_same.py::test_same"],
        ["tests/two"],
        ["-k", "same"],
        ["--ignore", "tests/one"],
        ["--crossfade-route", "/same/*"],
    ],
    ids=" ".join,
)
def test_a_selection_judges_nothing(project: pytest.Pytester, arguments: list[str]) -> None:
    """What did not run may have been what the rule is for."""
    result = run(project, *arguments)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line(SAID)


def test_a_failed_test_judges_nothing(project: pytest.Pytester) -> None:
    """It may have stopped before the rule had its difference."""
    write(
        project, "tests/two/test_bad.py", "def test_bad(contract): contract.get('/noisy'); 1 / 0\n"
    )
    result = run(project)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.no_fnmatch_line(SAID)


def test_configured_folders(project: pytest.Pytester) -> None:
    """`testpaths` says what all tests are."""
    project.makeini("[pytest]\ntestpaths = tests/one tests/two\n")
    run(project).stdout.fnmatch_lines([SAID, GONE])
    run(project, "tests/one", "tests/two").stdout.fnmatch_lines([SAID, GONE])
    run(project, "tests/two").stdout.no_fnmatch_line(SAID)


def test_processes(project: pytest.Pytester) -> None:
    """With pytest-xdist no process has seen all, and the run has."""
    pytest.importorskip("xdist")
    result = project.runpytest_subprocess("-p", "no:cacheprovider", "-n", "2")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines([SAID, GONE])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


BOTH = """
def test_routes(contract_routes):
    contract_routes.prove("/same/*")
"""


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_rule_may_be_the_other_tests(project: pytest.Pytester, by_hand: bool) -> None:
    """Whether the cases made for a route or a test written by hand needs it, the rule is needed."""
    write(project, "tests/test_all.py", BOTH)
    rule = 'ignore = ["header.x-hand"]'
    write(project, "migration_map.toml", MAP.replace('ignore = ["header.x-gone"]', rule))
    gateway = test_routes.GATEWAY.replace(
        "def native_same(number: int):",
        "def native_same(number: int, response: Response):\n"
        "    if number == 4711:\n        response.headers['x-hand'] = '1'",
    ).replace("import FastAPI\n", "import FastAPI, Response\n", 1)
    project.makepyfile(gateway=gateway)
    number = 4711 if by_hand else 1
    test = f"def test_same(contract): contract.get('/same/{number}')\n"
    write(project, "tests/two/test_same.py", test)
    result = run(project, "--crossfade-report", "report.md")
    report = (project.path / "report.md").read_text()
    if by_hand:
        assert result.ret == pytest.ExitCode.OK
        assert "| proven |" in report
    else:
        result.stdout.fnmatch_lines([SAID, "  GET /same/<int:number>: header.x-hand"])
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        assert "| **rule matches nothing** |" in report
