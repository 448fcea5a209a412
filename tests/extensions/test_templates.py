"""Jinja, `url_for` and flashes: one template, whoever renders it; one message, shown once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import flask
import httpx
import pytest
from fastapi import APIRouter, Request
from fastapi.responses import Response
from fastapi.templating import Jinja2Templates
from flask import Flask
from sqlalchemy import select

from crossfade import mount_legacy
from legacy_flask.models import GuestbookEntry
from legacy_flask.seed import reset_data
from new_fastapi import Settings
from new_fastapi import create_app as create_native_app
from new_fastapi.dependencies import Session
from new_fastapi.forms import GuestbookForm, empty
from tests.example.native_client import serve
from tests.extensions.conftest import Gateway, client_of
from tests.extensions.guestbook import FORM, PAGE, answer, flashes_of, token_of, without_token

PLAYER = "GET /players/<int:player_id>/page"


def sign(client: httpx.Client, author: str = "Bo") -> httpx.Response:
    """Sign the guestbook, with the token of a page that shows what was flashed before."""
    token = token_of(client.get("/guestbook"))
    return client.post("/guestbook", data={"author": author, "message": "Hi", "csrf_token": token})


# --- flashes --------------------------------------------------------------------------------------

WAYS = {
    "flask to flask": ((), ()),
    "flask to fastapi": ((PLAYER,), ()),
    "flask to fastapi alone": ((), (PLAYER,)),
    "fastapi to flask": ((FORM,), ()),
    "fastapi to fastapi": ((FORM, PLAYER), ()),
    "fastapi alone to flask": ((), (FORM,)),
    "fastapi alone to both": ((PLAYER,), (FORM,)),
    "fastapi alone to itself": ((), (FORM, PLAYER)),
}


@pytest.mark.parametrize(("native", "alone"), WAYS.values(), ids=WAYS)
def test_a_flash_is_shown_once(
    gateway: Gateway, native: Sequence[str], alone: Sequence[str]
) -> None:
    """By whichever page comes first; what else is in the session stays."""
    client = gateway(*native, without_flask=alone)
    token = token_of(client.get("/guestbook"))
    for author in "Bo", "Zoë <3":
        client.post("/guestbook", data={"author": author, "message": "Hi", "csrf_token": token})
    page = client.get("/players/1/page")
    assert page.headers["x-served-by"] == ("fastapi" if PLAYER in (*native, *alone) else "flask")
    thanks = [("success", "Thank you, Bo!"), ("success", "Thank you, Zoë <3!")]
    assert flashes_of(page) == thanks
    assert flashes_of(client.get("/players/1/page")) == []
    again = {"author": "Bo", "message": "Hi", "csrf_token": token}
    assert client.post("/guestbook", data=again).status_code == 302


def test_an_error_page_shows_it_too(gateway: Gateway) -> None:
    """Whoever raises, and whoever renders what was raised."""
    for client in gateway(), gateway(PLAYER), gateway(without_flask=[PLAYER]):
        sign(client)
        missing = client.get("/players/9/page")
        assert (missing.status_code, flashes_of(missing)) == (404, [("success", "Thank you, Bo!")])
        assert flashes_of(client.get("/players/1/page")) == []


def test_a_page_that_shows_nothing_takes_nothing(gateway: Gateway) -> None:
    """JSON in between leaves the message where it is."""
    for client in gateway(FORM), gateway(FORM, "GET /hello", "GET /me"):
        sign(client)
        client.get("/hello")
        client.get("/me")
        assert flashes_of(client.get("/")) == [("success", "Thank you, Bo!")]


# --- one template, both sides ---------------------------------------------------------------------

LOGIN = "GET /login"
PATHS = ["/players/1/page", "/players/3/page", "/players/9/page", "/guestbook", "/login?next=/me"]


def test_the_same_bytes(gateway: Gateway, legacy: Flask) -> None:
    """Links, escapes, errors, messages: Flask's page, and its headers, by both ways to render."""
    alone = gateway(LOGIN, without_flask=[PLAYER, PAGE])
    clients = gateway(), gateway(PLAYER, PAGE, LOGIN), alone
    for path in PATHS:
        seen = []
        for client in clients:
            reset_data(legacy)
            sign(client)
            seen.append([answer(client.get(path)) for _ in range(2)])
        assert seen[0] == seen[1] == seen[2], path
        assert seen[0][0] != seen[0][1], path  # with the message, without it


def test_below_a_prefix(legacy: Flask, tmp_path: Path) -> None:
    """Links to either side's endpoints keep the prefix that the server mounts the gateway under."""
    pages = []
    for number, native in enumerate(("", f'"{PAGE}" = "native"\n')):
        path = tmp_path / f"prefix{number}.toml"
        path.write_text(f"[gateway]\nserved_by_header = true\n[routes]\n{native}")
        app = create_native_app(Settings.load(legacy.config))
        mount_legacy(app, legacy, migration_map=path)
        with serve(app, root_path="/club") as client:
            pages.append(client.get("/club/guestbook"))
    assert [page.headers["x-served-by"] for page in pages] == ["flask", "fastapi"]
    assert without_token(pages[0]) == without_token(pages[1])
    for link in 'href="/club/static/', 'action="/club/guestbook"', 'action="/club/logout"':
        assert link in pages[1].text


# --- Starlette's templates in Flask's own environment ---------------------------------------------


def flasks_context(_request: Request) -> dict[str, Any]:
    """Return what Flask's context processors give to each template, but for Flask's request."""
    context: dict[str, Any] = {}
    flask.current_app.update_template_context(context)
    del context["request"]  # Starlette needs its own there
    return context


def router_with(legacy: Flask) -> APIRouter:
    """Return the guestbook's page, rendered by Starlette in the Flask application's environment."""
    templates = Jinja2Templates(env=legacy.jinja_env, context_processors=[flasks_context])
    router = APIRouter()

    async def page(request: Request, session: Session) -> Response:
        flask.g.shown = True  # the route borrows Flask
        entries = await session.scalars(select(GuestbookEntry).order_by(GuestbookEntry.id))
        context = {"form": empty(GuestbookForm).fields, "entries": entries.all()}
        return templates.TemplateResponse(request, "guestbook.html", context)

    router.add_api_route("/guestbook", page, methods=["GET"])
    return router


def test_flasks_environment_for_starlettes_templates(legacy: Flask, tmp_path: Path) -> None:
    """Flask's `url_for`, messages, token and context processors; the same page."""
    legacy.context_processor(lambda: {"title": "unused here"})
    path = tmp_path / "own.toml"
    path.write_text(f'[gateway]\nserved_by_header = true\n[routes]\n"{PAGE}" = "native"\n')
    app = create_native_app(Settings.load(legacy.config))
    routes = list(app.router.routes)
    app.router.routes.clear()
    app.include_router(router_with(legacy))
    app.router.routes.extend(routes)
    mount_legacy(app, legacy, migration_map=path)
    with client_of(app) as client:
        sign(client)
        page = client.get("/guestbook")
    assert page.headers["x-served-by"] == "fastapi"
    assert flashes_of(page) == [("success", "Thank you, Bo!")]
    own = legacy.test_client().get("/guestbook").get_data(as_text=True)
    assert page.text.partition("<ul")[0].count("\n") == own.partition("<ul")[0].count("\n") + 1
