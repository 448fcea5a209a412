"""`rollback` and its history: a file that git ignores and nobody reviews decides nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crossfade.contract.cutover import Edit, History, Refused, plan_back
from crossfade.migration_map.edit import set_stage
from crossfade.model import Stage
from tests.verify.kit import crossfade

MAP = """\
# Ours.
[routes]
"GET /a" = "native"   # moved
"GET /b" = { stage = "native", guards = ["login_required"], ignore = ["body.at"] }

[contracts]
require_receipts = true
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a map with two native routes."""
    path = tmp_path / "migration_map.toml"
    path.write_text(MAP, encoding="utf-8")
    return path


def forge(path: Path, content: Any) -> None:
    """Write a history as anybody could."""
    folder = path.parent / ".crossfade"
    folder.mkdir()
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / f"{path.name}.history.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "content",
    [
        [{"route": "GET /a", "before": "[gateway]\n", "after": "0"}],
        [{"route": "GET /a", "was_listed": '"native"'}],
        [{"route": "GET /a", "was_listed": True, "stage": "native"}],
        [{"route": 1, "was_listed": True}],
        [["GET /a", True]],
        {"route": "GET /a", "was_listed": True},
        '[{"route": "GET /a"',
        "[" * 100_000,
    ],
    ids=["text", "a stage", "more", "number", "list", "table", "cut off", "deep"],
)
def test_rollback_history_with_anything_else_is_refused(path: Path, content: Any) -> None:
    """Nothing of it is written; it says which file to delete."""
    forge(path, content)
    with pytest.raises(Refused, match=r"history\.json can't be read: .* Delete it"):
        plan_back(path, None)


@pytest.mark.parametrize(
    "route", ["GET /nothing", 'GET /c" = "native"\n[gateway]\nx', "", "GET /a\n"]
)
def test_rollback_history_of_a_route_that_is_not_listed_is_refused(path: Path, route: str) -> None:
    """A line is never added, whatever the name is."""
    forge(path, [{"route": route, "was_listed": True}])
    with pytest.raises(Refused, match="doesn't list it"):
        plan_back(path, None)


@pytest.mark.parametrize("was_listed", [True, False])
def test_rollback_whatever_the_history_says_flask_answers(path: Path, was_listed: bool) -> None:
    """And what a person wrote in the line stays."""
    forge(path, [{"route": "GET /b", "was_listed": was_listed}])
    edit, _ = plan_back(path, None)
    assert edit.after == MAP.replace('{ stage = "native"', '{ stage = "legacy"')


@pytest.mark.parametrize(
    "before",
    [
        "[routes]\n",
        '[routes]\n"GET /b" = "native" # b\n',
        '[routes]\n"GET /a" = "legacy"   # soon\n"GET /b" = "native"\n',
        '[routes]\n"GET /a" = { stage = "legacy", hooks = "none" }\n',
        '[routes."GET /a"]\nstage = "legacy"\nignore = ["body.at"]\n',
    ],
)
def test_rollback_of_a_cutover_is_byte_for_byte(path: Path, before: str) -> None:
    """Whether the route had a line or not."""
    after = set_stage(before, "GET /a", Stage.NATIVE)
    path.write_text(after, encoding="utf-8")
    history = History(path)
    history.add(Edit(path, "GET /a", before, after))
    edit, step = plan_back(path, None)
    edit.save()
    assert path.read_text(encoding="utf-8") == before
    assert step is not None
    history.forget(step)
    assert history.steps() == []


def test_rollback_map_that_never_ends_is_an_error(path: Path) -> None:
    """It ends at once, and says why."""
    path.unlink()
    path.symlink_to("/dev/zero")
    result = crossfade(path.parent, "rollback", "GET /a")
    assert (result.returncode, result.stdout) == (1, "")
    assert "it is a device, not a regular file" in result.stderr
