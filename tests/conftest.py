"""What holds for the run of all tests."""

from __future__ import annotations

import gc

import pytest
from hypothesis import HealthCheck, settings

# Thousands of tests make an application each: a full collection after every few of them takes a
# fifth of the run.
gc.set_threshold(*gc.get_threshold()[:2], 100)

# How fast a machine is that does other things meanwhile is no property of what is tested.
settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any speed")


LONGEST = ("test_example.py", "test_routes.py", "test_flaskr.py", "test_once.py", "test_cutover.py")
"""Files that one process would still be at when the other has nothing left to do."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long, unless `-m` or a path asks for it; begin with the longest."""
    items.sort(key=lambda item: item.path.name not in LONGEST)
    named = config.option.markexpr or ""
    slow_too = bool(named or config.option.file_or_dir)
    left_out = [
        item
        for item in items
        if ("ten_runs" not in named and item.get_closest_marker("ten_runs"))
        or (not slow_too and item.get_closest_marker("slow"))
    ]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
