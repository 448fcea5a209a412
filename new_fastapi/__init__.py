"""The example's FastAPI application: the club's routes, one after the other, rewritten.

Each answers what Flask answers, byte for byte, so that clients do not notice who served them.
`uvicorn gateway:app` serves both; `/docs` shows what is here.
"""

from __future__ import annotations

from new_fastapi.application import create_app
from new_fastapi.settings import Settings

__all__ = ["Settings", "app", "create_app"]

app = create_app()
