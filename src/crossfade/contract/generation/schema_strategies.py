"""Values of a JSON schema as Hypothesis draws them, and values that the schema should refuse."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st

from crossfade.contract.generation.schema_examples import Known, Schema

Drawn = st.SearchStrategy[Any]
NOTHING: Final[Any] = object()
"""Drawn for a part that is left out."""

_DEPTH: Final = 5
_LONGEST: Final = 300
_ITEMS: Final = 4


@dataclass(slots=True)
class Fault:
    """The one part of a request that is not as its description says.

    Attributes:
        at: the number of the part; -1 where all are as they should be.
        edge: which of the values just past a limit the part has; None for any wrong value.
        count: how many parts there were so far.
        edges: how many values lie just past a limit of the part; known once it was counted.
    """

    at: int = -1
    edge: int | None = None
    count: int = 0
    edges: int = 0

    def is_next(self) -> bool:
        """Count one part more and tell whether it is the one."""
        self.count += 1
        return self.count - 1 == self.at


def or_known(known: Known, name: str, drawn: Drawn) -> Drawn:
    """The values that the team gave for a name, and others."""
    given = known.get(name)
    return st.one_of(st.sampled_from(list(given)), drawn) if given else drawn


_CHARACTERS: Final = st.characters(codec="utf-8")
_ANYTHING: Final[Drawn] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(_CHARACTERS, max_size=8),
    st.floats(allow_nan=False, allow_infinity=False), st.just([]), st.just({}),
)  # fmt: skip
_OUTSIDE: Final[Drawn] = st.one_of(
    _ANYTHING,
    st.sampled_from(("", " ", 0.5, "0", "1", "01", "1e3", "true", "é€😀", "a\u0000b", "abc")),
)
_FORMATS: Final[dict[str, Drawn]] = {
    "date": st.dates().map(str),
    "date-time": st.datetimes(timezones=st.none() | st.timezones().map(lambda _: None)).map(
        lambda moment: f"{moment.isoformat()}Z"
    ),
    "time": st.times().map(str),
    "uuid": st.uuids().map(str),
    "ipv4": st.ip_addresses(v=4).map(str),
    "ipv6": st.ip_addresses(v=6).map(str),
    "email": st.from_regex(r"[a-z][a-z0-9]{0,8}@[a-z]{1,8}\.(com|org)", fullmatch=True),
    "uri": st.from_regex(r"https://[a-z]{1,8}\.(com|org)/[a-z]{0,8}", fullmatch=True),
}


def value_of(schema: Schema, fault: Fault, known: Known, depth: int = 0) -> Drawn:
    """Values that a schema accepts; such as it should refuse where the fault is here."""
    if fault.is_next():
        past = _past_limits(schema)
        fault.edges = len(past)
        if fault.edge is not None:
            return st.just(past[fault.edge])
        of_its_type = st.sampled_from(past) if past else _ANYTHING
        return st.booleans().flatmap(lambda chosen: of_its_type if chosen else _OUTSIDE)
    return _sound(schema, fault, known, depth)


def _sound(schema: Schema, fault: Fault, known: Known, depth: int) -> Drawn:
    if "const" in schema:
        return st.just(schema["const"])
    if schema.get("enum"):
        return st.sampled_from(list(schema["enum"]))
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return st.one_of([_sound(each, fault, known, depth) for each in schema[key]])
    if schema.get("allOf"):
        return _sound(_merged(schema), fault, known, depth)
    kind = schema.get("type") or ("object" if "properties" in schema else "")
    if isinstance(kind, list):
        return st.one_of([_sound({**schema, "type": each}, fault, known, depth) for each in kind])
    if kind == "object":
        return object_of(schema, fault, known, depth)
    if kind == "array":
        return _array(schema, fault, known, depth)
    return _SCALARS.get(kind, _anything)(schema)


def _anything(schema: Schema) -> Drawn:
    return _ANYTHING


def object_of(schema: Schema, fault: Fault, known: Known, depth: int = 0) -> Drawn:
    """Objects that a schema accepts; with the fault in one member, one missing or one too many."""
    if depth >= _DEPTH:
        return st.just({})
    demanded = schema.get("required")
    needed = demanded if isinstance(demanded, list) else []
    members: dict[str, Drawn] = {}
    for name, inner in schema.get("properties", {}).items():
        first = fault.count
        drawn = or_known(known, name, value_of(inner, fault, known, depth + 1))
        members[name] = perhaps(drawn, fault, first, required=name in needed)
    more = schema.get("additionalProperties")
    if not members and isinstance(more, Mapping):
        names = st.text(_CHARACTERS, max_size=8)
        return st.dictionaries(names, value_of(more, fault, known, depth + 1), max_size=_ITEMS)
    if fault.is_next():
        members.setdefault("extra", _ANYTHING)
    return record(members)


def perhaps(drawn: Drawn, fault: Fault, first: int, *, required: bool) -> Drawn:
    """A part that may be left out: an optional one, or a required one that the fault is in.

    Args:
        drawn: the part.
        fault: has counted it.
        first: the count before it.
        required: whether the description demands it.
    """
    if fault.at == first and required:
        return st.one_of(drawn, st.just(NOTHING))
    if required or first <= fault.at < fault.count:
        return drawn
    return st.one_of(st.just(NOTHING), drawn)


def record(members: Mapping[str, Drawn]) -> Drawn:
    """Values by name, without those that are left out; shrinks to the fewest."""
    return st.tuples(*members.values()).map(
        lambda drawn: {
            name: value for name, value in zip(members, drawn, strict=True) if value is not NOTHING
        }
    )


def _array(schema: Schema, fault: Fault, known: Known, depth: int) -> Drawn:
    low = int(schema.get("minItems", 0))
    if depth >= _DEPTH:
        return st.just([])
    high = min(int(schema.get("maxItems", low + _ITEMS)), low + _ITEMS)
    unique = repr if schema.get("uniqueItems") else None
    items = value_of(schema.get("items") or {}, fault, known, depth + 1)
    return st.lists(items, min_size=low, max_size=max(low, high), unique_by=unique)


def _integer(schema: Schema) -> Drawn:
    low, high = limits(schema)
    step = int(schema.get("multipleOf") or 1)
    low = None if low is None else -(-low // step)
    high = None if high is None else high // step
    if low is not None and high is not None and high < low:
        high = low
    return st.integers(low, high).map(lambda number: number * step)


def limits(schema: Schema) -> tuple[int | None, int | None]:
    """The smallest and the largest whole number that a schema allows."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if schema.get("exclusiveMinimum") is not None:
        low = schema["exclusiveMinimum"] + 1
    if schema.get("exclusiveMaximum") is not None:
        high = schema["exclusiveMaximum"] - 1
    return None if low is None else math.ceil(low), None if high is None else math.floor(high)


def _number(schema: Schema) -> Drawn:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    exact = st.floats(
        None if low is None else float(low),
        None if high is None else float(high),
        allow_nan=False,
        allow_infinity=False,
        exclude_min="minimum" not in schema and low is not None,
        exclude_max="maximum" not in schema and high is not None,
    )
    return st.one_of(_integer(schema), exact) if schema.get("multipleOf") is None else exact


def _string(schema: Schema) -> Drawn:
    drawn = _FORMATS.get(schema.get("format", ""))
    if drawn is not None:
        return drawn
    low = int(schema.get("minLength", 0))
    high = schema.get("maxLength")
    pattern = schema.get("pattern")
    if pattern:
        try:
            re.compile(pattern)
        except re.error:
            pass
        else:
            return st.from_regex(pattern, alphabet=_CHARACTERS).filter(
                lambda text: low <= len(text) and (high is None or len(text) <= high)
            )
    most = low + _LONGEST if high is None else max(low, min(int(high), low + _LONGEST))
    repeated = st.builds(lambda size, one: one * size, st.integers(low, most), _CHARACTERS)
    return st.one_of(st.text(_CHARACTERS, min_size=low, max_size=min(most, low + 8)), repeated)


_SCALARS: Final[dict[str, Callable[[Schema], Drawn]]] = {
    "integer": _integer,
    "number": _number,
    "string": _string,
    "boolean": lambda _: st.booleans(),
    "null": lambda _: st.none(),
}


def _past_limits(schema: Schema) -> list[Any]:
    """Values one past what a schema allows; none where it sets no limit."""
    found: list[Any] = []
    for key in ("anyOf", "oneOf"):
        found += [value for each in schema.get(key, ()) for value in _past_limits(each)]
    low, high = limits(schema)
    found += [end + step for end, step in ((low, -1), (high, 1)) if end is not None]
    if schema.get("minLength"):
        found.append("a" * (int(schema["minLength"]) - 1))
    if schema.get("maxLength") is not None:
        found.append("a" * (int(schema["maxLength"]) + 1))
    if schema.get("maxItems") is not None:
        found.append([1] * (int(schema["maxItems"]) + 1))
    return found


def _merged(schema: Schema) -> Schema:
    """The parts of `allOf` as one schema."""
    merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema["allOf"]:
        for key, value in part.items():
            if key == "properties":
                merged[key] = {**merged.get(key, {}), **value}
            elif key == "required" and isinstance(value, list):
                merged[key] = [*merged.get(key, ()), *value]
            else:
                merged.setdefault(key, value)
    return merged


def without_null(schema: Schema) -> Schema:
    """The schema of a parameter, which has no way to say null."""
    for key in ("anyOf", "oneOf"):
        options = [each for each in schema.get(key, ()) if each.get("type") != "null"]
        if options:
            return {**schema, key: options}
    return schema
