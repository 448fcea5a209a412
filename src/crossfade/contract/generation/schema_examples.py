"""Values that a JSON schema accepts, values that it should refuse, and names that say more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

Schema = Mapping[str, Any]
Known = Mapping[str, Sequence[Any]]
"""Good values by the name of a field, variable or parameter."""

_FORMATS: Final[dict[str, Any]] = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00",
    "duration": "P1D",
    "email": "ada@example.com",
    "uuid": "6fa459ea-ee8a-3ca4-894e-db77e160355e",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "byte": "YQ==",
    "binary": "a",
}
_BY_NAME: Final[dict[str, Any]] = {
    "mail": "crossfade@example.com",
    "password": "s3cret-Passw0rd",
    "url": "https://example.com/",
    "phone": "+441632960000",
    "date": "2026-01-31",
    "due": "2026-01-31",
    "uuid": _FORMATS["uuid"],
    "currency": "EUR",
    "country": "DE",
    "lang": "en",
}
_LISTS: Final = ("list", "_ids", "tags")
_DEPTH: Final = 6
_BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")


def example(schema: Schema, name: str = "", known: Known | None = None, depth: int = 0) -> Any:
    """Return a value that the schema accepts, most likely.

    Args:
        schema: with every `$ref` resolved; an empty one allows anything.
        name: of the field; `email` says more than `string`.
        known: good values by name, which go before everything else.
        depth: how deep the value stands in its document.
    """
    known = known or {}
    if known.get(name):
        return known[name][0]
    for key in ("example", "const", "default"):
        if schema.get(key) not in (None, "", [], {}):
            return schema[key]
    for key in ("examples", "enum"):
        listed = schema.get(key)
        if isinstance(listed, Sequence) and listed:
            return listed[0]
    for key in ("anyOf", "oneOf", "allOf"):
        options = [option for option in schema.get(key, ()) if option.get("type") != "null"]
        if options:
            return example(options[0], name, known, depth)
    kind = _kind(schema)
    if kind == "object":
        return _object(schema, known, depth, required_only=depth > 0)
    if not kind and name.lower().endswith(_LISTS):
        return [f"{name} 1"]
    if kind == "array":
        if depth >= _DEPTH or schema.get("minItems") == 0:
            return []
        one = example(schema.get("items") or {}, name.removesuffix("s"), known, depth + 1)
        return [one] * max(1, schema.get("minItems", 1))
    return _scalar(schema, kind, name)


def with_numbers(schema: Schema) -> Schema:
    """Return a schema whose bounds are numbers: apispec writes a decimal number's as text."""
    texts = {name: schema[name] for name in _BOUNDS if isinstance(schema.get(name), str)}
    if not texts:
        return schema
    kept = {name: value for name, value in schema.items() if name not in texts}
    for name, text in texts.items():
        with suppress(ValueError):
            kept[name] = float(text)
    return kept


def is_file(schema: Schema) -> bool:
    """Whether the schema is of an upload, as OpenAPI 3.0 or 3.1 writes it."""
    return schema.get("format") == "binary" or "contentMediaType" in schema


def objects(schema: Schema, known: Known) -> Iterator[dict[str, Any]]:
    """Good bodies: every field, the required ones alone, and other kinds where none is declared."""
    seen: list[dict[str, Any]] = []
    for required_only in (False, True):
        value = _object(schema, known, 0, required_only=required_only)
        if value not in seen:
            seen.append(value)
            yield value
    for name, value in list(seen[0].items()) if len(seen[0]) > 1 else ():
        yield {name: value}
    loose = [name for name, inner in schema.get("properties", {}).items() if not inner]
    others: tuple[Any, ...] = (1, True, [], {})
    for other in others:
        if loose:
            yield {**seen[0], **dict.fromkeys(loose, other)}


def wrong_values(schema: Schema) -> Iterator[Any]:
    """Values of other types, and those on the border of two types."""
    yield from (None, "", 0, "1", True, 1.0, [], {})
    kind = _kind(schema)
    if kind in ("integer", "number"):
        yield from (-1, 2**63, "01", "1e3", " 1 ", 1.5, float("nan"), -0.0)
    elif kind in ("string", ""):
        yield from ("é€😀", " padded ", " ", "a\u0000b", "\ud800", "<b>&'\"", "x" * 3000)
        if schema.get("format") in ("date", "date-time") or not kind:
            yield from ("2026-02-30", "20260131", "2026-01-31", "2026-01-31T10:00:00+02:00", 1e9)
    elif kind == "boolean":
        yield from ("true", "yes", "off", 1, 2)
    elif kind == "array":
        yield from ([None], ["a", "a"], {"0": "a"}, "a,b")


def _object(schema: Schema, known: Known, depth: int, *, required_only: bool) -> dict[str, Any]:
    if depth >= _DEPTH:
        return {}
    properties: Mapping[str, Schema] = schema.get("properties", {})
    required = schema.get("required", ())
    return {
        name: example(inner, name, known, depth + 1)
        for name, inner in properties.items()
        if not required_only or name in required
    }


def _kind(schema: Schema) -> str:
    kind = schema.get("type", "")
    if isinstance(kind, Sequence) and not isinstance(kind, str):
        kind = next((each for each in kind if each != "null"), "null")
    if not kind and "properties" in schema:
        return "object"
    for key in ("anyOf", "oneOf", "allOf"):
        for option in schema.get(key, ()) if not kind else ():
            if option.get("type") != "null":
                return _kind(option)
    return str(kind)


def _scalar(schema: Schema, kind: str, name: str) -> Any:
    if kind in ("integer", "number"):
        low = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        step = schema.get("multipleOf", 1)
        value = max(low, step)
        return float(value) if kind == "number" else int(value)
    if kind == "boolean":
        return True
    if kind == "null":
        return None
    text = _FORMATS.get(schema.get("format", ""))
    if text is None:
        lower = name.lower()
        text = next((value for part, value in _BY_NAME.items() if part in lower), None)
    if text is None:
        text = f"{name or 'a'} 1" if not schema.get("maxLength") else "abc"
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength")
    return str(text).ljust(shortest, "x")[:longest]
