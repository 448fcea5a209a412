"""A plugin for pytest (`-p crossfade.contract.only`): only the tests of contracts run."""

from __future__ import annotations

from typing import Any

_FIXTURES = {"contract", "contract_routes"}


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Leave out every test that asks for no fixture of contracts."""
    kept = [item for item in items if _FIXTURES.intersection(getattr(item, "fixturenames", ()))]
    left_out = [item for item in items if item not in kept]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept
