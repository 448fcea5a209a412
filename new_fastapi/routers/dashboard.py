"""The dashboard, which asks its two slow services at the same time."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter

from legacy_flask.services import NEWS, SCORES
from new_fastapi.dependencies import CurrentSettings
from new_fastapi.schemas import Dashboard

router = APIRouter(tags=["dashboard"])


@router.get("/dashboard", response_model=Dashboard)
async def dashboard(settings: CurrentSettings) -> object:
    """Return scores and news: as late as the slower of the two, 1 s by default."""
    scores, news = await asyncio.gather(
        fetch_scores(settings.scores_delay), fetch_news(settings.news_delay)
    )
    return {"scores": scores, "news": news}


async def fetch_scores(delay: float) -> dict[str, Any]:
    """Return the latest results after `delay` seconds."""
    await asyncio.sleep(delay)
    return SCORES


async def fetch_news(delay: float) -> dict[str, Any]:
    """Return the latest news after `delay` seconds."""
    await asyncio.sleep(delay)
    return NEWS
