"""Dates as HTTP writes them."""

from __future__ import annotations

from datetime import datetime, timezone
from email.utils import parsedate_to_datetime


def http_date(text: str) -> datetime | None:
    """The moment that an HTTP date names, or None where the text is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
