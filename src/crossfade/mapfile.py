"""The migration map's file: TOML in, a frozen `MigrationMap` out, or every problem at once.

This module knows the format. Whether the routes that a map names exist is for `routing` to say.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from crossfade.deviations import (
    WHERE,
    WHERE_AND_WHEN,
    Deviation,
    DeviationDocument,
    checked_rule,
)
from crossfade.errors import MapError, Problem, Suggester
from crossfade.files import read_small
from crossfade.model import (
    BridgeSettings,
    ContractSettings,
    GatewaySettings,
    GuardName,
    Hooks,
    RecordSettings,
    RouteName,
    Stage,
    Waiver,
)
from crossfade.toml_lines import LazyOutline, Outline, loads, outline, tomllib

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class MapFormError(MapError):
    """The map's form is bad; `rest` is the map without the lines that are.

    So that what is wrong with the other lines can be told in the same breath.
    """

    def __init__(self, problems: Iterable[Problem], rest: MigrationMap) -> None:
        super().__init__(problems)
        self.rest = rest


PLANNED_STAGES: Final = ("shadow", "canary", "retired")
"""Stages of the design that this version can't serve yet."""

PLANNED_ROUTE_KEYS: Final = ("percent", "sticky", "fallback", "compare")
"""Keys of a route's table that belong to planned stages."""

_ROUTE = re.compile(r"(?P<method>[A-Z][A-Z-]*) (?P<rule>(?:[^/\s<>{}]|<[^>]*>)*/.*)", re.DOTALL)


class RouteDocument(BaseModel):
    """One route: `"native"`, or a table with the key `stage`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: Stage = Field(description="Who answers the route.")
    hooks: Hooks = Field(
        default=Hooks.FLASK,
        description="What a native answer borrows: all that Flask does around the view, or none.",
    )

    guards: tuple[GuardName, ...] = Field(
        default=(),
        description="Decorators of Flask's view whose work the native handler does itself.",
    )

    ignore: tuple[
        Annotated[str, Field(pattern=WHERE_AND_WHEN), AfterValidator(checked_rule)], ...
    ] = Field(
        default=(),
        description="Differences that contracts overlook: body.made_at, status when flask 5xx.",
    )

    receipt: Waiver | None = Field(
        default=None,
        description="Why the route may be native without a receipt, and the last such day.",
    )

    @model_validator(mode="before")
    @classmethod
    def _stage_alone(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"stage": value}
        if isinstance(value, Mapping):
            lists = {key: tuple(each) for key, each in value.items() if isinstance(each, list)}
            return {**value, **lists}  # strict validation of what is no JSON any more
        raise ValueError('a route is a stage ("native") or a table { stage = "native" }')

    @field_validator("stage", mode="before")
    @classmethod
    def _known_stage(cls, value: Any) -> Any:
        if value in PLANNED_STAGES:
            raise ValueError(f'stage "{value}" is not supported yet; use {_either(Stage)}')
        if not isinstance(value, str) or value not in {stage.value for stage in Stage}:
            raise ValueError(f"unknown stage {value!r}; use {_either(Stage)}")
        return value


class MapDocument(BaseModel):
    """The migration map: who answers which route, and the gateway's settings."""

    model_config = ConfigDict(extra="forbid", frozen=True, title="crossfade migration map")

    routes: dict[str, RouteDocument] = Field(
        default_factory=dict,
        description='Route ("GET /users/<int:user_id>") to stage. Flask serves what is not listed.',
    )
    gateway: GatewaySettings = Field(default_factory=GatewaySettings)
    bridge: BridgeSettings = Field(default_factory=BridgeSettings)
    contracts: ContractSettings = Field(default_factory=ContractSettings)
    record: RecordSettings = Field(default_factory=RecordSettings)
    deviations: tuple[DeviationDocument, ...] = Field(
        default=(), description="Differences between the sides that the team has approved."
    )


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
        file: the path as the user gave it.
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

    def problem(self, entry: RouteEntry, reason: str, remedy: str = "") -> Problem:
        """Return a problem that stands at the entry's line."""
        line = self._outline.line(("routes", entry.key))
        return Problem(self.file, line, entry.key, reason, remedy)

    def line(self, entry: RouteEntry) -> int | None:
        """Return the line of a route, counted from 1."""
        return self._outline.line(("routes", entry.key))


def read_map(path: str | Path) -> MigrationMap:
    """Read and parse the file at `path`.

    Raises:
        MapError: with every problem of form, or one that says why the file can't be read.
    """
    file = Path(path)
    try:
        data = read_small(file)
    except FileNotFoundError:
        remedy = 'Create it: a file with the one line "[routes]" leaves every route to Flask.'
        _fail(path, f"there is no such file (looked for {file.absolute()})", remedy)
    except OSError as error:
        _fail(path, f"it can't be read: {error.strerror or error}")
    return parse_map(data, str(path))


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
    problems += [_explain(detail, file, lines, suggester) for detail in details]
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


def _explain(detail: ErrorDetails, file: str, lines: LazyOutline, suggester: Suggester) -> Problem:
    """Return pydantic's finding in the map's own words."""
    path = tuple(str(part) for part in detail["loc"])
    line = lines(path)
    in_route = path[:1] == ("routes",) and len(path) > 1
    subject = path[1] if in_route else ".".join(path)
    if detail["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        key = path[-1]
        if in_route and key in PLANNED_ROUTE_KEYS:
            return Problem(file, line, subject, f'key "{key}" is not supported yet', "Remove it.")
        known = _known_keys(path)
        remedy = suggester.nearest(key, known) or f"Known here: {', '.join(known) or 'none'}."
        return Problem(file, line, subject, f'unknown key "{key}"', remedy)
    if detail["type"] == "missing":
        reason = f'key "{path[-1]}" is missing'
        remedy = _MISSING.get(path[-1], f"Use {_either(Stage)}.")
        if not in_route:
            remedy = "A deviation has a route, what differs, and the reason why that is right."
        return Problem(file, line, subject, reason, remedy)
    if detail["type"] == "string_pattern_mismatch" and detail["ctx"]["pattern"] in (
        WHERE,
        WHERE_AND_WHEN,
    ):
        reason = f"{detail['input']!r} is not a place in an answer"
        remedy = (
            'Write "status", "header.x-request-id", "cookie.theme", "body.made_at" or "state.x".'
        )
        return Problem(file, line, subject, reason, remedy)
    if detail["type"] == "value_error":
        reason = str(detail["ctx"]["error"])
        value = detail["input"]
        remedy = suggester.nearest(str(value), [stage.value for stage in Stage])
        return Problem(file, line, subject, reason, remedy)
    reason = f"{detail['input']!r} is not valid: {detail['msg'][0].lower()}{detail['msg'][1:]}"
    return Problem(file, line, subject, reason)


_MISSING: Final = {
    "waived": 'Say why: receipt = { waived = "the reason", until = 2030-01-31 }.',
    "until": 'Give it an end: receipt = { waived = "the reason", until = 2030-01-31 }.',
}
"""What to write where a key is missing."""


def _known_keys(path: tuple[str, ...]) -> list[str]:
    if len(path) == 1:
        return list(MapDocument.model_fields)
    if path[0] == "routes":
        inside = path[2:3] == ("receipt",) and len(path) > 3
        return [key.name for key in fields(Waiver)] if inside else list(RouteDocument.model_fields)
    if path[0] == "deviations":
        return list(DeviationDocument.model_fields)
    table: Any = MapDocument.model_fields[path[0]].annotation
    return [setting.name for setting in fields(table)]


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


def _either(values: Sequence[Stage] | type[Stage]) -> str:
    return " or ".join(f'"{stage.value}"' for stage in values)


def _fail(file: str | Path, reason: str, remedy: str = "", line: int | None = None) -> NoReturn:
    raise MapError([Problem(str(file), line, "", reason, remedy)])
