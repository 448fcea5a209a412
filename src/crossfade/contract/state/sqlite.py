"""SQLite by copies of its pages."""

from __future__ import annotations

import gc
import sqlite3
import sys
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from crossfade.contract.errors import ContractError
from crossfade.contract.state import locks as patience
from crossfade.contract.state.base import Table

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
        names = self.copy.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_stat%' "
            "ORDER BY name"
        ).fetchall()
        return {name: _read(self.copy, name) for (name,) in names}

    @cached_property
    def _image(self) -> bytes | None:
        """All pages, without the two counters of writes in their header; None before Python 3.11.

        sqlite.org/fileformat.html, 1.3: the file change counter at 24, version-valid-for at 92.
        """
        if sys.version_info < (3, 11) or not hasattr(self.copy, "serialize"):
            return None
        image = self.copy.serialize()
        return image[:24] + image[28:92] + image[96:]

    def same_as(self, other: object) -> bool:
        """Whether not one byte differs, so that no row has to be read to compare the two."""
        return isinstance(other, _Pages) and self._image is not None and self._image == other._image

    def __getitem__(self, name: str) -> Table:
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


def _read(connection: sqlite3.Connection, name: str) -> Table:
    quoted = '"' + name.replace('"', '""') + '"'
    query = f"SELECT * FROM {quoted}"  # noqa: S608 — a table's own name, quoted
    try:
        cursor = connection.execute(query)
        rows = tuple(cursor.fetchall())
    except sqlite3.OperationalError:  # a text that is no UTF-8; without one C decodes, much faster
        connection.text_factory = _escaped
        cursor = connection.execute(query)
        rows = tuple(cursor.fetchall())
        connection.text_factory = str
    columns = tuple(column[0] for column in cursor.description)
    keys = connection.execute(
        "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", (name,)
    ).fetchall()
    key = tuple(column for (column,) in keys)
    return Table(columns, ("name",) if name == "sqlite_sequence" else key, rows)


def _escaped(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")


class SQLite:
    """Copies all pages at once (sqlite.org/backup.html): rows, rowids, triggers, counters."""

    def __init__(self, url: URL, engine: Engine | None) -> None:
        self._in_memory = url.database in (None, "", ":memory:")
        if self._in_memory:
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
            self._wait(patience.seconds)
            self._close = weakref.finalize(self, pooled.invalidate)
        self._present: tuple[object, _Pages] | None = None

    def close(self) -> None:
        """Give up the connection."""
        self._present = None
        self._close()

    def capture(self) -> _Pages:
        """Return the present content; the same object again if nothing was written since."""
        self._end_lost_transactions()
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

    def _end_lost_transactions(self) -> None:
        """Close what nobody refers to any longer, where it still holds the lock for writers.

        A view that raises between its insert and its commit leaves a connection in a cycle of
        references; the other side would wait for it, and fail as well.
        """
        if self._in_memory:
            return
        self._wait(0)
        try:
            self._connection.execute("BEGIN IMMEDIATE").close()
            self._connection.execute("ROLLBACK").close()
        except sqlite3.OperationalError as error:
            if "locked" in str(error):  # not where the file can't be written at all
                gc.collect()
        finally:
            self._wait(patience.seconds)

    def _wait(self, seconds: float) -> None:
        self._connection.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}").close()

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
