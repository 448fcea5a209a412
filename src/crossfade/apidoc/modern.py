"""Swagger 2.0 and OpenAPI 3.0, as Flask's extensions write them, into OpenAPI 3.1."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any, Final

from crossfade.apidoc.parameters import Json

Rename = Callable[[str, str], str | None]
"""Gives a component's name in the merged document, from its kind and its name in the source.

Kinds are OpenAPI's (`schemas`, `securitySchemes`, …). None: there is no such component.
"""

_OPERATION_KEYS: Final = {
    "tags", "summary", "description", "externalDocs", "operationId", "parameters", "requestBody",
    "responses", "callbacks", "deprecated", "security", "servers",
}  # fmt: skip
# Keys of a Swagger 2.0 parameter or header that belong into its `schema` now.
_SCHEMA_KEYS: Final = {
    "type", "format", "items", "default", "enum", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems",
    "multipleOf", "x-nullable",
}  # fmt: skip
_STYLES: Final = {"ssv": "spaceDelimited", "pipes": "pipeDelimited"}
_OLD_KINDS: Final = {
    "#/definitions/": "schemas",
    "#/parameters/": "parameters",
    "#/responses/": "responses",
}


def operation(old: Mapping[str, Any], document: Mapping[str, Any], rename: Rename) -> Json:
    """Return an operation of any version as OpenAPI 3.1 writes it.

    Args:
        old: the operation, its path's own parameters included.
        document: the document that it stands in, for what it refers to.
        rename: gives the names of components.
    """
    new = {
        key: plain(value)
        for key, value in old.items()
        if key in _OPERATION_KEYS or str(key).startswith("x-")
    }
    consumes = _listed(old.get("consumes") or document.get("consumes")) or ["application/json"]
    produces = _listed(old.get("produces") or document.get("produces")) or ["application/json"]
    parameters: list[Json] = []
    form: list[Json] = []
    for given in _listed(old.get("parameters")):
        parameter = _resolved(given, document)
        place = parameter.get("in")
        if place == "body":
            new["requestBody"] = _body(parameter, consumes, rename)
        elif place == "formData":
            form.append(parameter)
        elif place in ("path", "query", "header", "cookie") and "name" in parameter:
            parameters.append(_parameter(parameter, rename))
    new.pop("parameters", None)
    if parameters:
        new["parameters"] = parameters
    if form:
        new["requestBody"] = _form(form, consumes, rename)
    elif isinstance(old.get("requestBody"), Mapping):
        new["requestBody"] = references(_resolved(old["requestBody"], document), rename)
    new["responses"] = {
        str(status): _response(_resolved(response, document), produces, rename)
        for status, response in dict(old.get("responses") or {}).items()
    }
    if not new["responses"]:
        del new["responses"]
    security = old.get("security", document.get("security"))
    if security is not None:
        new["security"] = _requirements(security, rename)
    return new


def schema(old: Any, rename: Rename) -> Any:
    """Return a schema as JSON Schema 2020-12 writes it, its references renamed."""
    new = references(old, rename)
    # A name is a marshmallow schema that nobody could look up: it may be anything.
    return _schema(new) if isinstance(new, dict | bool) else {}


def security_scheme(old: Mapping[str, Any]) -> Json:
    """Return a security definition of either version as OpenAPI 3.1 writes it."""
    new: Json = plain(dict(old))
    if new.get("type") == "basic":
        return {**new, "type": "http", "scheme": "basic"}
    if new.get("type") == "oauth2" and "flow" in new:
        name = {"accessCode": "authorizationCode", "application": "clientCredentials"}
        flow: Json = {key: new.pop(key) for key in ("authorizationUrl", "tokenUrl") if key in new}
        flow["scopes"] = new.pop("scopes", {})
        kind = new.pop("flow")
        return {**new, "flows": {name.get(kind, kind): flow}}
    return new


def references(value: Any, rename: Rename) -> Any:
    """Return a copy with every `$ref` renamed; one that leads nowhere allows anything."""
    if isinstance(value, Mapping):
        target = value.get("$ref")
        if isinstance(target, str):
            return _reference(target, rename)
        return {
            str(key): _by_key(str(key), inner, rename)
            for key, inner in value.items()
        }  # fmt: skip
    if isinstance(value, list | tuple):
        return [references(inner, rename) for inner in value]
    return plain(value)


def _by_key(key: str, value: Any, rename: Rename) -> Any:
    if key in _LITERAL:
        return plain(value)
    return schema(value, rename) if key == "schema" else references(value, rename)


def plain(value: Any) -> Any:
    """Return what JSON can hold; a text that is made on demand, and infinity, as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(inner) for inner in value]
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def _reference(target: str, rename: Rename) -> Json:
    for prefix, kind in _OLD_KINDS.items():
        if target.startswith(prefix):
            name = rename(kind, target[len(prefix) :])
            return {"$ref": f"#/components/{kind}/{name}"} if name else {}
    if target.startswith("#/components/"):
        kind, _, old_name = target[len("#/components/") :].partition("/")
        name = rename(kind, old_name)
        return {"$ref": f"#/components/{kind}/{name}"} if name else {}
    return {}


def _resolved(value: Any, document: Mapping[str, Any]) -> Json:
    """Follow a reference to a parameter, body or response within its document."""
    for _ in range(10):  # a reference may lead to another, and in a bad document in a circle
        target = value.get("$ref") if isinstance(value, Mapping) else None
        if not isinstance(target, str) or not target.startswith("#/"):
            break
        found: Any = document
        for part in target[2:].split("/"):
            found = found.get(part) if isinstance(found, Mapping) else None
        value = found
    return dict(value) if isinstance(value, Mapping) else {}


def _schema(new: Any) -> Any:
    """Return a schema without what JSON Schema 2020-12 has no longer."""
    if isinstance(new, list):
        return [_schema(inner) for inner in new]
    if not isinstance(new, dict):
        return new
    new = {key: inner if key in _LITERAL else _schema(inner) for key, inner in new.items()}
    nullable = new.pop("nullable", False) is True
    nullable = (new.pop("x-nullable", False) is True) or nullable
    if new.get("type") == "file":
        new.update(type="string", format="binary")
    if nullable and isinstance(new.get("type"), str):
        new["type"] = [new["type"], "null"]
        if "enum" in new and None not in new["enum"]:
            new["enum"] = [*new["enum"], None]
    elif nullable and "$ref" in new:
        new = {"anyOf": [new, {"type": "null"}]}
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(new.get(exclusive), bool) and new.pop(exclusive) and bound in new:
            new[exclusive] = new.pop(bound)
    if isinstance(new.get("discriminator"), str):
        new["discriminator"] = {"propertyName": new["discriminator"]}
    if isinstance(new.get("required"), bool):  # a common slip: it belongs to the parameter
        del new["required"]
    return _with_numbers(new)


def _with_numbers(new: Json) -> Json:
    """Return a schema whose bounds are numbers: apispec writes a decimal number's as text.

    Infinity is no bound.
    """
    for bound in _BOUNDS:
        if isinstance(new.get(bound), str):
            text = new.pop(bound)
            with suppress(ValueError):
                number = float(text)
                if math.isfinite(number):
                    new[bound] = number
    return new


_BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_LITERAL: Final = {"example", "examples", "default", "enum", "const"}


def _typed(old: Mapping[str, Any], rename: Rename) -> Json:
    """Return the schema of a Swagger 2.0 parameter, which holds it itself."""
    found: Json = schema({key: old[key] for key in old if key in _SCHEMA_KEYS}, rename)
    return found


def _parameter(old: Json, rename: Rename) -> Json:
    kept = ("name", "in", "description", "required", "deprecated", "style", "explode", "example")
    new = {key: plain(old[key]) for key in kept if old.get(key) is not None}
    if new["in"] == "path":
        new["required"] = True
    if "content" in old:
        return {**new, "content": references(old["content"], rename)}
    new["schema"] = schema(old["schema"], rename) if "schema" in old else _typed(old, rename)
    collected = old.get("collectionFormat")
    if collected == "multi":
        new.update(style="form", explode=True)
    elif collected is not None and new["in"] in ("query", "cookie"):
        new.update(style=_STYLES.get(collected, "form"), explode=False)
    return new


def _body(parameter: Json, consumes: list[str], rename: Rename) -> Json:
    media = {"schema": schema(parameter.get("schema") or {}, rename)}
    new: Json = {"content": dict.fromkeys(consumes, media)}
    if parameter.get("description"):
        new["description"] = plain(parameter["description"])
    if parameter.get("required") is True:
        new["required"] = True
    return new


def _form(fields: list[Json], consumes: list[str], rename: Rename) -> Json:
    properties = {}
    for field in fields:
        properties[str(field.get("name"))] = _typed(field, rename)
        if field.get("description"):
            properties[str(field.get("name"))]["description"] = plain(field["description"])
    body: Json = {"type": "object", "properties": properties}
    required = [str(field.get("name")) for field in fields if field.get("required") is True]
    if required:
        body["required"] = required
    files = any(field.get("type") == "file" for field in fields)
    kinds = [kind for kind in consumes if "form" in kind] or ["application/x-www-form-urlencoded"]
    if files:
        kinds = ["multipart/form-data"]
    return {"content": {kind: {"schema": body} for kind in kinds}, "required": bool(required)}


def _response(old: Json, produces: list[str], rename: Rename) -> Json:
    new: Json = {"description": str(old.get("description") or "")}
    if isinstance(old.get("content"), Mapping):
        new["content"] = references(old["content"], rename)
    elif old.get("schema") is not None or isinstance(old.get("examples"), Mapping):
        media = {} if old.get("schema") is None else {"schema": schema(old["schema"], rename)}
        new["content"] = {kind: dict(media) for kind in produces}
        for kind, example in dict(old.get("examples") or {}).items():
            if "/" in str(kind):
                new["content"].setdefault(str(kind), dict(media))["example"] = plain(example)
    if isinstance(old.get("headers"), Mapping):
        new["headers"] = {
            str(name): _header(header, rename) for name, header in old["headers"].items()
        }
    return new


def _header(old: Any, rename: Rename) -> Json:
    old = old if isinstance(old, Mapping) else {}
    new = {"schema": schema(old["schema"], rename) if "schema" in old else _typed(old, rename)}
    if old.get("description"):
        new["description"] = plain(old["description"])
    return new


def _requirements(security: Any, rename: Rename) -> list[Json]:
    new = []
    for requirement in _listed(security):
        entries = [requirement] if isinstance(requirement, str) else dict(requirement)
        scopes = {} if isinstance(requirement, str) else dict(requirement)
        names = {old: rename("securitySchemes", str(old)) for old in entries}
        if None not in names.values():
            new.append({str(name): plain(scopes.get(old) or []) for old, name in names.items()})
    return new


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
