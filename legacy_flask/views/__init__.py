"""The routes, one blueprint per subject."""

from __future__ import annotations

from legacy_flask.views import (
    auth,
    basket,
    club,
    dashboard,
    fans,
    feed,
    fees,
    files,
    guestbook,
    hello,
    mail,
    matches,
    members,
    pages,
    quotes,
    referees,
    shop,
    todos,
    tokens,
    users,
    venues,
)

__all__ = ["BLUEPRINTS"]

BLUEPRINTS = (
    hello.blueprint,
    users.blueprint,
    club.blueprint,
    todos.blueprint,
    dashboard.blueprint,
    fans.blueprint,
    tokens.blueprint,
    auth.blueprint,
    members.blueprint,
    files.blueprint,
    feed.blueprint,
    shop.blueprint,
    pages.blueprint,
    matches.blueprint,
    mail.blueprint,
    basket.blueprint,
    guestbook.blueprint,
    guestbook.api,
    venues.blueprint,
    quotes.blueprint,
    referees.blueprint,
    fees.blueprint,
)
