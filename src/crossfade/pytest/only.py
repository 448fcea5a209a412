"""A plugin for pytest (`-p crossfade.pytest.only`): only the tests of contracts run."""

from __future__ import annotations

from typing import Any

from crossfade.contract.receipts.left_out import contract_of


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Leave out every test that asks for no fixture of contracts."""
    kept = [item for item in items if contract_of(item) is not None]
    left_out = [item for item in items if item not in kept]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept
