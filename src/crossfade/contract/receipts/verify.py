"""Does a receipt still hold, and if not: what has changed since?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any, Final

from flask import Flask

from crossfade.contract.receipts.code.entry_points import relative
from crossfade.contract.receipts.code.named_files import Found
from crossfade.contract.receipts.code.observed_files import digest_of
from crossfade.contract.receipts.code.route import RouteCode
from crossfade.contract.receipts.store import FORMAT, GROUPS, Basis, Folder, Receipt, versions
from crossfade.gateway.dispatch import Gateway
from crossfade.migration_map.parse import MigrationMap, RouteEntry
from crossfade.model import RouteName, Stage
from crossfade.routing import NativeApp, RouteTable, Target

SIDE: Final = {"flask": "Flask", "fastapi": "FastAPI", "application": "around the routes"}


class State(str, Enum):
    """What is known of a route's proof."""

    VALID = "valid"
    STALE = "stale"
    MISSING = "missing"
    WAIVED = "waived"
    NOT_NEEDED = "not needed"

    @property
    def holds(self) -> bool:
        """Whether the route may be native."""
        return self not in (State.STALE, State.MISSING)


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause why a receipt does not hold.

    Attributes:
        kind: `changed`, `new` or `gone` (code and files), `version`, `rules`, `proof`, `receipt` or
            `waiver`.
        subject: what it is about: a part of the code, a package, a key of the map.
        text: one line for people.
        file: where the code stands now; None where it is not about code that is there.
        line: counted from 1.
    """

    kind: str
    subject: str
    text: str
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        """Return `file:line: text`, as compilers write it."""
        return self.text if self.file is None else f"{self.file}:{self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Standing:
    """One route's proof, as it stands.

    Attributes:
        route: as the gateway spells it.
        stage: who answers it now.
        state: whether it is proven.
        reasons: why it is not; for a waived route why a waiver is needed.
        receipt: what there is.
        waiver: why it may be native without, and until when; None where the map has no waiver.
    """

    route: str
    stage: Stage
    state: State
    reasons: tuple[Reason, ...] = ()
    receipt: Receipt | None = None
    waiver: str | None = None


def entry_of(table: RouteTable, target: Target) -> RouteEntry | None:
    """The line of the map that speaks of a route."""
    method = target.route.partition(" ")[0]
    for route in table.routes:
        if route.entry.name.method != method:
            continue
        if target.legacy is None:
            if str(route.entry.name) == target.route:
                return route.entry
        elif any(rule is target.legacy for rule in route.rules):
            return route.entry
    return None


_SERVING: Final = ("hooks", "ignore")
"""The keys of a route that a proof depends on."""


def rules_of(
    migration_map: MigrationMap, entry: RouteEntry | None, target: Target
) -> dict[str, Any]:
    """What the map says about serving and comparing a route, as plain values."""
    served = entry or RouteEntry(target.route, RouteName("GET", "/"), Stage.LEGACY)
    rules: dict[str, Any] = {key: plain(getattr(served, key)) for key in _SERVING}
    about = [plain(each) for each in migration_map.deviations if _is_about(each, entry, target)]
    if about:
        rules["deviations"] = about
    return dict(sorted(rules.items()))


def _is_about(deviation: Any, entry: RouteEntry | None, target: Target) -> bool:
    route = getattr(deviation, "route", None)
    return route in (None, "*", target.route) or (entry is not None and route == entry.key)


def plain(value: Any) -> Any:
    """A setting as text, number, list or mapping: what a receipt can hold."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | bool | int | float):
        return value if value is not None else ""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    names = getattr(value, "__dataclass_fields__", None)
    if names is not None:
        return {name: plain(getattr(value, name)) for name in names if name != "line"}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    return str(value)


class Inspector:
    """Looks at the code of two applications and compares it with receipts.

    Args:
        flask_app: the Flask application; None where the legacy side can't be looked into.
        native: the FastAPI application's routes.
        extra: further callables that stand around every route.
    """

    def __init__(self, flask_app: Flask | None, native: NativeApp, *extra: object) -> None:
        self.code = RouteCode(flask_app, native, *extra)
        self._versions = versions()

    @classmethod
    def of(cls, gateway: Gateway) -> Inspector:
        """Look at what a gateway serves."""
        borrower = gateway.borrower
        if borrower is None:
            return cls(None, gateway.native)
        return cls(borrower.flask_app, gateway.native, borrower.on_validation_error)

    def files(self, target: Target) -> frozenset[str]:
        """Every file of the project in which a route's code stands, or is looked for."""
        parts = [part for group in self.code.of(target).values() for part in group.values()]
        return frozenset({part.file for part in parts}.union(*(part.through for part in parts)))

    def basis(
        self,
        table: RouteTable,
        migration_map: MigrationMap,
        target: Target,
        entry: tuple[str, ...] = (),
    ) -> Basis:
        """What a proof of this route would stand on, now, but for files that were seen.

        Args:
            table: of the map.
            migration_map: whose rules count.
            target: the route.
            entry: the modules in which the two applications are put together.
        """
        code = self.code.of(target, (), entry)
        names = {name for group in code.values() for name in group if ":" in name}
        return Basis(
            {group: {name: p.digest for name, p in parts.items()} for group, parts in code.items()},
            tuple(sorted({name.partition(":")[0].partition(".")[0] for name in names})),
            rules_of(migration_map, entry_of(table, target), target),
            {**self._versions, **self.code.foreign(target)},
            entry,
        )

    def standing(
        self, table: RouteTable, migration_map: MigrationMap, target: Target, folder: Folder
    ) -> Standing:
        """Whether a route's receipt holds."""
        if target.legacy is None or target.native is None:
            return Standing(target.route, target.stage, State.NOT_NEEDED)
        entry = entry_of(table, target)
        receipt = None
        try:
            receipt = folder.read(target.route)
        except ValueError as error:
            state, reasons = State.STALE, [Reason("receipt", str(folder.path), str(error))]
        else:
            if receipt is None:
                text = "no receipt: its contract has not passed with --crossfade-receipts"
                state, reasons = State.MISSING, [Reason("receipt", target.route, text)]
            else:
                reasons = list(self._doubts(receipt, target, migration_map, entry, folder))
                state = State.STALE if reasons else State.VALID
        waiver = None if entry is None else entry.receipt
        if waiver is None or state is State.VALID:
            return Standing(target.route, target.stage, state, tuple(reasons), receipt)
        text = f'waived until {waiver.until}: "{waiver.waived}"'
        if waiver.until >= date.today():
            state = State.WAIVED
        else:
            reasons.insert(0, Reason("waiver", target.route, f"the waiver has expired: {text}"))
        return Standing(target.route, target.stage, state, tuple(reasons), receipt, text)

    def _doubts(
        self,
        receipt: Receipt,
        target: Target,
        migration_map: MigrationMap,
        entry: RouteEntry | None,
        folder: Folder,
    ) -> Iterator[Reason]:
        """Why a receipt proves nothing, or nothing any more."""
        if receipt.format != FORMAT:
            text = f"the receipt is of format {receipt.format}, this crossfade writes {FORMAT}"
            yield Reason("receipt", "format", text)
            return
        for gap in receipt.gaps(migration_map.contracts.min_strength):
            yield Reason("proof", target.route, f"the receipt is no proof: {gap}")
        basis = receipt.basis
        yield from _code_changes(basis, self.code.of(target, basis.packages, basis.entry))
        foreign = self.code.foreign(target)
        for group in GROUPS[:2]:
            if not basis.code[group] and not foreign.keys() & basis.versions.keys():
                text = f"the receipt names no code of {SIDE[group]}'s handler"
                yield Reason("proof", group, text)
        yield from changed_files(basis.files, folder.base)
        now = {**self._versions, **foreign}
        for name in dict.fromkeys((*basis.versions, *now)):
            was, is_now = basis.versions.get(name), now.get(name)
            if was != is_now:
                yield Reason("version", name, f"{name} is {is_now}, was {was}")
        rules = rules_of(migration_map, entry, target)
        for key in dict.fromkeys((*basis.rules, *rules)):
            before, after = basis.rules.get(key), rules.get(key)
            if before != after:
                yield Reason("rules", key, f"the map's {key} is {after!r}, was {before!r}")


def changed_files(files: Mapping[str, str], base: Path) -> Iterator[Reason]:
    """The files that a receipt lists and that are not what they were.

    Args:
        files: path from the map's folder to the hash.
        base: the map's folder.
    """
    for name, before in files.items():
        now = digest_of(base / name)
        if now is None:
            yield Reason("gone", name, f"{name} is not there any more")
        elif now != before:
            yield Reason("changed", name, f"{name} (used while the cases ran) changed", name, 1)


def _code_changes(basis: Basis, now: Mapping[str, Mapping[str, Found]]) -> Iterator[Reason]:
    recorded = {name: digest for group in GROUPS for name, digest in basis.code[group].items()}
    present = {name: part for group in GROUPS for name, part in now[group].items()}
    # What is gone or new follows from what changed, so that comes first.
    for name, part in present.items():
        if name in recorded and recorded[name] != part.digest:
            yield _reason("changed", name, part, _whose(name, now), "changed")
    for name, part in present.items():
        if name not in recorded:
            yield _reason("new", name, part, _whose(name, now), "is reached now, and was not")
    for name in recorded:
        if name not in present:
            whose = _whose(name, basis.code)
            yield Reason("gone", name, f"{name} ({whose}) is not reached any more")


def _whose(name: str, code: Mapping[str, Mapping[str, object]]) -> str:
    return " and ".join(SIDE[group] for group in GROUPS if name in code[group])


def _reason(kind: str, name: str, part: Found, whose: str, words: str) -> Reason:
    short = name.rpartition(":")[2]
    return Reason(kind, name, f"{short} ({whose}) {words}", relative(part.file), part.line)


def folder_of(migration_map: MigrationMap, path: Path) -> Folder:
    """Where the receipts of a map are: beside the map, unless it names another folder."""
    base = path.absolute().parent
    return Folder(base / migration_map.contracts.receipts, base)


def standings(gateway: Gateway, inspector: Inspector | None = None) -> list[Standing]:
    """The proof of every native route of a gateway, in the order of its routes."""
    snapshot = gateway.live.snapshot
    inspector = inspector or Inspector.of(gateway)
    folder = folder_of(snapshot.map, gateway.live.path)
    found: dict[str, Standing] = {}
    for target in snapshot.table.targets():
        if target.stage is Stage.NATIVE and target.route not in found:
            found[target.route] = inspector.standing(snapshot.table, snapshot.map, target, folder)
    return list(found.values())
