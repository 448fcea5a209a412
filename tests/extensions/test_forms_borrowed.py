"""The day a form moves: its FlaskForm comes along; and routes that CSRFProtect does not see."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import Response
from flask import Flask, redirect, url_for
from sqlalchemy import select

from crossfade import mount_legacy
from crossfade.compat import Flash, FlaskResponse, render_template
from legacy_flask.extensions import db
from legacy_flask.forms import GuestbookForm
from legacy_flask.models import GuestbookEntry
from legacy_flask.seed import reset_data
from new_fastapi import Settings
from new_fastapi import create_app as create_native_app
from new_fastapi.csrf import check_csrf
from tests.extensions.conftest import Gateway, client_of
from tests.extensions.guestbook import FORM, PAGE, answer, entries, flashes_of, token_of

router = APIRouter()


@router.api_route("/guestbook", methods=["GET", "POST"])
def guestbook(flash: Flash) -> Response:
    """Show the entries and the form; add what it was filled in with."""
    form = GuestbookForm()
    if form.validate_on_submit():
        db.session.add(GuestbookEntry(author=form.author.data, message=form.message.data))
        db.session.commit()
        flash(f"Thank you, {form.author.data}!", "success")
        return FlaskResponse(redirect(url_for("guestbook.guestbook")))
    entries = db.session.scalars(select(GuestbookEntry).order_by(GuestbookEntry.id)).all()
    return render_template("guestbook.html", form=form, entries=entries)


only_here = APIRouter()


@only_here.post("/only-here/open")
async def passed_over() -> dict[str, str]:
    """Flask has no such URL, so CSRFProtect passes it over."""
    return {"status": "done"}


@only_here.post("/only-here/checked", dependencies=[Depends(check_csrf)])
async def checked() -> dict[str, str]:
    """The check is the route's own."""
    return {"status": "done"}


@pytest.fixture
def native(legacy: Flask, tmp_path: Path) -> Iterator[httpx.Client]:
    """Return a client of a gateway whose form is a native route with the FlaskForm."""
    app = FastAPI()
    app.include_router(router)
    with served(app, legacy, tmp_path, PAGE, FORM) as client:
        yield client


def served(
    app: FastAPI, legacy: Flask, folder: Path, *routes: str
) -> AbstractContextManager[httpx.Client]:
    """Serve a gateway of two applications."""
    lines = "".join(f'"{route}" = "native"\n' for route in routes)
    path = folder / "borrowed.toml"
    path.write_text(f"[gateway]\nserved_by_header = true\n[routes]\n{lines}")
    mount_legacy(app, legacy, migration_map=path)
    return client_of(app)


FORMS: list[dict[str, str]] = [
    {},
    {"author": "Bo"},
    {"author": "x" * 41, "message": "<b>"},
    {"author": "Bo", "message": "Hi"},
]


def test_the_flask_form_comes_along(native: httpx.Client, legacy: Flask, gateway: Gateway) -> None:
    """Fields, messages, token: nothing of it knows that it has moved."""
    flask = gateway()
    for fields in FORMS:
        for tokens in True, False:
            seen = []
            for client in flask, native:
                reset_data(legacy)
                token = token_of(client.get("/guestbook"))
                sent = {**fields, "csrf_token": token} if tokens else fields
                posted = client.post("/guestbook", data=sent)
                seen.append((answer(posted), entries(legacy), answer(client.get("/guestbook"))))
            assert posted.headers["x-served-by"] == "fastapi"
            assert seen[0] == seen[1], (fields, tokens)
    assert flashes_of(native.get("/guestbook")) == []


def test_routes_that_only_fastapi_has(legacy: Flask, tmp_path: Path) -> None:
    """CSRFProtect passes over a URL that Flask doesn't know; `check_csrf` does not."""
    app = create_native_app(Settings.load(legacy.config))
    app.include_router(only_here)
    routes = "POST /only-here/open", "POST /only-here/checked"
    with served(app, legacy, tmp_path, *routes) as client:
        assert client.post("/only-here/open").status_code == 200
        refused = client.post("/only-here/checked")
        assert refused.json() == {"error": "The CSRF token is missing."}
        token = token_of(client.get("/guestbook"))
        checked = client.post("/only-here/checked", headers={"X-CSRFToken": token})
        assert checked.status_code == 200
        assert client.post("/only-here/checked", data={"csrf_token": token}).status_code == 200


@pytest.mark.parametrize("enabled", [True, False])
def test_the_switch_for_tests(legacy: Flask, tmp_path: Path, enabled: bool) -> None:
    """WTF_CSRF_ENABLED = False, as many test suites have it, counts for native routes too."""
    legacy.config["WTF_CSRF_ENABLED"] = enabled
    app = create_native_app(Settings.load(legacy.config))
    with served(app, legacy, tmp_path, PAGE, FORM, "POST /guestbook/entries") as client:
        entry = {"author": "Bo", "message": "Hi"}
        script = client.post("/guestbook/entries", json=entry)
        form = client.post("/guestbook", data=entry)
    assert (script.status_code, form.status_code) == ((400, 400) if enabled else (201, 302))
