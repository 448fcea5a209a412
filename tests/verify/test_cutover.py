"""`crossfade cutover`, `rollback` and `explain`."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from crossfade.contract.cutover import Edit, Refused, plan_back
from crossfade.errors import CrossfadeError
from tests.verify.kit import crossfade, edit, run_pytest, verify

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

ITEM = "GET /items/<int:number>"
PYTEST = ("-p", "no:hypothesispytest", "-p", "no:anyio")


@pytest.fixture
def legacy(shop: Path) -> Path:
    """Return the shop before its first route moved."""
    edit(shop, "migration_map.toml", '= "native"', '= "legacy"')
    return shop


def test_cutover_proves_and_moves_and_rollback_undoes(legacy: Path) -> None:
    """In FastAPI's spelling; comments stay; the way back is byte for byte."""
    path = legacy / "migration_map.toml"
    before = path.read_bytes()
    moved = crossfade(legacy, "cutover", "GET /items/{number}", "--", *PYTEST)
    assert moved.returncode == 0, moved.stdout + moved.stderr
    assert '-"GET /items/<int:number>"  = "legacy"    # the first to move\n' in moved.stdout
    assert '+"GET /items/<int:number>"  = "native"    # the first to move\n' in moved.stdout
    assert path.read_bytes() == before.replace(b'"legacy"', b'"native"', 1)
    assert verify(legacy)[0] == 0
    assert "is native already" in crossfade(legacy, "cutover", ITEM, "--", *PYTEST).stdout

    back = crossfade(legacy, "rollback")
    assert (back.returncode, back.stderr) == (0, "")
    assert '+"GET /items/<int:number>"  = "legacy"    # the first to move\n' in back.stdout
    assert path.read_bytes() == before
    again = crossfade(legacy, "rollback")
    assert (again.returncode, again.stdout) == (1, "")
    assert "no cut-over is remembered here" in again.stderr


@pytest.mark.parametrize(
    ("route", "why"),
    [
        ("GET /page", "is not proven: 1 exchange of 1 differ"),
        ("GET /teapot", "is not proven: all of them errors (4xx, 5xx)"),
        ("GET /untested", "is not proven: no test met it"),
        ("GET /itms/{number}", 'Did you mean "GET /items/{number}"?'),
        ("GET /nothing", "unknown route"),
        ("items", "a route is written METHOD /rule"),
    ],
)
def test_cutover_refuses(shop: Path, route: str, why: str) -> None:
    """The map stays as it is."""
    before = (shop / "migration_map.toml").read_bytes()
    result = crossfade(shop, "cutover", route, "--", *PYTEST)
    assert result.returncode == 1
    assert why in result.stderr
    assert (shop / "migration_map.toml").read_bytes() == before


def test_a_dry_run_changes_nothing(legacy: Path) -> None:
    """It shows what would be."""
    before = (legacy / "migration_map.toml").read_bytes()
    result = crossfade(legacy, "cutover", ITEM, "--dry-run", "--", *PYTEST)
    assert (result.returncode, '+"GET /items' in result.stdout) == (0, True)
    assert (legacy / "migration_map.toml").read_bytes() == before


def test_an_unproven_route_moves_with_a_reason_and_an_end(legacy: Path) -> None:
    """No test runs; the reason stands in the map, where it is reviewed."""
    until = date.today() + timedelta(days=7)
    past = ("--waive", "the client is ours", "--until", "2020-01-31")
    assert "is in the past" in crossfade(legacy, "cutover", "GET /page", *past).stderr
    result = crossfade(legacy, "cutover", "GET /page", "--waive", "the client is ours")
    assert (result.returncode, "--until" in result.stderr) == (2, True)
    result = crossfade(
        legacy, "cutover", "GET /page", "--waive", "the client is ours", "--until", str(until)
    )
    assert result.returncode == 0, result.stderr
    code, routes = verify(legacy)
    assert (code, routes["GET /page"]["state"]) == (0, "waived")
    assert routes["GET /page"]["waiver"] == f'waived until {until}: "the client is ours"'


def test_only_the_route_goes_back_where_the_map_was_edited_since(legacy: Path) -> None:
    """An edit of somebody else is not undone."""
    assert crossfade(legacy, "cutover", ITEM, "--", *PYTEST).returncode == 0
    edit(legacy, "migration_map.toml", "# The shop's map.", "# Our map.")
    assert crossfade(legacy, "rollback", "GET /items/{number}").returncode == 0
    text = (legacy / "migration_map.toml").read_text(encoding="utf-8")
    assert text.startswith("# Our map.")
    assert '"GET /items/<int:number>"  = "legacy"    # the first to move' in text


def test_rollback_needs_no_application(shop: Path) -> None:
    """The way back is open when nothing can be imported."""
    (shop / "api" / "__init__.py").write_text("import nothing\n", encoding="utf-8")
    result = crossfade(shop, "rollback", "GET /items/{number}")
    assert (result.returncode, result.stderr) == (0, "")
    assert 'number>"  = "legacy"    # the first' in (shop / "migration_map.toml").read_text()
    again = crossfade(shop, "rollback", "GET /items/{number}")
    assert (again.returncode, "is back already" in again.stderr) == (1, True)
    unknown = crossfade(shop, "rollback", "GET /nothing")
    assert (unknown.returncode, "no such route is listed" in unknown.stderr) == (1, True)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[routes]\n"GET /a" = native\n', "migration_map.toml:2: this is not TOML"),
        ('[routes]\n"GET /a" = "native"\n"GET /a" = "native"\n', "listed twice: first on line 2"),
        ("routes = 3\n", "no such route is listed"),
    ],
)
def test_rollback_of_a_broken_map_says_what_to_mend(tmp_path: Path, text: str, why: str) -> None:
    """Where the map is not what it should be, nothing is guessed."""
    path = tmp_path / "migration_map.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CrossfadeError) as caught:
        plan_back(path, "GET /a")
    assert why in str(caught.value)


def test_cutover_proves_with_the_application_that_it_is_told(legacy: Path) -> None:
    """Also where pytest is configured for another: the one that is named is the one that moves."""
    (legacy / "gateway.py").rename(legacy / "elsewhere.py")
    moved = crossfade(legacy, "cutover", ITEM, "--app", "elsewhere:app", "--", *PYTEST)
    assert moved.returncode == 0, moved.stdout + moved.stderr


def test_a_history_that_can_not_be_read_stops_a_cutover_before_it_begins(legacy: Path) -> None:
    """Nothing is half done."""
    before = (legacy / "migration_map.toml").read_bytes()
    (legacy / ".crossfade").write_text("no folder", encoding="utf-8")
    until = str(date.today() + timedelta(days=1))
    result = crossfade(legacy, "cutover", ITEM, "--waive", "ours", "--until", until)
    assert (result.returncode, "Delete it" in result.stderr) == (1, True)
    assert (legacy / "migration_map.toml").read_bytes() == before


def test_what_would_be_a_bad_map_is_not_saved(legacy: Path) -> None:
    """Another route's missing receipt would make the server refuse the edit."""
    edit(
        legacy,
        "migration_map.toml",
        '"GET /page"                = "legacy"',
        '"GET /page" = "native"\n\n[contracts]\nrequire_receipts = true',
    )
    before = (legacy / "migration_map.toml").read_bytes()
    result = crossfade(legacy, "cutover", ITEM, "--", *PYTEST)
    assert result.returncode == 1
    assert "migration_map.toml:4: GET /page: not proven: no receipt" in result.stderr
    assert (legacy / "migration_map.toml").read_bytes() == before


def test_explain_shows_what_is_known(proven: Path) -> None:
    """Handlers, hooks, stage, receipt, cases, the last run: by either spelling."""
    run_pytest(proven)
    known = json.loads(crossfade(proven, "explain", "GET /items/{number}", "--json").stdout)
    assert known["route"] == ITEM
    assert (known["stage"], known["listed"]) == ("native", "migration_map.toml:3")
    assert known["flask"] == {"endpoint": "shop.item", "at": "shop/views.py:8"}
    assert known["fastapi"] == {"handler": "api.item", "at": "api/__init__.py:15"}
    assert "before_request shop.hooks.open_shop" in known["hooks"]["around"]
    assert (known["receipt"]["state"], len(known["cases"])) == ("valid", 3)
    assert known["last_run"]["proven"] is True
    text = crossfade(proven, "explain", ITEM).stdout
    assert "  Flask     shop/views.py:8  shop.item\n" in text
    assert "  receipt   valid: 3 cases, 2 answered 2xx or 3xx; " in text
    red = crossfade(proven, "explain", "GET /page").stdout
    assert "  last run  1 case: 1 exchange of 1 differ\n            GET /page: body" in red
    assert "unknown route" in crossfade(proven, "explain", "GET /x").stderr


def test_an_edit_of_somebody_else_is_not_lost(tmp_path: Path) -> None:
    """What changed between the reading and the saving stays."""
    path = tmp_path / "map.toml"
    path.write_text("[routes]\n# theirs\n", encoding="utf-8")
    with pytest.raises(Refused, match="was edited meanwhile"):
        Edit(path, "GET /a", "[routes]\n", "[routes]\n# ours\n").save()
    assert path.read_text(encoding="utf-8") == "[routes]\n# theirs\n"
