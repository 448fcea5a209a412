"""A suite that was not written for it: the blog's, plain, recorded, and on FastAPI."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from crossfade.contract.cases.http_file import read_cases
from tests.plugin.test_plugin import QUIET

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

FLASKR = Path(__file__).parent / "flaskr"
GATEWAY = ("-o", "crossfade_app=blog_gateway:app")
FACTORY = ("-o", "crossfade_native_app=flaskr_native:create_native")
TESTS = 31


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the blog, its suite included."""
    folder = tmp_path_factory.mktemp("blog") / "flaskr"
    shutil.copytree(FLASKR, folder, ignore=shutil.ignore_patterns("__pycache__", "instance"))
    return folder


def run(project: Path, *arguments: str, defect: str = "") -> subprocess.CompletedProcess[str]:
    """Run the suite as its team does."""
    command = [sys.executable, "-m", "pytest", "-q", *QUIET, *arguments]
    environment = {**os.environ, "FLASKR_DEFECT": defect, "COLUMNS": "120"}
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )


def failed(result: subprocess.CompletedProcess[str]) -> set[str]:
    """The names of the tests that failed."""
    lines = [line for line in result.stdout.splitlines() if line.startswith("FAILED")]
    return {line.split("::")[1].split(" ")[0].split("[")[0] for line in lines}


def account(result: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines under `this suite on FastAPI`, blanks squeezed."""
    _, _, text = result.stdout.partition("this suite on FastAPI")
    lines = [" ".join(line.split()) for line in text.splitlines()[1:]]
    return lines[: next(i for i, line in enumerate(lines) if " in " in line or "====" in line)]


def test_plain(project: Path) -> None:
    """Without an option nothing of crossfade is to be seen."""
    result = run(project)
    assert f"{TESTS} passed" in result.stdout
    assert "crossfade" not in result.stdout


def test_on_fastapi(project: Path) -> None:
    """Each route with a counterpart is FastAPI's, and every test of the suite passes."""
    result = run(project, *GATEWAY, "--crossfade-native", "all")
    assert result.returncode == 0, result.stdout
    assert f"{TESTS} passed" in result.stdout
    assert account(result) == [
        "GET / 9 requests answered by FastAPI",
        "GET /<int:number>.json 4 requests answered by FastAPI",
        "POST /<int:number>/delete 4 requests answered by FastAPI",
        "POST /auth/login 15 requests answered by FastAPI",
        "POST /import 1 request answered by FastAPI",
        "20 requests answered by Flask",
        "left to Flask: other: it is another application than the one that moves",
    ]


def test_as_the_map_says(project: Path) -> None:
    """Only what the map lists as native is, here in FastAPI applications made one by one."""
    result = run(project, *FACTORY, "--crossfade-native", "map")
    assert result.returncode == 0, result.stdout
    assert account(result) == [
        "GET /<int:number>.json 4 requests answered by FastAPI",
        "49 requests answered by Flask",
    ]


def test_routes_by_name(project: Path) -> None:
    """Flask's spelling or FastAPI's, and nothing else moves."""
    names = ("--crossfade-native", "POST /{post_id}/delete", "--crossfade-native", "GET /")
    result = run(project, *FACTORY, *names)
    assert result.returncode == 0, result.stdout
    assert account(result)[:3] == [
        "GET / 9 requests answered by FastAPI",
        "POST /<int:number>/delete 4 requests answered by FastAPI",
        "40 requests answered by Flask",
    ]


@pytest.mark.parametrize(
    ("defect", "tests"),
    [
        ("text", {"test_index", "test_create"}),
        ("state", {"test_delete"}),
        ("error", {"test_as_json"}),
        ("raises", {"test_as_json", "test_a_failing_view_fails_the_test"}),
    ],
)
def test_a_wrong_native_route_is_red(project: Path, defect: str, tests: set[str]) -> None:
    """The suite's own assertions find it; the failure says who answered."""
    result = run(project, *GATEWAY, "--crossfade-native", "all", defect=defect)
    assert result.returncode == 1
    assert failed(result) == tests
    assert "who answered" in result.stdout
    assert "FastAPI (" in result.stdout


def test_a_session_that_is_not_kept_is_red(project: Path) -> None:
    """A native login without a session breaks what needs it, on either side."""
    result = run(project, *GATEWAY, "--crossfade-native", "all", defect="session")
    assert {"test_login", "test_update", "test_import"} <= failed(result)


@pytest.mark.parametrize(
    ("route", "said"),
    [
        ("GET /nothing", "of the 1 routes named both sides have only: none"),
        ("GET /hello", "of the 1 routes named both sides have only: none"),
    ],
)
def test_a_run_that_proves_nothing_fails(project: Path, route: str, said: str) -> None:
    """All tests pass, by Flask alone; the run does not."""
    result = run(project, *FACTORY, "--crossfade-native", route)
    assert result.returncode == 1
    assert f"{TESTS} passed" in result.stdout
    assert said in account(result)
    assert "FastAPI answered nothing, so nothing is proved" in account(result)


def test_a_named_route_that_no_test_asks_for_fails(project: Path) -> None:
    """Even where FastAPI answered others."""
    names = ("--crossfade-native", "POST /import", "--crossfade-native", "GET /")
    result = run(project, *FACTORY, *names, "-k", "test_index")
    assert result.returncode == 1
    assert "POST /import is not asked for by any test" in account(result)


def test_recorded(project: Path, tmp_path: Path) -> None:
    """The suite runs as before; what it sent is there as cases, each test a sequence."""
    result = run(project, f"--crossfade-record={tmp_path}")
    assert f"{TESTS} passed" in result.stdout
    assert "52 exchanges kept in 3 files" in result.stdout
    files = sorted(tmp_path.rglob("*.http"))
    assert [file.relative_to(tmp_path).as_posix() for file in files] == [
        "tests/test_auth.http",
        "tests/test_blog.http",
        "tests/test_factory.http",
    ]
    cases = [case for case in read_cases(files[1]) if case.origin.endswith("::test_import")]
    assert [case.name for case in cases] == [
        "POST /auth/login → 302",
        "POST /import → 302",
        "GET / → 200",
    ]
    assert {case.sequence for case in cases} == {"tests/test_blog.py::test_import"}
    login, upload, index = (case.request for case in cases)
    assert login.body == b"username=test&password=test"
    assert b'filename="posts.txt"' in upload.body
    assert not upload.values("cookie"), "the login's answer gives it"
    assert not index.headers


def test_recorded_again_is_the_same(project: Path, tmp_path: Path) -> None:
    """With two processes, too; the cases of tests that did not run stay."""
    run(project, f"--crossfade-record={tmp_path}", "-k", "not session_that")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.http")}
    run(project, f"--crossfade-record={tmp_path}", "-k", "test_import or test_hello", "-n", "2")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.http")} == before


def test_failed_tests_are_not_recorded(project: Path, tmp_path: Path) -> None:
    """What they sent may be anything; and both options go together."""
    native = (*GATEWAY, "--crossfade-native", "all")
    result = run(project, *native, f"--crossfade-record={tmp_path}", defect="state")
    assert "1 failed tests are not kept" in result.stdout
    origins = {case.origin for file in tmp_path.rglob("*.http") for case in read_cases(file)}
    assert "tests/test_blog.py::test_delete" not in origins
    assert "tests/test_blog.py::test_import" in origins


def test_what_cannot_be_imported_is_said(project: Path) -> None:
    """Before any test runs."""
    result = run(project, "--crossfade-native", "all")
    assert result.returncode == pytest.ExitCode.USAGE_ERROR
    assert "'gateway:app' can't be imported: there is no module 'gateway'" in result.stderr


@pytest.fixture(scope="module")
def recorded(project: Path) -> Path:
    """The blog with the cases that its suite left."""
    run(project, "--crossfade-record=contracts")
    return project


def test_recorded_cases_are_contracts(recorded: Path) -> None:
    """Logins come back, rows too, and every answer is the same on both sides."""
    result = run(recorded, "contract_tests")
    assert result.returncode == 0, result.stdout
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for line in (
        "GET /<int:number>.json 3 exchanges",
        "POST /<int:number>/delete 4 exchanges",
        "POST /auth/login 15 exchanges",
        "POST /import 1 exchange",
    ):
        assert line in lines


@pytest.mark.parametrize(
    ("defect", "said"),
    [
        ("status", "status: Flask 302, FastAPI 303"),  # which the suite itself does not see
        ("state", "state.post[id=1]: only FastAPI"),
    ],
)
def test_recorded_cases_see_more_than_the_suite(recorded: Path, defect: str, said: str) -> None:
    """They compare everything, not what somebody thought of."""
    result = run(recorded, "contract_tests", defect=defect)
    assert result.returncode == 1
    assert said in result.stdout
