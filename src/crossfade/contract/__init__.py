"""Contracts: the proof that two implementations of a route answer alike.

`State`, `States`, `SQLAlchemyState` and `frozen` are what a test suite imports; the rest is reached
through the fixtures of the pytest plugin. Importing this package imports neither httpx nor
SQLAlchemy.
"""

from crossfade.contract.databases import SQLAlchemyState
from crossfade.contract.errors import ContractError, ContractFailed
from crossfade.contract.freezing import frozen
from crossfade.contract.state import NoState, State, States, Table

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
