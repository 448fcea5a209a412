"""Flask-Admin below `/admin/`, SQLAdmin below `/backoffice/`: one login, one database."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest
from flask import Flask, request
from werkzeug.exceptions import Forbidden

from legacy_flask.seed import DEMO_EMAIL, DEMO_PASSWORD
from tests.extensions.conftest import Gateway

BACKOFFICE = [f"{method} /backoffice/{{path:path}}" for method in ("GET", "POST", "DELETE")]
HOME_GOALS = re.compile(r'name="home_goals"[^>]*value="(\d+)"')


@pytest.fixture
def client(gateway: Gateway) -> httpx.Client:
    """Return a browser of somebody who is not logged in."""
    return gateway(*BACKOFFICE)


def by_flask(client: httpx.Client) -> None:
    """Log in at Flask's form."""
    form = {"email": DEMO_EMAIL, "password": DEMO_PASSWORD}
    assert client.post("/login", data=form).status_code == 302


def by_sqladmin(client: httpx.Client) -> None:
    """Log in at SQLAdmin's form."""
    form = {"username": DEMO_EMAIL, "password": DEMO_PASSWORD}
    answer = client.post("/backoffice/login", data=form)
    assert answer.headers["location"].endswith("/backoffice/")


def edit_in_flask_admin(client: httpx.Client, **changes: str) -> httpx.Response:
    """Send the form of match 1, as Flask-Admin filled it in."""
    page = client.get("/admin/matches/edit/?id=1")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    form = {"home": "1", "away": "2", "played": "2026-02-28", "home_goals": "2", "away_goals": "1"}
    form |= {"csrf_token": unescape(token[1]) if token else "", **changes}
    return client.post("/admin/matches/edit/?id=1", data=form)


def edit_in_sqladmin(client: httpx.Client, **changes: str) -> httpx.Response:
    """Send the form of match 1, as SQLAdmin filled it in."""
    form = {"home": "1", "away": "2", "played": "2026-02-28", "home_goals": "2", "away_goals": "1"}
    return client.post("/backoffice/match/edit/1", data={**form, "save": "Save", **changes})


@pytest.mark.parametrize("log_in", [by_flask, by_sqladmin])
def test_one_login_opens_both(client: httpx.Client, log_in: object) -> None:
    """Whichever side logs a member in, both let them in; whichever logs them out, both forget."""
    assert callable(log_in)
    assert client.get("/admin/teams/").headers["location"] == "/login?next=/admin/teams/"
    assert client.get("/backoffice/team/list").headers["location"].endswith("/backoffice/login")
    log_in(client)
    legacy, native = client.get("/admin/teams/"), client.get("/backoffice/team/list")
    assert (legacy.headers["x-served-by"], native.headers["x-served-by"]) == ("flask", "fastapi")
    for page in (legacy, native):
        assert page.status_code == 200
        assert "São Jorge" in page.text
    assert client.get("/me").json()["email"] == DEMO_EMAIL
    client.get("/backoffice/logout")
    assert client.get("/admin/teams/").status_code == 302
    assert client.get("/backoffice/team/list").status_code == 302
    by_flask(client)
    client.post("/logout")
    assert client.get("/backoffice/team/list").status_code == 302


def test_wrong_password(client: httpx.Client) -> None:
    """SQLAdmin shows its form again, and nobody is logged in."""
    form = {"username": DEMO_EMAIL, "password": "wrong"}
    answer = client.post("/backoffice/login", data=form)
    assert answer.status_code == 400
    assert "Invalid credentials" in answer.text
    assert client.get("/backoffice/").status_code == 302


def test_an_edit_of_one_is_seen_by_the_other(client: httpx.Client) -> None:
    """And by the routes of the API, on either side."""
    by_flask(client)
    assert edit_in_flask_admin(client, home_goals="5").status_code == 302
    page = client.get("/backoffice/match/edit/1").text
    assert HOME_GOALS.findall(page) == ["5"]
    assert edit_in_sqladmin(client, home_goals="7").status_code == 302
    assert HOME_GOALS.findall(client.get("/admin/matches/edit/?id=1").text) == ["7"]
    assert client.get("/matches/1").json()["home_goals"] == 7


def test_deleted_by_one_and_gone_for_the_other(client: httpx.Client) -> None:
    """DELETE is a line of its own in the map."""
    by_flask(client)
    answer = client.delete("/backoffice/match/delete?pks=3")
    assert (answer.status_code, answer.headers["x-served-by"]) == (200, "fastapi")
    assert client.get("/matches/3").status_code == 404
    assert "Sep" not in client.get("/admin/matches/").text
    assert client.get("/backoffice/match/details/3").status_code == 404


def test_refused_input_changes_nothing(client: httpx.Client) -> None:
    """A match of a team against itself, or without a day; a form without its token."""
    by_flask(client)
    assert edit_in_flask_admin(client, away="1").status_code == 200
    assert edit_in_flask_admin(client, csrf_token="").status_code == 400
    assert edit_in_sqladmin(client, away="1").status_code == 400
    assert edit_in_sqladmin(client, played="").status_code == 400
    assert client.get("/matches/1").json()["away"]["id"] == 2


def test_nothing_for_strangers(client: httpx.Client) -> None:
    """Every page asks; what changes something, too."""
    for path in ("", "match/list", "match/details/1", "match/edit/1", "match/export/csv"):
        assert client.get(f"/backoffice/{path}").status_code == 302
    refused = client.delete("/backoffice/match/delete?pks=1")
    for answer in (edit_in_sqladmin(client, home_goals="9"), refused):
        assert answer.headers["location"].endswith("/backoffice/login")
    assert client.get("/admin/matches/edit/?id=1").headers["location"].startswith("/login?")
    assert edit_in_flask_admin(client, home_goals="9").status_code == 400  # no token either
    assert client.get("/matches/1").json()["home_goals"] == 2


def test_forms_of_other_sites_are_refused(client: httpx.Client) -> None:
    """Flask-Admin's have a token; for SQLAdmin's the browser says which site sent them."""
    by_flask(client)
    client.headers["origin"] = "https://elsewhere.example"
    assert edit_in_sqladmin(client, home_goals="9").status_code == 403
    assert client.delete("/backoffice/match/delete?pks=1").status_code == 403
    client.headers["origin"] = str(client.base_url).rstrip("/")
    assert edit_in_sqladmin(client, home_goals="8").status_code == 302
    assert client.get("/matches/1").json()["home_goals"] == 8


def test_the_map_turned_round(gateway: Gateway) -> None:
    """Without the lines SQLAdmin isn't there; Flask-Admin is, whatever the map says."""
    client = gateway()
    by_flask(client)
    assert client.get("/backoffice/").status_code == 404
    assert client.get("/backoffice/").headers["x-served-by"] == "flask"
    assert client.get("/admin/").status_code == 200
    only_reads = gateway(BACKOFFICE[0])
    by_flask(only_reads)
    assert only_reads.get("/backoffice/match/edit/1").status_code == 200
    assert edit_in_sqladmin(only_reads).status_code == 404


def test_flasks_hooks_guard_the_backoffice(legacy: Flask, gateway: Gateway) -> None:
    """They see the whole URL: `/backoffice/login` is not the `/login` that they let pass."""
    seen = []

    @legacy.before_request
    def only_known_addresses() -> None:
        seen.append((request.path, request.endpoint))
        if request.endpoint != "auth.login_form" and "x-office" not in request.headers:
            raise Forbidden

    client = gateway(*BACKOFFICE)
    assert client.get("/login").status_code == 200
    assert client.get("/backoffice/login").status_code == 403
    assert client.get("/backoffice/login", headers={"x-office": "1"}).status_code == 200
    assert seen[1:] == [("/backoffice/login", None)] * 2


def test_static_files_of_both(client: httpx.Client) -> None:
    """Each brings its own."""
    assert client.get("/backoffice/statics/js/main.js").headers["x-served-by"] == "fastapi"
    page = client.get("/backoffice/login").text
    script = re.search(r'src="http://[^/]+(/backoffice/statics/[^"]+)"', page)
    assert script is not None
    assert client.get(script[1]).status_code == 200
    assert client.get("/backoffice/statics/none.js").status_code == 404
    by_flask(client)
    sheet = re.search(r'href="(/admin/static/[^"]+)"', client.get("/admin/").text)
    assert sheet is not None
    assert client.get(unescape(sheet[1])).status_code == 200
