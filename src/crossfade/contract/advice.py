"""What a cause is, and what the rules that find causes look at in a request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from crossfade.compare import Difference
from crossfade.exchange import Exchange, Request


@dataclass(frozen=True, slots=True)
class Advice:
    """Why two responses differ, most likely, and what to change."""

    cause: str
    fix: str


Rule = Callable[[Difference, Exchange, Exchange], Advice | None]

_PAGE: Final = b"<!doctype html>\n<html lang=en>\n<title>"
"""How Werkzeug's page of an HTTPException begins."""

FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"


def what_was_raised(error: str) -> str:
    """The exception of a traceback, in its first line: a database's message has many."""
    lines = error.rpartition("Traceback (most recent call last):\n")[2].splitlines()
    return next((line for line in lines if line[:1] not in ("", " ")), lines[-1] if lines else "")


def crashed(exchange: Exchange) -> bool:
    """Whether the 500 of a side is an exception that nothing handled."""
    return exchange.error is not None and exchange.response.status >= 500


def is_default_page(exchange: Exchange) -> bool:
    """Whether an answer is the page that Werkzeug writes for an HTTPException."""
    return exchange.response.status >= 400 and exchange.response.body.startswith(_PAGE)


def media_type(request: Request) -> str:
    """The media type of the request's body, lower-case; "" where it names none."""
    return next(iter(request.values("content-type")), "").partition(";")[0].strip().lower()


def repeated(pairs: str) -> str | None:
    """The first key that `a=1&b=2` has twice."""
    counts = Counter(unquote_plus(part.partition("=")[0]) for part in pairs.split("&") if part)
    return next((key for key, count in counts.items() if count > 1), None)


def repeated_query(request: Request) -> str | None:
    """The first parameter that the URL has twice."""
    return repeated(request.query_string.decode("latin-1"))


def repeated_field(request: Request) -> str | None:
    """The first field that the form has twice."""
    return repeated(request.body.decode("latin-1")) if media_type(request) == FORM else None
