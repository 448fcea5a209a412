"""The guide to contracts is true: a project made of its blocks passes."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.plugin import test_routes
from tests.plugin.test_plugin import QUIET

pytest_plugins = ["pytester"]

GUIDE = Path(__file__).parents[2] / "docs" / "contracts.md"
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)

SHOP = """
import sqlite3

from flask import Flask, jsonify, redirect, request, session

DATABASE = "shop.db"


def query(sql, *values):
    connection = sqlite3.connect(DATABASE)
    try:
        with connection:
            return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def create_app(testing=False):
    app = Flask(__name__)
    app.secret_key = "k"
    query("CREATE TABLE IF NOT EXISTS users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)")
    query("CREATE TABLE IF NOT EXISTS todos (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT)")
    query("INSERT INTO users (name) VALUES ('Ada')")

    @app.get("/users/<int:number>")
    def user(number):
        rows = query("SELECT id, name FROM users WHERE id = ?", number)
        return jsonify(id=rows[0][0], name=rows[0][1])

    @app.post("/users")
    def new_user():
        name = (request.get_json(silent=True) or {}).get("name")
        if not name:
            return jsonify(error="name"), 400
        query("INSERT INTO users (name) VALUES (?)", name)
        return jsonify(id=query("SELECT max(id) FROM users")[0][0]), 201

    @app.post("/todos")
    def new_todo():
        query("INSERT INTO todos (title) VALUES (?)", request.get_json()["title"])
        return jsonify(id=query("SELECT max(id) FROM todos")[0][0]), 201

    @app.get("/todos/<int:number>")
    def todo(number):
        return jsonify(len(query("SELECT 1 FROM todos WHERE id = ?", number)))

    @app.delete("/todos/<int:number>")
    def remove(number):
        query("DELETE FROM todos WHERE id = ?", number)
        return "", 204

    @app.post("/login")
    def login():
        session["name"] = request.form["name"]
        return redirect("/me")

    @app.get("/me")
    def me():
        return jsonify("hello")

    return app
"""

NATIVE = """
import json

from fastapi import FastAPI, Request, Response

from shop import query

app = FastAPI()


def answer(data, status=200):
    body = json.dumps(data, separators=(",", ":")) + "\\n"
    return Response(body, status, media_type="application/json")


@app.get("/users/{number}")
def user(number: int):
    rows = query("SELECT id, name FROM users WHERE id = ?", number)
    return answer({"id": rows[0][0], "name": rows[0][1]})


@app.post("/users")
async def new_user(request: Request):
    try:
        name = (await request.json())["name"]
    except ValueError:
        name = None
    if not name:
        return answer({"error": "name"}, 400)
    query("INSERT INTO users (name) VALUES (?)", name)
    return answer({"id": query("SELECT max(id) FROM users")[0][0]}, 201)


@app.post("/todos")
async def new_todo(request: Request):
    query("INSERT INTO todos (title) VALUES (?)", (await request.json())["title"])
    return answer({"id": query("SELECT max(id) FROM todos")[0][0]}, 201)


@app.get("/todos/{number}")
def todo(number: int):
    return answer(len(query("SELECT 1 FROM todos WHERE id = ?", number)))


@app.delete("/todos/{number}")
def remove(number: int):
    query("DELETE FROM todos WHERE id = ?", number)
    return Response(status_code=204, media_type="text/html")


@app.get("/me")
def me():
    return answer("hello")
"""


def test_the_examples_pass(pytester: pytest.Pytester) -> None:
    """Copied into the files that they name, beside a shop of two dozen lines."""
    pytester.makepyfile(shop=SHOP, native=NATIVE)
    pytester.path.joinpath("migration_map.toml").write_text("[routes]\n")
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    files: dict[str, str] = {}
    for language, title, text in blocks:
        if language == "python" and title:
            files[title] = files.get(title, "") + text
    for title, text in files.items():
        path = pytester.path / title
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("app = FastAPI()", "from native import app"))
    result = pytester.runpytest_inprocess(*QUIET)
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["POST /users *3 exchanges", "2 stay Flask's*"])


def test_the_options_are_those_of_the_plugin(pytester: pytest.Pytester) -> None:
    """What the guide sets in pytest's configuration exists, and no option is left out."""
    blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
    ((_, title, text),) = [block for block in blocks if block[0] == "toml"]
    pytester.path.joinpath(title).write_text(text)
    result = pytester.runpytest_inprocess(*QUIET, "--strict-config", "--help")
    known = set(re.findall(r"^  (crossfade_\w+)", result.stdout.str(), re.MULTILINE))
    assert set(re.findall(r"^(crossfade_\w+)", text, re.MULTILINE)) == known
    assert not result.stderr.str()


USERS = """
from typing import Annotated
from fastapi import Query

INTEGER = {"type": "integer"}

@legacy.get("/users/<int:user_id>")
def user(user_id):
    try:
        age = int(flask.request.args.get("age", "0"))
    except ValueError:
        age = 0
    return flask.jsonify(id=user_id, age=age)

@app.get("/users/{user_id}")
def native_user(user_id: int, age: Annotated[str, Query(json_schema_extra=INTEGER)] = "0"):
    try:
        return {"id": user_id, "age": min(int(age), 120)}
    except ValueError:
        return {"id": user_id, "age": 0}

mount_legacy("""


def test_the_exploration_is_true(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its test finds what the guide shows: the same difference, and as small a request."""
    text = (GUIDE.parent / "every-route.md").read_text(encoding="utf-8")
    ((example, shown),) = re.findall(
        r'^```python title="tests/test_explored.py"\n(.*?)^```\n\n((?:    [^\n]+\n|\n)+)',
        text,
        re.MULTILINE | re.DOTALL,
    )
    monkeypatch.setenv("PYTHONPATH", str(GUIDE.parents[1]), prepend=os.pathsep)
    pytester.makepyfile(
        gateway=test_routes.GATEWAY.replace("mount_legacy(", USERS), test_it=example
    )
    pytester.path.joinpath("migration_map.toml").write_text("[routes]\n")
    result = pytester.runpytest_inprocess(*QUIET)
    result.assert_outcomes(failed=2)
    lines = [re.sub(r"\d+ of \d+ cases", "* of * cases", each) for each in shown.splitlines()]
    expected = [re.sub(r"in \d+ cases?$", "in * case*", each.strip()) for each in lines]
    result.stdout.fnmatch_lines([f"*{each}" for each in expected if each])


def test_the_guide_to_every_route_is_true(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its test, fixtures, cases, rules and options work on a gateway of a few routes."""
    blocks = BLOCK.findall((GUIDE.parent / "every-route.md").read_text(encoding="utf-8"))
    monkeypatch.setenv("PYTHONPATH", str(GUIDE.parents[1]), prepend=os.pathsep)
    for language, title, text in blocks:
        if title == "tests/test_explored.py":
            continue  # has a test of its own
        if language == "http":
            title = "contracts/same.http"
        elif language == "toml":
            title = "migration_map.toml"
        elif not title:
            title = "conftest.py"
        path = pytester.path / title
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    pytester.makepyfile(gateway=test_routes.GATEWAY)
    options = ("--crossfade-report", "report.md", "--crossfade-route", "GET /*")
    result = pytester.runpytest_inprocess(*QUIET, *options)
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["*overlooked * times: GET /other: body.a when flask 200*"])
    assert "4 of 4 routes answer alike" in (pytester.path / "report.md").read_text()
    unproven = pytester.runpytest_inprocess(*QUIET, "--crossfade-unproven")
    unproven.assert_outcomes(passed=2)
    pytester.runpytest_inprocess(*QUIET, "--crossfade-stage", "native").assert_outcomes(passed=2)
    author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    pytester.run("git", "init", "-q")
    pytester.run("git", "add", ".")
    pytester.run("git", *author, "-c", "commit.gpgsign=false", "commit", "-qm", "first")
    pytester.run("git", "branch", "-M", "main")
    (pytester.path / "contracts" / "same.http").unlink()
    changed = pytester.runpytest_inprocess(*QUIET, "--crossfade-changed-since", "main")
    changed.assert_outcomes(passed=2)
