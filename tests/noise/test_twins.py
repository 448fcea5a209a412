"""Honest chance on both sides is no difference."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossfade.contract.prove import Prover
from tests.noise.kit import prover, told
from tests.noise.twins import TWINS


@pytest.mark.parametrize("name", sorted(TWINS))
def test_prove_twins_with_chance_agree(name: str, tmp_path: Path) -> None:
    """In all cases of the route."""
    with prover({name: TWINS[name]}, tmp_path) as made:
        _agree(made)


def _agree(made: Prover) -> None:
    (target,) = made.targets()
    result = made.prove(target)
    assert not result.failures, told(result)
    assert not result.unproven
    assert result.good == (f"GET {target.route.partition(' ')[2]}", 200)
