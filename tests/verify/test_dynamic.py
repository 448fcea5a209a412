"""What no name in the source leads to: what only a running program knows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.verify.kit import run_pytest, verify, verify_each

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

FILES = {
    "pytest.ini": "[pytest]\npythonpath = tests\n",
    "gateway.py": """\
import warm_up
from crossfade import mount_legacy
from shop import create_app
from api import app

mount_legacy(app, create_app())
""",
    "warm_up.py": """\
import shop.prices

shop.prices.ROUNDING = 2
""",
    "migration_map.toml": '[routes]\n"GET /items/<int:number>" = "native"\n',
    "shop/__init__.py": """\
import importlib
import json
import os
from pathlib import Path

from flask import Flask
from werkzeug.utils import import_string

import shop.listeners
import shop.patches
from shop import formats, helpers, models, prices, registry, views

FOLDER = Path(__file__).parent
NAMES = json.loads((FOLDER / "data" / "names.json").read_text())
PLUGIN = ".".join(("shop", "plugins", NAMES["plugin"]))


def create_app():
    app = Flask(__name__)
    app.config.from_object("shop.config.Production")
    app.config.from_pyfile("settings.cfg")
    app.config["RATE"] = import_string("shop.rates:rate")()
    app.config["PLUGIN"] = importlib.import_module(PLUGIN).VALUE
    app.config["MODULES"] = sorted(name for name in os.listdir(FOLDER / "plugins"))
    app.jinja_env.globals["shop_name"] = helpers.shop_name
    views.register(app)
    return app
""",
    "shop/config.py": """\
class Base:
    CURRENCY = "EUR"


class Production(Base):
    DEBUG_ITEMS = False


class Testing(Base):
    DEBUG_ITEMS = True
""",
    "shop/settings.cfg": "PAGE = '.'.join(('shop', 'txt'))\n",
    "shop/data/names.json": '{"plugin": "one"}\n',
    "shop/data/unread.json": "{}\n",
    "shop/data/taxes.json": '{"tax": 2}\n',
    "shop/plugins/__init__.py": "",
    "shop/plugins/one.py": "VALUE = 1\n",
    "shop/plugins/two.py": "VALUE = 2\n",
    "shop/rates.py": "def rate():\n    return 2\n\n\ndef unused():\n    return 3\n",
    "shop/late.py": "def late():\n    return 4\n",
    "shop/listeners.py": """\
from shop import events


@events.listens_for("sold")
def sold(item):
    item["sold"] = True
""",
    "shop/events.py": """\
LISTENERS = {}


def listens_for(name):
    def decorator(function):
        LISTENERS.setdefault(name, []).append(function)
        return function

    return decorator
""",
    "shop/patches.py": "from shop import prices\n\nprices.FACTOR = 3\nprices.TABLE['a'] = 1\n",
    "shop/registry.py": """\
FORMATS = {}


def register(function):
    FORMATS[function.__name__] = function
    return function


def timed(function):
    def inner(*args):
        return function(*args)

    return inner
""",
    "shop/formats.py": """\
from shop.registry import register, timed


@register
def plain(value):
    return str(value)


@timed
def not_used(value):
    return value
""",
    "shop/helpers.py": """\
from flask import Blueprint

bp = Blueprint("helpers", __name__)


@bp.app_template_filter("money")
def money(value):
    return f"{value} EUR"


def shop_name():
    return "Shop"
""",
    "shop/models.py": """\
class Exporter:
    def export(self):
        return 0


class Csv(Exporter):
    def export(self):
        return 1


class Other:
    def export(self):
        return 2
""",
    "shop/prices.py": """\
FACTOR = 1
ROUNDING = 0
TABLE = {}


def price(number):
    return number * FACTOR + len(TABLE)
""",
    "shop/test_values.py": "def value():\n    return 5\n",
    "shop/views.py": """\
import json
from importlib import import_module
from pathlib import Path

from flask import current_app, render_template

from shop import events, helpers, models, prices, registry
from shop.test_values import value


def item(number):
    number = int(number)
    found = {"number": number, "value": value(), "price": prices.price(number)}
    for listener in events.LISTENERS["sold"]:
        listener(found)
    found["text"] = registry.FORMATS["plain"](number)
    found["exported"] = sum(each().export() for each in models.Exporter.__subclasses__())
    found["late"] = import_module("shop.late").late()
    taxes = json.loads((Path(__file__).parent / "data" / "taxes.json").read_text())
    kind = "large" if number > 9 else "small"
    page = render_template(f"{kind}.html", tax=taxes["tax"])
    chosen = render_template(current_app.config["PAGE"])
    return {**found, "page": page, "chosen": chosen}


def other():
    return "other"


def register(app):
    app.register_blueprint(helpers.bp)
    app.add_url_rule("/items/<int:number>", "item", item)
    app.add_url_rule("/other", "other", other)
""",
    "shop/templates/small.html": "small {{ tax | money }} {{ shop_name() }}\n",
    "shop/templates/shop.txt": "{% include 'foot.txt' %}\n",
    "shop/templates/foot.txt": "foot\n",
    "shop/templates/unused.txt": "unused\n",
    "api.py": """\
from fastapi import FastAPI

from crossfade.compat import flask_view
from shop.views import item, other

app = FastAPI()
app.get("/items/{number}")(flask_view(item))
app.get("/other")(flask_view(other))
""",
    "tests/helpers.py": """\
import json


def read():
    return open("tests/expected.json").read()
""",
    "tests/expected.json": "{}\n",
    "tests/test_shop.py": """\
import helpers


def test_items(contract):
    assert helpers.read()
    contract.get("/items/1")
""",
}

CHANGES = {
    "what the composition imports": ("warm_up.py", "ROUNDING = 2", "ROUNDING = 3"),
    "import_module of a literal": ("shop/late.py", "return 4", "return 5"),
    "import_string": ("shop/rates.py", "return 2", "return 4"),
    "import_module of a name from a file": ("shop/plugins/one.py", "VALUE = 1", "VALUE = 3"),
    "the file with the name": ("shop/data/names.json", '"one"', '"two"'),
    "a file that a view reads": ("shop/data/taxes.json", "2", "3"),
    "a listener that nobody names": ("shop/listeners.py", "= True", "= 1"),
    "a global that another module sets": ("shop/patches.py", "FACTOR = 3", "FACTOR = 4"),
    "a table that another module fills": ("shop/patches.py", "= 1", "= 2"),
    "a registry by a decorator": ("shop/formats.py", "str(value)", "repr(value)"),
    "a subclass": ("shop/models.py", "return 1", "return 3"),
    "a filter of Jinja's": ("shop/helpers.py", "EUR", "USD"),
    "a global of Jinja's": ("shop/helpers.py", '"Shop"', '"Store"'),
    "a template named by an f-string": ("shop/templates/small.html", "small", "tiny"),
    "a template that might be": ("shop/templates/foot.txt", "foot", "toe"),
    "a template named by a variable": ("shop/templates/shop.txt", "{%", "more {%"),
    "from_object": ("shop/config.py", "DEBUG_ITEMS = False", "DEBUG_ITEMS = None"),
    "a base of from_object": ("shop/config.py", '"EUR"', '"USD"'),
    "from_pyfile": ("shop/settings.cfg", "PAGE", "PAGES = PAGE"),
    "a file called like a test": ("shop/test_values.py", "return 5", "return 6"),
}

NO_CHANGES = {
    "a function that is not taken by import_string": ("shop/rates.py", "return 3", "return 9"),
    "a plugin that is not loaded": ("shop/plugins/two.py", "VALUE = 2", "VALUE = 9"),
    "a file that nobody reads": ("shop/data/unread.json", "{}", "[]"),
    "another class": ("shop/models.py", "return 2", "return 9"),
    "what a decorator only wraps": ("shop/formats.py", "return value\n", "return [value]\n"),
    "another configuration": ("shop/config.py", "DEBUG_ITEMS = True", "DEBUG_ITEMS = 1"),
    "another view": ("shop/views.py", '"other"\n', '"another"\n'),
    "a template that nobody shows": ("shop/templates/unused.txt", "unused", "still"),
    "a helper of the tests": ("tests/helpers.py", "import json", "import os"),
    "a file that a test reads": ("tests/expected.json", "{}", "[]"),
    "a comment in what was imported by name": ("shop/plugins/one.py", "1\n", "1  # one\n"),
}


@pytest.fixture(scope="module")
def dynamic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the shop after its contract has passed."""
    folder = tmp_path_factory.mktemp("dynamic")
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    result = run_pytest(folder, "--crossfade-receipts")
    assert "receipt written: 1 route" in result.stdout, result.stdout + result.stderr
    return folder


@pytest.fixture(scope="module")
def verdicts(dynamic: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what `verify` says after each of the changes, made one at a time."""
    folder = tmp_path_factory.mktemp("changed") / "shop"
    shutil.copytree(dynamic, folder)
    return verify_each(folder, {**CHANGES, **NO_CHANGES})


def test_verify_unchanged_project_is_green(dynamic: Path) -> None:
    """What is seen in a run of pytest is not missed by a process without one."""
    code, routes = verify(dynamic)
    assert (code, routes["GET /items/<int:number>"]["reasons"]) == (0, [])


@pytest.mark.parametrize("change", CHANGES)
def test_verify_what_only_a_running_program_knows_is_red(
    verdicts: dict[str, Any], change: str
) -> None:
    """And the file is named."""
    code, (route,) = verdicts[change]
    assert (code, route["state"]) == (1, "stale")
    assert CHANGES[change][0] in {reason["file"] for reason in route["reasons"]}


@pytest.mark.parametrize("change", NO_CHANGES)
def test_verify_what_the_route_does_not_use_is_green(verdicts: dict[str, Any], change: str) -> None:
    """A receipt that is always stale is one that nobody believes."""
    code, (route,) = verdicts[change]
    assert (code, route["reasons"]) == (0, [])


def test_verify_a_plugin_that_is_added_is_red(dynamic: Path, tmp_path: Path) -> None:
    """Where the application lists a folder, its modules are part of what it is."""
    folder = Path(shutil.copytree(dynamic, tmp_path / "shop"))
    (folder / "shop" / "plugins" / "three.py").write_text("VALUE = 3\n", encoding="utf-8")
    code, routes = verify(folder)
    (reason,) = routes["GET /items/<int:number>"]["reasons"]
    assert (code, reason["file"]) == (1, "shop/plugins/")


def test_receipt_second_run_is_the_same_file(dynamic: Path, tmp_path: Path) -> None:
    """Whatever was seen, by a part of the tests or by all."""
    folder = Path(shutil.copytree(dynamic, tmp_path / "shop"))
    (file,) = (folder / "contract-receipts").iterdir()
    before = file.read_bytes()
    for more in ((), ("-k", "items"), ("--crossfade-route", "/items*")):
        result = run_pytest(folder, "--crossfade-receipts", *more)
        assert "receipt unchanged: 1 route" in result.stdout, result.stdout
        assert file.read_bytes() == before


def test_receipt_lists_paths_from_the_map(dynamic: Path) -> None:
    """So that they mean the same in every checkout."""
    (file,) = (dynamic / "contract-receipts").iterdir()
    text = file.read_text(encoding="utf-8")
    files = text[text.index("[files]") : text.index("[code.flask]")]
    names = [json.loads(line.partition(" = ")[0]) for line in files.splitlines()[1:] if line]
    assert names == [
        "shop/data/names.json",
        "shop/data/taxes.json",
        "shop/plugins/",
        "shop/plugins/__init__.py",
        "shop/plugins/one.py",
        "shop/settings.cfg",
        "shop/templates/foot.txt",
        "shop/templates/shop.txt",
    ]
