"""What the endpoints depend on: settings, the database, the query string, the body."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from sqlalchemy.ext.asyncio import AsyncSession

from new_fastapi.compat.requests import FirstArgs, Model, first_args, integer, read_model
from new_fastapi.database import Database
from new_fastapi.settings import Settings


def get_settings(request: Request) -> Settings:
    """Return the settings that the application started with."""
    settings: Settings = request.app.state.settings
    return settings


def get_database(request: Request) -> Database:
    """Return the database that the lifespan opened."""
    database: Database = request.app.state.database
    return database


async def open_session(
    database: Annotated[Database, Depends(get_database)],
) -> AsyncIterator[AsyncSession]:
    """Lend a session to one request; what it did not commit is rolled back."""
    async with database.session() as session:
        yield session


CurrentSettings = Annotated[Settings, Depends(get_settings)]
# "function": the connection is back in the pool before the client reads the answer.
Session = Annotated[AsyncSession, Depends(open_session, scope="function")]
QueryArgs = Annotated[FirstArgs, Depends(first_args)]


def refuse_during_maintenance(settings: CurrentSettings) -> None:
    """Answer 503 while the service is closed: in Flask a `before_request` hook does it."""
    if settings.maintenance:
        raise HTTPException(503, "The club is closed for maintenance.", {"Retry-After": "120"})


@dataclass(frozen=True)
class Page:
    """Which part of a list to return."""

    limit: int
    offset: int


def page(args: QueryArgs) -> Page:
    """Return the part that `?limit=` and `?offset=` ask for, as leniently as Flask."""
    limit = min(max(integer(args, "limit", 20), 1), 100)
    return Page(limit, offset=max(integer(args, "offset", 0), 0))


def body(model: type[Model]) -> Callable[..., Awaitable[Model]]:
    """Return a dependency that reads the request's JSON object as `model`."""

    async def read(request: Request, settings: CurrentSettings) -> Model:
        return await read_model(request, model, settings.max_content_length)

    return read
