"""The fixture that mounts is the one of the gateway's own tests."""

from __future__ import annotations

from tests.asgi.conftest import mount

__all__ = ["mount"]
