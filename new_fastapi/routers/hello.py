"""A greeting: the first route that moved."""

from __future__ import annotations

from fastapi import APIRouter

from new_fastapi.compat.openapi import query
from new_fastapi.dependencies import QueryArgs
from new_fastapi.schemas import Greeting

router = APIRouter(tags=["hello"])


@router.get("/hello", openapi_extra=query(name="Whom to greet"))
async def hello(args: QueryArgs) -> Greeting:
    """Greet `?name=`, or everybody."""
    return Greeting(message=f"Hello, {args.get('name', 'World')}!")
