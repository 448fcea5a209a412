"""A basket that is kept in Flask's session, wherever sessions are kept."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from fastapi import APIRouter, Depends, Response
from flask.sessions import SessionMixin
from pydantic import BaseModel, PlainValidator

from crossfade.compat import Session
from legacy_flask.views.basket import KITS
from new_fastapi.compat.openapi import json_body
from new_fastapi.compat.requests import RequestModel
from new_fastapi.compat.responses import no_content
from new_fastapi.dependencies import body
from new_fastapi.schemas import Boolean, Error
from new_fastapi.stored_sessions import StoredSession

router = APIRouter(prefix="/basket", tags=["basket"])


def _kit(value: object) -> object:
    if not isinstance(value, str) or value not in KITS:
        raise ValueError("not a kit")
    return value


def _count(value: object) -> object:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 99:
        raise ValueError("not a number from 1 to 99")
    return value


class NewItem(RequestModel):
    """What to put into the basket, and whether to remember it past this visit."""

    problems: ClassVar[dict[str, str]] = {
        "kit": "kit must be one of shirt, shorts, socks",
        "count": "count must be a number from 1 to 99",
        "keep": "keep must be true or false",
    }

    kit: Annotated[
        str, PlainValidator(_kit, json_schema_input_type=Literal["shirt", "shorts", "socks"])
    ]
    count: Annotated[int, PlainValidator(_count, json_schema_input_type=int)] = 1
    keep: Boolean = False


class Basket(BaseModel):
    """The basket."""

    items: dict[str, int]
    kept: bool


class Size(BaseModel):
    """How many things are in the basket."""

    size: int


def basket_json(session: SessionMixin) -> object:
    """Return what the API shows of the basket."""
    return {"items": session.get("basket", {}), "kept": session.permanent}


@router.get("", response_model=Basket)
async def show_basket(session: Session) -> object:
    """Return the basket."""
    return basket_json(session)


@router.get("/size", response_model=Size)
async def basket_size(session: StoredSession) -> object:
    """Return how many things are in the basket, without Flask."""
    return {"size": sum(session.get("basket", {}).values())}


@router.post(
    "",
    status_code=201,
    response_model=Basket,
    responses={code: {"model": Error} for code in (400, 413, 415)},
    openapi_extra=json_body(NewItem),
)
async def fill_basket(new: Annotated[NewItem, Depends(body(NewItem))], session: Session) -> object:
    """Put something into the basket."""
    basket = session.setdefault("basket", {})
    basket[new.kit] = basket.get(new.kit, 0) + new.count
    session.modified = True  # a session does not see what changes inside of its values
    if new.keep:
        session.permanent = True
    return basket_json(session)


@router.delete("", status_code=204)
async def empty_basket(session: Session) -> Response:
    """Forget everything that the session knows, a login included."""
    session.clear()
    return no_content()
