"""A plugin for pytest (`-p crossfade.contract.only`): only the tests of contracts run."""

from __future__ import annotations

from typing import Any


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Leave out every test that does not ask for the fixture `contract`."""
    left_out = [item for item in items if "contract" not in getattr(item, "fixturenames", ())]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if "contract" in getattr(item, "fixturenames", ())]
