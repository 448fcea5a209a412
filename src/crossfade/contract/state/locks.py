"""How long a state waits for a lock that the application has not given up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from crossfade.contract.errors import ContractError

seconds = 5.0
"""Seconds to wait for a lock that the application holds on after its answer."""

LOCKED: Final = (
    "the database stays locked after the answer: the application has not ended a transaction "
    "(a session that is neither closed nor rolled back)"
)

_LOCK_NOT_AVAILABLE: Final = "55P03"  # PostgreSQL's error code


@contextmanager
def patience() -> Iterator[None]:
    """Turn a lock that is not given up into words about its cause."""
    from sqlalchemy.exc import DBAPIError

    try:
        yield
    except (sqlite3.OperationalError, DBAPIError) as error:
        sqlstate = getattr(getattr(error, "orig", None), "sqlstate", None)
        if sqlstate != _LOCK_NOT_AVAILABLE and "database is locked" not in str(error):
            raise
        raise ContractError(LOCKED) from error
