"""Tokens and ids that a test took from an answer: written as references, and replayed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from crossfade.contract.cases.http_file import parse_cases, read_cases
from tests.plugin.test_plugin import QUIET

pytestmark = pytest.mark.slow

SHOP = """
import secrets
from flask import Flask, abort, jsonify, redirect, request, session
from itsdangerous import BadData, URLSafeTimedSerializer
from fastapi import FastAPI
from crossfade import mount_legacy
from crossfade.compat import flask_view

rows, tokens = {}, {}

def create_app(first=1):
    app = Flask("shop", static_folder=None)
    app.secret_key = "fake"
    signer = URLSafeTimedSerializer("other")
    rows.clear()
    tokens.clear()
    rows.update({n: "old" for n in range(1, first)})

    @app.post("/login")
    def login():
        token = signer.dumps(request.json["user"])
        refresh = secrets.token_hex(16)
        tokens[refresh] = request.json["user"]
        answer = jsonify(access_token=token, user={"refresh": refresh})
        answer.set_cookie("csrf_access_token", secrets.token_hex(16))
        return answer

    def user():
        try:
            return signer.loads(request.headers["Authorization"].removeprefix("Bearer "))
        except (KeyError, BadData):
            abort(401)

    @app.get("/me")
    def me():
        return {"user": user()}

    @app.post("/refresh")
    def refresh():
        if request.json["refreshToken"] not in tokens:
            abort(401)
        if request.headers.get("X-CSRF-TOKEN") != request.cookies.get("csrf_access_token"):
            abort(400)
        return {"ok": True}

    @app.get("/form")
    def form():
        session["csrf"] = secrets.token_hex(20)
        return f'<form><input type="hidden" name="csrf_token" value="{session["csrf"]}"></form>'

    @app.post("/form")
    def posted():
        if request.form["csrf_token"] != session.get("csrf"):
            abort(400)
        return redirect("/done")

    @app.post("/items")
    def create():
        number = max(rows, default=0) + 1
        rows[number] = request.json["name"]
        return {"id": number}, 201, {"Location": f"/items/{number}?new=1"}

    @app.route("/items/<int:number>", methods=["GET", "DELETE"])
    def item(number):
        if number not in rows:
            abort(404)
        return {"name": rows.pop(number) if request.method == "DELETE" else rows[number]}

    @app.post("/orders")
    def order():
        if request.json["item_id"] not in rows:
            abort(404)
        return {"ok": True}

    @app.post("/parts")
    def part():
        number = max(rows, default=0) + 1
        rows[number] = "part"
        return redirect(f"/parts/{number}/edit")

    @app.get("/parts/<int:part>/edit")
    def edit(part):
        return rows.get(part) or abort(404)

    @app.get("/reset/<token>")
    def reset(token):
        return {"user": tokens[token]} if token in tokens else abort(404)

    @app.post("/forgot")
    def forgot():
        token = secrets.token_hex(6)
        tokens[token] = "ada"
        return {"mail": f"Open https://shop.example/reset/{token}?lang=en to go on."}

    return app

def create_native(flask_app):
    native = FastAPI(openapi_url=None)
    for rule in flask_app.url_map.iter_rules():
        path = rule.rule.replace("<int:number>", "{number:int}").replace("<token>", "{token}")
        path = path.replace("<int:part>", "{part:int}")
        view = flask_view(flask_app.view_functions[rule.endpoint])
        for method in rule.methods - {"OPTIONS", "HEAD"}:
            native.add_api_route(path, view, methods=[method], response_model=None)
    return native
"""

TESTS = """
import re
import pytest
import shop
from werkzeug.test import Client

@pytest.fixture
def client():
    return shop.create_app().test_client()

def test_bearer(client):
    token = client.post("/login", json={"user": "ada"}).json["access_token"]
    for _ in range(2):
        answer = client.get("/me", headers={"Authorization": f"Bearer {token}"})
        assert answer.json == {"user": "ada"}

def test_double_submit():
    client = Client(shop.create_app())
    given = client.post("/login", json={"user": "ada"}).json
    csrf = client.get_cookie("csrf_access_token").value
    body = {"refreshToken": given["user"]["refresh"]}
    assert client.post("/refresh", json=body, headers={"X-CSRF-TOKEN": csrf}).json["ok"]

def test_form(client):
    page = client.get("/form").text
    token = re.search('value="(.*?)"', page)[1]
    assert client.post("/form", data={"csrf_token": token, "name": "x"}).status_code == 302

def test_location(client):
    answer = client.post("/items", json={"name": "pen"})
    assert client.get(answer.headers["Location"]).json == {"name": "pen"}
    number = answer.json["id"]
    assert client.post("/orders", json={"item_id": number}).json["ok"]
    assert client.delete(f"/items/{number}").status_code == 200
    assert client.get(f"/items/{number}").status_code == 404

def test_redirect(client):
    assert client.post("/parts", follow_redirects=True).text == "part"

def test_mail(client):
    mail = client.post("/forgot").json["mail"]
    path = re.search("https://shop.example(/reset/[^?]*)", mail)[1]
    assert client.get(path).json == {"user": "ada"}

def test_of_the_client(client):
    assert client.get("/items/1").status_code == 404
    assert client.post("/items", json={"name": "1"}).status_code == 201
"""

CONTRACTS = """
import copy
from pathlib import Path
import pytest
import shop
from crossfade import mount_legacy

class Rows:
    def capture(self):
        return copy.deepcopy((shop.rows, {}))

    def restore(self, captured):
        shop.rows.clear()
        shop.rows.update(captured[0])

@pytest.fixture(scope="session")
def contract_app():
    path = Path(__file__).parent / "migration_map.toml"
    path.write_text("[routes]\\n")
    flask_app = shop.create_app(first=8)
    native = shop.create_native(flask_app)
    mount_legacy(native, flask_app, migration_map=path)
    return native

@pytest.fixture(scope="session")
def contract_state():
    return Rows()

def test_routes(contract_routes):
    contract_routes.prove(probes=False)
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite that is recorded, and contracts that run what it left against other rows."""
    folder = tmp_path_factory.mktemp("refer") / "shop"
    (folder / "proof").mkdir(parents=True)
    for name, text in {
        "shop.py": SHOP,
        "test_shop.py": TESTS,
        "proof/test_contracts.py": CONTRACTS,
        "pytest.ini": "[pytest]\npythonpath = .\n",
    }.items():
        (folder / name).write_text(text, encoding="utf-8")
    result = run(folder, "--crossfade-record=contracts", "test_shop.py")
    assert result.returncode == 0, result.stdout
    assert "10 requests refer to an earlier answer of the same test" in result.stdout
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest as a team does."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTEST_ADDOPTS"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *QUIET, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_recording_writes_references(project: Path) -> None:
    """Each names the place in the answer; no token of an answer stands in the file."""
    text = (project / "contracts/test_shop.http").read_text()
    for line in (
        "# @save access_token = body.access_token",
        "authorization: Bearer {{access_token}}",
        "# @save refresh = body.user.refresh",
        '{"refreshToken": "{{refresh}}"}',
        "# @save csrf_access_token = cookie.csrf_access_token",
        "x-csrf-token: {{csrf_access_token}}",
        '# @save csrf_token = body: name="csrf_token" value="{}"',
        "csrf_token={{csrf_token}}&name=x",
        "# @save id = body.id",
        "GET /items/{{id}}?new=1",
        '{"item_id": {{id}}}',
        "# @save mail = body.mail: https://shop.example/reset/{}?",
        "GET /reset/{{mail}}",
        "# @save part = header.location: /parts/{}/",
        "GET /parts/{{part}}/edit",
    ):
        assert line in text.splitlines() or line in text, line
    assert "REDACTED" not in text
    assert "/items/1\n" in text, "a number that no answer gave stays"


def test_recorded_references_replay_on_both_sides(project: Path) -> None:
    """Though the rows have other numbers, and each side draws its own tokens."""
    cases = []
    for _ in range(2):
        verdicts = project / "verdicts.json"
        options = ("--crossfade-receipts", f"--crossfade-verdicts={verdicts}")
        result = run(project, "proof", *options)
        assert result.returncode == 0, result.stdout
        found = json.loads(verdicts.read_text())
        for route, count in {
            "GET /me": 1,  # the same request twice
            "POST /refresh": 1,
            "POST /form": 1,
            "POST /orders": 1,
            "DELETE /items/<int:number>": 1,
            "GET /reset/<token>": 1,
            "GET /parts/<int:part>/edit": 1,
        }.items():
            assert found[route]["proven"], found[route]
            assert found[route]["succeeded"] == count, route
        receipts = sorted((project / "proof/contract-receipts").iterdir())
        cases.append([path.read_text().partition("[requests]")[2] for path in receipts])
    assert len(cases[0]) == 13
    assert cases[0] == cases[1], "a receipt knows a case again, whatever token was drawn"


def test_reference_that_flask_does_not_give_is_said(project: Path, tmp_path: Path) -> None:
    """The case is left out with a note; one that only FastAPI does not give is a difference."""
    (tmp_path / "proof").mkdir()
    text = (project / "proof/test_contracts.py").read_text()
    (tmp_path / "proof/test_contracts.py").write_text(text, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n", encoding="utf-8")
    (tmp_path / "contracts").mkdir()
    recorded = (project / "contracts/test_shop.http").read_text()
    (tmp_path / "contracts/a.http").write_text(recorded, encoding="utf-8")
    broken = SHOP.replace("access_token=token", "no_token=token")
    (tmp_path / "shop.py").write_text(broken, encoding="utf-8")
    result = run(tmp_path, "proof", "-rs", "--crossfade-report=report.md")
    report = (tmp_path / "report.md").read_text()
    assert "Flask's answer to POST /login has no body.access_token" in report
    broken = SHOP.replace(
        "path = rule.rule.", 'if rule.rule == "/login": continue\n        path = rule.rule.'
    ).replace(
        "return native\n",
        'native.post("/login")(lambda: {"user": {"refresh": "x"}})\n    return native\n',
    )
    (tmp_path / "shop.py").write_text(broken, encoding="utf-8")
    result = run(tmp_path, "proof")
    assert result.returncode == 1
    assert "FastAPI's answer to POST /login has no body.access_token" in result.stdout


def test_read_cases_of_saves_gives_them_back(project: Path) -> None:
    """What was written is read as it was."""
    path = project / "contracts/test_shop.http"
    saves = [save for case in read_cases(path) for save in case.saves]
    assert {save.name for save in saves} >= {"access_token", "csrf_token", "id", "part"}
    assert [save.place for save in saves if save.name == "part"] == ["header.location"]


def test_save_that_says_nothing_is_refused() -> None:
    """With its line."""
    text = "### a\n# @save token\nGET /\n"
    with pytest.raises(Exception, match=r"a.http:2: a: can't save 'token'"):
        parse_cases(text, "a.http")
