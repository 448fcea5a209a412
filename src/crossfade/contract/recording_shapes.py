"""What two requests have in common that differ in values only. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any, Final
from urllib.parse import unquote_plus

from crossfade.exchange import Request

_FORM: Final = "application/x-www-form-urlencoded"
_DEEPEST: Final = 6

# fmt: off
_OF_HTTP: Final = frozenset({
    "accept", "accept-encoding", "accept-language", "authorization", "cache-control",
    "content-encoding", "content-type", "cookie", "host", "if-match", "if-modified-since",
    "if-none-match", "if-range", "if-unmodified-since", "origin", "pragma", "prefer", "range",
    "referer", "x-requested-with",
})
# fmt: on


def shape_of(request: Request, *more: object) -> str:
    """Return a text that all requests of one shape have: names, types, what is empty.

    Args:
        request: with the headers that count.
        more: what else tells it from others: its route, who asks.
    """
    shape = [
        *more,
        request.method,
        sorted({name for name, _ in request.headers}),
        _media_type(request),
        _names(request.query_string),
        _body_shape(request),
    ]
    return sha256(json.dumps(shape).encode()).hexdigest()[:12]


def names_of(request: Request) -> Iterator[str]:
    """Yield the names that the client chose: of parameters, fields, members, its own headers."""
    yield from (name for name, _ in request.headers if name not in _OF_HTTP)
    yield from (name.rpartition("=")[0] for name in _names(request.query_string))
    shape = _body_shape(request)
    if isinstance(shape, list) and _media_type(request) == _FORM:
        shape = [name.rpartition("=")[0] for name in shape]
    yield from _members(shape)


def _members(shape: Any) -> Iterator[str]:
    if isinstance(shape, Mapping):
        for name, inner in shape.items():
            yield str(name)
            yield from _members(inner)
    elif isinstance(shape, list):
        for inner in shape:
            yield from (inner,) if isinstance(inner, str) else _members(inner)


def _media_type(request: Request) -> str:
    kind = next(iter(request.values("content-type")), "")
    return kind.partition(";")[0].strip().lower()


def _names(pairs: bytes) -> list[str]:
    """The names of a query or form, with whether anything stands there."""
    parts = (part.partition("=") for part in pairs.decode("latin-1").split("&") if part)
    return sorted({f"{unquote_plus(name)}={bool(value):d}" for name, _, value in parts})


def _body_shape(request: Request) -> Any:
    body, media = request.body, _media_type(request)
    if not body:
        return None
    if media == _FORM:
        return _names(body)
    if media == "multipart/form-data":
        found: Iterable[bytes] = re.findall(rb'[ ;]name="?([^";\r\n]*)', body)
        return sorted({name.decode("latin-1") for name in found})
    try:
        return _json_shape(json.loads(body), 0)
    except (ValueError, RecursionError):
        return "text"


def _json_shape(value: Any, depth: int) -> Any:
    if depth >= _DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {key: _json_shape(value[key], depth + 1) for key in sorted(value)}
    if isinstance(value, list):
        return [_json_shape(value[0], depth + 1)] if value else []
    return (type(value).__name__, bool(value))
