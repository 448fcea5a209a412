"""The database that Flask uses, reached asynchronously."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine

from new_fastapi.settings import Settings


class Database:
    """A pool of connections and the sessions on it."""

    def __init__(self, settings: Settings) -> None:
        options = {"connect_args": {"timeout": 30}} if "sqlite" in settings.database_url else {}
        self.engine: AsyncEngine = create_async_engine(settings.database_url, **options)
        # Rows are still read after the commit, to describe them in the answer.
        self.session = async_sessionmaker(self.engine, expire_on_commit=False)

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
