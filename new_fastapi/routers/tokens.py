"""Tokens for the fans' own applications: OAuth2's password flow, as `/docs` speaks it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from crossfade.compat import form, form_body
from new_fastapi.compat.responses import no_content
from new_fastapi.dependencies import CurrentSettings, Session
from new_fastapi.routers.auth import authenticate
from new_fastapi.schemas import AccessToken, Contact, Profile, Tokens
from new_fastapi.tokens import Token, TokenRefused, blocklist, issue, token_required

Email = Annotated[str, Field(examples=["ada@example.com"])]
Password = Annotated[str, Field(examples=["engine-no-1"])]

router = APIRouter(prefix="/fan-api", tags=["tokens"])


@router.post(
    "/token",
    response_model=Tokens,
    openapi_extra=form_body(required=("username", "password"), username=Email, password=Password),
)
async def token(
    username: Annotated[str, form("username", default="")],
    password: Annotated[str, form("password", default="")],
    session: Session,
    settings: CurrentSettings,
) -> object:
    """Return an access token and a refresh token for an e-mail address and its password."""
    member = await authenticate(username, password, session)
    if member is None:
        raise TokenRefused(401, "Wrong e-mail address or password")
    return {
        "access_token": issue(member.user, "access", settings.tokens, fresh=True),
        "refresh_token": issue(member.user, "refresh", settings.tokens),
        "token_type": "bearer",
    }


@router.post("/refresh", response_model=AccessToken)
async def refresh(
    token: Annotated[Token, Depends(token_required("refresh"))], settings: CurrentSettings
) -> object:
    """Return a new access token for a refresh token; it is not fresh."""
    access_token = issue(token.user, "access", settings.tokens)
    return {"access_token": access_token, "token_type": "bearer"}


@router.delete("/token", status_code=204)
async def revoke(
    token: Annotated[Token, Depends(token_required(None))], settings: CurrentSettings
) -> Response:
    """Revoke the token with which this is asked, of either type."""
    await run_in_threadpool(blocklist(settings.tokens).add, token.claims["jti"])
    return no_content()


@router.get("/profile", response_model=Profile)
async def profile(token: Annotated[Token, Depends(token_required())]) -> object:
    """Return whose token this is."""
    return {"id": token.user.id, "name": token.user.name, "role": token.claims["role"]}


@router.get("/contact", response_model=Contact)
async def contact(token: Annotated[Token, Depends(token_required(fresh=True))]) -> object:
    """Return what only a token of somebody who has just typed their password shows."""
    return {"email": token.user.email}
