"""The migration map's file: TOML in, a frozen `MigrationMap` out, or every problem at once.

This module knows the format. Whether the routes that a map names exist is for `routing` to say.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import (
    ValidationError,
)

from crossfade.errors import MapError, Problem, Suggester
from crossfade.files import read_small
from crossfade.migration_map.deviations import (
    Deviation,
)
from crossfade.migration_map.positions import LazyOutline, Outline, loads, outline, tomllib
from crossfade.migration_map.problems import explain
from crossfade.migration_map.schema import MapDocument
from crossfade.model import (
    BridgeSettings,
    ContractSettings,
    GatewaySettings,
    Hooks,
    RecordSettings,
    RouteName,
    Stage,
    Waiver,
)

if TYPE_CHECKING:
    pass


class MapFormError(MapError):
    """The map's form is bad; `rest` is the map without the lines that are.

    So that what is wrong with the other lines can be told in the same breath.
    """

    def __init__(self, problems: Iterable[Problem], rest: MigrationMap) -> None:
        super().__init__(problems)
        self.rest = rest


_ROUTE = re.compile(r"(?P<method>[A-Z][A-Z-]*) (?P<rule>(?:[^/\s<>{}]|<[^>]*>)*/.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RouteEntry:
    """One line of the table `[routes]`.

    Attributes:
        key: the route as the file spells it.
        name: the key taken apart.
        stage: who shall answer it.
        hooks: what a native answer borrows from Flask.
        ignore: differences that contracts overlook, in the words of `Difference.where`, each with
            its condition where it has one.
        receipt: why it may be native without one; None where it may not.
        guards: decorators of Flask's view whose work the native handler does itself.
    """

    key: str
    name: RouteName
    stage: Stage
    hooks: Hooks = Hooks.FLASK
    ignore: tuple[str, ...] = ()
    receipt: Waiver | None = None
    guards: tuple[str, ...] = ()


@dataclass(frozen=True)
class MigrationMap:
    """A map whose form is valid.

    Attributes:
        file: the path as messages call it.
        revision: SHA-256 (hex) of the file's bytes.
        entries: the routes in the file's order.
        gateway: the table `[gateway]`.
        bridge: the table `[bridge]`.
        contracts: the table `[contracts]`.
        record: the table `[record]`.
        deviations: the tables `[[deviations]]` in the file's order.
    """

    file: str
    revision: str
    entries: tuple[RouteEntry, ...]
    gateway: GatewaySettings
    bridge: BridgeSettings
    contracts: ContractSettings = field(default_factory=ContractSettings)
    deviations: tuple[Deviation, ...] = ()
    record: RecordSettings = field(default_factory=RecordSettings)
    _text: str = field(repr=False, default="")

    @cached_property
    def _outline(self) -> Outline:
        return outline(self._text)

    @property
    def is_blank(self) -> bool:
        """Whether the file has no table and no key: nothing at all, or comments only."""
        return all(not line.strip() or line.lstrip()[0] == "#" for line in self._text.splitlines())

    def problem(
        self, entry: RouteEntry, reason: str, remedy: str = "", *, absent: bool = False
    ) -> Problem:
        """Return a problem that stands at the entry's line."""
        line = self._outline.line(("routes", entry.key))
        return Problem(self.file, line, entry.key, reason, remedy, absent)

    def line_of(self, *path: str) -> int | None:
        """Return the line of a key, or of the table that it would stand in, counted from 1."""
        return self._outline.line(path)

    def line(self, entry: RouteEntry) -> int | None:
        """Return the line of a route, counted from 1."""
        return self._outline.line(("routes", entry.key))


def read_map(path: str | Path, name: str | None = None) -> MigrationMap:
    """Read and parse the file at `path`.

    Args:
        path: where it is.
        name: how problems call it; by default as `path` does.

    Raises:
        MapError: with every problem of form, or one that says why the file can't be read.
    """
    file = Path(path)
    try:
        data = read_small(file)
    except FileNotFoundError:
        raise MapError.missing(name or str(path), [file.absolute()]) from None
    except OSError as error:
        _fail(name or path, f"it can't be read: {error.strerror or error}")
    return parse_map(data, name or str(path))


def parse_map(data: bytes, file: str = "migration_map.toml") -> MigrationMap:
    """Parse a map's bytes; `file` is the name that problems carry.

    Raises:
        MapFormError: with every problem of form at once.
        MapError: the file is no TOML at all.
    """
    try:
        text = data.decode("utf-8-sig")  # some editors on Windows save a byte order mark
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        _fail(file, "the file is not UTF-8", "Save it as UTF-8.", line)
    problems: list[Problem] = []
    raw, lines = _load(text, file, problems)
    document, faulty = _validate(raw, file, lines, problems)
    names = _route_names(document.routes, file, lines, problems)
    migration_map = MigrationMap(
        file=file,
        revision=hashlib.sha256(data).hexdigest(),
        entries=tuple(
            RouteEntry(
                key, names[key], route.stage, route.hooks, route.ignore, route.receipt, route.guards
            )
            for key, route in document.routes.items()
            if key in names
        ),
        gateway=document.gateway,
        bridge=document.bridge,
        contracts=document.contracts,
        deviations=tuple(
            Deviation(
                d.route, d.what, d.reason, d.until, lines(("deviations", str(index))), d.when or ""
            )
            for index, d in enumerate(document.deviations)
        ),
        record=document.record,
        _text=text,
    )
    if problems:
        _route_names(dict.fromkeys(faulty), file, lines, problems)
        raise MapFormError(problems, migration_map)
    return migration_map


def _validate(
    raw: dict[str, Any], file: str, lines: LazyOutline, problems: list[Problem]
) -> tuple[MapDocument, list[str]]:
    """Return the document without its faulty parts, and the routes among those."""
    try:
        # Only as JSON may strict validation build the settings' dataclasses from tables.
        return MapDocument.model_validate_json(json.dumps(raw, default=str), strict=True), []
    except ValidationError as error:
        details = error.errors()
    suggester = Suggester()
    problems += [explain(detail, file, lines, suggester) for detail in details]
    listed = raw.get("routes")
    routes = dict(listed) if isinstance(listed, dict) else {}
    faulty = []
    for detail in details:
        location = [str(part) for part in detail["loc"]]
        if location[0] == "routes" and len(location) > 1 and location[1] in routes:
            faulty.append(location[1])
            del routes[location[1]]
    sound = json.dumps({"routes": routes}, default=str)
    return MapDocument.model_validate_json(sound, strict=True), faulty


def _load(text: str, file: str, problems: list[Problem]) -> tuple[dict[str, Any], LazyOutline]:
    """Parse TOML; where the only fault is a key given twice, parse on without the second."""
    lines = LazyOutline(text)
    try:
        return loads(text), lines
    except tomllib.TOMLDecodeError as error:
        syntax = error
    repeated = lines.outline.repeated()
    for first, again in repeated:
        in_route = again.path[:1] == ("routes",) and len(again.path) > 1
        subject = again.path[1] if in_route else ".".join(again.path)
        reason = f"listed twice: first on line {first.line}, again on line {again.line}"
        problems.append(Problem(file, again.line, subject, reason, "Keep one of them."))
    if repeated:
        try:
            rest = lines.outline.without(text, [again for _, again in repeated])
            return loads(rest), lines
        except tomllib.TOMLDecodeError as error:
            syntax = error
    # Before 3.14 the place is only in the message: "… (at line 5, column 10)".
    message, _, place = str(syntax).partition(" (at ")
    found = re.match(r"line (\d+)", place)
    line = int(found.group(1)) if found else text.count("\n") + 1
    problems.append(Problem(file, line, "", f"this is not TOML: {message}"))
    raise MapError(problems)


def _route_names(
    listed: Mapping[str, Any], file: str, lines: LazyOutline, problems: list[Problem]
) -> dict[str, RouteName]:
    names: dict[str, RouteName] = {}
    for key in listed:
        match = _ROUTE.fullmatch(key)
        if match is not None:
            names[key] = RouteName(match["method"], match["rule"])
        else:
            reason = "a route is written METHOD /rule, with the method in capitals and one space"
            remedy = _respelt(key)
            problems.append(Problem(file, lines(("routes", key)), key, reason, remedy))
    return names


def _respelt(key: str) -> str:
    """Return a hint where capitals, blanks or a leading slash are all that is missing."""
    method, _, rule = key.strip().partition(" ")
    if rule and method.isalpha():
        better = f"{method.upper()} /{rule.strip().lstrip('/')}"
    elif key.startswith("/"):
        better = f"GET {key}"
    else:
        better = "GET /hello"
    return f'Write it like "{better}".'


def _fail(file: str | Path, reason: str, remedy: str = "", line: int | None = None) -> NoReturn:
    raise MapError([Problem(str(file), line, "", reason, remedy)])
