"""`require_receipts`: a map whose native routes are not proven is refused like any bad map."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from flask import Flask

from crossfade.contract.receipts.verify import Inspector, Standing, entry_of, folder_of
from crossfade.errors import MapError, Problem
from crossfade.inspection import is_inspecting
from crossfade.migration_map.parse import MigrationMap
from crossfade.model import Stage
from crossfade.routing import NativeApp, RouteTable

_MOST_REASONS: Final = 3


class Proven:
    """Builds route tables of maps whose native routes are proven, where the map asks for that.

    Args:
        build: makes a table of a map.
        path: where the map is; receipts are beside it.
        flask_app: the Flask application; None where the legacy side can't be looked into.
        native: the FastAPI application's routes.
        extra: further callables that stand around every route.
    """

    def __init__(
        self,
        build: Callable[[MigrationMap], RouteTable],
        path: str | Path,
        flask_app: Flask | None,
        native: NativeApp,
        *extra: object,
    ) -> None:
        self._build = build
        self._path = Path(path)
        self._flask = flask_app
        self._native = native
        self._extra = extra
        # The code that runs is the code that was imported: it is looked at once.
        self._inspector: Inspector | None = None

    def build(self, migration_map: MigrationMap) -> RouteTable:
        """Return the table for a map.

        Raises:
            MapError: with every route of the map that can't be served, or is not proven.
        """
        table = self._build(migration_map)
        if migration_map.contracts.require_receipts and not is_inspecting():
            problems = list(self._problems(table, migration_map))
            if problems:
                raise MapError(problems)
        return table

    def _problems(self, table: RouteTable, migration_map: MigrationMap) -> Iterator[Problem]:
        if self._inspector is None:
            self._inspector = Inspector(self._flask, self._native, *self._extra)
        folder = folder_of(migration_map, self._path)
        said = set()
        for target in table.targets():
            if target.stage is not Stage.NATIVE or target.route in said:
                continue
            said.add(target.route)
            standing = self._inspector.standing(table, migration_map, target, folder)
            entry = entry_of(table, target)
            if not standing.state.holds and entry is not None:
                yield migration_map.problem(entry, _reason(standing), _REMEDY)


_REMEDY: Final = (
    "Run pytest --crossfade-receipts, or waive it: "
    'receipt = { waived = "the reason", until = 2030-01-31 }'
)


def _reason(standing: Standing) -> str:
    shown = "; ".join(str(reason) for reason in standing.reasons[:_MOST_REASONS])
    more = len(standing.reasons) - _MOST_REASONS
    return f"not proven: {shown}" + (f"; and {more} more" if more > 0 else "")
