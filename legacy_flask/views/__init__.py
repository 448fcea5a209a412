"""The routes, one blueprint per subject."""

from __future__ import annotations

from legacy_flask.views import (
    auth,
    club,
    dashboard,
    feed,
    files,
    guestbook,
    hello,
    mail,
    matches,
    pages,
    shop,
    todos,
    users,
)

__all__ = ["BLUEPRINTS"]

BLUEPRINTS = (
    hello.blueprint,
    users.blueprint,
    club.blueprint,
    todos.blueprint,
    dashboard.blueprint,
    auth.blueprint,
    files.blueprint,
    feed.blueprint,
    shop.blueprint,
    pages.blueprint,
    matches.blueprint,
    mail.blueprint,
    guestbook.blueprint,
    guestbook.api,
)
