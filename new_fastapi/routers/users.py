"""Users: list, read, create."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from legacy_flask.models import User
from new_fastapi.compat.openapi import json_body, query
from new_fastapi.dependencies import Page, Session, body, page
from new_fastapi.schemas import Error, NewUser, UserCreated, UserList, UserOut

router = APIRouter(prefix="/users", tags=["users"])


@router.get(
    "",
    response_model=UserList,
    openapi_extra=query(limit="1 to 100; 20 unless told", offset="How many to skip"),
)
async def list_users(session: Session, page: Annotated[Page, Depends(page)]) -> object:
    """Return a page of users."""
    users = await session.scalars(
        select(User).order_by(User.id).limit(page.limit).offset(page.offset)
    )
    total = await session.scalar(select(func.count()).select_from(User))
    return {"users": users.all(), "total": total}


@router.get("/{user_id}", response_model=UserOut, responses={404: {"model": Error}})
async def get_user(user_id: int, session: Session) -> User:
    """Return one user."""
    user = await session.get(User, user_id)
    if user is None:
        raise HTTPException(404, f"User {user_id} not found")
    return user


@router.post(
    "",
    status_code=201,
    response_model=UserCreated,
    responses={code: {"model": Error} for code in (400, 409, 413, 415)},
    openapi_extra=json_body(NewUser),
)
async def create_user(
    new: Annotated[NewUser, Depends(body(NewUser))],
    session: Session,
    request: Request,
    response: Response,
) -> object:
    """Create a user; each e-mail address can register once."""
    user = User(**new.model_dump())
    session.add(user)
    try:
        await session.commit()
    except IntegrityError as error:
        raise HTTPException(409, f"{new.email} is already registered") from error
    response.headers["Location"] = f"{request.scope.get('root_path', '')}/users/{user.id}"
    return {"user": user}
