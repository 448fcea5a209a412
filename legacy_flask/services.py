"""Two services that the dashboard asks, simulated: each answers the same, after its delay."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

SCORES: dict[str, Any] = {
    "updated": datetime(2026, 3, 1, 16, 45, tzinfo=timezone.utc),
    "results": [
        {"home": "Rovers", "away": "São Jorge", "score": "2:1"},
        {"home": "Wanderers & Co", "away": "Rovers", "score": "0:0"},
    ],
    "goals_per_match": 1.5,
}

NEWS: dict[str, Any] = {
    "headline": "Café reopens — “finally”, say members",
    "membership_fee": Decimal("12.50"),
    "reporter": None,
}


def fetch_scores(delay: float) -> dict[str, Any]:
    """Return the latest results after `delay` seconds."""
    time.sleep(delay)
    return SCORES


def fetch_news(delay: float) -> dict[str, Any]:
    """Return the latest news after `delay` seconds."""
    time.sleep(delay)
    return NEWS
