"""The fixture that mounts is the one of the gateway's own tests, with the API document on."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI

from crossfade import Gateway
from tests.apidoc.kit import with_docs
from tests.asgi.conftest import mount as mount_without_docs
from tests.asgi.kit import Mount

__all__ = ["mount_without_docs"]


@pytest.fixture
def mount(mount_without_docs: Mount) -> Mount:
    """Mount a legacy application with the named routes native and `api_docs` on."""

    def do_mount(
        app: FastAPI, legacy: Any, *native: str, settings: str = "", **options: Any
    ) -> Gateway:
        return mount_without_docs(app, legacy, *native, settings=with_docs(settings), **options)

    return do_mount
