"""What two requests have in common that differ in values only. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from urllib.parse import unquote_plus

from crossfade.messages.exchange import Request

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


@dataclass(frozen=True, slots=True)
class Shape:
    """What all requests of one kind have in common.

    Attributes:
        text: the same for all of them, and for no other.
        names: those that the client chose: of parameters, fields, members, its own headers.
    """

    text: str
    names: frozenset[str]


def shape_of(request: Request, *more: object) -> Shape:
    """Return the shape of a request: names, types, what is empty.

    Args:
        request: with the headers that count.
        more: what else tells it from others: its route, who asks.
    """
    media = _media_type(request)
    headers = sorted({name for name, _ in request.headers})
    query = _names(request.query_string)
    body = _body_shape(request, media)
    text = json.dumps([*more, request.method, headers, media, query, body])
    fields = _bare(body) if media == _FORM and isinstance(body, list) else _members(body)
    names = {*(name for name in headers if name not in _OF_HTTP), *_bare(query), *fields}
    return Shape(sha256(text.encode()).hexdigest()[:12], frozenset(names))


def _bare(pairs: Iterable[str]) -> Iterator[str]:
    """Names of a query or form, without whether anything stands there."""
    return (name.rpartition("=")[0] for name in pairs)


def _members(shape: Any) -> Iterator[str]:
    if isinstance(shape, dict):
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


def _body_shape(request: Request, media: str) -> Any:
    body = request.body
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
    if isinstance(value, dict):
        return {key: _json_shape(value[key], depth + 1) for key in sorted(value)}
    if isinstance(value, list):
        return [_json_shape(value[0], depth + 1)] if value else []
    return (type(value).__name__, bool(value))
