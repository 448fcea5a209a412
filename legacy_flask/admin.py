"""Flask-Admin: the club's tables at `/admin/`, for members who are logged in."""

from __future__ import annotations

from typing import Any

from flask import Flask, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_admin import Admin, AdminIndexView  # type: ignore[import-untyped]
from flask_admin.contrib.sqla import ModelView  # type: ignore[import-untyped]
from flask_login import current_user  # type: ignore[import-untyped]

from legacy_flask.extensions import db
from legacy_flask.models import Match, Team


class MembersOnly:
    """What every page of the administration asks first."""

    def is_accessible(self) -> bool:
        """Return whether the page is shown."""
        return bool(current_user.is_authenticated)

    def inaccessible_callback(self, name: str, **kwargs: Any) -> ResponseReturnValue:
        """Send those who are not logged in to the form, and back when they are."""
        return redirect(url_for("auth.login_form", next=request.path))


class Home(MembersOnly, AdminIndexView):  # type: ignore[misc]
    """The first page."""


class TableView(MembersOnly, ModelView):  # type: ignore[misc]
    """The pages of one table. Their forms bring Flask-WTF's token, by Flask-Admin's templates."""


class TeamView(TableView):
    """Teams."""

    column_list = ("id", "name", "city", "founded")
    form_columns = ("name", "city", "founded")


class MatchView(TableView):
    """Matches, the teams by their names."""

    column_list = ("id", "home.name", "away.name", "played", "home_goals", "away_goals")
    form_columns = ("home", "away", "played", "home_goals", "away_goals")


def init_app(app: Flask) -> None:
    """Put the pages below `/admin/`. After `forms.init_app`, so that their forms are protected."""
    admin = Admin(app, name="The club", index_view=Home())
    admin.add_view(TeamView(Team, db, endpoint="admin_teams", url="teams"))
    admin.add_view(MatchView(Match, db, endpoint="admin_matches", url="matches"))
