"""Flask-Login's session and cookie on a route with `hooks = "none"`: read as Flask-Login does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask
from sqlalchemy import delete

from crossfade import mount_legacy
from legacy_flask.extensions import db
from legacy_flask.models import User
from legacy_flask.seed import DEMO_EMAIL, DEMO_PASSWORD
from new_fastapi import Settings
from new_fastapi import create_app as create_native_app
from tests.extensions.conftest import Gateway, client_of

# Flask-Login 0.6 dates its cookie in a way that Python 3.12 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

ADA = {"email": DEMO_EMAIL, "password": DEMO_PASSWORD}
URL = "/members/locker"


@pytest.fixture
def sides(legacy: Flask, gateway: Gateway, tmp_path: Path) -> Iterator[list[httpx.Client]]:
    """Return two browsers: for one Flask serves the locker, for the other FastAPI alone."""
    path = tmp_path / "without.toml"
    guards = 'guards = ["login_required"]'  # the handler's own, by another name
    path.write_text(f'[routes]\n"GET {URL}" = {{ stage = "native", hooks = "none", {guards} }}\n')
    app = create_native_app(Settings.load(legacy.config))
    mount_legacy(app, legacy, migration_map=path)
    with client_of(app) as client:
        yield [gateway(), client]


def told(answer: httpx.Response, legacy: Flask) -> object:
    """Return what a client sees, the session's cookie by its content."""
    interface: Any = legacy.session_interface
    signer = interface.get_signing_serializer(legacy)
    headers = []
    for name, value in answer.headers.multi_items():
        if name == "set-cookie" and value.startswith("session="):
            content, _, attributes = value.removeprefix("session=").partition(";")
            value = f"{signer.loads(content)};{attributes}"
        if name not in ("date", "server", "x-served-by"):
            headers.append((name, value))
    return answer.status_code, sorted(headers), answer.content


def log_in(client: httpx.Client) -> None:
    """Open a session and have the browser remembered."""
    assert client.post("/login", data={**ADA, "remember": "on"}).status_code == 302


def forget_session(client: httpx.Client) -> None:
    """Close the browser."""
    log_in(client)
    client.cookies.delete("session")


def forge_cookie(client: httpx.Client) -> None:
    """Write another id into the cookie that remembers."""
    forget_session(client)
    value = client.cookies["remember_token"]
    client.cookies.clear()
    client.cookies.set("remember_token", value.replace("1|", "2|", 1), domain=client.base_url.host)


def forge_session(client: httpx.Client) -> None:
    """Write a session that nobody signed."""
    forged = "eyJfdXNlcl9pZCI6IjEifQ.aaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaa"
    client.cookies.set("session", forged, domain=client.base_url.host)


def another_browser(client: httpx.Client) -> None:
    """Take the session elsewhere."""
    log_in(client)
    client.headers["user-agent"] = "another browser"


def another_address(client: httpx.Client) -> None:
    """Come from elsewhere, by a proxy."""
    log_in(client)
    client.headers["x-forwarded-for"] = "10.0.0.1, 10.0.0.2"


def by_proxies(client: httpx.Client) -> None:
    """Come by the same proxies as before."""
    client.headers["x-forwarded-for"] = "10.0.0.1, 10.0.0.2"
    log_in(client)


def no_browser(client: httpx.Client) -> None:
    """Send no name of a browser."""
    del client.headers["user-agent"]
    log_in(client)


def log_out(client: httpx.Client) -> None:
    """End the session."""
    log_in(client)
    client.post("/logout")


VISITS: list[tuple[Callable[[httpx.Client], None], int]] = [
    (lambda client: None, 302),
    (log_in, 200),
    (forget_session, 200),
    (forge_cookie, 302),
    (forge_session, 302),
    (another_browser, 200),
    (another_address, 200),
    (by_proxies, 200),
    (no_browser, 200),
    (log_out, 302),
]


def test_the_same_visitor(sides: list[httpx.Client], legacy: Flask) -> None:
    """One answer, one session left behind, and the other pages know who it was."""
    for before, status in VISITS:
        seen = []
        for client in sides:
            client.cookies.clear()
            client.headers["user-agent"] = "a browser"
            client.headers.pop("x-forwarded-for", None)
            before(client)
            answers = [client.get(f"{URL}?a=%2F"), client.get(URL), client.get("/members/card")]
            assert (before, answers[0].status_code) == (before, status)
            seen.append([told(answer, legacy) for answer in answers])
        assert (before, seen[1]) == (before, seen[0])


def test_the_session_of_a_deleted_user_ends(sides: list[httpx.Client], legacy: Flask) -> None:
    """The cookies outlive the user; the login does not."""
    for client in sides:
        log_in(client)
    with legacy.app_context():
        db.session.execute(delete(User).where(User.id == 1))
        db.session.commit()
    answers = [told(client.get(URL), legacy) for client in sides]
    assert answers[0] == answers[1]
    assert sides[1].get(URL).status_code == 302
