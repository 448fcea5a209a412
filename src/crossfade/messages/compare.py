"""Typed differences between two responses. Pure: two frozen records in, frozen values out.

Identical means status, headers, cookies with their attributes, and body bytes. Four rules keep
apart what no client may rely on (RFC 9110 unless another is named):

- header names have no case, and lines of one name are one list (5.3), `Set-Cookie` apart;
- the headers in `SET_HEADERS` are compared as sets;
- of `Date` and `Server` only the presence is compared;
- a `Content-Length` that agrees with its own body is no second difference where the bodies differ.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher, unified_diff
from enum import Enum
from typing import Any, Final

from crossfade.messages.codings import decoded
from crossfade.messages.exchange import Response, SetCookie
from crossfade.messages.json_form import form_reasons, reasons_beside_values

SET_HEADERS: Final = frozenset(
    {
        "access-control-allow-headers",
        "access-control-allow-methods",
        "access-control-expose-headers",
        "allow",
        "cache-control",
        "vary",
    }
)
"""Headers whose list has no order (RFC 9110: 10.2.1, 12.5.5; RFC 9111: 5.2; Fetch: 3.3.3)."""

CASELESS: Final = SET_HEADERS - {"allow", "access-control-allow-methods"}
"""Those of them whose members have no case; methods do (RFC 9110, 9.1)."""

PRESENCE_ONLY: Final = frozenset({"date", "server"})

ORDER: Final = "same items, another order"
"""The note of a difference between two lists that have the same items."""


class Kind(str, Enum):
    """In what two responses differ."""

    STATUS = "status"
    HEADER = "header"
    COOKIE = "cookie"
    JSON_VALUE = "json value"
    JSON_FORM = "json form"
    TEXT = "text"
    BYTES = "bytes"
    INCOMPLETE = "incomplete"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which two responses disagree.

    Attributes:
        kind: in what they differ.
        where: the place, in the words of the migration map's `ignore`: `status`,
            `header.content-type`, `cookie.session.samesite`, `body.users[0].name`, `state.users`.
        legacy: what Flask sent, as text for people; None where it sent nothing.
        native: the same for FastAPI.
        note: what the two values alone do not say.
        detail: lines of a diff.
    """

    kind: Kind
    where: str
    legacy: str | None
    native: str | None
    note: str = ""
    detail: tuple[str, ...] = ()


def form_difference(legacy: Response, native: Response) -> Difference | None:
    """The difference in form of two JSON bodies whose values differ as well; None for none."""
    bodies = [decoded(response).body for response in (legacy, native)]
    try:
        reasons = reasons_beside_values(*(body.decode() for body in bodies))
    except ValueError:
        return None
    if not reasons:
        return None
    note = "other values and another form: " + ", ".join(reasons)
    return Difference(Kind.JSON_FORM, "body", _excerpt(bodies[0]), _excerpt(bodies[1]), note)


def compare(legacy: Response, native: Response) -> tuple[Difference, ...]:
    """Every difference that a client could see; empty when there is none.

    >>> [d.where for d in compare(Response(200, body=b"a"), Response(201, body=b"a"))]
    ['status']
    """
    legacy, native = decoded(legacy), decoded(native)
    return (
        *_status(legacy, native),
        *_headers(legacy, native),
        *_cookies(legacy.cookies, native.cookies),
        *_body(legacy, native),
        *_completeness(legacy, native),
    )


def _status(legacy: Response, native: Response) -> Iterator[Difference]:
    if legacy.status != native.status:
        yield Difference(Kind.STATUS, "status", str(legacy.status), str(native.status))


def _completeness(legacy: Response, native: Response) -> Iterator[Difference]:
    if legacy.complete != native.complete:
        ours, theirs = ("whole" if r.complete else "broken off" for r in (legacy, native))
        yield Difference(Kind.INCOMPLETE, "body", ours, theirs, "the connection ends mid-body")


# --- headers -----------------------------------------------------------------------------------


def _headers(legacy: Response, native: Response) -> Iterator[Difference]:
    names = dict.fromkeys(name for name, _ in (*legacy.headers, *native.headers))
    for name in names:
        if name == "set-cookie":
            continue
        ours, theirs = legacy.values(name), native.values(name)
        if ours and theirs and (_same_header(name, ours, theirs) or _derived(name, legacy, native)):
            continue
        yield Difference(Kind.HEADER, f"header.{name}", _joined(ours), _joined(theirs))


def _joined(values: tuple[str, ...]) -> str | None:
    return ", ".join(values) if values else None


def _same_header(name: str, ours: tuple[str, ...], theirs: tuple[str, ...]) -> bool:
    if name in PRESENCE_ONLY:
        return len(ours) == len(theirs)
    if name in SET_HEADERS:
        return _members(name, ours) == _members(name, theirs)
    return _joined(ours) == _joined(theirs)


def _members(name: str, values: Iterable[str]) -> frozenset[str]:
    members = (part.strip() for value in values for part in value.split(","))
    return frozenset(part.lower() if name in CASELESS else part for part in members if part)


def _derived(name: str, legacy: Response, native: Response) -> bool:
    """Whether this header differs only because the bodies do."""
    return name == "content-length" and all(
        r.values(name) == (str(len(r.body)),) for r in (legacy, native)
    )


# --- cookies -----------------------------------------------------------------------------------


def _cookies(legacy: tuple[SetCookie, ...], native: tuple[SetCookie, ...]) -> Iterator[Difference]:
    for name in dict.fromkeys(cookie.name for cookie in (*legacy, *native)):
        ours = [cookie for cookie in legacy if cookie.name == name]
        theirs = [cookie for cookie in native if cookie.name == name]
        where = f"cookie.{name}"
        if len(ours) != len(theirs):
            old, new = ("; ".join(map(_cookie_text, side)) or None for side in (ours, theirs))
            note = f"set {len(ours)} times and {len(theirs)} times" if old and new else ""
            yield Difference(Kind.COOKIE, where, old, new, note)
            continue
        for one, other in zip(ours, theirs, strict=True):
            if one.value != other.value:
                yield Difference(Kind.COOKIE, where, one.value, other.value)
            yield from _attributes(where, one, other)


def _attributes(where: str, legacy: SetCookie, native: SetCookie) -> Iterator[Difference]:
    for key in dict.fromkeys(key for key, _ in (*legacy.attributes, *native.attributes)):
        ours, theirs = legacy.get(key), native.get(key)
        caseless = key == "samesite" and ours is not None and theirs is not None
        if ours != theirs and not (caseless and str(ours).lower() == str(theirs).lower()):
            yield Difference(Kind.COOKIE, f"{where}.{key}", _flag(key, ours), _flag(key, theirs))


def _flag(key: str, value: str | None) -> str | None:
    return key if value == "" else value


def _cookie_text(cookie: SetCookie) -> str:
    parts = [f"{cookie.name}={cookie.value}"]
    parts += [f"{key}={value}" if value else key for key, value in cookie.attributes]
    return "; ".join(parts)


# --- bodies ------------------------------------------------------------------------------------


def _body(legacy: Response, native: Response) -> Iterator[Difference]:
    ours, theirs = legacy.body, native.body
    if ours == theirs:
        return
    if not ours or not theirs:
        yield Difference(Kind.BYTES, "body", _excerpt(ours), _excerpt(theirs))
        return
    if any(response.media_type.endswith("json") for response in (legacy, native)):
        found = _json(ours, theirs)
        if found:
            yield from found
            return
    texts = _text(ours), _text(theirs)
    if texts[0] is not None and texts[1] is not None:
        yield _text_difference(texts[0], texts[1])
    else:
        yield _bytes_difference(ours, theirs)


def _excerpt(body: bytes, limit: int = 100) -> str | None:
    """A body in one short line; None for an empty one."""
    if not body:
        return None
    text = _text(body[: limit * 4])
    shown = repr(body[:limit]) if text is None else json.dumps(text[:limit], ensure_ascii=False)
    return shown if len(body) <= limit else f"{shown}… ({len(body)} bytes)"


def _text(body: bytes) -> str | None:
    """The body as text, or None where it is binary."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if re.search(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]", text) else text


def _text_difference(legacy: str, native: str) -> Difference:
    ours, theirs = legacy.splitlines(keepends=True), native.splitlines(keepends=True)
    note = ""
    if ours and theirs and [x.rstrip() for x in ours] == [x.rstrip() for x in theirs]:
        note = "blanks or line ends only"
    elif legacy.startswith(native):
        note = "FastAPI's text is the beginning of Flask's"
    if max(map(len, (*ours, *theirs))) > 200:
        at = _first_difference(legacy, native)
        return Difference(
            Kind.TEXT,
            "body",
            json.dumps(legacy[max(0, at - 40) : at + 60], ensure_ascii=False),
            json.dumps(native[max(0, at - 40) : at + 60], ensure_ascii=False),
            note=note or f"from character {at} on",
        )
    lines = list(unified_diff(ours, theirs, n=1, lineterm=""))[2:]
    visible = bool(note)
    detail = tuple(_visible(line) if visible else line.rstrip("\r\n") for line in lines)
    return Difference(Kind.TEXT, "body", f"{len(ours)} lines", f"{len(theirs)} lines", note, detail)


def _visible(line: str) -> str:
    """A diff line whose blanks at the end can be seen."""
    text = line.rstrip()
    return text + line[len(text) :].replace(" ", "·").replace("\t", "→").replace(
        "\r", "\\r"
    ).replace("\n", "\\n")


def _first_difference(legacy: str | bytes, native: str | bytes) -> int:
    pairs = enumerate(zip(legacy, native, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(legacy), len(native)))


def _bytes_difference(legacy: bytes, native: bytes) -> Difference:
    at = _first_difference(legacy, native)
    if at == len(native):
        note = f"FastAPI's body ends after {at} of {len(legacy)} bytes"
    elif at == len(legacy):
        note = f"FastAPI's body goes on after Flask's {at} bytes"
    else:
        note = f"from byte {at} on; {len(legacy)} and {len(native)} bytes"
    start = max(0, at - 8)
    ours, theirs = (body[start : at + 16].hex(" ") or None for body in (legacy, native))
    return Difference(Kind.BYTES, "body", ours, theirs, note)


# --- JSON --------------------------------------------------------------------------------------


class _Constant(str):
    """`NaN`, `Infinity` or `-Infinity`, which Python's parsers accept and RFC 8259 does not."""

    __slots__ = ()


def _load(body: bytes) -> Any:
    # Decimal keeps 1e-07 equal to 1e-7 and apart from 1.0000000000000001e-07.
    return json.loads(body.decode(), parse_float=Decimal, parse_constant=_Constant)


def _json(legacy: bytes, native: bytes) -> tuple[Difference, ...]:
    """Differences of two JSON texts that are not equal; empty where one of them is not JSON."""
    try:
        values = tuple(_values("body", _load(legacy), _load(native)))
        return values or (_form(legacy.decode(), native.decode()),)
    except (ValueError, RecursionError):
        return ()


def _values(where: str, legacy: object, native: object) -> Iterator[Difference]:
    if isinstance(legacy, dict) and isinstance(native, dict):
        for key in dict.fromkeys((*legacy, *native)):
            at = _step(where, key)
            if key not in native:
                yield Difference(Kind.JSON_VALUE, at, _dump(legacy[key]), None)
            elif key not in legacy:
                yield Difference(Kind.JSON_VALUE, at, None, _dump(native[key]))
            else:
                yield from _values(at, legacy[key], native[key])
    elif isinstance(legacy, list) and isinstance(native, list):
        yield from _items(where, legacy, native)
    elif type(legacy) is not type(native) or legacy != native:
        yield Difference(Kind.JSON_VALUE, where, _dump(legacy), _dump(native))


def _step(where: str, key: str) -> str:
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", key)
    return f"{where}.{key}" if plain else f"{where}[{json.dumps(key, ensure_ascii=False)}]"


def _items(where: str, legacy: list[object], native: list[object]) -> Iterator[Difference]:
    ours, theirs = [_dump(x) for x in legacy], [_dump(x) for x in native]
    if ours == theirs:
        return
    if Counter(ours) == Counter(theirs):
        old, new = ("[" + ", ".join(map(_short, side)) + "]" for side in (ours, theirs))
        yield Difference(Kind.JSON_VALUE, where, old, new, ORDER)
        return
    if len(ours) == len(theirs):
        for index, (one, other) in enumerate(zip(legacy, native, strict=True)):
            yield from _values(f"{where}[{index}]", one, other)
        return
    for tag, i, i_end, j, j_end in SequenceMatcher(None, ours, theirs, False).get_opcodes():
        if tag == "equal":
            continue
        paired = min(i_end - i, j_end - j)
        for k in range(paired):
            yield from _values(f"{where}[{i + k}]", legacy[i + k], native[j + k])
        for k in range(i + paired, i_end):
            yield Difference(Kind.JSON_VALUE, f"{where}[{k}]", ours[k], None)
        for k in range(j + paired, j_end):
            yield Difference(Kind.JSON_VALUE, f"{where}[{k}]", None, theirs[k])


def _dump(value: object) -> str:
    """One line of JSON that is equal for equal values and only for them (keys sorted)."""
    if isinstance(value, dict):
        pairs = (
            f"{json.dumps(k, ensure_ascii=False)}: {_dump(v)}" for k, v in sorted(value.items())
        )
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_dump, value)) + "]"
    if isinstance(value, Decimal):
        normal = value.normalize()
        whole = normal == normal.to_integral_value() and abs(normal.adjusted()) < 20
        return f"{normal:f}.0" if whole else str(normal)
    if isinstance(value, _Constant):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def _short(text: str, limit: int = 24) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _form(legacy: str, native: str) -> Difference:
    """Name the ways in which two spellings of one JSON value differ."""
    reasons = form_reasons(legacy, native)
    note = "same value, different form: " + (", ".join(reasons) or "order of duplicate keys")
    at = _first_difference(legacy, native)
    start = max(0, at - 30)
    ours, theirs = (
        json.dumps(text[start : at + 50], ensure_ascii=False) for text in (legacy, native)
    )
    return Difference(Kind.JSON_FORM, "body", ours, theirs, note)
