"""Frozen values that every layer of crossfade shares. They do no I/O and import nothing of ours."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

FORCE_SIDE: Final = "crossfade.force_side"
"""Scope key. An in-process caller (the contract tests) sets it to a `Side` to choose who answers.

No client can set it: an ASGI server never copies anything of a request to a key of this name.
"""

SELECTION: Final = "crossfade.selection"
"""Scope key under which the gateway leaves the `Selection` that it made for a request."""


class Side(str, Enum):
    """An implementation that can answer a request."""

    LEGACY = "legacy"
    NATIVE = "native"

    @property
    def framework(self) -> str:
        """The name in `X-Served-By` and in log records: `flask` or `fastapi`."""
        return "flask" if self is Side.LEGACY else "fastapi"


class Stage(str, Enum):
    """How far a route has moved, as written in the migration map."""

    LEGACY = "legacy"
    NATIVE = "native"


@dataclass(frozen=True, slots=True)
class BridgeSettings:
    """The `[bridge]` table: how legacy requests cross to the WSGI application."""


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """The `[gateway]` table: what the gateway itself adds to an answer. By default: nothing."""

    served_by_header: bool = False
    status_path: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Who answers one request, decided once and left in `scope[SELECTION]`.

    Attributes:
        side: who answers.
        route: the route as the gateway spells it (`GET /users/<int:user_id>`), or None where
            no rule matched and Flask decides alone (404, 405, redirects).
        revision: SHA-256 (hex) of the migration map by which it was decided.
    """

    side: Side
    route: str | None
    revision: str
