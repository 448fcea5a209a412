"""Whatever the library imports is declared: what another package brings today it may drop."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from crossfade.migration_map.positions import tomllib

ROOT = Path(__file__).parent.parent.parent
SOURCE = ROOT / "src" / "crossfade"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

# Imported only where the application that is migrated has it.
THE_APPLICATIONS = {"flask_login", "sqlalchemy"}


def names(requirements: list[str]) -> set[str]:
    """Return the distributions that requirements name."""
    return {re.split(r"[\[<>=!~; ]", each)[0].lower() for each in requirements}


INSTALLED = packages_distributions()
STANDARD = sys.stdlib_module_names | {"tomllib"}  # which Python 3.10 does not have
DECLARED = names(PROJECT["dependencies"])
EXTRAS = {
    name
    for extra in ("contract", "explore")
    for name in names(PROJECT["optional-dependencies"][extra])
}


def foreign_imports(path: Path) -> Iterator[str]:
    """Return each foreign package that a file imports when it runs."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in set(ast.walk(tree)) - for_types:
        found: list[str] = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found = [node.module or ""]
        for name in found:
            package = name.partition(".")[0]
            if package not in STANDARD and package != "crossfade":
                yield package


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE))
)
def test_imports_are_declared(path: Path) -> None:
    """As a dependency; in the rooms of contracts and pytest as part of an extra."""
    room = path.relative_to(SOURCE).parts[0]
    allowed = DECLARED | (EXTRAS if room in ("contract", "pytest") else set())
    for package in foreign_imports(path):
        if package not in THE_APPLICATIONS:
            distributions = {each.lower() for each in INSTALLED.get(package, [package])}
            assert distributions & allowed, f"{package} is imported and not declared"


@pytest.mark.parametrize("requirement", PROJECT["dependencies"])
def test_dependencies_have_a_lower_bound(requirement: str) -> None:
    """`.ci/run` tests the lowest versions: a package without one is never tested old."""
    assert ">=" in requirement
