"""Pages that the frameworks write themselves."""

from __future__ import annotations

import json
from typing import Any, Final

from crossfade.messages.codings import decoded
from crossfade.messages.exchange import Exchange

_PAGE: Final = b"<!doctype html>\n<html lang=en>\n<title>"
"""How Werkzeug's page of an HTTPException, and its redirect's, begins."""


def is_default_page(exchange: Exchange) -> bool:
    """Whether an answer is the page that Werkzeug writes for an HTTPException."""
    return exchange.response.status >= 400 and exchange.response.body.startswith(_PAGE)


def is_redirect_page(exchange: Exchange) -> bool:
    """Whether an answer is the page that Werkzeug's `redirect` writes."""
    response = exchange.response
    return 300 <= response.status < 400 and response.body.startswith(_PAGE + b"Redirecting")


def json_of(exchange: Exchange) -> Any:
    """The JSON value of an answer; None where it has none."""
    response = decoded(exchange.response)
    if not response.media_type.endswith("json"):
        return None
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        return None


def is_fastapi_error(exchange: Exchange) -> bool:
    """Whether an answer is what FastAPI writes for an HTTPException: `{"detail": …}` alone."""
    value = json_of(exchange)
    return exchange.response.status >= 400 and isinstance(value, dict) and list(value) == ["detail"]
