"""CONTRIBUTING, SECURITY, the workflows and pre-commit name only what exists."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
PRE_COMMIT = ROOT / ".pre-commit-config.yaml"
PAGES = [CONTRIBUTING, ROOT / "SECURITY.md"]
WORKFLOWS = [ROOT / ".github/workflows/ci.yml", ROOT / ".github/workflows/release.yml"]
TOOLS = {"build"}  # installed by the line that runs it


def test_paths_in_pages_exist() -> None:
    """A path in backticks or in a link leads somewhere."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named = re.findall(r"`([\w.-]*/[\w./-]+|[A-Z]+\.md)`", text)
        named += re.findall(r"\]\(([^)#:]+)\)", text)
        named += re.findall(r"pytest (tests/[\w./]+)", text)
        assert named
        assert [name for name in named if not (ROOT / name).exists()] == []


def test_commands_name_modules_that_exist() -> None:
    """What `python3 -m` runs can be imported, and `.ci/run` can be executed."""
    text = "".join(p.read_text(encoding="utf-8") for p in [*PAGES, *WORKFLOWS, PRE_COMMIT])
    modules = set(re.findall(r"python3 -m (\w+)", text)) - TOOLS
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    missing = [m for m in modules if not importlib.util.find_spec(m) and f'"{m}>=' not in declared]
    assert "pytest" in modules
    assert missing == []
    assert ".ci/run" in text
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_test_command_is_the_readmes() -> None:
    """Both pages give one command for the tests."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^    .*&& (python3 -m pytest .*)$", readme, re.M)
    assert f"`{command}`" in CONTRIBUTING.read_text(encoding="utf-8")


def test_markers_named_are_declared() -> None:
    """A marker behind `-m` stands in pyproject.toml."""
    declared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = re.findall(r"pytest.* -m (\w+)", CONTRIBUTING.read_text(encoding="utf-8"))
    assert named
    assert [name for name in named if f'"{name}: ' not in declared] == []


def test_only_publishing_may_write_an_identity_token() -> None:
    """Workflows read by default; one job of the release asks for more."""
    ci, release = (path.read_text(encoding="utf-8") for path in WORKFLOWS)
    assert all("\npermissions:\n  contents: read\n" in text for text in (ci, release))
    assert "write" not in ci
    assert release.count(": write") == 1
    assert "id-token: write" in release.split("\n  publish:\n")[1]


def test_workflows_and_hooks_are_yaml() -> None:
    """Each file parses into what its reader looks for (PyYAML comes with flasgger)."""
    yaml = importlib.import_module("yaml")
    for path in WORKFLOWS:
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    assert yaml.safe_load(PRE_COMMIT.read_text(encoding="utf-8"))["repos"]
