"""Imports go downwards only, and each foreign part has one importer."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent.parent / "src" / "crossfade"

# From the top: a module imports modules of lower layers only (and of its own package).
LAYERS = [
    ["__main__"],
    ["cli", "pytest"],
    ["application", "mounting"],
    ["contract"],
    ["apidoc"],
    ["gateway"],
    ["checks"],
    ["compat"],
    ["native"],
    ["bridge", "routing"],
    ["messages", "migration_map"],
    ["scope"],
    ["console", "loading", "logs"],
    ["errors", "files", "inspection", "model", "wording"],
]
LEVEL = {module: number for number, layer in enumerate(LAYERS) for module in layer}

# What may be imported by one module only.
OWNERS = {
    "a2wsgi": {"bridge"},
    "typer": {"cli.main", "cli.options"},
    "rich": set[str](),
    "uvicorn": set[str](),
    "sqlalchemy": {"contract.state", "contract.engine"},
    "httpx": {"contract.engine", "contract.run", "contract.suites", "contract.transport"},
    "hypothesis": {"contract.generation", "contract.run"},
    "pytest": {"pytest"},
    "tomlkit": {"migration_map.edit"},
    "legacy_flask": set[str](),
    "new_fastapi": set[str](),
}

FILES = sorted(SOURCE.rglob("*.py"))


def _module(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module or ""


def test_every_module_has_a_layer() -> None:
    """A new module finds its place here first."""
    assert {_module(path) for path in FILES} - {"__init__"} == set(LEVEL)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_downwards(path: Path) -> None:
    """No module imports one that stands above or beside it."""
    module = _module(path)
    if module == "__init__":
        return  # the package's face: it names what is public, and loads it on first use
    for name in _imports(path):
        first, _, rest = name.partition(".")
        if first == "crossfade":
            other = rest.partition(".")[0]
            assert other == module or LEVEL[other] > LEVEL[module], f"{module} imports {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_foreign_parts_have_one_importer(path: Path) -> None:
    """What may change under us is met in one place."""
    here = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    for name in _imports(path):
        owners = OWNERS.get(name.partition(".")[0])
        assert owners is None or any(
            here == owner or here.startswith(f"{owner}.") for owner in owners
        ), f"{here} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_files_stay_small(path: Path) -> None:
    """A module past about 400 lines is two modules."""
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 420


@pytest.mark.parametrize("module", ["cli.main", "mounting", "pytest.plugin"])
def test_extras_are_not_needed_to_start(module: str) -> None:
    """The gateway and the command line work where only the core is installed."""
    extras = ("httpx", "hypothesis", "sqlalchemy", "flask_login", "time_machine")
    code = f"import sys\nsys.modules.update(dict.fromkeys({extras}))\nimport crossfade.{module}"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stderr == ""
