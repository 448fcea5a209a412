"""Honest chance on both sides is no difference; what only looks like it is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.noise.kit import prover, told
from tests.noise.planted import PLANTED
from tests.noise.twins import TWINS

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]


def _agree(name: str, folder: Path) -> None:
    with prover({name: TWINS[name]}, folder) as made:
        (target,) = made.targets()
        result = made.prove(target)
    assert not result.failures, told(result)
    assert not result.unproven
    assert result.good == (f"GET /{name}", 200)


@pytest.mark.parametrize("name", sorted(TWINS))
def test_prove_twins_with_chance_agree(name: str, tmp_path: Path) -> None:
    """In all cases of the route, without a frozen clock."""
    _agree(name, tmp_path)


@pytest.mark.ten_runs
@pytest.mark.parametrize("run", range(10))
@pytest.mark.parametrize("name", sorted(TWINS))
def test_prove_twins_with_chance_agree_ten_times(name: str, run: int, tmp_path: Path) -> None:
    """Chance that turns one run of many red is no proof."""
    _agree(name, tmp_path)


@pytest.mark.parametrize("name", sorted(PLANTED))
def test_prove_what_chance_does_not_excuse_differs(name: str, tmp_path: Path) -> None:
    """A constant, another range, set or form, another year, and what stands beside chance."""
    with prover({"planted": PLANTED[name]}, tmp_path) as made:
        (target,) = made.targets()
        result = made.prove(target)
    assert result.failures
    assert result.good == ("GET /planted", 200)


def test_there_are_enough_twins() -> None:
    """Fifty kinds of chance and more."""
    assert len(TWINS) >= 50
