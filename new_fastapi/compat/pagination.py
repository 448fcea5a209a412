"""`db.paginate` of Flask-SQLAlchemy, on an async session."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, HTTPException
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from new_fastapi.compat.errors import NOT_FOUND
from new_fastapi.dependencies import QueryArgs


@dataclass(frozen=True)
class PageArgs:
    """Which page a client wants, and how much of it."""

    page: int
    per_page: int


@dataclass(frozen=True)
class Page:
    """A page, as `db.paginate` returns it."""

    items: Sequence[Any]
    page: int
    per_page: int
    total: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return -(-self.total // self.per_page)


def page_args(args: QueryArgs) -> PageArgs:
    """Return `?page=` and `?per_page=`; what is no positive integer is 404, as in Flask."""
    try:
        wanted = PageArgs(int(args.get("page", 1)), int(args.get("per_page", 20)))
    except ValueError:
        raise HTTPException(404, NOT_FOUND) from None
    if wanted.page < 1 or wanted.per_page < 1:
        raise HTTPException(404, NOT_FOUND)
    return wanted


WantedPage = Annotated[PageArgs, Depends(page_args)]


async def paginate(
    session: AsyncSession, rows: Select[Any], wanted: PageArgs, *, max_per_page: int = 100
) -> Page:
    """Return a page of `rows`. One that is past the end is 404; the first may be empty."""
    size = min(wanted.per_page, max_per_page)
    found = await session.scalars(rows.limit(size).offset((wanted.page - 1) * size))
    items = found.unique().all()
    if not items and wanted.page != 1:
        raise HTTPException(404, NOT_FOUND)
    # Without what a page needs only to be shown: neither order nor teams change the number.
    ids = rows.options().order_by(None).subquery()
    total = await session.scalar(select(func.count()).select_from(ids))
    return Page(items, wanted.page, size, total or 0)
