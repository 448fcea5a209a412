"""What the tests of the package share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compat import recorder as recording


@pytest.fixture
def sync() -> bool:
    """Whether native handlers are plain `def`; a test may say otherwise."""
    return False


@pytest.fixture
def recorder(tmp_path: Path, sync: bool) -> Iterator[recording.Recorder]:
    """The two applications that record everything."""
    recorder = recording.make(tmp_path, sync)
    yield recorder
    recorder.gateway.live.stop()
    asyncio.run(recorder.gateway.bridge.aclose())
    if recorder.gateway.borrower is not None:
        recorder.gateway.borrower.close()
