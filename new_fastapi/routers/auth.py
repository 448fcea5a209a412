"""Log in, log out, who am I: Flask-Login's session, opened and read from FastAPI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import HTMLResponse, Response
from flask import redirect, url_for
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.concurrency import run_in_threadpool
from werkzeug.security import check_password_hash

from crossfade.compat import (
    CurrentUser,
    FlaskRequest,
    FlaskResponse,
    arg,
    jsonify,
    login_user,
    logout_user,
    render_template,
)
from legacy_flask.login import Member, local_path
from legacy_flask.models import User
from new_fastapi.compat.openapi import json_or_form
from new_fastapi.dependencies import Session
from new_fastapi.schemas import Error, LoggedInAs, LoginForm, UserOut

router = APIRouter(tags=["auth"])

Next = Annotated[str | None, arg("next", default=None, description="Where to go afterwards")]


@dataclass(frozen=True)
class Credentials:
    """What somebody logs in with, sent as a form or as JSON."""

    email: str
    password: str
    remember: bool
    as_json: bool


def credentials(request: FlaskRequest) -> Credentials:
    """Read the body as the Flask view does: bad JSON is its 400, a missing field is empty."""
    given = request.get_json() if request.is_json else request.form
    if not hasattr(given, "get"):
        raise HTTPException(400, "Request body must be a JSON object")
    return Credentials(
        email=str(given.get("email", "")),
        password=str(given.get("password", "")),
        remember=bool(given.get("remember")),
        as_json=request.is_json,
    )


async def authenticate(email: str, password: str, session: AsyncSession) -> Member | None:
    """Return the member with these credentials, or None. Hashing takes its time on a thread."""
    user = await session.scalar(select(User).where(User.email == email))
    if user is None or user.password_hash is None:
        return None
    is_right = await run_in_threadpool(check_password_hash, user.password_hash, password)
    return Member(user) if is_right else None


@router.get("/login", name="auth.login_form", response_class=HTMLResponse)
async def login_form(next: Next) -> Response:  # noqa: A002 - the name that Flask-Login gives it
    """Show the form."""
    return render_template("login.html", email="", problem=None, next=next)


@router.post(
    "/login",
    response_model=LoggedInAs,
    responses={302: {"description": "Logged in by the form"}, 401: {"model": Error}},
    openapi_extra=json_or_form(LoginForm),
)
async def login(
    given: Annotated[Credentials, Depends(credentials)],
    session: Session,
    next: Next,  # noqa: A002
) -> Response:
    """Start a session, which is good on legacy routes as well."""
    member = await authenticate(given.email, given.password, session)
    if member is None:
        problem = "Wrong e-mail address or password"
        if given.as_json:
            raise HTTPException(401, problem)
        return render_template("login.html", 401, email=given.email, problem=problem, next=next)
    await login_user(member, remember=given.remember)
    if given.as_json:
        return jsonify(status="logged in", user=UserOut.model_validate(member.user))
    return FlaskResponse(redirect(local_path(next) or url_for("auth.me")))


@router.post("/logout", status_code=302, response_class=Response)
async def logout() -> Response:
    """End the session, if there is one, and forget the browser."""
    await logout_user()
    return FlaskResponse(redirect(url_for("auth.login_form")))


@router.get("/me", name="auth.me", response_model=UserOut, responses={401: {"model": Error}})
async def me(user: CurrentUser) -> Any:
    """Return the user who is logged in."""
    if not user.is_authenticated:
        raise HTTPException(401, "Log in first")
    return user.user
