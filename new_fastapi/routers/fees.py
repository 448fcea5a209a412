"""Referees' fees: FastAPI documents them by itself."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path
from flasgger import validate  # type: ignore[import-untyped]
from pydantic import BaseModel, Field

from crossfade import compat
from legacy_flask.views.fees import CLAIM, FEES
from new_fastapi.schemas import Error

router = APIRouter(prefix="/fees", tags=["fees"])


class Fee(BaseModel):
    """The fee of a level."""

    level: int
    fee: Annotated[int, Field(examples=[40])]


class Claim(BaseModel):
    """The matches to be paid."""

    level: Annotated[int, Field(ge=1, le=5)]
    matches: Annotated[int, Field(ge=1, le=50)]


class Total(BaseModel):
    """What is paid."""

    total: int


@router.get("/{level}", responses={404: {"model": Error}})
async def show_fee(level: Annotated[int, Path(description="From 1 to 5")]) -> Fee:
    """Show the fee of a level.

    A match's, in euros.
    """
    if level not in FEES:
        raise HTTPException(404, f"There is no level {level}")
    return Fee(level=level, fee=FEES[level])


async def claimed(data: Annotated[Any, compat.json()]) -> Claim:
    """Return the body that `@swag_from(CLAIM, validation=True)` would have let pass."""
    validate(data, specs=CLAIM)  # its texts are those of the package jsonschema
    return Claim.model_validate(data)


@router.post("", openapi_extra=compat.json_body(Claim))
async def claim(claim: Annotated[Claim, Depends(claimed)]) -> Total:
    """Claim the fees of some matches."""
    return Total(total=FEES[claim.level] * claim.matches)
