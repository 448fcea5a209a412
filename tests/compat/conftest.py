"""What the tests of the package share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from crossfade import Gateway, mount_legacy
from tests.asgi.kit import Mount
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


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mount a legacy application with the named routes native; they borrow Flask."""
    mounted: list[Gateway] = []

    def do_mount(
        app: FastAPI,
        legacy: Any,
        *native: str,
        hooks: str = "flask",
        settings: str = "",
        more: str = "",
        **options: Any,
    ) -> Gateway:
        entry = f'{{ stage = "native", hooks = "{hooks}"{more} }}'
        lines = [settings, "[routes]", *(f'"{route}" = {entry}' for route in native)]
        path = tmp_path / f"map{len(mounted)}.toml"
        path.write_text("\n".join(lines))
        gateway = mount_legacy(app, legacy, migration_map=path, **options)
        mounted.append(gateway)
        return gateway

    yield do_mount
    for gateway in mounted:
        gateway.live.stop()
        asyncio.run(gateway.bridge.aclose())
        if gateway.borrower is not None:
            gateway.borrower.close()
