"""Contracts: the proof that two implementations of a route answer alike.

`State`, `States`, `SQLAlchemyState` and `frozen` are what a test suite imports; the rest is reached
through the fixtures of the pytest plugin. Importing this package imports neither httpx nor
SQLAlchemy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crossfade.contract.errors import ContractError, ContractFailed
    from crossfade.contract.state.base import NoState, State, States, Table
    from crossfade.contract.state.frozen import frozen
    from crossfade.contract.state.sqlalchemy import SQLAlchemyState

__all__ = [
    "ContractError",
    "ContractFailed",
    "NoState",
    "SQLAlchemyState",
    "State",
    "States",
    "Table",
    "frozen",
]

# Loaded on first use: a server imports other modules of this package, and none of these.
_HOMES = {
    "ContractError": "errors",
    "ContractFailed": "errors",
    "NoState": "state.base",
    "SQLAlchemyState": "state.sqlalchemy",
    "State": "state.base",
    "States": "state.base",
    "Table": "state.base",
    "frozen": "state.frozen",
}


def __getattr__(name: str) -> Any:
    """Return a public name from the module that defines it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
