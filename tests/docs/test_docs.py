"""The documentation is true: its examples run, its tables hold, its links lead somewhere."""

from __future__ import annotations

import re
import subprocess
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from crossfade.gateway.live_map import LiveMap
from crossfade.migration_map.positions import tomllib
from crossfade.model import BridgeSettings, ContractSettings, GatewaySettings, RecordSettings
from tests.unit.test_maps import builder

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"^( *)```(\w+)([^\n]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[tuple[str, str]]:
    """Return (what follows the language, text) for each fenced block of a language."""
    text = page.read_text(encoding="utf-8")
    return [
        (match[3].strip(), re.sub(f"^{match[1]}", "", match[4], flags=re.MULTILINE))
        for match in BLOCK.finditer(text)
        if match[2] == language
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link has a file."""
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [
        target for target in targets if "://" not in target and not (page.parent / target).exists()
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_is_code(page: Path) -> None:
    """Every Python block compiles, every TOML block parses."""
    for _, text in blocks(page, "python"):
        compile(text, str(page), "exec")
    for _, text in blocks(page, "toml"):
        tomllib.loads(text)


_TABLES: dict[str, type] = {
    "gateway": GatewaySettings,
    "bridge": BridgeSettings,
    "contracts": ContractSettings,
    "record": RecordSettings,
}


def test_every_key_of_the_map_is_in_its_table() -> None:
    """The table of keys and the model say the same, defaults included."""
    page = (ROOT / "docs" / "migration-map.md").read_text(encoding="utf-8")
    rows = dict(
        re.findall(
            r"^\| `((?:gateway|bridge|contracts|record)\.\w+)` \| (\S+) \|", page, re.MULTILINE
        )
    )
    expected = {}
    for table, settings in _TABLES.items():
        for key in fields(settings):
            assert key.default is not MISSING
            default = list(key.default) if isinstance(key.default, tuple) else key.default
            default = "none" if default is None else f"`{str(default).lower()}`"
            expected[f"{table}.{key.name}"] = default
    assert rows == expected


def test_the_maps_example_is_valid(tmp_path: Path) -> None:
    """What the page of the map shows can be used."""
    ((_, text),) = blocks(ROOT / "docs" / "migration-map.md", "toml")
    path = tmp_path / "migration_map.toml"
    path.write_text(text, encoding="utf-8")
    assert len(LiveMap(path, builder().build).snapshot.map.entries) == 5


def test_the_readme_shows_the_gateway_that_is_there() -> None:
    """The README's gateway is the example's, but for its docstring."""
    ((_, shown),) = blocks(ROOT / "README.md", "python")
    real = (ROOT / "gateway.py").read_text(encoding="utf-8")
    assert shown.strip() == real.partition('"""\n\n')[2].strip()


def test_the_readme_names_commands_that_ci_runs() -> None:
    """`.ci/run` takes the test command out of the README: it must find one line."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert (
        len(re.findall(r"^    python3 -m pip install .*pytest -n auto$", readme, re.MULTILINE)) == 1
    )
    assert len(re.findall(r"^    python3 -m pip install .*gateway:app$", readme, re.MULTILINE)) == 1


def test_nothing_of_a_machine_is_in_the_project() -> None:
    """No path of anybody's machine is committed."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    private = re.compile(r"(?<![\w.])/(?:home|root|work|Users)/\w")
    for name in listed.stdout.split("\n"):
        path = ROOT / name
        if name and path.suffix in {".py", ".md", ".toml", ".txt", ".json", ""} and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            assert not private.search(text.replace(private.pattern, "")), name
