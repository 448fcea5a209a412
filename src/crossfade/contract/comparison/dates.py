"""Moments as HTTP and ISO 8601 write them, in UTC where they name no zone."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime


def http_date(text: str) -> datetime | None:
    """The moment that an HTTP date names, or None where the text is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    return in_a_zone(moment)


def iso_moment(text: str) -> datetime:
    """The moment that a text in ISO 8601 names.

    Raises:
        ValueError: it names none.
    """
    # Python reads the zone "Z" from 3.11 on.
    return in_a_zone(datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text)))


def in_a_zone(moment: datetime) -> datetime:
    """The moment in its own zone, or else in UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
