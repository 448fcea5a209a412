"""SQLAdmin: the club's tables at `/backoffice/`, for members who are logged in with Flask."""

from __future__ import annotations

from urllib.parse import urlsplit

from anyio.to_thread import run_sync
from fastapi import FastAPI
from flask_login import (  # type: ignore[import-untyped]
    current_user,
    login_user,
    logout_user,
)
from sqladmin import Admin, ModelView
from sqladmin.authentication import AuthenticationBackend
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from legacy_flask.login import authenticate
from legacy_flask.models import Match, Team

PREFIX = "/backoffice"


class FlaskLogin(AuthenticationBackend):
    """Flask's login, in Flask's session: the mount's lines in the map borrow it."""

    def __init__(self) -> None:
        # Not the parent's: its session is Starlette's own, by a cookie of the same name.
        self.middlewares = []

    async def login(self, request: Request) -> bool:
        """Log in by the form, for both sides."""
        form = await request.form()
        email, password = str(form.get("username", "")), str(form.get("password", ""))
        return await run_sync(_log_in, email, password)

    async def logout(self, request: Request) -> bool:
        """Log out, for both sides."""
        logout_user()
        return False

    async def authenticate(self, request: Request) -> Response | bool:
        """Return whether a member is logged in; SQLAdmin sends others to its form."""
        if request.method not in {"GET", "HEAD"} and is_from_elsewhere(request):
            return PlainTextResponse("This form is not ours", 403)
        # In a thread: Flask-Login's user comes from the database.
        return await run_sync(lambda: bool(current_user.is_authenticated))


def is_from_elsewhere(request: Request) -> bool:
    """Return whether a page of another site sent this; SQLAdmin's forms have no token."""
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host")


def _log_in(email: str, password: str) -> bool:
    member = authenticate(email, password)
    return member is not None and bool(login_user(member))


class TeamPages(ModelView, model=Team):
    """Teams."""

    column_list = (Team.id, Team.name, Team.city, Team.founded)
    form_columns = (Team.name, Team.city, Team.founded)


class MatchPages(ModelView, model=Match):
    """Matches, the teams by their names."""

    name_plural = "Matches"
    column_list = (
        Match.id,
        "home.name",
        "away.name",
        Match.played,
        Match.home_goals,
        Match.away_goals,
    )
    form_columns = (Match.home, Match.away, Match.played, Match.home_goals, Match.away_goals)


def mount_backoffice(app: FastAPI) -> async_sessionmaker[AsyncSession]:
    """Mount the pages; return what makes their sessions, to be bound when the database is open."""
    sessions = async_sessionmaker[AsyncSession]()
    admin = Admin(
        app,
        session_maker=sessions,
        base_url=PREFIX,
        title="The club",
        authentication_backend=FlaskLogin(),
    )
    admin.add_view(TeamPages)
    admin.add_view(MatchPages)
    return sessions
