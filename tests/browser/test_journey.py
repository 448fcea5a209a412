"""A member's visit, in a real browser: the same whoever answers, and whoever takes over meanwhile.

One visit logs in, signs the guestbook, meets what is wrong, a flash and a rate limit, and logs out.
It is made once with everything on Flask, and what the browser saw then is what it has to see with
half of the routes native, with the other half native, and while the halves change places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect

from legacy_flask.seed import DEMO_EMAIL, DEMO_PASSWORD
from tests.servers.harness import Server, until, uvicorn

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

# Logs in on a legacy page, works and is logged out natively. A flash is made by one side and shown
# by the other, a token as well.
WORK = (
    "POST /guestbook",
    "POST /guestbook/entries",
    "GET /players/<int:player_id>/page",
    "POST /todos",
    "GET /fan-api/search",
    "POST /logout",
)
# The other half: logs in natively, and the rest is Flask's.
DOORS = ("GET /login", "POST /login", "GET /me", "GET /guestbook", "GET /todos")
EXAMPLES = {"GET /players/<int:player_id>/page": "GET /players/1/page"}
HALVES = {"worked natively": (WORK, DOORS), "logged in natively": (DOORS, WORK)}

FETCH = """async ([method, path, body, token]) => {
    const headers = {"Content-Type": "application/json"};
    if (token) headers["X-CSRFToken"] = token;
    const answer = await fetch(path, {method, headers, body: body && JSON.stringify(body)});
    return [answer.status, await answer.text()];
}"""


# It tells the second in which it was made.
TOKEN = re.compile(r'(?<=name="csrf_token" type="hidden" value=")[^"]+')


class Served:
    """The example on a real server, with a map that can be changed while it runs."""

    def __init__(self, server: Server, migration_map: Path, browser: Browser) -> None:
        self.url = f"http://127.0.0.1:{server.port}"
        self.browser = browser
        self._map = migration_map

    def move(self, native: tuple[str, ...]) -> None:
        """Make exactly these routes native, and wait until they are."""
        write(self._map, native)
        context = self.browser.new_context()

        def moved() -> bool:
            routes = context.request.get(f"{self.url}/_crossfade").json()["routes"]
            return {each["route"] for each in routes if each["stage"] == "native"} == set(native)

        until(moved, what="the move")
        context.close()


def write(path: Path, native: tuple[str, ...]) -> None:
    """Write the map."""
    lines = "".join(f'"{route}" = "native"\n' for route in native)
    head = '[gateway]\nserved_by_header = true\nstatus_path = "/_crossfade"\n[routes]\n'
    path.write_text(head + lines)


@contextmanager
def served(browser: Browser, folder: Path, native: tuple[str, ...]) -> Iterator[Served]:
    """Serve the example on a database of its own."""
    folder.mkdir()
    path = folder / "map.toml"
    write(path, native)
    env = {
        "CROSSFADE_TEST_MAP": str(path),
        "DATABASE_URL": f"sqlite:///{folder}/club.db",
        "UPLOAD_DIR": str(folder / "uploads"),
    }
    with uvicorn("tests.browser.served:app", env=env, ready="/hello") as running:
        yield Served(running, path, browser)


@dataclass
class Seen:
    """All that the browsers of one visit saw.

    Attributes:
        shown: what stood on each page, and what each script got, in order.
        answers: each answer's status and head, in order, by visitor.
        sides: who answered each method and path.
    """

    shown: list[Any] = field(default_factory=list)
    answers: dict[str, list[Any]] = field(default_factory=dict)
    sides: dict[str, set[str]] = field(default_factory=dict, compare=False)

    def side_of(self, route: str) -> set[str]:
        """Return who answered a route."""
        path = EXAMPLES.get(route, route)
        found = (who for line, who in self.sides.items() if line.partition("?")[0] == path)
        return set().union(*found)


class Visitor:
    """A browser of its own."""

    def __init__(self, name: str, served: Served, seen: Seen) -> None:
        self._url = served.url
        self.context: BrowserContext = served.browser.new_context(base_url=served.url)
        self.seen = seen
        self._answers = seen.answers.setdefault(name, [])
        self.context.on("response", self._note)
        self.page = self.tab()

    def tab(self) -> Page:
        """Open another tab."""
        page = self.context.new_page()
        page.set_default_timeout(30_000)
        return page

    def _note(self, response: Response) -> None:
        if response.request.resource_type not in {"document", "fetch"}:
            return
        line = f"{response.request.method} {response.url.removeprefix(self._url)}"
        self.seen.sides.setdefault(line, set()).add(response.headers["x-served-by"])
        # Names and attributes; the value of a session tells the second in which it was signed.
        set_cookies = [
            each["value"].partition("=")[0] + "; " + each["value"].partition(";")[2].strip()
            for each in response.headers_array()
            if each["name"].lower() == "set-cookie"
        ]
        kept = {
            name: value
            for name, value in response.headers.items()
            if name in {"content-type", "location", "vary", "x-api-version", "x-ratelimit-limit"}
        }
        self._answers.append((line, response.status, kept, set_cookies))

    def look(self, page: Page | None = None) -> str:
        """Note what is on the page, and the browser's cookies."""
        page = page or self.page
        html = TOKEN.sub("", page.content())
        cookies = [
            {name: value for name, value in cookie.items() if name not in {"value", "expires"}}
            for cookie in self.context.cookies()
        ]
        self.seen.shown.append((page.url.removeprefix(self._url), html, cookies))
        return page.locator("body").inner_text()

    def open(self, path: str) -> str:
        """Go somewhere, and look."""
        self.page.goto(path)
        return self.look()

    def press(self, button: str, page: Page | None = None) -> str:
        """Press a form's button, and look at the page that comes."""
        page = page or self.page
        with page.expect_navigation():
            page.get_by_role("button", name=button).click()
        return self.look(page)

    def sign(self, author: str, message: str, page: Page | None = None) -> str:
        """Fill in the guestbook's form and send it."""
        page = page or self.page
        page.get_by_label("Name").fill(author)
        page.get_by_label("Message").fill(message)
        return self.press("Sign", page)

    def token(self) -> str:
        """Return the token in the page's form."""
        return self.page.locator("input[name=csrf_token]").input_value()

    def fetch(self, method: str, path: str, body: Any = None, token: str = "") -> tuple[int, str]:
        """Do what a script on the page does, and note what it gets."""
        with self.page.expect_response(self._url + path):
            status, text = self.page.evaluate(FETCH, [method, path, body, token])
        self.seen.shown.append((method, path, status, text))
        return status, text


def visit(served: Served, halfway: Callable[[], None] = lambda: None) -> Seen:
    """Make the visit; return all that the browser saw, and who answered what."""
    seen = Seen()
    ada = Visitor("Ada", served, seen)

    log_in(ada)
    # The form: what is wrong with it, then thanks, once.
    ada.open("/guestbook")
    assert "Please write something." in ada.sign("Ada", " ")
    expect(ada.page.get_by_label("Name")).to_have_value("Ada")
    assert "Thank you, Ada!" in ada.sign("Ada", "Notes <G>\nfrom a fan")
    assert "Thank you" not in ada.open("/guestbook")
    # Scripts on the page.
    entry = {"author": "Ada's script", "message": "Hello"}
    assert ada.fetch("POST", "/guestbook/entries", entry)[0] == 400
    assert ada.fetch("POST", "/guestbook/entries", entry, ada.token())[0] == 201
    for _ in range(3):
        assert ada.fetch("GET", "/fan-api/search?q=mia")[0] == 200
    old_tab = ada.tab()
    old_tab.goto("/guestbook")

    halfway()

    # The token and the counter of the first half are good, and go on, in the second.
    assert ada.fetch("POST", "/guestbook/entries", entry, ada.token())[0] == 201
    assert ada.fetch("POST", "/todos", {"title": "Frame the notes"})[0] == 201
    statuses = [ada.fetch("GET", "/fan-api/search?q=mia")[0] for _ in range(4)]
    assert statuses == [200, 200, 429, 429]
    ada.open("/")
    ada.page.get_by_role("link", name="Mia Hamm").click()
    assert "Plays for Rovers" in ada.look()

    another_browser(served, ada)
    log_out(ada, old_tab)
    return seen


def log_in(ada: Visitor) -> None:
    """With a wrong password, then with the right one."""
    assert "Log in first" in ada.open("/me")
    ada.open("/login")
    for password in "wrong", DEMO_PASSWORD:
        ada.page.get_by_label("E-mail").fill(DEMO_EMAIL)
        ada.page.get_by_label("Password").fill(password)
        ada.press("Log in")
    assert ada.page.url.endswith("/me")
    assert DEMO_EMAIL in ada.page.locator("body").inner_text()


def another_browser(served: Served, ada: Visitor) -> None:
    """Somebody else posts Ada's token: it is not theirs."""
    ada.open("/guestbook")
    eve = Visitor("Eve", served, ada.seen)
    eve.open("/guestbook")
    fill = "(input, token) => { input.value = token }"
    eve.page.locator("input[name=csrf_token]").evaluate(fill, ada.token())
    assert "The CSRF tokens do not match." in eve.sign("Eve", "Ada's token")
    assert eve.fetch("POST", "/guestbook/entries", {}, ada.token())[0] == 400
    assert "Log in first" in eve.open("/me")
    eve.context.close()


def log_out(ada: Visitor, old_tab: Page) -> None:
    """The login is over at once; a form that was open stays good, until its session is gone."""
    assert "Log in" in ada.press("Log out")
    assert "Log in first" in ada.open("/me")
    assert "Thank you, Nobody!" in ada.sign(
        "Nobody", "Flask-WTF's session outlives a login", old_tab
    )
    ada.context.clear_cookies()
    assert "The CSRF session token is missing." in ada.sign("Nobody", "Too late", old_tab)
    assert "Too late" not in ada.open("/guestbook")
    ada.fetch("GET", "/todos")
    ada.context.close()


@pytest.fixture(scope="module")
def reference(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Return what a browser sees where Flask answers everything."""
    with served(browser, tmp_path_factory.mktemp("reference") / "club", ()) as club:
        seen = visit(club)
    assert set.union(*seen.sides.values()) == {"flask"}
    return seen


@pytest.mark.parametrize("native", HALVES.values(), ids=HALVES)
def test_half_of_the_routes(
    browser: Browser,
    tmp_path: Path,
    reference: Seen,
    native: tuple[tuple[str, ...], tuple[str, ...]],
) -> None:
    """A visit across both sides is a visit to Flask."""
    with served(browser, tmp_path / "club", native[0]) as club:
        seen = visit(club)
    assert seen == reference
    for half, side in zip(native, ({"fastapi"}, {"flask"}), strict=True):
        for route in half:
            assert seen.side_of(route) == side, route


def test_the_halves_change_places(browser: Browser, tmp_path: Path, reference: Seen) -> None:
    """Who is in the middle of a visit notices no move: login, token and counter go on."""
    with served(browser, tmp_path / "club", DOORS) as club:
        seen = visit(club, halfway=lambda: club.move(WORK))
    assert seen == reference
    for route in "POST /guestbook/entries", "GET /fan-api/search", "GET /guestbook", "GET /me":
        assert seen.side_of(route) == {"flask", "fastapi"}, route
