"""One document for the whole service: who answers an operation now is who describes it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import Route
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from crossfade.apidoc.docstrings import METHODS
from crossfade.apidoc.legacy import LegacyOperations, filled, is_excluded, is_static, legacy_path
from crossfade.apidoc.parameters import Json
from crossfade.gateway.live_map import LiveMap, Snapshot
from crossfade.model import Side, Stage
from crossfade.routing import LegacyApp, NativeRoute, Target

MARK: Final = "x-crossfade"
"""The key under which the document, and each operation, says who answers."""


@dataclass
class _Slot:
    """One operation's place in the document. Where routes move does not change it.

    Attributes:
        path: the document's key.
        method: in capitals.
        targets: the routes at this place, the one that is described first. Flask may tell several
            apart by their converters (`/items/<int:id>`, `/items/<name>`) or hosts; OpenAPI can't.
    """

    path: str
    method: str
    targets: list[Target] = field(default_factory=list)


class ApiDocument:
    """Stands in for `app.openapi`: FastAPI's own document, with Flask's routes put in.

    Built when it is asked for, once for each version of the migration map.
    """

    def __init__(
        self, app: FastAPI, live: LiveMap, legacy: LegacyApp | None, prefix: str = ""
    ) -> None:
        """Take over from the `openapi` that the application has now.

        Args:
            app: the FastAPI application.
            live: the migration map.
            legacy: the Flask application, where the legacy side is one.
            prefix: the path under which middleware mounts the Flask application.
        """
        self._native_document: Callable[[], Json] = app.openapi
        self._root_path: str = getattr(app, "root_path", "")
        self._live = live
        self._legacy = legacy
        self._prefix = prefix
        self._operations: LegacyOperations | None = None
        self._built: tuple[Snapshot, Json, Json] | None = None

    def __call__(self) -> Json:
        """Return the document as plain JSON values. Callers must not change it."""
        native = self._native_document()
        snapshot = self._live.snapshot
        if not snapshot.map.gateway.document_legacy:
            return native
        built = self._built
        if built is None or built[0] is not snapshot or built[1] is not native:
            built = self._built = (snapshot, native, self._build(snapshot, native))
        return built[2]

    def _build(self, snapshot: Snapshot, native: Json) -> Json:
        if self._operations is None and self._legacy is not None:
            self._operations = LegacyOperations(self._legacy.flask_app, self._root_path)
        merge = _Merge(native, self._legacy, self._operations, self._prefix)
        return merge.document(snapshot)


class _Merge:
    """Builds one version of the document. FastAPI's own, which it caches, is not changed."""

    def __init__(
        self,
        native: Json,
        legacy: LegacyApp | None,
        operations: LegacyOperations | None,
        prefix: str,
    ) -> None:
        self._native = native
        self._legacy = legacy
        self._operations = operations
        self._prefix = prefix
        self._left_out: list[Json] = []
        self._ids: set[str] = set()

    def document(self, snapshot: Snapshot) -> Json:
        """Return the document for a version of the map."""
        if self._legacy is None:
            self._leave_out(None, "the legacy application is no Flask: its routes are unknown")
        exclude = snapshot.map.gateway.document_exclude
        shown = [t for t in snapshot.table.targets() if self._is_shown(t, exclude)]
        slots = self._slots(sorted(shown, key=self._order()))
        # FastAPI's ids, those of routes that Flask still answers included, are taken.
        reserved = {id_ for slot in slots if (id_ := (self._of(slot) or {}).get("operationId"))}
        paths: dict[str, Json] = {}
        for slot in slots:
            operation = self._operation(slot)
            own = (self._of(slot) or {}).get("operationId")
            operation["operationId"] = self._unique(operation, own, slot.method, reserved)
            paths.setdefault(slot.path, {})[slot.method.lower()] = operation
        document = dict(self._native)
        document["paths"] = {
            path: {**self._shared(path), **_in_order(item)} for path, item in paths.items()
        }
        self._add_components(document)
        sides = [item[m][MARK]["served_by"] for item in paths.values() for m in item]
        document[MARK] = {
            "revision": snapshot.revision,
            "operations": {side.framework: sides.count(side.framework) for side in Side},
            "left_out": self._left_out,
        }
        return document

    def _order(self) -> Callable[[Target], tuple[int, int]]:
        """Return a key: Flask's routes as the application added them, then FastAPI's own."""
        rules = () if self._legacy is None else self._legacy.flask_app.url_map.iter_rules()
        added = {id(rule): place for place, rule in enumerate(rules)}
        documented = {path: place for place, path in enumerate(self._native.get("paths", ()))}

        def key(target: Target) -> tuple[int, int]:
            if target.legacy is not None:
                return 0, added.get(id(target.legacy.rule), len(added))
            return 1, documented.get(_path(target.native), len(documented))

        return key

    def _is_shown(self, target: Target, exclude: tuple[str, ...]) -> bool:
        """Whether the route is for this document, whoever answers it now."""
        method, native, rule = _method(target), target.native, target.legacy
        if is_excluded(target.route, exclude):
            return False
        if method == "HEAD" and (rule is None or rule.allows("GET")):
            return False  # it goes without saying
        if method.lower() not in METHODS:
            return self._leave_out(target.route, f"OpenAPI 3.1 has no method {method}")
        if native is not None and self._hides(native, method):
            return False
        if rule is None:
            return self._native_operation(native, method) is not None
        if self._legacy is None or self._operations is None:
            return False
        if is_static(self._legacy.flask_app, rule):
            return self._leave_out(target.route, "static files")
        if self._operations.is_documentation(rule, method):
            return self._leave_out(target.route, "a page of an extension's own documentation")
        return not self._operations.is_hidden(rule, method)

    def _hides(self, native: NativeRoute, method: str) -> bool:
        """Whether FastAPI's document leaves the route out on purpose: `include_in_schema`."""
        if isinstance(native.route, APIRoute):
            return self._native_operation(native, method) is None
        return isinstance(native.route, Route) and not native.route.include_in_schema

    def _slots(self, targets: Iterable[Target]) -> list[_Slot]:
        targets = list(targets)
        spelt: dict[str, str] = {}  # the path of URLs of one skeleton, as FastAPI names its parts
        for target in targets:
            if target.native is not None and target.legacy is not None:
                spelt.setdefault(target.legacy.shape.skeleton, _path(target.native))
        slots: dict[tuple[str, str], _Slot] = {}
        for target in targets:
            if target.native is not None:
                path = _path(target.native)
                skeleton = target.native.shape.skeleton
            else:
                assert target.legacy is not None  # a target has a side
                shape = target.legacy.shape
                skeleton = shape.skeleton
                path = spelt.setdefault(skeleton, legacy_path(shape))
            method = _method(target)
            slot = slots.setdefault((skeleton, method), _Slot(self._prefix + path, method))
            if all(known.route != target.route for known in slot.targets):
                slot.targets.append(target)
        return list(slots.values())

    def _of(self, slot: _Slot) -> Json | None:
        """Return what FastAPI's document has for a place, whoever answers."""
        return self._native_operation(slot.targets[0].native, slot.method)

    def _native_operation(self, native: NativeRoute | None, method: str) -> Json | None:
        if native is None:
            return None
        found: Json | None = (
            self._native.get("paths", {}).get(_path(native), {}).get(method.lower())
        )
        return found

    def _shared(self, path: str) -> Json:
        """Return what FastAPI's document says of a path as a whole."""
        item: Json = self._native.get("paths", {}).get(path.removeprefix(self._prefix), {})
        return {key: value for key, value in item.items() if key not in METHODS}

    def _operation(self, slot: _Slot) -> Json:
        target = slot.targets[0]
        native = self._of(slot)
        legacy = self._legacy_operation(slot)
        side = _side(target)
        if side is Side.NATIVE and native is not None:
            operation = dict(native)
            if legacy is not None and "servers" in legacy:
                operation.setdefault("servers", legacy["servers"])
        else:
            assert (
                legacy is not None
            )  # only FastAPI's own routes have no rule, and FastAPI serves them
            operation = dict(legacy)
        # The group under which Swagger UI shows it must not change with the side.
        tags = (native or {}).get("tags") or (legacy or {}).get("tags")
        if tags:
            operation["tags"] = tags
        _mark(operation, target, side)
        if len(slot.targets) > 1:
            _mark_others(operation, slot.targets[1:])
        return operation

    def _legacy_operation(self, slot: _Slot) -> Json | None:
        rule = slot.targets[0].legacy
        if rule is None or self._operations is None:
            return None
        operation = dict(self._operations.describe(rule, slot.method))
        others = [
            self._operations.describe(other.legacy, slot.method)
            for other in slot.targets[1:]
            if other.legacy is not None
        ]
        names = re.findall(r"{(\w+)}", slot.path.removeprefix(self._prefix))
        renamed = dict(zip(rule.shape.variables, names, strict=True))
        if names and (others or renamed.keys() != set(names)):
            operation["parameters"] = list(_renamed(operation, renamed, others))
        return operation

    def _unique(self, operation: Json, own: str | None, method: str, reserved: set[str]) -> str:
        """Return an id that no other operation has: FastAPI's where it has one, on either side."""
        wanted: str = own or operation["operationId"]
        if own is None and wanted in reserved:
            wanted += "_legacy"
        if wanted in self._ids:
            wanted = f"{wanted}_{method.lower()}"
        number, base = 2, wanted
        while wanted in self._ids:
            wanted, number = f"{base}_{number}", number + 1
        self._ids.add(wanted)
        return wanted

    def _add_components(self, document: Json) -> None:
        if self._operations is None:
            return
        components = {kind: dict(own) for kind, own in document.get("components", {}).items()}
        for kind, entries in self._operations.components.items():
            if entries:
                components.setdefault(kind, {}).update(entries)
        if components:
            document["components"] = components
        known = {tag["name"] for tag in document.get("tags", ())}
        tags = [tag for tag in self._operations.tags if tag["name"] not in known]
        if tags:
            document["tags"] = [*document.get("tags", ()), *tags]

    def _leave_out(self, route: str | None, reason: str) -> bool:
        self._left_out.append({"route": route, "reason": reason})
        return False


def install_document(app: FastAPI, live: LiveMap, legacy: LegacyApp | None, wsgi: object) -> None:
    """Let `/openapi.json`, `/docs` and `/redoc` cover both sides.

    `app.openapi` is replaced, as FastAPI's documentation recommends for a document of one's own;
    one that the application has put there before is called, and its answer completed.
    """
    flask_app = None if legacy is None else legacy.flask_app
    prefix = next(_prefixes(wsgi, flask_app), "") if flask_app is not None else ""
    app.openapi = ApiDocument(app, live, legacy, prefix)  # type: ignore[method-assign]


def _prefixes(wsgi: object, flask_app: object, depth: int = 0) -> Iterator[str]:
    """Yield the paths under which `DispatcherMiddleware` mounts the Flask application."""
    if getattr(wsgi, "__self__", None) is flask_app:
        yield ""
    if depth > 50:
        return
    if isinstance(wsgi, DispatcherMiddleware):
        for mount, inner in wsgi.mounts.items():
            for prefix in _prefixes(inner, flask_app, depth + 1):
                yield mount + prefix
    for name in ("app", "wsgi_app", "application", "wrapped"):
        wrapped = getattr(wsgi, name, None)
        if callable(wrapped):
            yield from _prefixes(wrapped, flask_app, depth + 1)


def _method(target: Target) -> str:
    return target.route.partition(" ")[0]


def _side(target: Target) -> Side:
    return Side.NATIVE if target.stage is Stage.NATIVE else Side.LEGACY


def _path(native: NativeRoute | None) -> str:
    return "" if native is None else filled(native.shape, native.shape.variables)


def _in_order(item: Json) -> Json:
    return {method: item[method] for method in METHODS if method in item}


def _mark(operation: Json, target: Target, side: Side) -> None:
    """Say who answers: to machines under `x-crossfade`, to people in summary and description."""
    operation[MARK] = {
        "served_by": side.framework,
        "stage": target.stage.value,
        "route": target.route,
    }
    name = "Flask" if side is Side.LEGACY else "FastAPI"
    summary = str(operation.get("summary") or "")
    operation["summary"] = f"{summary} [{side.value}]".strip()
    remark = f"*{side.value.capitalize()}: answered by {name}, `{target.route}`.*"
    operation["description"] = "\n\n".join(filter(None, (operation.get("description"), remark)))


def _mark_others(operation: Json, others: list[Target]) -> None:
    """Name the routes that OpenAPI can't tell from the one that is described."""
    operation[MARK]["also"] = [
        {
            "served_by": _side(other).framework,
            "stage": other.stage.value,
            "route": other.route,
        }
        for other in others
    ]
    listed = ", ".join(f"`{other.route}` ({_side(other).value})" for other in others)
    operation["description"] += f"\n\n*At the same path, told apart by Flask: {listed}.*"


def _renamed(operation: Json, names: Mapping[str, str], others: list[Json]) -> Iterator[Json]:
    """Yield the parameters under the path's names; a variable takes what any of the rules takes."""
    alike: list[list[Any]] = [
        [
            parameter["schema"]
            for parameter in other.get("parameters", ())
            if parameter["in"] == "path"
        ]
        for other in others
    ]
    place = 0
    for parameter in operation.get("parameters", ()):
        if parameter["in"] != "path":
            yield parameter
            continue
        schemas: list[Any] = []
        for schema in (parameter["schema"], *(each[place] for each in alike if place < len(each))):
            if schema not in schemas:
                schemas.append(schema)
        schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
        yield {**parameter, "name": names[parameter["name"]], "schema": schema}
        place += 1
