"""SQLite by copies of its pages."""

from __future__ import annotations

import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from crossfade.contract import patience
from crossfade.contract.errors import ContractError
from crossfade.contract.state import Table

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

_BUSY: Final = (5, 6)
"""SQLITE_BUSY and SQLITE_LOCKED, after which `Connection.backup` tries again for ever."""


class _Pages(Mapping[str, Table]):
    """A copy of a SQLite database in memory; its tables are read when they are asked for."""

    def __init__(self, copy: sqlite3.Connection) -> None:
        self.copy = copy
        weakref.finalize(self, copy.close)

    @cached_property
    def _tables(self) -> dict[str, Table]:
        self.copy.text_factory = lambda raw: raw.decode(errors="surrogateescape")
        names = self.copy.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_stat%' "
            "ORDER BY name"
        ).fetchall()
        return {name: _read(self.copy, name) for (name,) in names}

    def __getitem__(self, name: str) -> Table:
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


def _read(connection: sqlite3.Connection, name: str) -> Table:
    quoted = '"' + name.replace('"', '""') + '"'
    cursor = connection.execute(f"SELECT * FROM {quoted}")  # noqa: S608 — a table's own name, quoted
    columns = tuple(column[0] for column in cursor.description)
    rows = tuple(cursor.fetchall())
    keys = connection.execute(
        "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", (name,)
    ).fetchall()
    key = tuple(column for (column,) in keys)
    return Table(columns, ("name",) if name == "sqlite_sequence" else key, rows)


class SQLite:
    """Copies all pages at once (sqlite.org/backup.html): rows, rowids, triggers, counters."""

    def __init__(self, url: URL, engine: Engine | None) -> None:
        if url.database in (None, "", ":memory:"):
            if engine is None:
                raise ContractError(
                    f"{url} is a database in memory, which only its own connection sees. "
                    "Give SQLAlchemyState the application's engine, made with poolclass=StaticPool"
                )
            self._connection = _driver_connection(engine)
            self._close: Callable[[], object] = lambda: None
        else:
            from sqlalchemy import create_engine
            from sqlalchemy.pool import NullPool

            plain = create_engine(url.set(drivername="sqlite"), poolclass=NullPool)
            pooled = plain.raw_connection()
            self._connection = _driver_connection(plain, pooled)
            self._connection.isolation_level = None
            # The copy need not survive a power cut, so nothing waits for the disk.
            self._connection.execute("PRAGMA synchronous = OFF").close()
            self._connection.execute(f"PRAGMA busy_timeout = {patience.seconds * 1000:.0f}").close()
            self._close = weakref.finalize(self, pooled.invalidate)
        self._present: tuple[object, _Pages] | None = None

    def close(self) -> None:
        """Give up the connection."""
        self._present = None
        self._close()

    def capture(self) -> _Pages:
        """Return the present content; the same object again if nothing was written since."""
        version = self._version()
        if self._present is None or self._present[0] != version:
            memory = sqlite3.connect(":memory:", check_same_thread=False)
            pages = _Pages(memory)
            self._copy(self._connection, memory)
            self._present = (version, pages)
        return self._present[1]

    def restore(self, captured: object) -> None:
        """Bring back what `captured` holds."""
        if not isinstance(captured, _Pages):
            raise TypeError(f"{captured!r} was not captured here")
        self._copy(captured.copy, self._connection)
        self._present = (self._version(), captured)

    def _version(self) -> tuple[object, ...]:
        """Differs whenever anybody has written to the database (sqlite.org/pragma.html)."""
        execute = self._connection.execute
        others = execute("PRAGMA data_version").fetchone()
        schema = execute("PRAGMA schema_version").fetchone()
        return (*others, *schema, self._connection.total_changes)

    def _copy(self, source: sqlite3.Connection, target: sqlite3.Connection) -> None:
        limit = time.monotonic() + patience.seconds

        def progress(status: int, remaining: int, total: int) -> None:
            if status in _BUSY and time.monotonic() > limit:
                raise ContractError(patience.LOCKED)

        source.backup(target, progress=progress)


def _driver_connection(engine: Engine, pooled: Any = None) -> sqlite3.Connection:
    connection = (pooled or engine.raw_connection()).driver_connection
    if not isinstance(connection, sqlite3.Connection):
        raise ContractError(f"{engine!r}: SQLite is supported through the sqlite3 module")
    return connection
