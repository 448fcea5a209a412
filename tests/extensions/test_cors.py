"""Flask-CORS, borrowed and from the same settings natively; and what `CORSMiddleware` does else."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import contextlib
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse
from flask import Flask
from flask_cors import CORS, cross_origin
from sqlalchemy import text

from crossfade.compat import decorated
from legacy_flask.extensions import db, limiter
from new_fastapi import Settings, create_app
from new_fastapi.compat.cors import FlaskCORS
from tests.asgi.kit import Answer, Mount, ask
from tests.compat.conftest import mount as mount
from tests.extensions.conftest import Gateway, client_of

pytestmark = pytest.mark.slow

ACAO = "access-control-allow-origin"
ACAH = "access-control-allow-headers"
FANS = "https://fans.example"
PREFLIGHT = {"access-control-request-method": "GET"}
ORIGINS: list[str | None] = [
    None,
    FANS,
    "HTTPS://FANS.EXAMPLE",
    "https://a.fans.example",
    "https://a.fans.example.evil.com",
    "https://evil.com",
    "null",
    "",
]
EXTRAS: list[tuple[str, dict[str, str]]] = [
    ("GET", {}),
    ("GET", {"access-control-request-private-network": "true"}),
    ("OPTIONS", {}),
    ("OPTIONS", PREFLIGHT),
    ("OPTIONS", {"access-control-request-method": "TRACE"}),
    ("OPTIONS", {"access-control-request-method": "get"}),
    ("OPTIONS", {**PREFLIGHT, "access-control-request-headers": "X-B, content-type,x-a"}),
    ("OPTIONS", {**PREFLIGHT, "access-control-request-private-network": "true"}),
]
ASKED = [
    (method, extra if origin is None else {"origin": origin, **extra})
    for origin in ORIGINS
    for method, extra in EXTRAS
]

OPTIONS: list[dict[str, Any]] = [
    {},
    {"send_wildcard": True},
    {"supports_credentials": True},
    {"always_send": False},
    {"origins": FANS},
    {"origins": FANS, "supports_credentials": True, "max_age": 600},
    {"origins": [FANS, "null"], "vary_header": False},
    {"origins": [FANS, "https://other.example"], "expose_headers": ["X-B", "X-A"]},
    {"origins": r"https://.*\.fans\.example"},
    {"origins": [r"https://[a-z]+\.fans\.example$", FANS], "methods": "get"},
    {"origins": re.compile(r"https://[a-z]+\.fans"), "methods": ["PUT", "GET"]},
    {"allow_headers": ["Content-Type", "X-A"], "max_age": timedelta(minutes=5)},
    {"allow_headers": r"x-.*", "allow_private_network": True, "max_age": 0},
    {"origins": []},
]


def facts(answer: Answer) -> dict[str, list[str]]:
    """Return all that a client sees; lists of names without their order."""
    found = {"status": [str(answer.status)], "body": [answer.text]}
    for name, value in answer.headers:
        values = value.split(", ") if name in ("vary", "allow") else [value]
        found[name] = sorted([*found.get(name, []), *values])
    return found


def flask_with(mount: Mount, resources: Any) -> FastAPI:
    """Return a gateway in front of a Flask application; nothing is native."""
    legacy = Flask("app", static_folder=None)
    CORS(legacy, resources=resources)
    for path in ("/a", "/b"):
        legacy.add_url_rule(path, path, lambda: ("a", {"Vary": "Cookie"}))
    app = FastAPI(openapi_url=None)
    mount(app, legacy)
    return app


def fastapi_with(middleware: Any, **options: Any) -> FastAPI:
    """Return the same without Flask."""
    app = FastAPI(openapi_url=None)
    app.add_middleware(middleware, **options)
    for path in ("/a", "/b"):
        app.add_api_route(path, lambda: HTMLResponse("a", headers={"Vary": "Cookie"}))
    return app


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
def test_the_native_wrapper_answers_as_flask_cors(mount: Mount, options: dict[str, Any]) -> None:
    """Each setting, for every origin, with and without a preflight, inside of the resource."""
    resources = {r"/a*": options}
    legacy, native = flask_with(mount, resources), fastapi_with(FlaskCORS, resources=resources)
    for method, headers in ASKED:
        expected = facts(ask(legacy, method, "/a", *headers.items()))
        assert facts(ask(native, method, "/a", *headers.items())) == expected, (method, headers)


def test_beside_the_resource_nothing_is_added(mount: Mount) -> None:
    """Nor where the answer has the header already."""
    resources = {"/a": {"origins": FANS}, r"/b/.*": {}}
    legacy, native = flask_with(mount, resources), fastapi_with(FlaskCORS, resources=resources)
    for target in ("/b", "/%61", "/A"):
        answers = [facts(ask(app, "GET", target, ("origin", FANS))) for app in (legacy, native)]
        names = [{name for name in each if name.startswith("access-")} for each in answers]
        assert names[0] == names[1] == ({ACAO, *()} if target == "/%61" else set())


# --- Starlette's own middleware -------------------------------------------------------------------


def test_what_cors_middleware_does_else(mount: Mount) -> None:
    """With the settings that come nearest. Browsers decide alike; all else sees this."""
    resources = {
        r"/a*": {
            "origins": [FANS, r"https://[a-z]+\.fans\.example$"],
            "methods": ["GET"],
            "allow_headers": ["X-A"],
            "expose_headers": ["X-B"],
            "supports_credentials": True,
            "max_age": 600,
        }
    }
    legacy = flask_with(mount, resources)
    native = fastapi_with(
        CORSMiddleware,
        allow_origins=[FANS],
        allow_origin_regex=r"https://[a-z]+\.fans\.example",
        allow_methods=["GET"],
        allow_headers=["X-A"],
        expose_headers=["X-B"],
        allow_credentials=True,
        max_age=600,
    )

    def both(method: str, origin: str | None, **extra: str) -> list[dict[str, list[str]]]:
        headers = {name.replace("_", "-"): value for name, value in extra.items()}
        if origin is not None:
            headers["origin"] = origin
        return [facts(ask(app, method, "/a", *headers.items())) for app in (legacy, native)]

    # An origin that is allowed, and no preflight: the same.
    flask, fastapi = both("GET", FANS)
    assert flask == fastapi
    # No origin: Flask-CORS names the first that is allowed.
    flask, fastapi = both("GET", None)
    assert flask[ACAO] == [FANS]
    assert ACAO not in fastapi
    # Another origin: nobody allows it, but Starlette says all the rest.
    flask, fastapi = both("GET", "https://evil.com")
    assert not [name for name in flask if name.startswith("access-")]
    assert ACAO not in fastapi
    assert fastapi["access-control-allow-credentials"] == ["true"]
    # Case: Flask-CORS does not mind.
    flask, fastapi = both("GET", FANS.upper())
    assert flask[ACAO] == [FANS.upper()]
    assert ACAO not in fastapi
    # Preflights: another body and type, more in Vary, no Allow.
    flask, fastapi = both("OPTIONS", FANS, access_control_request_method="GET")
    assert (flask["status"], flask["body"], fastapi["body"]) == (["200"], [""], ["OK"])
    assert flask["vary"] == ["Origin"]
    assert set(fastapi["vary"]) > {"Origin"} or fastapi["vary"] == ["Origin"]
    assert flask["allow"] == ["GET", "HEAD", "OPTIONS"]
    assert "allow" not in fastapi
    # Headers: Flask-CORS names those that were asked for, Starlette all that are allowed.
    asked = {"access_control_request_method": "GET", "access_control_request_headers": "x-a"}
    flask, fastapi = both("OPTIONS", FANS, **asked)
    assert flask[ACAH] == ["x-a"]
    assert fastapi[ACAH] == ["Accept, Accept-Language, Content-Language, Content-Type, X-A"]
    # A refusal: 400 and words, where Flask answers 200 and leaves the browser to see.
    for origin, extra, words in (
        ("https://evil.com", {}, "Disallowed CORS origin"),
        (FANS, {"access_control_request_method": "PUT"}, "Disallowed CORS method"),
        (FANS, {"access_control_request_headers": "x-other"}, "Disallowed CORS headers"),
    ):
        flask, fastapi = both("OPTIONS", origin, **{**asked, **extra})
        assert (flask["status"], flask["body"]) == (["200"], [""])
        assert (fastapi["status"], fastapi["body"]) == (["400"], [words])
    # OPTIONS without an origin is no preflight to Starlette: FastAPI has no such method.
    flask, fastapi = both("OPTIONS", None)
    assert (flask["status"], fastapi["status"]) == (["200"], ["405"])


def test_a_pattern_without_an_end_lets_strangers_in(mount: Mount) -> None:
    """Flask-CORS matches from the start; Starlette wants the whole origin."""
    evil = "https://a.fans.example.evil.com"
    pattern = r"https://[a-z]+\.fans\.example"
    legacy = flask_with(mount, {r"/a*": {"origins": pattern}})
    native = fastapi_with(CORSMiddleware, allow_origin_regex=pattern)
    assert ask(legacy, "GET", "/a", ("origin", evil)).get(ACAO) == evil
    assert ask(native, "GET", "/a", ("origin", evil)).get(ACAO) is None


# --- through the gateway --------------------------------------------------------------------------

ROUTES = ("GET /fan-api/search", "GET /fan-api/standings")
FAN_TARGETS = ("/fan-api/standings", "/fan-api/search?q=mia", "/fan-api/nowhere")


def seen(client: httpx.Client, method: str, target: str, headers: dict[str, str]) -> Any:
    """Return what a client sees of an answer, but for clocks, counters and the cache."""
    answer = client.request(method, target, headers=headers)
    apart = ("date", "server", "x-served-by", "retry-after", "hit_cache")
    found = {
        name: sorted(value.split(", ")) if name in ("vary", "allow") else value
        for name, value in answer.headers.items()
        if name not in apart and not name.startswith("x-ratelimit")
    }
    return answer.status_code, found, answer.content


@pytest.fixture
def sides(gateway: Gateway, legacy: Flask) -> Iterator[dict[str, httpx.Client]]:
    """All ways to be served: by Flask, natively with Flask and without, and when Flask is gone."""
    with client_of(create_app(Settings.load(legacy.config))) as alone:
        yield {
            "flask": gateway(),
            "borrowing": gateway(*ROUTES),
            "hooks = none": gateway(without_flask=ROUTES),
            "alone": alone,
        }


@pytest.mark.parametrize("target", FAN_TARGETS)
def test_the_same_headers_whoever_answers(sides: dict[str, httpx.Client], target: str) -> None:
    """Answers, refusals (429) and errors (404)."""
    for method, headers in ASKED:
        if (method, target) == ("OPTIONS", "/fan-api/nowhere"):
            continue
        limiter.reset()
        expected = seen(sides["flask"], method, target, headers)
        for name, client in sides.items():
            if (name, target) == ("alone", "/fan-api/nowhere"):
                continue  # another text: Flask's URL map is gone
            assert seen(client, method, target, headers) == expected, (name, method, headers)


def test_a_refusal_by_the_limit_has_the_headers(sides: dict[str, httpx.Client]) -> None:
    """A browser must be able to read it."""
    for _ in range(5):
        sides["flask"].get("/fan-api/search?q=a")
    answers = [
        seen(client, "GET", "/fan-api/search?q=a", {"origin": FANS}) for client in sides.values()
    ]
    assert all(each == answers[0] for each in answers)
    assert answers[0][0] == 429
    assert answers[0][1][ACAO] == FANS


def test_a_failure_of_the_example_has_the_headers(
    legacy: Flask, sides: dict[str, httpx.Client]
) -> None:
    """A 500 whoever answers, also from FastAPI alone, outside of all middleware."""
    with legacy.app_context():
        db.session.execute(text("ALTER TABLE teams RENAME TO gone"))
        db.session.commit()
    headers = {"origin": FANS, "cache-control": "no-cache"}
    answers = {n: seen(c, "GET", "/fan-api/standings", headers) for n, c in sides.items()}
    with legacy.app_context():
        db.session.execute(text("ALTER TABLE gone RENAME TO teams"))
        db.session.commit()
    assert answers["flask"][0] == 500
    assert answers["flask"][1][ACAO] == FANS
    assert answers == dict.fromkeys(answers, answers["flask"])


def test_a_preflight_of_a_native_route_is_flasks(sides: dict[str, httpx.Client]) -> None:
    """Its URL map has it, whether the route borrows Flask or not."""
    for name in ("borrowing", "hooks = none"):
        answer = sides[name].options("/fan-api/standings", headers={"origin": FANS, **PREFLIGHT})
        assert answer.headers["x-served-by"] == "flask"
        assert answer.headers["access-control-allow-methods"] == "DELETE, GET, POST"


@pytest.mark.parametrize("borrowing", [True, False])
def test_a_failure_has_the_headers(mount: Mount, borrowing: bool) -> None:
    """Of a native handler that breaks: Flask-CORS intercepts exceptions."""
    resources: Any = {r"/a*": {"origins": FANS}}
    legacy = Flask("app", static_folder=None)
    CORS(legacy, resources=resources)
    legacy.add_url_rule("/a", "a", lambda: abs(None))  # type: ignore[arg-type]
    app = FastAPI(openapi_url=None)

    @app.get("/a")
    async def fails() -> None:
        raise ZeroDivisionError

    mount(app, legacy, *(["GET /a"] if borrowing else []))
    with contextlib.suppress(ZeroDivisionError):
        answer = Answer()
        answer = ask(app, "GET", "/a", ("origin", FANS))
    assert (answer.status, answer.get(ACAO)) == (500, FANS)


def test_a_preflight_of_what_only_fastapi_has(mount: Mount) -> None:
    """Flask knows no such URL: its 404 has the headers, and refuses the browser."""
    resources: Any = {r"/*": {"origins": FANS}}
    legacy = Flask("app", static_folder=None)
    CORS(legacy, resources=resources)
    app = FastAPI(openapi_url=None)
    app.add_api_route("/new", lambda: "new", methods=["POST"])
    mount(app, legacy, "POST /new")
    headers = (("origin", FANS), *PREFLIGHT.items())
    assert ask(app, "OPTIONS", "/new", *headers).status == 404
    assert ask(app, "POST", "/new", ("origin", FANS)).get(ACAO) == FANS

    # Added after mount_legacy, the native counterpart answers it, for both sides.
    other = FastAPI(openapi_url=None)
    other.add_api_route("/new", lambda: "new", methods=["POST"])
    mount(other, legacy, "POST /new")
    other.add_middleware(FlaskCORS, resources=resources)
    answer = ask(other, "OPTIONS", "/new", *headers)
    assert (answer.status, answer.get("allow"), answer.get(ACAO)) == (200, "OPTIONS, POST", FANS)


def test_cross_origin_of_a_view(mount: Mount) -> None:
    """The decorator is not borrowed; `decorated` puts it around the handler."""
    legacy = Flask("app", static_folder=None)
    view = cross_origin(origins=[FANS, "https://other.example"], max_age=5)(lambda: ("a", 200))
    for name in "abc":
        legacy.add_url_rule(f"/{name}", name, view)
    app = FastAPI(openapi_url=None)
    behind = decorated(cross_origin(origins=[FANS, "https://other.example"], max_age=5))
    app.add_api_route("/a", lambda: HTMLResponse("a"), dependencies=[behind])
    app.add_api_route("/b", lambda: HTMLResponse("a"))
    mount(app, legacy, "GET /a", "GET /b")
    native, without, old = (ask(app, "GET", f"/{name}", ("origin", FANS)) for name in "abc")
    assert (native.served_by, without.served_by, old.served_by) == ("fastapi", "fastapi", "flask")
    assert facts(native) == facts(old)
    assert (old.get(ACAO), without.get(ACAO)) == (FANS, None)
    # The preflight stays Flask's.
    one, another = (
        ask(app, "OPTIONS", f"/{n}", ("origin", FANS), *PREFLIGHT.items()) for n in "ac"
    )
    assert one.served_by == "flask"
    assert facts(one) == facts(another)
    assert one.get("access-control-max-age") == "5"
