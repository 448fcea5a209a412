"""What is known of a route before it is asked: its rule, its variables, what it reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from flask import Flask
from werkzeug.routing.rules import parse_converter_args

from crossfade.contract.generation.schema_examples import Known, Schema, with_numbers
from crossfade.contract.generation.view_inspection import Reads, reads_of
from crossfade.contract.state.base import Table
from crossfade.routing import Target
from crossfade.routing.shapes import flask_shape

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
_FILE: Final[Schema] = {"type": "string", "format": "binary"}


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a URL rule.

    Attributes:
        name: Flask's name of it.
        converter: `int`, `string`, `path`, … or a name of the application's own.
        arguments: what stands in the converter's parentheses: by position and by name.
        values: texts that the converter takes, as they stand in a URL; the likeliest first.
        rivals: texts with which the URL is that of another rule: `new` beside `/items/new`.
    """

    name: str
    converter: str
    arguments: tuple[tuple[Any, ...], Mapping[str, Any]]
    values: tuple[str, ...]
    rivals: tuple[str, ...] = ()


_MOST_KNOWN: Final = 4


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """What probes are made from.

    Attributes:
        route: as the gateway spells it.
        method: the method under test.
        parts: the rule's text and variables in their order.
        methods: every method that Flask allows on this rule's URLs.
        paths: what FastAPI says of each variable, in their order; empty where it says nothing.
        query: URL parameters with their schemas; an empty schema where only the name is known.
        headers: request headers that the route reads, lower-case.
        cookies: cookies that the route reads.
        bodies: the schema of the body by media type; empty where the route takes none.
        known: good values by name.
        host: the host that the rule is for; "" where it is for any.
    """

    route: str
    method: str
    parts: tuple[str | Variable, ...]
    methods: frozenset[str] = frozenset()
    paths: tuple[Schema, ...] = ()
    query: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, Schema] = field(default_factory=dict)
    cookies: Mapping[str, Schema] = field(default_factory=dict)
    bodies: Mapping[str, Schema] = field(default_factory=dict)
    known: Known = field(default_factory=dict)
    host: str = ""

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The rule's variables."""
        return tuple(part for part in self.parts if isinstance(part, Variable))

    def others(self, name: str) -> Iterator[tuple[int, Any]]:
        """A few values known of a name beside the first, which the good request has; from 2."""
        yield from enumerate(self.known.get(name, ())[1:_MOST_KNOWN], 2)

    def path(self, values: Sequence[str]) -> str:
        """The URL's path with a text for each variable, in their order."""
        texts = iter(values)
        return "".join(part if isinstance(part, str) else next(texts) for part in self.parts)


class FactFinder:
    """Finds the facts of an application's routes; reads its OpenAPI document once."""

    def __init__(self, flask_app: Flask | None, app: Any, values: Known, state: object) -> None:
        """Look at both applications.

        Args:
            flask_app: the legacy application, where there is one.
            app: the FastAPI application.
            values: good values by name, as the user gave them.
            state: a captured picture, in which keys of rows are found.
        """
        self._flask_app = flask_app
        self._views = {} if flask_app is None else flask_app.view_functions
        self._rules = [] if flask_app is None else list(flask_app.url_map.iter_rules())
        self._values = values
        self._tables = {
            name: table
            for name, table in (state.items() if isinstance(state, Mapping) else ())
            if isinstance(table, Table)
        }
        self._document: dict[str, Any] = {}
        if isinstance(app, FastAPI):
            try:
                self._document = get_openapi(title="", version="", routes=app.routes)
            except Exception:  # noqa: BLE001 - a model that has no schema: names are still found
                self._document = {}

    def of(self, target: Target) -> RouteFacts:
        """Return the facts of a route."""
        method = target.route.partition(" ")[0]
        rule = target.legacy.rule.rule if target.legacy else target.route.partition(" ")[2]
        view: Callable[..., Any] | None = None
        if target.legacy is not None:
            view = self._views.get(target.legacy.endpoint)
        reads = reads_of(view, method)
        operation = self._operation(target, method)
        places: dict[str, dict[str, Schema]] = {
            "path": {},
            "query": {key: {} for key in reads.query},
            "header": {key: {} for key in reads.headers},
            "cookie": {key: {} for key in reads.cookies},
        }
        for parameter in operation.get("parameters", ()):
            place = places.get(parameter["in"])
            if place is not None:
                name = parameter["name"]
                name = name.lower() if parameter["in"] == "header" else name
                place[name] = {
                    **self._resolved(parameter.get("schema", {})),
                    "required": parameter.get("required", False),
                }
        skeleton = None if target.legacy is None else target.legacy.shape.skeleton
        methods = {
            each
            for found in self._rules
            if flask_shape(found.rule).skeleton == skeleton
            for each in found.methods or ()
        }
        return RouteFacts(
            route=target.route,
            method=method,
            parts=self._with_rivals(self._parts(rule)),
            methods=frozenset(methods or {method}),
            paths=tuple(places["path"].get(name, {}) for name in _names(target)),
            query=places["query"],
            headers=places["header"],
            cookies=places["cookie"],
            bodies=self._bodies(operation, reads),
            known=self._values,
            host=self._host(target),
        )

    def _host(self, target: Target) -> str:
        domain = "" if target.legacy is None else target.legacy.domain
        if not domain or self._flask_app is None:
            return ""
        domain = _VARIABLE.sub("a", domain)
        if self._flask_app.url_map.host_matching:
            return domain
        name = self._flask_app.config["SERVER_NAME"]
        return f"{domain}.{name}" if name else ""

    def _operation(self, target: Target, method: str) -> Mapping[str, Any]:
        if target.native is None:
            return {}
        path = re.sub(r"{(\w+):\w+}", r"{\1}", target.native.path)
        found: Mapping[str, Any] = self._document.get("paths", {}).get(path, {})
        operation: Mapping[str, Any] = found.get(method.lower(), {})
        return operation

    def _bodies(self, operation: Mapping[str, Any], reads: Reads) -> dict[str, Schema]:
        content = operation.get("requestBody", {}).get("content", {})
        bodies = {
            media: self._resolved(described.get("schema", {}))
            for media, described in content.items()
        }
        if reads.takes_json:
            bodies[JSON] = _with_names(bodies.get(JSON, {}), reads.keys)
        if reads.form or reads.files:
            media = MULTIPART if reads.files or MULTIPART in bodies else FORM
            files: dict[str, Schema] = {
                key: {"type": "string", "format": "binary"} for key in reads.files
            }
            bodies[media] = _with_names(bodies.get(media, {}), reads.form, files)
        return bodies

    def _resolved(self, schema: Any, depth: int = 0) -> Any:
        """The schema with its `$ref`s replaced, to a depth that ends every recursion."""
        if depth > 8:
            return {}
        if isinstance(schema, Mapping):
            reference = schema.get("$ref")
            if isinstance(reference, str):
                name = reference.rpartition("/")[2]
                found = self._document.get("components", {}).get("schemas", {}).get(name, {})
                return self._resolved(found, depth + 1)
            return {
                key: self._resolved(value, depth + 1) for key, value in with_numbers(schema).items()
            }
        if isinstance(schema, list):
            return [self._resolved(each, depth + 1) for each in schema]
        return schema

    def _parts(self, rule: str) -> tuple[str | Variable, ...]:
        parts: list[str | Variable] = []
        at = 0
        for match in _VARIABLE.finditer(rule):
            if match.start() > at:
                parts.append(rule[at : match.start()])
            name = match["name"] or match["native"]
            converter = match["converter"] or match["convertor"] or "string"
            converter = {"default": "string", "str": "string"}.get(converter, converter)
            arguments = parse_converter_args(match["arguments"] or "")
            before = "".join(part for part in parts if isinstance(part, str))
            values = self._good(name, converter, arguments, before)
            parts.append(Variable(name, converter, arguments, values))
            at = match.end()
        if at < len(rule):
            parts.append(rule[at:])
        return tuple(parts)

    def _with_rivals(self, parts: tuple[str | Variable, ...]) -> tuple[str | Variable, ...]:
        """The parts, with the texts that other rules have where a variable stands."""
        pattern = re.compile(
            "".join(re.escape(part) if isinstance(part, str) else "([^/<>]+)" for part in parts)
        )
        rivals: list[dict[str, None]] = [{} for part in parts if isinstance(part, Variable)]
        for rule in self._rules:
            match = pattern.fullmatch(rule.rule)
            for index, text in enumerate(match.groups() if match else ()):
                rivals[index][text] = None
        found = iter(rivals)
        return tuple(
            part if isinstance(part, str) else replace(part, rivals=tuple(next(found))[:4])
            for part in parts
        )

    def _good(
        self, name: str, converter: str, arguments: tuple[Any, Mapping[str, Any]], before: str
    ) -> tuple[str, ...]:
        given = [str(value) for value in self._values.get(name, ())]
        if converter == "any":
            return (*given, *map(str, arguments[0]))
        found = [*given, *self._of_rows(name, before)]
        limits = arguments[1]
        if converter == "int":
            low = int(limits.get("min") or 1)
            width = int(limits.get("fixed_digits") or 0)
            found = [
                text.zfill(width) for text in (*found, str(low), str(low + 1)) if _is_number(text)
            ]
        elif converter == "float":
            found = [text for text in (*found, "1.5", "10.0") if re.fullmatch(r"\d+\.\d+", text)]
        elif converter == "uuid":
            found = [text for text in (*found, _UUID) if _is_uuid(text)]
        elif converter == "path":
            found += ["a", "a/b.html"]
        elif converter == "string":
            length = int(limits.get("length") or limits.get("minlength") or 1)
            found += ["a".ljust(length, "b"), "1".zfill(length)]
        else:
            found += ["1", "a", "a-b", "1,2", "2026-01-31", _UUID]
        return tuple(dict.fromkeys(found))[:6]

    def _of_rows(self, name: str, before: str) -> list[str]:
        """Keys of rows that a variable may stand for: `user_id` and `/users/<id>` for `users`."""
        wanted = re.sub(r"_?(id|pk|uuid|key)$", "", name) or before.rstrip("/").rpartition("/")[2]
        column = name if name not in ("id", "pk") else "id"
        texts: list[str] = []
        for table_name, table in sorted(
            self._tables.items(), key=lambda item: not _alike(item[0], wanted)
        ):
            near = _alike(table_name, wanted)
            for index, title in enumerate(table.columns):
                if title == column or (near and title in (*table.key, name, "slug", "name")):
                    texts += [str(row[index]) for row in table.rows[:3] if row[index] is not None]
        return [text for text in texts if text and not set(text) & set("/?#% ")][:8]


def _names(target: Target) -> list[str]:
    """FastAPI's names of the variables, in the order of the path."""
    return [] if target.native is None else re.findall(r"{(\w+)", target.native.path)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


_UUID: Final = "6fa459ea-ee8a-3ca4-894e-db77e160355e"


def _is_uuid(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text) is not None


_VARIABLE: Final = re.compile(
    r"<(?:(?P<converter>[a-zA-Z_]\w*)(?:\((?P<arguments>.*?)\))?:)?(?P<name>[a-zA-Z_]\w*)>"
    r"|{(?P<native>[a-zA-Z_]\w*)(?::(?P<convertor>[a-zA-Z_]\w*))?}",
    re.ASCII,
)


def _alike(table: str, word: str) -> bool:
    one, other = (text.lower().rstrip("s").rpartition("_")[2] for text in (table, word))
    return bool(other) and one == other


def _with_names(
    schema: Schema, names: Mapping[str, None], files: Mapping[str, Schema] | None = None
) -> Schema:
    """The schema with properties for names that it does not declare."""
    properties = {
        **{key: {} for key in names},
        **(files or {}),
        **schema.get("properties", {}),
    }
    return {**schema, "properties": properties} if properties else schema
