"""State in a SQL database: SQLite by copies of its pages, PostgreSQL by rows and sequences.

Both notice without reading a table that nothing was written, which is what most requests do.
SQLAlchemy is imported when a `SQLAlchemyState` is made, not before.
"""

from __future__ import annotations

import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol

from crossfade.contract.errors import ContractError
from crossfade.contract.state import Table

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.ext.asyncio import AsyncEngine

PATIENCE: Final = 5.0
"""Seconds to wait for a lock that the application holds on after its answer."""


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
            self._database = _SQLite(url, bind if isinstance(bind, Engine) else None)
        elif url.get_backend_name() == "postgresql":
            self._database = _PostgreSQL(url)
        else:
            raise ContractError(
                f"SQLAlchemyState knows SQLite and PostgreSQL, not {url.get_backend_name()}. "
                "Give the fixture `contract_state` a class of your own with `capture` and `restore`"
            )

    def capture(self) -> Mapping[str, Table]:
        """Return the rows of every table; the same object again if nothing was written since."""
        return self._database.capture()

    def restore(self, captured: object) -> None:
        """Bring back every row and counter that `captured` holds."""
        self._database.restore(captured)

    def close(self) -> None:
        """Give up the connection. Without a call it is closed when nobody refers to this."""
        self._database.close()

    def __repr__(self) -> str:
        return f"SQLAlchemyState({self.database})"


# --- SQLite ------------------------------------------------------------------------------------


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


class _SQLite:
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
            self._close = weakref.finalize(self, pooled.invalidate)
        self._present: tuple[object, _Pages] | None = None

    def close(self) -> None:
        self._present = None
        self._close()

    def capture(self) -> _Pages:
        version = self._version()
        if self._present is None or self._present[0] != version:
            memory = sqlite3.connect(":memory:", check_same_thread=False)
            pages = _Pages(memory)
            self._copy(self._connection, memory)
            self._present = (version, pages)
        return self._present[1]

    def restore(self, captured: object) -> None:
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
        limit = time.monotonic() + PATIENCE

        def progress(status: int, remaining: int, total: int) -> None:
            if remaining and time.monotonic() > limit:
                raise ContractError(
                    "the SQLite database stays locked after the answer: the application has not "
                    "ended a transaction (a session that is neither closed nor rolled back)"
                )

        source.backup(target, progress=progress)


def _driver_connection(engine: Engine, pooled: Any = None) -> sqlite3.Connection:
    connection = (pooled or engine.raw_connection()).driver_connection
    if not isinstance(connection, sqlite3.Connection):
        raise ContractError(f"{engine!r}: SQLite is supported through the sqlite3 module")
    return connection


# --- PostgreSQL --------------------------------------------------------------------------------

# Every ordinary table with its columns and their types, generated ones left out, keys in order.
_TABLES: Final = """
    SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname),
           CASE WHEN n.nspname = 'public' THEN '' ELSE n.nspname || '.' END || c.relname,
           array_agg(a.attname::text ORDER BY a.attnum),
           array_agg(quote_ident(a.attname) ORDER BY a.attnum),
           array_agg(format_type(a.atttypid, a.atttypmod) ORDER BY a.attnum),
           coalesce((SELECT array_agg(k.attname::text ORDER BY array_position(i.indkey, k.attnum))
              FROM pg_index i JOIN pg_attribute k ON k.attrelid = i.indrelid
               AND k.attnum = ANY (i.indkey)
             WHERE i.indrelid = c.oid AND i.indisprimary), '{}'),
           coalesce((SELECT array_agg(DISTINCT quote_ident(fn.nspname) || '.'
                                                || quote_ident(f.relname))
              FROM pg_constraint r JOIN pg_class f ON f.oid = r.confrelid
              JOIN pg_namespace fn ON fn.oid = f.relnamespace
             WHERE r.conrelid = c.oid AND r.contype = 'f' AND r.confrelid <> c.oid), '{}')
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                         AND a.attgenerated = ''
     WHERE c.relkind = 'r' AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
     GROUP BY c.oid, n.nspname, c.relname ORDER BY 1
"""

_SEQUENCES: Final = """
    SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'S' AND n.nspname NOT LIKE 'pg\\_%' ORDER BY 1
"""
_SEQUENCE_TABLE: Final = "(sequences)"


class _Rows(Mapping[str, Table]):
    """The rows of a PostgreSQL database as text, which every type can be read from again."""

    def __init__(self, tables: dict[str, Table], layout: dict[str, _Layout]) -> None:
        self.tables = tables
        self.layout = layout

    def __getitem__(self, name: str) -> Table:
        return self.tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)


class _Layout:
    """How one table is read and written."""

    def __init__(self, row: Any) -> None:
        self.quoted, self.name, self.columns, identifiers, types, self.key, self.parents = row
        self.select = f"SELECT {', '.join(f'{c}::text' for c in identifiers)} FROM {self.quoted}"  # noqa: S608
        values = ", ".join(f"CAST(:v{i} AS {kind})" for i, kind in enumerate(types))
        self.insert = (
            f"INSERT INTO {self.quoted} ({', '.join(identifiers)}) "  # noqa: S608 — quoted by PostgreSQL
            f"OVERRIDING SYSTEM VALUE VALUES ({values})"
        )


class _PostgreSQL:
    """Reads and writes back the tables that changed, and every sequence."""

    def __init__(self, url: URL) -> None:
        from sqlalchemy import create_engine
        from sqlalchemy.exc import NoSuchModuleError
        from sqlalchemy.pool import NullPool

        if url.get_driver_name() == "asyncpg":
            url = url.set(drivername="postgresql+psycopg")
        try:
            engine = create_engine(url, poolclass=NullPool, isolation_level="REPEATABLE READ")
            self._connection: Connection = engine.connect()
        except (ImportError, NoSuchModuleError) as error:
            raise ContractError(
                f"{url.drivername} needs a synchronous driver here: pip install psycopg[binary]"
            ) from error
        self._close = weakref.finalize(self, self._connection.close)
        self._present: tuple[object, _Rows] | None = None

    def close(self) -> None:
        self._close()

    def capture(self) -> _Rows:
        with self._connection.begin():
            sequences = self._sequences()
            # Every committed transaction that wrote moves the snapshot; nextval need not.
            snapshot = self._query("SELECT txid_current_snapshot()::text")[0][0]
            version = (snapshot, repr(sequences))
            if self._present is None or self._present[0] != version:
                layout = {t.name: t for t in map(_Layout, self._query(_TABLES))}
                tables = {
                    name: Table(
                        tuple(t.columns), tuple(t.key), tuple(map(tuple, self._query(t.select)))
                    )
                    for name, t in layout.items()
                }
                self._present = (version, _Rows({**tables, _SEQUENCE_TABLE: sequences}, layout))
            return self._present[1]

    def restore(self, captured: object) -> None:
        if not isinstance(captured, _Rows):
            raise TypeError(f"{captured!r} was not captured here")
        present = self.capture()
        missing = captured.layout.keys() ^ present.layout.keys()
        if missing:
            raise ContractError(
                f"tables were created or dropped by the application: {', '.join(sorted(missing))}. "
                "SQLAlchemyState restores rows, not the schema of a PostgreSQL database"
            )
        with self._connection.begin():
            self._execute(f"SET LOCAL lock_timeout = '{PATIENCE:g}s'")
            changed = {n for n in captured.layout if captured[n].rows != present[n].rows}
            if not self._without_triggers():
                changed = _with_children(changed, captured.layout)
            order = [t for t in _parents_first(captured.layout) if t.name in changed]
            for table in reversed(order):
                self._execute(f"DELETE FROM {table.quoted}")  # noqa: S608 — quoted by PostgreSQL
            for table in order:
                rows = [_parameters(row) for row in captured[table.name].rows]
                if rows:
                    self._execute(table.insert, rows)
            for name, last, called in captured[_SEQUENCE_TABLE].rows:
                self._execute(
                    "SELECT setval(CAST(:name AS regclass), CAST(:last AS bigint), :called)",
                    {"name": name, "last": last, "called": called},
                )
        # The version is read again at the next capture; the rows are known to be these.
        self._present = None

    def _sequences(self) -> Table:
        names = [row[0] for row in self._query(_SEQUENCES)]
        rows = [
            (name, *self._query(f"SELECT last_value, is_called FROM {name}")[0])  # noqa: S608
            for name in names
        ]
        return Table(("name", "last_value", "is_called"), ("name",), tuple(rows))

    def _without_triggers(self) -> bool:
        """Switch triggers and foreign keys off; False where the role may not."""
        from sqlalchemy.exc import ProgrammingError

        try:
            with self._connection.begin_nested():
                self._execute("SET LOCAL session_replication_role = replica")
        except ProgrammingError:
            return False
        return True

    def _query(self, sql: str) -> list[Any]:
        return list(self._execute(sql).all())

    def _execute(self, sql: str, parameters: Any = None) -> Any:
        from sqlalchemy import text

        # A colon that is not one of our parameters is PostgreSQL's cast.
        return self._connection.execute(text(sql.replace("::", "\\:\\:")), parameters)


def _parameters(row: tuple[object, ...]) -> dict[str, object]:
    return {f"v{index}": value for index, value in enumerate(row)}


def _with_children(names: set[str], layout: dict[str, _Layout]) -> set[str]:
    """The tables together with all that refer to them, at any distance."""
    found = set(names)
    while True:
        quoted = {layout[name].quoted for name in found}
        more = {t.name for t in layout.values() if quoted.intersection(t.parents)} - found
        if not more:
            return found
        found |= more


def _parents_first(layout: dict[str, _Layout]) -> list[_Layout]:
    """The tables so that none comes before one that it refers to; cycles in any order."""
    order: dict[str, _Layout] = {}
    by_quoted = {table.quoted: table for table in layout.values()}
    visiting: set[str] = set()

    def visit(table: _Layout) -> None:
        if table.quoted in visiting:
            return
        visiting.add(table.quoted)
        for parent in table.parents:
            if parent in by_quoted:
                visit(by_quoted[parent])
        order[table.quoted] = table

    for table in layout.values():
        visit(table)
    return list(order.values())
