"""FastAPI's own pages are served where Flask has nothing at their URLs."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from tests.asgi.kit import Mount, ask, flask_with

PAGES = ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect")


def documented(**options: object) -> FastAPI:
    """Return an application with documentation."""
    app = FastAPI(**options)  # type: ignore[arg-type]
    app.add_api_route("/a", lambda: "native", methods=["GET"])
    return app


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_documents_are_served(mount: Mount, page: str, method: str) -> None:
    """As by FastAPI alone, without a line in the map."""
    app = documented()
    mount(app, flask_with("GET /a"), settings="[gateway]\ndocument_legacy = false")
    answer, alone = ask(app, method, page), ask(documented(), "GET", page)
    assert (answer.served_by, answer.status, answer.headers) == ("fastapi", 200, alone.headers)
    assert answer.body == (alone.body if method == "GET" else b"")


@pytest.mark.parametrize("page", PAGES)
def test_flasks_own_page_stays(mount: Mount, page: str) -> None:
    """A URL that Flask has is Flask's."""
    app = documented()
    mount(app, flask_with(f"GET {page}"))
    assert ask(app, "GET", page).text.startswith("flask GET")


@pytest.mark.parametrize("rule", ["/<path:anything>", "/<word>", "/docs/"])
def test_a_rule_that_covers_the_page_stays(mount: Mount, rule: str) -> None:
    """Also by a catch-all, or by a redirect to it."""
    app = documented()
    mount(app, flask_with(f"GET {rule}"))
    assert ask(app, "GET", "/docs").served_by == "flask"


def test_a_catch_all_of_fastapis_own_does_not_hide_the_pages(mount: Mount) -> None:
    """As in FastAPI, which has its pages before what is mounted at the root."""

    async def anything(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("anything")(scope, receive, send)

    app = documented()
    app.mount("/", anything)
    mount(app, flask_with("GET /a"), "GET /{path:path}")
    assert ask(app, "GET", "/b").text == "anything"
    assert "swagger" in ask(app, "GET", "/docs").text


def test_other_methods_on_the_pages_are_flasks(mount: Mount) -> None:
    """Flask knows nothing there: 404."""
    app = documented()
    mount(app, flask_with("GET /a"))
    assert ask(app, "POST", "/docs").status == 404
    assert ask(app, "OPTIONS", "/openapi.json").served_by == "flask"


def test_pages_that_are_off_or_elsewhere(mount: Mount) -> None:
    """`docs_url=None` and pages of other names."""
    app = documented(docs_url=None, redoc_url="/manual", openapi_url="/schema.json")
    mount(app, flask_with("GET /a"))
    assert ask(app, "GET", "/docs").served_by == "flask"
    assert ask(app, "GET", "/redoc").served_by == "flask"
    assert ask(app, "GET", "/manual").served_by == "fastapi"
    assert ask(app, "GET", "/schema.json").served_by == "fastapi"


def test_a_native_route_that_is_not_listed_is_no_document(mount: Mount) -> None:
    """Only the pages are served unasked."""
    app = documented()
    mount(app, flask_with("GET /b"))
    answer = ask(app, "GET", "/a")
    assert (answer.status, answer.served_by) == (404, "flask")
