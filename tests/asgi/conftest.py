"""The fixture that mounts, and that ends what it started."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from crossfade import Gateway, mount_legacy
from tests.asgi.kit import Mount


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mount a legacy application with the named routes native."""
    mounted: list[Gateway] = []

    def do_mount(
        app: FastAPI,
        legacy: Any,
        *native: str,
        settings: str = "",
        hooks: str = "flask",
        **options: Any,
    ) -> Gateway:
        entry = f'{{ stage = "native", hooks = "{hooks}" }}'
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
