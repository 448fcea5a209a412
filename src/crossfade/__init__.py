"""Move a Flask application to FastAPI one route at a time, without a client noticing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crossfade.errors import CrossfadeError, MapError, MountError, Problem
    from crossfade.gateway.dispatch import Gateway
    from crossfade.mounting import mount_legacy

__all__ = ["CrossfadeError", "Gateway", "MapError", "MountError", "Problem", "mount_legacy"]

# Loaded on first use: the pytest plugin is imported by every test run of a project that has
# crossfade installed, and most of those need neither Flask nor FastAPI.
_HOMES = {
    "CrossfadeError": "crossfade.errors",
    "Gateway": "crossfade.gateway.dispatch",
    "MapError": "crossfade.errors",
    "MountError": "crossfade.errors",
    "Problem": "crossfade.errors",
    "mount_legacy": "crossfade.mounting",
}


def __getattr__(name: str) -> Any:
    """Return a public name from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
