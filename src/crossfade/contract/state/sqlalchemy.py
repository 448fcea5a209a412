"""State in a SQL database: SQLite by copies of its pages, PostgreSQL by rows and sequences.

Both notice without reading a table that nothing was written, which is what most requests do.
SQLAlchemy is imported when a `SQLAlchemyState` is made, not before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from crossfade.contract.errors import ContractError
from crossfade.contract.state.base import Table
from crossfade.contract.state.locks import patience
from crossfade.contract.state.postgresql import PostgreSQL
from crossfade.contract.state.sqlite import SQLite

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine
    from sqlalchemy.ext.asyncio import AsyncEngine


class _Database(Protocol):
    def capture(self) -> Mapping[str, Table]: ...

    def restore(self, captured: object) -> None: ...

    def close(self) -> None: ...


class SQLAlchemyState:
    """The whole content of a database, counters of generated keys included.

    `capture` returns a mapping from table names to their rows. Tables are found at each
    capture; what is compared is everything in the database, whoever wrote it.

    Args:
        bind: an engine (sync or async) or a URL. SQLite in memory needs the very engine that
            the application uses, with `poolclass=StaticPool`.

    Raises:
        ContractError: the database is neither SQLite nor PostgreSQL, or can't be reached.
    """

    def __init__(self, bind: Engine | AsyncEngine | URL | str) -> None:
        from sqlalchemy import URL, Engine, make_url

        url = make_url(bind if isinstance(bind, (str, URL)) else bind.url)
        self.database = f"{url.get_backend_name()}:{url.database}"
        self._database: _Database
        if url.get_backend_name() == "sqlite":
            self._database = SQLite(url, bind if isinstance(bind, Engine) else None)
        elif url.get_backend_name() == "postgresql":
            self._database = PostgreSQL(url)
        else:
            raise ContractError(
                f"SQLAlchemyState knows SQLite and PostgreSQL, not {url.get_backend_name()}. "
                "Give the fixture `contract_state` a class of your own with `capture` and `restore`"
            )

    def capture(self) -> Mapping[str, Table]:
        """Return the rows of every table; the same object again if nothing was written since."""
        with patience():
            return self._database.capture()

    def restore(self, captured: object) -> None:
        """Bring back every row and counter that `captured` holds."""
        with patience():
            self._database.restore(captured)

    def close(self) -> None:
        """Give up the connection. Without a call it is closed when nobody refers to this."""
        self._database.close()

    def __repr__(self) -> str:
        return f"SQLAlchemyState({self.database})"
