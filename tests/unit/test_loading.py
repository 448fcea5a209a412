"""What a command line or a configuration names, imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crossfade.loading import NotLoadable, load


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a module that has a factory."""
    monkeypatch.setattr("sys.path", list(sys.path))
    (tmp_path / "made.py").write_text("def make():\n    return object()\n", encoding="utf-8")
    yield tmp_path
    sys.modules.pop("made", None)


def test_a_factory_is_called_once(root: Path) -> None:
    """Fixtures and plugins that name the same application get the same."""
    assert load("made:make()", root) is load("made:make()", root)


@pytest.mark.parametrize("target", ["", ":app", "..made:make", "made:make()x", "made:__name__()"])
def test_refuses(root: Path, target: str) -> None:
    """What names no module, or calls what can't be called."""
    with pytest.raises(NotLoadable):
        load(target, root)
