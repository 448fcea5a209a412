"""What the rules look at in a request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_plus

from crossfade.messages.exchange import Request

FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"


def media_type(request: Request) -> str:
    """The media type of the request's body, lower-case; "" where it names none."""
    return next(iter(request.values("content-type")), "").partition(";")[0].strip().lower()


def is_json_type(kind: str) -> bool:
    """Whether Werkzeug takes a media type for JSON."""
    return kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )


def is_json(body: bytes) -> bool:
    """Whether a body can be parsed as JSON."""
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def pairs(text: str) -> dict[str, list[str]]:
    """The values of each key of `a=1&a=2&b=3`, in the order sent."""
    found: dict[str, list[str]] = {}
    for part in text.split("&"):
        if part:
            key, _, value = part.partition("=")
            found.setdefault(unquote_plus(key), []).append(unquote_plus(value))
    return found


def query(request: Request) -> dict[str, list[str]]:
    """The URL's parameters."""
    return pairs(request.query_string.decode("latin-1"))


def fields(request: Request) -> dict[str, list[str]]:
    """The fields of a form; empty for another body."""
    return pairs(request.body.decode("latin-1")) if media_type(request) == FORM else {}


def headers(request: Request) -> dict[str, list[str]]:
    """The lines of each header but `Cookie`."""
    found: dict[str, list[str]] = {}
    for name, value in request.headers:
        if name != "cookie":
            found.setdefault(name, []).append(value)
    return found


def cookies(request: Request) -> dict[str, list[str]]:
    """The raw values of each cookie that has a name."""
    found: dict[str, list[str]] = {}
    for name, value in _cookie_pairs(request):
        if name:
            found.setdefault(name, []).append(value)
    return found


def _cookie_pairs(request: Request) -> Iterator[tuple[str, str]]:
    for line in request.values("cookie"):
        for part in line.split(";"):
            name, _, value = part.partition("=")
            yield name.strip(), value.strip()
