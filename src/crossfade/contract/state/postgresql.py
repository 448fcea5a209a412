"""PostgreSQL by its rows and sequences."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from crossfade.contract.errors import ContractError
from crossfade.contract.state import locks as patience
from crossfade.contract.state.base import Table

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

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


class PostgreSQL:
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
        """Give up the connection."""
        self._close()

    def capture(self) -> _Rows:
        """Return the present content; the same object again if nothing was written since."""
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
        """Bring back what `captured` holds."""
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
            self._execute(f"SET LOCAL lock_timeout = '{patience.seconds:g}s'")
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
