"""`--crossfade-changed-since`: routes that stand on what differs from a revision of git."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.plugin.test_plugin import QUIET

pytest_plugins = ["pytester"]

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

GATEWAY = """
import flask
from fastapi import FastAPI
from crossfade import mount_legacy
from crossfade.compat import FlaskJSONResponse
import flask_one, flask_two, api_one, api_two

legacy = flask.Flask("legacy", static_folder=None)
legacy.register_blueprint(flask_one.blueprint)
legacy.register_blueprint(flask_two.blueprint)
app = FastAPI(default_response_class=FlaskJSONResponse)
app.include_router(api_one.router)
app.include_router(api_two.router)
mount_legacy(app, legacy, migration_map="migration_map.toml")
"""
FLASK = """
import flask
from names import value

blueprint = flask.Blueprint("{0}", __name__)

@blueprint.get("/{0}")
def view():
    return flask.jsonify(value=value())
"""
API = """
from fastapi import APIRouter
from names import value

router = APIRouter()

@router.get("/{0}")
def endpoint():
    return {{"value": value()}}
"""
MAP = '[routes]\n"GET /one" = "native"\n"GET /two" = "native"\n'
FILES = {
    "gateway.py": GATEWAY,
    "flask_one.py": FLASK.format("one").replace("names", "pack"),
    "api_one.py": API.format("one").replace("names", "pack"),
    "flask_two.py": FLASK.format("two"),
    "api_two.py": API.format("two"),
    "names.py": "def value():\n    return 1\n",
    "pack/__init__.py": "from pack.numbers import value\n",
    "pack/numbers.py": "def value():\n    return 1\n",
    "unused.py": "FIRST = 1\nSECOND = 2\n",
    "migration_map.toml": MAP,
    "contracts/two.http": "### two\nGET /two\n",
    ".gitignore": "__pycache__\n*.log\n",
    "test_contracts.py": "def test_routes(contract_routes):\n    contract_routes.prove()\n",
}


def git(*arguments: str) -> None:
    """Run git in the working directory."""
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def write(files: dict[str, str]) -> None:
    """Write files below the working directory."""
    for name, text in files.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Two routes whose code stands in files of their own, committed."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=os.pathsep)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    write(FILES)
    git("init", "-q")
    git("config", "user.name", "Ada")
    git("config", "user.email", "ada@example.org")
    git("config", "commit.gpgsign", "false")
    git("add", ".")
    git("commit", "-qm", "first")
    return pytester


def chosen(project: pytest.Pytester, *arguments: str, since: str = "HEAD") -> set[str]:
    """The rules of the routes that a run chooses."""
    result = project.runpytest_inprocess(
        *QUIET, "-v", "--crossfade-changed-since", since, *arguments
    )
    return set(re.findall(r"test_routes\[GET /(\w+)\]", result.stdout.str()))


@pytest.mark.parametrize(
    ("file", "text", "routes"),
    [
        ("flask_one.py", FILES["flask_one.py"] + "\n# more\n", {"one"}),
        ("api_two.py", FILES["api_two.py"] + "\n# more\n", {"two"}),
        ("names.py", "def value():\n    return 1 + 0\n", {"two"}),
        ("pack/numbers.py", "def value():\n    return 1 + 0\n", {"one"}),
        ("pack/__init__.py", "from names import value\n", {"one"}),
        ("unused.py", "VALUE = 1\n", set()),
        ("noise.log", "new, and ignored\n", set()),
        ("contracts/two.http", "### two\nGET /two?a=1\n", {"two"}),
        ("contracts/new.http", "### one\nGET /one\n", {"one"}),
        ("contracts/two.http", "### one\nGET /one\n", {"one", "two"}),
        ("migration_map.toml", MAP + "\n# a remark\n", set()),
        ("migration_map.toml", MAP.replace('e" = "native"', 'e" = "legacy"'), {"one"}),
        ("migration_map.toml", '[routes]\n"GET /one" = "native"\n', {"two"}),
        ("migration_map.toml", f"{MAP}[bridge]\nthreads = 7\n", {"one", "two"}),
        (
            "migration_map.toml",
            MAP + '[[deviations]]\nroute = "GET /two"\nwhat = "body"\nreason = "r"\n',
            {"two"},
        ),
    ],
)
@pytest.mark.parametrize("committed", [False, True])
def test_what_differs(
    project: pytest.Pytester, file: str, text: str, routes: set[str], committed: bool
) -> None:
    """Code of either side, what it reaches, cases, and what the map says; committed or not."""
    write({file: text})
    if committed:
        git("add", ".")
        git("commit", "-qm", "second", "--allow-empty")
    assert chosen(project, since="HEAD~1" if committed else "HEAD") == routes


def test_what_is_gone(project: pytest.Pytester) -> None:
    """A file of cases concerns its routes; of a module nobody knows who reached it."""
    Path("contracts/two.http").unlink()
    assert chosen(project) == {"two"}
    git("mv", "unused.py", "used.py")  # two files, also where git sees one that moved
    assert chosen(project) == {"one", "two"}


def test_a_login_that_is_gone(project: pytest.Pytester) -> None:
    """A case as it was may name a login that nobody has any more."""
    write({"contracts/two.http": "### two\n# @login zoe\nGET /two\n"})
    git("commit", "-qam", "by a member")
    write({"contracts/two.http": "### one\nGET /one\n"})
    assert chosen(project) == {"one", "two"}


def test_a_map_that_was_none(project: pytest.Pytester) -> None:
    """Without a map that can be read at the revision every route is meant."""
    write({"migration_map.toml": "[routes"})
    git("commit", "-qam", "broken")
    write({"migration_map.toml": MAP})
    assert chosen(project) == {"one", "two"}


def test_in_a_folder_of_the_checkout(project: pytest.Pytester) -> None:
    """The project may be a part of the checkout; the user's settings narrow nothing."""
    write({f"server/{name}": text for name, text in FILES.items() if "/" not in name})
    for name in ("pack", "contracts"):
        Path(name).rename(f"server/{name}")
    git("add", ".")
    git("commit", "-qm", "moved")
    git("config", "diff.relative", "true")
    git("config", "diff.renames", "copies")
    os.chdir("server")
    git("mv", "names.py", "värden.py")
    write({"names.py": "from värden import value\n"})
    assert chosen(project, "--rootdir", ".") == {"two"}


def test_steps_of_a_sequence(project: pytest.Pytester) -> None:
    """A file that holds one step concerns the routes of all."""
    write({"contracts/a.http": "### first\n# @sequence both\nGET /one\n"})
    git("add", ".")
    git("commit", "-qm", "second")
    write({"contracts/b.http": "### second\n# @sequence both\nGET /two\n"})
    assert chosen(project) == {"one", "two"}


def test_with_other_selections(project: pytest.Pytester) -> None:
    """A route is meant that every option means."""
    write({"names.py": "def value():\n    return 1 + 0\n", "flask_one.py": FILES["flask_one.py"]})
    assert chosen(project, "--crossfade-route", "/one") == set()
    assert chosen(project, "--crossfade-stage", "native") == {"two"}
    assert chosen(project, "--crossfade-stage", "legacy") == set()


@pytest.mark.parametrize("processes", [0, 2])
def test_nothing_differs(project: pytest.Pytester, processes: int) -> None:
    """The run says so, and passes nothing."""
    arguments = ["-p", "no:cacheprovider", "--crossfade-changed-since", "HEAD"]
    if processes:
        pytest.importorskip("xdist")
        arguments += ["-n", str(processes)]
    result = project.runpytest_subprocess(*arguments)
    result.assert_outcomes(skipped=processes or 1)
    said = "nothing that these routes stand on has changed since HEAD: nothing is proven*"
    result.stdout.fnmatch_lines([said])


@pytest.mark.parametrize("revision", ["nowhere", "", "HEAD..HEAD", "--all", "HEAD:gateway.py"])
def test_an_unknown_revision(project: pytest.Pytester, revision: str) -> None:
    """It is an error of usage that says what to give."""
    result = project.runpytest_subprocess(*QUIET, f"--crossfade-changed-since={revision}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*git knows no revision '{revision}'*Give one commit*"])


def test_no_checkout_and_no_git(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are errors of usage."""
    arguments = (*QUIET, "--crossfade-changed-since", "HEAD")
    Path(".git").rename("elsewhere")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.path.parent))
    result = project.runpytest_subprocess(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*is no git checkout*"])
    monkeypatch.setenv("PATH", "")
    result = project.runpytest_subprocess(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*git can't be run*Install it*"])
