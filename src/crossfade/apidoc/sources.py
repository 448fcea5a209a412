"""What Flask's extensions know: Flask-RESTX, flask-smorest, Flasgger, apispec, Flask-Pydantic.

None of them is a dependency, and none is imported unless the application has it. Each gives a whole
document of its own, of some version; here it becomes operations of OpenAPI 3.1 by URL and method.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any
from urllib.parse import unquote

from flask import Flask
from flask.ctx import RequestContext

from crossfade.apidoc import flask_pydantic, modern
from crossfade.apidoc.docstrings import METHODS
from crossfade.apidoc.parameters import Json
from crossfade.logs import Logs
from crossfade.routing.shapes import fastapi_shape

logger = Logs("crossfade.apidoc")

PREFIX = "Legacy."
"""Stands before the name of every component that comes from Flask: FastAPI's keep theirs."""


@dataclass
class Documented:
    """What the extensions say, put together.

    Attributes:
        operations: by the URL's skeleton and the method in capitals.
        components: by kind (`schemas`, `securitySchemes`, …) and name.
        tags: descriptions of tags, in the extensions' order.
        restx: whether Flask-RESTX describes its resources: what it leaves out is hidden.
    """

    operations: dict[tuple[str, str], Json] = field(default_factory=dict)
    components: dict[str, dict[str, Json]] = field(default_factory=dict)
    tags: list[Json] = field(default_factory=list)
    restx: bool = False

    def add(self, document: Mapping[str, Any]) -> None:
        """Take over a document's operations, components and tags; the first to describe wins."""
        rename = self._components_of(document)
        base = str(document.get("basePath") or "").rstrip("/")
        for path, item in dict(document.get("paths") or {}).items():
            if not isinstance(item, Mapping):
                continue
            shared = list(item.get("parameters") or ())
            for method in METHODS:
                old = item.get(method)
                if not isinstance(old, Mapping):
                    continue
                own = list(old.get("parameters") or ())
                new = modern.operation({**old, "parameters": shared + own}, document, rename)
                for place in {base + str(path), str(path)}:
                    key = (fastapi_shape(place).skeleton, method.upper())
                    self.operations.setdefault(key, new)
        known = {tag["name"] for tag in self.tags}
        for tag in document.get("tags") or ():
            if isinstance(tag, Mapping) and tag.get("name") not in known:
                self.tags.append(modern.plain(tag))

    def _components_of(self, document: Mapping[str, Any]) -> modern.Rename:
        """Take over the components; return how the document's operations name them from now on."""
        found = dict(document.get("components") or {})
        kinds: dict[str, Mapping[str, Any]] = {
            "schemas": document.get("definitions") or found.get("schemas") or {},
            "securitySchemes": (
                document.get("securityDefinitions") or found.get("securitySchemes") or {}
            ),
        }
        for kind in ("examples", "headers", "links"):
            kinds[kind] = found.get(kind) or {}
        names: dict[tuple[str, str], str] = {}
        for kind, entries in kinds.items():
            taken = set(self.components.setdefault(kind, {}))
            for name in map(str, entries):
                new = PREFIX + re.sub(r"[^A-Za-z0-9._-]", "_", name)
                while new in taken:
                    new += "_"
                taken.add(new)
                names[kind, name] = new

        def rename(kind: str, name: str) -> str | None:
            pointer = unquote(name).replace("~1", "/").replace("~0", "~")  # RFC 6901
            return names.get((kind, pointer), names.get((kind, name)))

        for kind, entries in kinds.items():
            for name, value in entries.items():
                is_scheme = kind == "securitySchemes"
                new_value = (
                    modern.security_scheme(value) if is_scheme else modern.schema(value, rename)
                )
                self.components[kind][names[kind, str(name)]] = new_value
        return rename


def documented(flask_app: Flask) -> Documented:
    """Return what the application's extensions say. One that fails is logged and left out."""
    found = Documented()
    readers: list[tuple[str, Callable[[Flask], Iterator[Mapping[str, Any]]]]] = []
    if isinstance(vars(flask_app).get("handle_exception"), functools.partial):
        readers.append(("Flask-RESTX", _restx))
    if "flask-smorest" in flask_app.extensions:
        readers.append(("flask-smorest", _smorest))
    if hasattr(flask_app, "swag"):
        readers.append(("Flasgger", _flasgger))
    if "flask_pydantic" in sys.modules:
        readers.append(("Flask-Pydantic", flask_pydantic.documents))
    for name, read in readers:
        try:
            with _context(flask_app):
                for document in read(flask_app):
                    found.add(document)
                    found.restx |= read is _restx
        except Exception:
            # Their own page would fail alike; the routes are still documented from their rules.
            logger.warning("%s could not describe its routes", name, exc_info=True)
    return found


def with_schemas(operation: Json, path: str, method: str) -> Mapping[str, Any]:
    """Return a document for an operation from a docstring, marshmallow schemas resolved.

    apispec's plugin finds a schema by the name of its class: `schema: PetSchema`.
    """
    if _names_a_schema(operation):
        try:
            apispec = import_module("apispec")
            plugin = import_module("apispec.ext.marshmallow").MarshmallowPlugin()
        except ImportError:
            pass
        else:
            spec = apispec.APISpec("docstrings", "1", "3.1.0", plugins=[plugin])
            spec.path(path=path, operations={method.lower(): operation})
            resolved: dict[str, Any] = spec.to_dict()
            return resolved
    return {"paths": {path: {method.lower(): operation}}}


def _context(flask_app: Flask) -> RequestContext:
    """Return a request context without a session: none is opened, whatever store it is kept in."""
    environ = flask_app.test_request_context().request.environ
    empty = flask_app.session_interface.make_null_session(flask_app)
    return RequestContext(flask_app, environ, session=empty)


def _restx(flask_app: Flask) -> Iterator[Mapping[str, Any]]:
    """Yield each `Api`'s document. An `Api` puts itself before the application's error handler."""
    handler = vars(flask_app).get("handle_exception")
    while isinstance(handler, functools.partial):
        api = getattr(handler.func, "__self__", None)
        document = getattr(api, "__schema__", None)
        if isinstance(document, Mapping) and "paths" in document:
            yield document
        handler = handler.args[0] if handler.args else None


def _smorest(flask_app: Flask) -> Iterator[Mapping[str, Any]]:
    for entry in flask_app.extensions["flask-smorest"]["apis"].values():
        yield entry["ext_obj"].spec.to_dict()


def _flasgger(flask_app: Flask) -> Iterator[Mapping[str, Any]]:
    swagger: Any = vars(flask_app)["swag"]
    for spec in swagger.config["specs"]:
        yield swagger.get_apispecs(endpoint=spec["endpoint"])


def _names_a_schema(value: Any) -> bool:
    if isinstance(value, Mapping):
        return isinstance(value.get("schema"), str) or any(map(_names_a_schema, value.values()))
    return isinstance(value, list) and any(map(_names_a_schema, value))
