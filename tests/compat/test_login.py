"""Flask-Login on both sides: the same journeys give the same answers, whoever serves each route."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import flask
import flask_login  # type: ignore[import-untyped]
import pytest
from fastapi import FastAPI
from flask import Flask

from crossfade import compat
from crossfade.errors import CrossfadeError
from tests.asgi.kit import Answer, Mount, ask, flask_with

# Flask-Login 0.6 dates its cookie in a way that Python 3.12 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")

SIGNALS = (
    "user_logged_in",
    "user_logged_out",
    "user_loaded_from_cookie",
    "user_login_confirmed",
    "user_unauthorized",
    "user_needs_refresh",
    "session_protected",
)
ROUTES = ("POST /login", "POST /logout", "POST /confirm", "GET /me", "GET /fresh", "GET /admin")


class User(flask_login.UserMixin):  # type: ignore[misc]
    """A user, who may be inactive."""

    def __init__(self, name: str) -> None:
        self.id = name

    @property
    def is_active(self) -> bool:
        """Whether they may log in."""
        return self.id != "gone"


class Club:
    """A Flask application and its native counterpart, and what happened in them.

    Attributes:
        signals: Flask-Login's signals, in the order of their sending.
        on_loop: what ran on the thread of the event loop, where it would hold up everybody.
    """

    def __init__(self) -> None:
        self.signals: list[str] = []
        self.on_loop: list[str] = []
        self.legacy = Flask("club", static_folder=None)
        self.legacy.secret_key = "k"
        self.manager = flask_login.LoginManager(self.legacy)
        self.manager.user_loader(self.load)
        self.manager.login_view = "form"
        self.manager.refresh_view = "form"
        self.receivers = [self._receiver(name) for name in SIGNALS]
        self.app = FastAPI(openapi_url=None)
        add_legacy(self.legacy)
        add_native(self.app)

    def load(self, name: str) -> User | None:
        """Load a user: in real life from a database."""
        self.note("user_loader")
        return User(name) if name != "nobody" else None

    def note(self, what: str) -> None:
        """Remember what ran on the event loop."""
        if threading.current_thread() is threading.main_thread():
            self.on_loop.append(what)

    def _receiver(self, name: str) -> Callable[..., None]:
        def receive(_sender: object, **values: Any) -> None:
            self.note(name)
            self.signals.append(f"{name} {getattr(values.get('user'), 'id', '')}".strip())

        getattr(flask_login, name).connect(receive, self.legacy)
        return receive


def add_legacy(app: Flask) -> None:
    """Add the routes as Flask has them."""
    app.add_url_rule("/form", "form", lambda: "log in")

    @app.post("/login")
    def login() -> str:
        args = flask.request.args
        done = flask_login.login_user(
            User(args["as"]),
            remember="remember" in args,
            duration=timedelta(days=2) if "brief" in args else None,
            force="force" in args,
            fresh="stale" not in args,
        )
        return str(done)

    @app.post("/logout")
    def logout() -> str:
        return str(flask_login.logout_user())

    @app.post("/confirm")
    def confirm() -> str:
        flask_login.confirm_login()
        return "ok"

    @app.get("/me")
    @flask_login.login_required  # type: ignore[untyped-decorator]
    def me() -> str:
        return str(flask_login.current_user.id)

    @app.get("/fresh")
    @flask_login.fresh_login_required  # type: ignore[untyped-decorator]
    def fresh() -> str:
        return str(flask_login.current_user.id)

    @app.get("/admin")
    @flask_login.login_required  # type: ignore[untyped-decorator]
    def admin() -> str:
        if flask_login.current_user.id != "root":
            flask.abort(403, description="Only root may.")
        return "admin"


def add_native(app: FastAPI) -> None:
    """Add the same routes with `crossfade.compat`, every handler on the event loop."""

    @app.post("/login", response_model=None)
    @compat.flask_view
    async def login() -> str:
        args = flask.request.args
        done = await compat.login_user(
            User(args["as"]),
            remember="remember" in args,
            duration=timedelta(days=2) if "brief" in args else None,
            force="force" in args,
            fresh="stale" not in args,
        )
        return str(done)

    @app.post("/logout", response_model=None)
    @compat.flask_view
    async def logout() -> str:
        return str(await compat.logout_user())

    @app.post("/confirm", response_model=None)
    @compat.flask_view
    async def confirm() -> str:
        await compat.confirm_login()
        return "ok"

    @app.get("/me", response_model=None)
    @compat.flask_view
    async def me(user: compat.LoggedIn) -> str:
        return str(user.id)

    @app.get("/fresh", response_model=None)
    @compat.flask_view
    async def fresh(user: compat.FreshlyLoggedIn) -> str:
        return str(user.id)

    async def is_root(user: User) -> bool:
        return user.id == "root"

    @app.get(
        "/admin", response_model=None, dependencies=[compat.allowed(is_root, "Only root may.")]
    )
    @compat.flask_view
    async def admin() -> str:
        return "admin"


class Browser:
    """Keeps cookies, and writes down what it is told."""

    def __init__(self, club: Club, **headers: str) -> None:
        self.club = club
        self.headers = {"User-Agent": "a browser", **headers}
        self.cookies: dict[str, str] = {}
        self.told: list[object] = []

    def go(self, line: str) -> Answer:
        """Send `POST /login?as=ada`, or do what `drop NAME`, `agent NAME` says."""
        method, _, target = line.partition(" ")
        if method == "drop":
            self.cookies.pop(target, None)
            return Answer()
        if method == "agent":
            self.headers["User-Agent"] = target
            return Answer()
        sent = dict(self.headers)
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = ask(self.club.app, method, target, *sent.items())
        for cookie in answer.all("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
            if not value:
                del self.cookies[name]
        headers = sorted(
            (name, self.readable(value)) for name, value in answer.headers if name != "date"
        )
        self.told.append((line, answer.status, headers, answer.body))
        return answer

    def readable(self, header: str) -> str:
        """Return a header without clocks: a session's content for its signature."""
        name, found, rest = header.partition("session=")
        if found and not name and not rest.startswith(";"):
            value, _, attributes = rest.partition(";")
            interface: Any = self.club.legacy.session_interface
            content = interface.get_signing_serializer(self.club.legacy).loads(value)
            return f"session={content};{attributes}"
        return re.sub(r"Expires=([^;]+)", days_from_now, header)


def days_from_now(expires: re.Match[str]) -> str:
    """Return how long a cookie lives."""
    left = parsedate_to_datetime(expires[1]) - datetime.now(timezone.utc)
    return f"Expires in {left / timedelta(days=1):.1f} days"


JOURNEYS = {
    "in and out": "GET /me|POST /login?as=ada|GET /me|POST /logout|GET /me",
    "roles": "GET /admin|POST /login?as=ada|GET /admin|POST /login?as=root|GET /admin",
    "remembered": "POST /login?as=ada&remember=1|drop session|GET /fresh|GET /me|POST /confirm|"
    "GET /fresh|POST /logout|GET /me",
    "for two days": "POST /login?as=ada&remember=1&brief=1|drop session|GET /me|POST /logout",
    "stale from the start": "POST /login?as=ada&stale=1|GET /fresh|GET /me",
    "inactive": "POST /login?as=gone|GET /me|POST /login?as=gone&force=1|GET /me",
    "deleted since": "POST /login?as=nobody|GET /me|GET /fresh|POST /logout",
    "a thief": "POST /login?as=ada&remember=1|agent a thief's|GET /fresh|GET /me",
    "out before in": "POST /logout|POST /confirm|GET /fresh",
    "where to": "GET /me?a=1&b=%2F|GET /fresh?x=%26|HEAD /me",
}
CONFIGS: dict[str, dict[str, Any]] = {
    "": {},
    "strong": {"SESSION_PROTECTION": "strong"},
    "unprotected": {"SESSION_PROTECTION": None},
    "next in the session": {"USE_SESSION_FOR_NEXT": True},
    "renewed": {"REMEMBER_COOKIE_REFRESH_EACH_REQUEST": True, "REMEMBER_COOKIE_SAMESITE": "Lax"},
    "disabled": {"LOGIN_DISABLED": True},
    "trapped": {"TRAP_HTTP_EXCEPTIONS": True},
}


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("journey", JOURNEYS)
def test_both_sides_tell_the_same(mount: Mount, journey: str, name: str) -> None:
    """Statuses, redirects, cookies, sessions, flashes and signals; nothing on the event loop."""
    lines = JOURNEYS[journey].split("|")
    if name == "disabled":
        # Nobody is stopped, but the anonymous user has no id: that is the application's business.
        lines = [line for line in lines if not line.startswith("GET")]
    told = []
    for native in ((), ROUTES, ("POST /login", "GET /fresh", "GET /admin")):
        club = Club()
        club.legacy.config.update(CONFIGS[name])
        mount(club.app, club.legacy, *native)
        browser = Browser(club)
        for line in lines:
            browser.go(line)
        told.append((browser.told, club.signals))
        assert club.on_loop == []
    assert told[1] == told[0]
    assert told[2] == told[0]


def test_without_views_it_is_401(mount: Mount) -> None:
    """Where the application names no login view; OPTIONS is nobody's business."""
    told = []
    for native in ((), ROUTES):
        club = Club()
        club.manager.login_view = club.manager.refresh_view = None
        mount(club.app, club.legacy, *native)
        browser = Browser(club)
        assert browser.go("GET /me").status == 401
        browser.go("POST /login?as=ada&stale=1")
        assert browser.go("GET /fresh").status == 401
        browser.go("OPTIONS /fresh")
        told.append(browser.told)
    assert told[0] == told[1]


def test_a_handler_of_the_applications_own_answers(mount: Mount) -> None:
    """What `unauthorized_handler` and `needs_refresh_handler` return goes out."""
    club = Club()
    club.manager.unauthorized_handler(lambda: ({"error": "who are you?"}, 401))
    club.manager.needs_refresh_handler(lambda: ("again, please", 403, {"X-Why": "stale"}))
    mount(club.app, club.legacy, *ROUTES)
    browser = Browser(club)
    assert browser.go("GET /me").body == b'{"error":"who are you?"}\n'
    browser.go("POST /login?as=ada&stale=1")
    stale = browser.go("GET /fresh")
    assert (stale.status, stale.body, stale.get("x-why")) == (403, b"again, please", "stale")


@pytest.mark.parametrize("awaited", [True, False])
def test_a_check_may_be_a_coroutine(mount: Mount, awaited: bool) -> None:
    """A coroutine that is not awaited is true, and would let everybody in."""
    club = Club()

    class Check:
        async def __call__(self, user: User) -> bool:
            return user.id == "root"

    def plain(user: User) -> bool:
        club.note("check")
        return user.id == "root"

    club.legacy.add_url_rule("/closed", "closed", lambda: "")
    check = Check() if awaited else plain
    club.app.get("/closed", dependencies=[compat.allowed(check)])(lambda: "in")
    mount(club.app, club.legacy, *ROUTES, "GET /closed")
    browser = Browser(club)
    browser.go("POST /login?as=ada")
    assert browser.go("GET /closed").status == 403
    browser.go("POST /login?as=root")
    assert browser.go("GET /closed").status == 200
    assert club.on_loop == []


def test_a_login_needs_flask(mount: Mount) -> None:
    """Where the route borrows nothing the error says so."""
    app, legacy = FastAPI(openapi_url=None), flask_with("GET /me")

    @app.get("/me")
    async def me(user: compat.FreshlyLoggedIn) -> None: ...

    with pytest.raises(CrossfadeError, match='hooks = "none"'):
        mount(app, legacy, "GET /me", hooks="none")
