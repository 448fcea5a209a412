"""`crossfade verify`: what makes a receipt stale, and what does not."""

from __future__ import annotations

import re
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.verify.kit import crossfade, edit, verify, verify_each

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

ITEM = "GET /items/<int:number>"

CHANGES = {
    "the Flask view": (
        ("shop/views.py", "abort(404)\n    return jsonify", "abort(410)\n    return jsonify"),
        "shop/views.py:8: item (Flask) changed",
    ),
    "a function that it calls": (
        ("shop/prices.py", "+ tax.tax(number)", "- tax.tax(number)"),
        "shop/prices.py:7: price (Flask and FastAPI) changed",
    ),
    "a function two calls away": (
        ("shop/tax.py", "2 * number", "3 * number"),
        "shop/tax.py:1: tax (Flask and FastAPI) changed",
    ),
    "a constant": (
        ("shop/prices.py", "2: 20", "2: 21"),
        "shop/prices.py:3: PRICES (Flask and FastAPI) changed",
    ),
    "the native route": (
        ("api/__init__.py", '"currency": "EUR"}', '"currency": "USD"}'),
        "api/__init__.py:15: item (FastAPI) changed",
    ),
    "a model": (
        ("api/models.py", "price: int", "price: float"),
        "api/models.py:4: Item (FastAPI) changed",
    ),
    "a dependency": (
        ("api/parts.py", "return number", "return int(number)"),
        "api/parts.py:6: known (FastAPI) changed",
    ),
    "a hook": (
        ("shop/hooks.py", "return None", "return"),
        "shop/hooks.py:1: open_shop (around the routes) changed",
    ),
    "an error handler": (
        ("shop/errors.py", "no such thing", "nothing"),
        "shop/errors.py:4: missing (around the routes) changed",
    ),
    "the factory": (
        ("shop/__init__.py", "app = Flask(__name__)", "app = Flask(__name__, static_folder=None)"),
        "shop/__init__.py:6: create_app (around the routes) changed",
    ),
    "a setting": (
        ("shop/settings.py", "EUR", "USD"),
        "shop/settings.py:1: CURRENCY (around the routes) changed",
    ),
    "where a name comes from": (
        ("shop/tax.py", "def tax", "import math as number\n\n\ndef tax"),
        "shop/tax.py:4: tax (Flask and FastAPI) changed",
    ),
}

NO_CHANGES = {
    "a comment": ("shop/prices.py", "# what it costs", "# what it really costs"),
    "blank lines": ("shop/tax.py", "def tax", "\n\ndef tax"),
    "what nobody calls": ("shop/prices.py", "return 0", "return 1"),
    "another view": ("shop/views.py", 'render_template("page.html")', '"hi"'),
    "another native route": ("api/__init__.py", 'return "ok"', 'return "fine"'),
    "a template of another route": ("shop/templates/page.html", "hi", "ho"),
    "a test": ("test_shop.py", "assert True", "assert 1"),
    "the map's comments": ("migration_map.toml", "# the first to move", "# the first"),
}


def test_a_proven_route_is_green(proven: Path) -> None:
    """Exit code 0, and the numbers."""
    result = crossfade(proven, "verify")
    assert (result.returncode, result.stderr) == (0, "")
    assert re.fullmatch(
        r"proven   GET /items/<int:number>  3 cases, 2 answered 2xx or 3xx; "
        r"(\d+) of \1 broken answers noticed",
        result.stdout.splitlines()[0],
    )
    assert result.stdout.splitlines()[-1] == "1 native route: 1 proven"


@pytest.fixture(scope="module")
def verdicts(_proven: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return what `verify` says after each of the changes, made one at a time."""
    folder = tmp_path_factory.mktemp("changes") / "shop"
    shutil.copytree(_proven, folder)
    edits = {name: change[0] for name, change in CHANGES.items()} | NO_CHANGES
    return verify_each(folder, edits)


@pytest.mark.parametrize("name", CHANGES)
def test_one_changed_line_is_red(verdicts: dict[str, Any], name: str) -> None:
    """It says which function of which file changed, first."""
    code, (route,) = verdicts[name]
    assert (code, route["route"], route["state"]) == (1, ITEM, "stale")
    first = route["reasons"][0]
    assert f"{first['file']}:{first['line']}: {first['text']}" == CHANGES[name][1]


@pytest.mark.parametrize("name", NO_CHANGES)
def test_what_changes_nothing_stays_green(verdicts: dict[str, Any], name: str) -> None:
    """Comments, and code that the route does not reach."""
    code, (route,) = verdicts[name]
    assert (code, route["reasons"]) == (0, [])


def test_the_reasons_are_shown(proven: Path) -> None:
    """People read what machines do."""
    (_, old, new), text = CHANGES["a model"]
    edit(proven, "api/models.py", old, new)
    result = crossfade(proven, "verify")
    assert result.returncode == 1
    assert [line.split(maxsplit=1) for line in result.stdout.splitlines()[:2]] == [
        ["STALE", result.stdout.splitlines()[0].split(maxsplit=1)[1]],
        text.split(maxsplit=1),
    ]


def test_a_native_route_without_a_receipt_is_red(proven: Path) -> None:
    """Also one that has just been listed."""
    edit(proven, "migration_map.toml", '= "legacy"', '= "native"')
    result = crossfade(proven, "verify")
    assert result.returncode == 1
    assert "MISSING  GET /page" in result.stdout
    assert result.stdout.splitlines()[-1] == "2 native routes: 1 proven, 1 without a receipt"


def test_a_route_that_only_fastapi_has_needs_none(proven: Path) -> None:
    """There is nothing to compare it with."""
    edit(proven, "migration_map.toml", "[routes]", '[routes]\n"GET /health" = "native"')
    code, routes = verify(proven)
    assert (code, routes["GET /health"]["state"]) == (0, "not needed")


def test_another_version_is_red(proven: Path) -> None:
    """A proof stands on the frameworks that it was made with."""
    (receipt,) = (proven / "contract-receipts").glob("*.toml")
    text = receipt.read_text(encoding="utf-8")
    receipt.write_text(re.sub(r'flask = "\d[^"]*"', 'flask = "2.0.1"', text), encoding="utf-8")
    code, routes = verify(proven)
    (reason,) = routes[ITEM]["reasons"]
    assert code == 1
    assert reason["kind"] == "version"
    assert re.fullmatch(r"flask is 3[\d.]+, was 2\.0\.1", reason["text"])


def test_other_rules_are_red(proven: Path) -> None:
    """What is ignored, and what is borrowed, is part of the proof."""
    table = '{ stage = "native", hooks = "none", ignore = ["body.price"] }'
    edit(proven, "migration_map.toml", '"native"    #', f"{table} #")
    code, routes = verify(proven)
    assert code == 1
    assert [reason["text"] for reason in routes[ITEM]["reasons"]] == [
        "the map's hooks is 'none', was 'flask'",
        "the map's ignore is ['body.price'], was []",
    ]


def test_a_receipt_that_is_none_is_red(proven: Path) -> None:
    """A merge conflict in it, or the receipt of another route."""
    (receipt,) = (proven / "contract-receipts").glob("*.toml")
    good = receipt.read_text(encoding="utf-8")
    receipt.write_text("<<<<<<< HEAD\n" + good, encoding="utf-8")
    assert "can't be read" in crossfade(proven, "verify").stdout
    receipt.write_text(good.replace(ITEM, "GET /other"), encoding="utf-8")
    assert "is the receipt of GET /other" in crossfade(proven, "verify").stdout
    receipt.write_text(good.replace("format = 2", "format = 1"), encoding="utf-8")
    code, routes = verify(proven)
    assert (code, routes[ITEM]["reasons"][0]["subject"]) == (1, "format")


def test_the_receipt_of_no_route_is_named(proven: Path) -> None:
    """It can be deleted; nothing fails."""
    (proven / "contract-receipts" / "GET-gone-12345678.toml").write_text("", encoding="utf-8")
    result = crossfade(proven, "verify")
    assert result.returncode == 0
    assert (
        "GET-gone-12345678.toml: the receipt of a route that there is not any more" in result.stdout
    )


@pytest.mark.parametrize(("days", "code"), [(0, 0), (30, 0), (-1, 1)])
def test_a_waiver_counts_until_its_day_is_over(shop: Path, days: int, code: int) -> None:
    """With its reason; then it is a problem of its own."""
    until = date.today() + timedelta(days=days)
    waiver = f'{{ stage = "native", receipt = {{ waived = "ours", until = {until} }} }}'
    edit(shop, "migration_map.toml", '"native"    #', f"{waiver} #")
    result = crossfade(shop, "verify")
    assert result.returncode == code
    assert f'waived until {until}: "ours"' in result.stdout
    assert ("expired" in result.stdout) is bool(code)


def test_nothing_native_is_nothing_to_verify(shop: Path) -> None:
    """An empty map is green."""
    (shop / "migration_map.toml").write_text("[routes]\n", encoding="utf-8")
    result = crossfade(shop, "verify")
    assert (result.returncode, result.stdout) == (
        0,
        "no route is native: there is nothing to verify\n",
    )
