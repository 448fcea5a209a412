"""FastAPI's own pages: off until the map asks for them, and never in the place of Flask's."""

from __future__ import annotations

import asyncio
import logging

import pytest
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from tests.asgi.kit import Answer, Mount, ask, flask_with, running, save_map

PAGES = ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect")
ON = "[gateway]\napi_docs = true\n"
ELSEWHERE = {
    "docs_url": "/manual",
    "redoc_url": "/reference",
    "openapi_url": "/api/v1/schema.json",
    "swagger_ui_oauth2_redirect_url": "/manual/oauth2",
}


def documented(**options: object) -> FastAPI:
    """Return an application with documentation."""
    app = FastAPI(**options)  # type: ignore[arg-type]
    app.add_api_route("/a", lambda: "native", methods=["GET"])
    return app


def same(answer: Answer, other: Answer) -> bool:
    """Whether two answers are the same to a client."""
    ours, theirs = ((each.status, each.headers, each.body) for each in (answer, other))
    return ours == theirs


@pytest.mark.parametrize("options", [{}, ELSEWHERE], ids=["default", "elsewhere"])
@pytest.mark.parametrize("settings", ["", "[gateway]\napi_docs = false"], ids=["unsaid", "off"])
def test_documents_with_an_empty_map_are_not_there(
    mount: Mount, options: dict[str, str], settings: str
) -> None:
    """Every URL answers what Flask answers, whatever FastAPI has at it."""
    app, legacy = documented(**options), flask_with("GET /a")
    sub = documented()
    app.mount("/sub", sub)
    mount(app, legacy, settings=settings)
    without = FastAPI(openapi_url=None)
    mount(without, flask_with("GET /a"))
    urls = [*PAGES, *ELSEWHERE.values(), *(f"/sub{page}" for page in PAGES), "/docs/", "//docs"]
    for url in urls:
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            answer = ask(app, method, url)
            assert same(answer, ask(without, method, url)), (method, url)
            assert (answer.status, answer.served_by) == (404, "flask")


def test_documents_follow_the_map(mount: Mount) -> None:
    """A saved edit switches them on and off again."""
    app = documented()
    gateway = mount(app, flask_with("GET /a"))
    assert ask(app, "GET", "/docs").status == 404
    save_map(gateway, ON + "[routes]\n")
    assert ask(app, "GET", "/docs").status == 200
    save_map(gateway, "[routes]\n")
    assert ask(app, "GET", "/docs").status == 404


def test_one_page_can_be_listed_alone(mount: Mount) -> None:
    """Like any route that only FastAPI has."""
    app = documented()
    mount(app, flask_with("GET /a"), "GET /openapi.json")
    assert ask(app, "GET", "/openapi.json").served_by == "fastapi"
    assert ask(app, "GET", "/docs").served_by == "flask"


def notices(app: FastAPI, caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what is logged of FastAPI's pages while the application starts."""

    async def start() -> None:
        async with running(app):
            pass

    with caplog.at_level(logging.INFO):
        asyncio.run(start())
    return [text for each in caplog.records if "own pages" in (text := each.getMessage())]


def test_start_says_that_the_pages_are_off(mount: Mount, caplog: pytest.LogCaptureFixture) -> None:
    """And how to have them: who looks for /docs finds the reason in the log."""
    app = documented()
    gateway = mount(app, flask_with("GET /a", "GET /redoc"))
    (notice,) = notices(app, caplog)
    assert "/openapi.json, /docs, /docs/oauth2-redirect are off" in notice
    assert f"api_docs = true, or api_docs = false, under [gateway] in {gateway.live.path}" in notice


@pytest.mark.parametrize(
    ("settings", "options"),
    [(ON, {}), ("[gateway]\napi_docs = false", {}), ("", {"openapi_url": None})],
    ids=["on", "off", "none to serve"],
)
def test_start_says_nothing_where_it_is_known(
    mount: Mount,
    caplog: pytest.LogCaptureFixture,
    settings: str,
    options: dict[str, object],
) -> None:
    """The map decides, or there is nothing to decide."""
    app = documented(**options)
    mount(app, flask_with("GET /a"), settings=settings)
    assert notices(app, caplog) == []


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_documents_are_served(mount: Mount, page: str, method: str) -> None:
    """As by FastAPI alone, where the map asks for them."""
    app = documented()
    mount(app, flask_with("GET /a"), settings=ON + "document_legacy = false")
    answer, alone = ask(app, method, page), ask(documented(), "GET", page)
    assert (answer.served_by, answer.status, answer.headers) == ("fastapi", 200, alone.headers)
    assert answer.body == (alone.body if method == "GET" else b"")


@pytest.mark.parametrize("page", PAGES)
def test_flasks_own_page_stays(mount: Mount, page: str) -> None:
    """A URL that Flask has is Flask's."""
    app = documented()
    mount(app, flask_with(f"GET {page}"), settings=ON)
    assert ask(app, "GET", page).text.startswith("flask GET")


@pytest.mark.parametrize("rule", ["/<path:anything>", "/<word>", "/docs/"])
def test_a_rule_that_covers_the_page_stays(mount: Mount, rule: str) -> None:
    """Also by a catch-all, or by a redirect to it."""
    app = documented()
    mount(app, flask_with(f"GET {rule}"), settings=ON)
    assert ask(app, "GET", "/docs").served_by == "flask"


def test_a_catch_all_of_fastapis_own_does_not_hide_the_pages(mount: Mount) -> None:
    """As in FastAPI, which has its pages before what is mounted at the root."""

    async def anything(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("anything")(scope, receive, send)

    app = documented()
    app.mount("/", anything)
    mount(app, flask_with("GET /a"), "GET /{path:path}", settings=ON)
    assert ask(app, "GET", "/b").text == "anything"
    assert "swagger" in ask(app, "GET", "/docs").text


def test_other_methods_on_the_pages_are_flasks(mount: Mount) -> None:
    """Flask knows nothing there: 404."""
    app = documented()
    mount(app, flask_with("GET /a"), settings=ON)
    assert ask(app, "POST", "/docs").status == 404
    assert ask(app, "OPTIONS", "/openapi.json").served_by == "flask"


def test_pages_that_are_off_or_elsewhere(mount: Mount) -> None:
    """`docs_url=None` and pages of other names."""
    app = documented(docs_url=None, redoc_url="/manual", openapi_url="/schema.json")
    mount(app, flask_with("GET /a"), settings=ON)
    assert ask(app, "GET", "/docs").served_by == "flask"
    assert ask(app, "GET", "/redoc").served_by == "flask"
    assert ask(app, "GET", "/manual").served_by == "fastapi"
    assert ask(app, "GET", "/schema.json").served_by == "fastapi"


def test_a_native_route_that_is_not_listed_is_no_document(mount: Mount) -> None:
    """Only the pages are served unasked."""
    app = documented()
    mount(app, flask_with("GET /b"), settings=ON)
    answer = ask(app, "GET", "/a")
    assert (answer.status, answer.served_by) == (404, "flask")


def test_a_route_of_the_teams_own_at_such_a_url_is_no_document(mount: Mount) -> None:
    """Without a document FastAPI has no pages, and what is at `/docs` is listed like any route."""
    app = FastAPI(openapi_url=None)
    app.add_api_route("/docs", lambda: "the team's", methods=["GET"])
    mount(app, flask_with("GET /a"), settings=ON)
    assert ask(app, "GET", "/docs").served_by == "flask"


def test_a_second_route_at_such_a_url_is_not_served(mount: Mount) -> None:
    """FastAPI's own page was there first, and answers under FastAPI alone too."""
    app = documented()
    app.add_api_route("/docs", lambda: "second", methods=["GET"])
    mount(app, flask_with("GET /a"), settings=ON)
    assert "swagger" in ask(app, "GET", "/docs").text
