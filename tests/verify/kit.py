"""A small shop on both sides, and a way to break each piece of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILES = {
    "gateway.py": """\
from crossfade import mount_legacy
from shop import create_app
from api import app

mount_legacy(app, create_app())
""",
    "migration_map.toml": """\
# The shop's map.
[routes]
"GET /items/<int:number>"  = "native"    # the first to move
"GET /page"                = "legacy"
""",
    "shop/__init__.py": """\
from flask import Flask

from shop import errors, hooks, settings, views


def create_app():
    app = Flask(__name__)
    app.config["CURRENCY"] = settings.CURRENCY
    app.before_request(hooks.open_shop)
    app.register_error_handler(404, errors.missing)
    app.register_blueprint(views.blueprint)
    return app
""",
    "shop/settings.py": 'CURRENCY = "EUR"\n',
    "shop/hooks.py": """\
def open_shop():
    '''Nothing to do.'''
    return None
""",
    "shop/errors.py": """\
from flask import jsonify


def missing(error):
    return jsonify(error="no such thing"), 404
""",
    "shop/prices.py": """\
from shop import tax

PRICES = {1: 10, 2: 20}
UNUSED = 1


def price(number):
    # what it costs
    return PRICES[number] + tax.tax(number)


def unused():
    return 0
""",
    "shop/tax.py": """\
def tax(number):
    return 2 * number
""",
    "shop/views.py": """\
from flask import Blueprint, abort, current_app, jsonify, render_template

from shop.prices import PRICES, price

blueprint = Blueprint("shop", __name__)


@blueprint.get("/items/<int:number>")
def item(number):
    if number not in PRICES:
        abort(404)
    return jsonify(currency=current_app.config["CURRENCY"], price=price(number))


@blueprint.get("/page")
def page():
    return render_template("page.html")


@blueprint.get("/teapot")
def teapot():
    abort(404)


@blueprint.get("/untested")
def untested():
    return ""
""",
    "shop/templates/base.html": "<html>{% block main %}{% endblock %}</html>\n",
    "shop/templates/page.html": "{% extends 'base.html' %}{% block main %}hi{% endblock %}\n",
    "api/__init__.py": """\
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from api.models import Item
from api.parts import known
from crossfade.compat import FlaskJSONResponse
from shop.prices import price

app = FastAPI(default_response_class=FlaskJSONResponse)


@app.get("/items/{number}", response_model=Item)
def item(number: Annotated[int, Depends(known)]):
    return {"price": price(number), "currency": "EUR"}


@app.get("/page")
def page():
    return HTMLResponse("<html>ho</html>")


@app.get("/teapot")
def teapot():
    raise HTTPException(404)


@app.get("/untested")
def untested():
    return ""


@app.get("/health")
def health():
    return "ok"
""",
    "api/models.py": """\
from pydantic import BaseModel


class Item(BaseModel):
    currency: str
    price: int
""",
    "api/parts.py": """\
from fastapi import HTTPException

from shop.prices import PRICES


def known(number: int) -> int:
    if number not in PRICES:
        raise HTTPException(404)
    return number
""",
    "test_shop.py": """\
def test_items(contract):
    contract.get("/items/1")
    contract.get("/items/2")
    contract.get("/items/3")


def test_page(contract):
    contract.get("/page")


def test_teapot(contract):
    contract.get("/teapot")


def test_no_contract():
    assert True
""",
}


def write(folder: Path) -> Path:
    """Write the shop into a folder; return the folder."""
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def edit(folder: Path, name: str, old: str, new: str) -> None:
    """Change one piece of text that is there once."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {name}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def python(
    folder: Path, *arguments: str, given: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run this Python in a folder, without what an outer pytest leaves in the environment."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST_", "COV_", "CROSSFADE_"))
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        input=given,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def crossfade(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `crossfade` in a folder."""
    return python(folder, "-c", "from crossfade.cli.main import main; main()", *arguments)


def run_pytest(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a folder, with as few plugins as will do."""
    quiet = ("-q", "-p", "no:hypothesispytest", "-p", "no:anyio")
    return python(folder, "-m", "pytest", *quiet, *arguments)


def verify(folder: Path) -> tuple[int, dict[str, Any]]:
    """Run `crossfade verify --json`: its exit code, and its routes by name."""
    result = crossfade(folder, "verify", "--json")
    assert "Traceback" not in result.stderr, result.stderr
    document = json.loads(result.stdout)
    assert document["ok"] is (result.returncode == 0)
    return result.returncode, {route["route"]: route for route in document["routes"]}


_EACH = """\
import contextlib, io, json, os, sys
from pathlib import Path
from crossfade.cli.main import main

answers = {}
for name, (file, old, new) in json.load(sys.stdin).items():
    path = Path(file)
    text = path.read_text()
    assert text.count(old) == 1, (name, text.count(old))
    path.write_text(text.replace(old, new))
    reading, writing = os.pipe()
    child = os.fork()  # frameworks are imported once, the project anew for each change
    if not child:
        os.close(reading)
        os.dup2(writing, 1)
        sys.argv[1:] = ["verify", "--json"]
        main()
    os.close(writing)
    with open(reading) as pipe:
        document = json.loads(pipe.read())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    answers[name] = code, document["routes"]
    path.write_text(text)
print(json.dumps(answers))
"""


def verify_each(folder: Path, edits: Mapping[str, tuple[str, str, str]]) -> dict[str, Any]:
    """Make one edit after the other, undo each; return what `verify` said of each."""
    result = python(folder, "-c", _EACH, given=json.dumps(edits))
    assert result.returncode == 0, result.stderr
    answers: dict[str, Any] = json.loads(result.stdout)
    return answers
