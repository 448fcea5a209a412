"""What runs when it is asked for only."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: Iterable[pytest.Item]) -> None:
    """Leave out what takes ten times as long, unless `-m` names it."""
    if "ten_runs" in (config.option.markexpr or ""):
        return
    for item in items:
        if item.get_closest_marker("ten_runs"):
            item.add_marker(pytest.mark.skip(reason="takes minutes: pytest -m ten_runs"))
