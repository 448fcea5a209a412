"""What a single value is: its type, its number, its form; whether it names this process."""

from __future__ import annotations

import ast
import base64
import json
import re
import threading
import uuid
from binascii import Error
from collections.abc import Collection
from contextlib import suppress
from math import isnan
from typing import Final, NamedTuple

from crossfade.contract.comparison.dates import http_date, iso_moment
from crossfade.messages.compare import ORDER, Difference, Kind


class Opaque(str):
    """A text that can only be compared as a whole: an order of items, a structure."""

    __slots__ = ()


class Dump(str):
    """A list or an object, as text."""

    __slots__ = ()


class Absent:
    """What stands where one side has nothing."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "missing"


ABSENT: Final = Absent()

Value = Absent | None | bool | int | float | str | bytes

_NUMBER: Final = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?")
_ISO: Final = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?)?([zZ]|[+-]\d\d:?\d\d)?"
)
_HTTP_DATE: Final = re.compile(
    r"[A-Z][a-z]{2}, \d\d[ -][A-Z][a-z]{2}[ -]\d{2,4} \d\d:\d\d:\d\d( GMT)?"
)
_DASHED: Final = re.compile(r"[0-9A-Za-z]+(-[0-9A-Za-z]+)+")
_ADDRESS: Final = re.compile(r"0x[0-9a-f]{8,16}")
_ADDRESSES: Final = range(1 << 44, 1 << 48)
"""Where a process of 64 bits has its heap and stacks, as `id()` and `get_ident()` tell."""


def value_of(text: str | None, difference: Difference) -> Value:
    """The value that a difference shows of one side."""
    if text is None:
        return ABSENT
    if difference.note == ORDER:
        return Opaque(text)
    if difference.kind is Kind.JSON_VALUE:
        return _json_value(text)
    if difference.kind is Kind.STATE:
        return _python_value(text)
    return text


def _json_value(text: str) -> Value:
    with suppress(ValueError, RecursionError):
        value = json.loads(text)
        if isinstance(value, float) and isnan(value):
            return Opaque(text)  # which is equal to itself
        if not isinstance(value, dict | list):
            scalar: Value = value
            return scalar
    return Dump(text)


def _python_value(text: str) -> Value:
    with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
        value = ast.literal_eval(text)
        if value is None or isinstance(value, bool | int | float | str | bytes):
            return value
    return Dump(text)


def type_of(value: Value) -> str:
    """The type in the words of JSON."""
    if value is None:
        return "null"
    if isinstance(value, Opaque | Dump):
        return "a list or object"
    names: dict[type, str] = {
        Absent: "missing",
        bool: "a boolean",
        int: "a whole number",
        float: "a number with a fraction",
        bytes: "bytes",
    }
    return names.get(type(value), "a text")


def number_of(value: Value) -> float | None:
    """The number that a value is, or writes; of a moment its seconds since 1970."""
    if isinstance(value, bool | Opaque | Dump):
        return None
    if isinstance(value, int | float):
        return float(value) if abs(value) < 1e300 else None
    if not isinstance(value, str):
        return None
    if _NUMBER.fullmatch(value):
        return float(value)
    if _HTTP_DATE.fullmatch(value):
        date = http_date(value)
        return None if date is None else date.timestamp()
    if _ISO.fullmatch(value):
        with suppress(ValueError, OverflowError):
            return iso_moment(value.replace(",", ".")).timestamp()
    return None


class Moment(NamedTuple):
    """A moment, as exactly as it is written.

    Attributes:
        seconds: since 1970.
        precision: seconds that pass until the same form names another moment.
    """

    seconds: float
    precision: float


_EPOCHS: Final = tuple((unit, 946684800 * unit, 3155760000 * unit) for unit in (1, 1e3, 1e6, 1e9))
"""Units of a second, with the years 2000 and 2070 in each."""

_PRECISIONS: Final = {10: 86400.0, 16: 60.0}
"""By the length of a date without its zone: the day, the day with hours and minutes."""


def moment_of(value: Value) -> Moment | None:
    """The moment that a value names: a date, or a number that counts from 1970 on."""
    number = number_of(value)
    if number is None:
        return None
    if isinstance(value, str) and is_moment(value):
        plain = re.sub(r"([zZ]|[+-]\d\d:?\d\d)$", "", value) if value[4:5] == "-" else value
        return Moment(number, _PRECISIONS.get(len(plain), 1.0))
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        return None
    for unit, least, most in _EPOCHS:
        if least <= number <= most:
            return Moment(number / unit, 1.0)
    return None


def is_moment(value: Value) -> bool:
    """Whether a text names a moment."""
    return isinstance(value, str) and bool(_ISO.fullmatch(value) or _HTTP_DATE.fullmatch(value))


def form_of(text: str) -> str:
    """The form of a date or of what dashes divide, `8-4-4-4-12`; "" of any other text."""
    if is_moment(text):
        return re.sub(r"[A-Za-z]{3}", "Aaa", re.sub(r"\d", "0", text))
    if text.count("-") < 9 and _DASHED.fullmatch(text):
        return "-".join(str(len(part)) for part in text.split("-"))
    return ""


# --- the process -------------------------------------------------------------------------------


def is_address(value: Value) -> bool:
    """Whether a value looks like a place in the memory of a process."""
    if isinstance(value, str):
        if _ADDRESS.fullmatch(value):
            return True
        value = int(value) if value.isdecimal() and len(value) < 16 else None
    return type(value) is int and value in _ADDRESSES


def thread_names() -> frozenset[str]:
    """What the threads that live now are called, and how they are numbered."""
    found: set[str] = set()
    for thread in threading.enumerate():
        found |= {thread.name, str(thread.ident), str(thread.native_id)}
    return frozenset(found)


def of_the_process(ours: Value, theirs: Value, threads: Collection[str]) -> bool:
    """Whether both values name a thread, or a place in memory, of this process.

    Flask's views run on other threads than FastAPI's: no two answers have such a value in common,
    and asking again does not show it, where a side keeps to one thread.
    """
    if type(ours) is not type(theirs) or isinstance(ours, bool):
        return False
    if is_address(ours) and is_address(theirs):
        return True
    return all(isinstance(v, int | str) and str(v) in threads for v in (ours, theirs))


# --- tokens ------------------------------------------------------------------------------------

_JWT: Final = re.compile(r"(ey[\w-]+)\.(ey[\w-]+)\.([\w-]+)")


def claims(value: Value) -> dict[str, Value] | None:
    """What a JSON Web Token says (RFC 7519), its signature apart; None for any other value."""
    if not isinstance(value, str):
        return None
    match = _JWT.fullmatch(value)
    if match is None:
        return None
    found: dict[str, Value] = {}
    try:
        for part, text in zip(("header", "payload"), match.groups()[:2], strict=True):
            content = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            if not isinstance(content, dict):
                return None
            for name, claim in content.items():
                plain = not isinstance(claim, dict | list)
                found[f"{part}.{name}"] = claim if plain else Dump(json.dumps(claim))
    except (ValueError, Error):
        return None
    found["signature"] = match[3]
    return found


_GREGORIAN: Final = 0x01B21DD213814000
"""From 1582 to 1970, in the steps of 100 ns in which UUIDs count (RFC 9562, section 5.1)."""


def uuid_parts(value: Value) -> dict[str, Value] | None:
    """What a UUID holds beside chance: its version, its time (RFC 9562); None for any other text.

    In one of time and node the clock sequence is left out, which each thread may have for itself.
    """
    if not isinstance(value, str) or len(value) != 36 or not _UUID.fullmatch(value):
        return None
    found = uuid.UUID(value)
    parts: dict[str, Value] = {"version": str(found.version)}
    if found.version == 1:
        seconds = (found.time - _GREGORIAN) / 1e7
        return {**parts, "time": seconds, "node": f"{found.node:012x}"}
    if found.version == 7:
        parts["time"] = (found.int >> 80) / 1000
    return {**parts, "small letters": value == value.lower(), "text": Opaque(value)}


_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
