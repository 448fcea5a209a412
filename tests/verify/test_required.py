"""`require_receipts`: unproven routes are problems of the map, at boot and on reload."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verify.kit import crossfade, edit, python, run_pytest

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

BOOT = "import gateway; print('up')"


@pytest.fixture
def strict(proven: Path) -> Path:
    """Return the proven shop with a map that asks for receipts."""
    edit(
        proven, "migration_map.toml", "[routes]", "[contracts]\nrequire_receipts = true\n\n[routes]"
    )
    return proven


def test_a_proven_gateway_boots(strict: Path) -> None:
    """Nothing is said."""
    result = python(strict, "-c", BOOT)
    assert (result.stdout, result.stderr) == ("up\n", "")


def test_an_unproven_route_keeps_it_from_booting(strict: Path) -> None:
    """All of them at once, each with its line and reason."""
    edit(strict, "migration_map.toml", '= "legacy"', '= "native"')
    edit(strict, "api/models.py", "price: int", "price: float")
    result = python(strict, "-c", BOOT)
    assert result.returncode == 1
    assert "the migration map has 2 problems:" in result.stderr
    assert (
        "migration_map.toml:6: GET /items/<int:number>: not proven: "
        "api/models.py:4: Item (FastAPI) changed. Run pytest --crossfade-receipts, or waive it: "
        in result.stderr
    )
    assert "migration_map.toml:7: GET /page: not proven: no receipt" in result.stderr
    checked = crossfade(strict, "check-map")
    assert (checked.returncode, "2 problems" in checked.stderr) == (1, True)


def test_without_the_key_it_boots(proven: Path) -> None:
    """Receipts are asked for only where the map says so."""
    edit(proven, "api/models.py", "price: int", "price: float")
    assert python(proven, "-c", BOOT).stdout == "up\n"


def test_what_is_stale_can_be_proven_anew(strict: Path) -> None:
    """Tests and `verify` reach a gateway that would not boot."""
    edit(strict, "shop/tax.py", "2 * number", "3 * number")
    assert python(strict, "-c", BOOT).returncode == 1
    assert "shop/tax.py:1: tax" in crossfade(strict, "verify").stdout
    assert run_pytest(strict, "--crossfade-receipts", "-k", "items").returncode == 0
    assert python(strict, "-c", BOOT).stdout == "up\n"


def test_a_waiver_lets_it_boot_until_it_ends(strict: Path) -> None:
    """With a day that is over it is a problem again."""
    edit(
        strict,
        "migration_map.toml",
        '= "legacy"',
        '= { stage = "native", receipt = { waived = "ours", until = 2999-12-31 } }',
    )
    assert python(strict, "-c", BOOT).stdout == "up\n"
    edit(strict, "migration_map.toml", "2999", "1999")
    result = python(strict, "-c", BOOT)
    assert (
        'GET /page: not proven: the waiver has expired: waived until 1999-12-31: "ours"'
        in result.stderr
    )


def test_a_reload_is_refused_and_the_last_good_map_stays(strict: Path) -> None:
    """The same problems, on a running gateway."""
    code = """
import gateway
from pathlib import Path
live = gateway.app.state.crossfade.live
path = Path("migration_map.toml")
path.write_text(path.read_text().replace('= "legacy"', '= "native"'))
print(live.poll(), live.rejected)
path.write_text(path.read_text().replace('"GET /page"', '# "GET /page"'))
print(live.poll(), live.rejected)
"""
    result = python(strict, "-c", code)
    lines = result.stdout.splitlines()
    assert lines[0] == "False the migration map has 1 problem:"
    assert lines[1].startswith("  migration_map.toml:7: GET /page: not proven: no receipt")
    assert lines[2] == "True None"


@pytest.mark.parametrize(
    "before",
    [
        "import crossfade.pytest.plugin, crossfade.pytest.routes, pytest",
        "import sys, types; sys.modules['crossfade.pytest.plugin'] = types.ModuleType('x')",
        "import os; os.environ['PYTEST_CURRENT_TEST'] = 'x'",
    ],
    ids=["imports", "a module's name", "the environment"],
)
def test_required_no_import_lets_an_unproven_gateway_boot(strict: Path, before: str) -> None:
    """What a program imports says nothing of what it is for."""
    edit(strict, "migration_map.toml", '= "legacy"', '= "native"')
    result = python(strict, "-c", f"{before}\n{BOOT}")
    assert result.returncode == 1
    assert "GET /page: not proven: no receipt" in result.stderr


def test_required_conftest_may_import_the_gateway(strict: Path) -> None:
    """A run of pytest proves it: however early it is imported."""
    edit(strict, "migration_map.toml", '= "legacy"', '= "native"')
    (strict / "conftest.py").write_text("import gateway\n", encoding="utf-8")
    assert run_pytest(strict, "-k", "items").returncode == 0
