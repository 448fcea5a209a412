"""Secrets of a recorded test suite: what the project itself shows is kept, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from crossfade.contract.cases.http_file import read_cases
from crossfade.contract.suites.project_files import ProjectText
from tests.plugin.test_plugin import QUIET

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

APP = """
import secrets
from flask import Flask, abort, request, session

users = {"ada": "correct horse"}
tokens = {}

def create_app(key="dev"):
    app = Flask(__name__)
    app.secret_key = key

    @app.post("/register")
    def register():
        users[request.form["name"]] = request.form["password"]
        return ""

    @app.post("/login")
    def login():
        data = request.form or request.get_json()
        if users.get(data["name"]) != data["password"]:
            abort(401)
        tokens[token := secrets.token_hex(16)] = data["name"]
        return {"token": token}

    @app.get("/me")
    def me():
        if request.headers["Authorization"].split()[1] not in tokens:
            abort(401)
        return ""

    @app.get("/reset/<token>")
    def reset(token):
        return ""

    @app.post("/any")
    def any_body():
        return str(session.get("user"))

    return app
"""

TESTS = """
import gzip, json, os, secrets
from pathlib import Path
from shop import create_app

client = create_app().test_client()

def test_form():
    client.post("/login", data={"name": "ada", "password": "correct horse"})

def test_json_and_basic():
    client.post("/login", json={"name": "ada", "password": "correct horse", "pin": 4711})
    client.post("/any", auth=("ada", "correct horse"))
    client.post("/any", headers={"X-Api-Key": "made-for-tests"})

def test_drawn():
    password = secrets.token_hex(8)
    fresh = create_app().test_client()
    fresh.post("/register", data={"name": "eve", "password": password})
    fresh.post("/login", data={"name": "eve", "password": password})

def test_token_of_an_answer():
    token = client.post("/login", json={"name": "ada", "password": "correct horse"}).json["token"]
    client.get("/me", headers={"Authorization": f"Bearer {token}"})
    client.get(f"/reset/{token}")
    client.get("/reset/of-the-test?token=" + token)

def test_ignored_file():
    key = json.loads(Path("local.json").read_text())["key"]
    client.post("/any", json={"api_key": key})
    client.post("/any", auth=("ada", key))

def test_unreadable():
    body = gzip.compress(b'{"password": "x"}')
    client.post("/any", data=body, headers={"Content-Encoding": "gzip"})
    client.post("/any", data="password: " + secrets.token_hex(8), content_type="text/x-own")
    client.post("/any", data="password: correct horse", content_type="text/x-own")

def test_session():
    own = create_app().test_client()
    with own.session_transaction() as session:
        session["user"] = "ada"
    own.post("/any")

def test_session_of_production():
    own = create_app(Path("local.json").read_text()).test_client()
    with own.session_transaction() as session:
        session["user"] = "root"
    own.post("/any")
"""


@pytest.fixture(params=["git", "no git"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A suite with secrets of every kind; `local.json` is none of git's."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name, text in {"shop.py": APP, "test_shop.py": TESTS, "pytest.ini": "[pytest]\n"}.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "local.json").write_text('{"key": "live-key-of-production"}', encoding="utf-8")
    if request.param == "git":
        (folder / ".gitignore").write_text("local.json\n")
        for arguments in (("init", "-q"), ("add", ".")):
            subprocess.run(["git", *arguments], cwd=folder, check=True)
    return folder


def record(project: Path, *options: str) -> tuple[dict[str, list[str]], str]:
    """Record the suite; return the case texts of each test, and what the run printed."""
    command = [sys.executable, "-m", "pytest", "-q", *QUIET]
    environment = {k: v for k, v in os.environ.items() if k != "PYTEST_ADDOPTS"}
    result = subprocess.run(
        [*command, "--crossfade-record=cases", *options],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "8 passed" in result.stdout, result.stdout
    found: dict[str, list[str]] = {}
    for case in read_cases(project / "cases/test_shop.http"):
        request = case.request
        text = f"{request.line} {dict(request.headers)} {request.body!r}"
        found.setdefault(case.origin.partition("::test_")[2], []).append(text)
    return found, result.stdout


def test_what_the_project_shows_is_kept(project: Path) -> None:
    """A login replays with its password; what an ignored file has is gone."""
    cases, said = record(project)
    text = (project / "cases/test_shop.http").read_text()
    assert "password=correct+horse" in cases["form"][0]
    kept, basic, key = cases["json_and_basic"]
    assert '"password": "correct horse"' in kept
    assert '"pin": 4711' in kept
    assert "Basic YWRhOmNvcnJlY3QgaG9yc2U=" in basic
    assert "made-for-tests" in key
    assert [("password=REDACTED" in case) for case in cases["drawn"]] == [True, True]
    _, me, path, query = cases["token_of_an_answer"]
    assert "'authorization': 'Bearer {{token}}'" in me
    assert "GET /reset/{{token}}" in path
    assert "GET /reset/of-the-test?token={{token}}" in query
    assert "# @save token = body.token" in text
    assert "live-key" not in text
    assert '"api_key": "REDACTED"' in cases["ignored_file"][0]
    assert "authorization" not in cases["ignored_file"][1]
    assert len(cases["unreadable"]) == 1
    assert "password: correct horse" in cases["unreadable"][0]
    assert "session=" in cases["session"][0]
    assert "session=" not in cases["session_of_production"][0]
    assert "3 requests refer to an earlier answer of the same test" in said
    assert "5 requests kept without a secret, so both sides may refuse them alike:" in said
    assert "  POST /register (1x)" in said
    assert "2 requests not kept, for a secret:" in said
    assert "  test_shop.py::test_unreadable: it is compressed (1x)" in said


def test_nothing_is_kept_where_that_is_asked_for(project: Path) -> None:
    """Not what stands in the tests either; a body that can't be read breaks no test."""
    cases, _ = record(project, "-o", "crossfade_record_redact=true")
    text = (project / "cases/test_shop.http").read_text()
    for secret in ("correct", "4711", "Basic", "made-for-tests", "session=", "live-key"):
        assert secret not in text
    assert "unreadable" not in cases


def test_recorded_again(project: Path) -> None:
    """What was recorded once is no reason to keep it: the cases are no part of the project."""
    (project / "cases").mkdir()
    (project / "cases/old.md").write_text("live-key-of-production")
    if (project / ".git").exists():
        subprocess.run(["git", "add", "."], cwd=project, check=True)
    record(project)
    assert "live-key" not in (project / "cases/test_shop.http").read_text()


def test_a_value_is_a_word_of_its_own(tmp_path: Path) -> None:
    """A part of a word is no sign that somebody wrote the value down."""
    (tmp_path / "a.py").write_text("PASSWORD = 'horse-battery'\nKEY = '''one\n  two'''\n")
    project = ProjectText(tmp_path)
    assert project.has("horse-battery")
    assert project.has("one\n  two")
    assert project.has("")
    assert not project.has("orse")
    assert not project.has("one\n  three")
