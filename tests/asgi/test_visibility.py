"""Which side answered is visible: in the scope, in a header, in a log record, as JSON."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

import flask
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from crossfade.model import FORCE_SIDE, Side
from tests.asgi.kit import (
    Answer,
    Mount,
    ask,
    ask_async,
    flask_with,
    http_scope,
    native_with,
    save_map,
)

HEADER = "[gateway]\nserved_by_header = true\n"


def test_nothing_is_added_unasked(mount: Mount) -> None:
    """No header by default, on either side."""
    app = native_with("GET /a")
    mount(app, flask_with("GET /a", "GET /b"), "GET /a")
    for target in ("/a", "/b"):
        assert ask(app, "GET", target).all("x-served-by") == []


def test_the_header_names_the_side(mount: Mount) -> None:
    """Once, on every answer: also errors, redirects and HEAD."""
    app = native_with("GET /a")
    mount(app, flask_with("GET /a", "GET /b", "GET /dir/"), "GET /a", settings=HEADER)
    for method, target, side in (
        ("GET", "/a", "fastapi"),
        ("HEAD", "/a", "fastapi"),
        ("POST", "/a", "flask"),
        ("OPTIONS", "/a", "flask"),
        ("GET", "/b", "flask"),
        ("GET", "/dir", "flask"),
        ("GET", "/none", "flask"),
    ):
        assert ask(app, method, target).all("x-served-by") == [side]


def test_the_header_is_on_native_errors(mount: Mount) -> None:
    """Also on what a validation error is in Flask's words."""
    app = FastAPI()

    @app.get("/a")
    def read(x: int) -> int:
        return x

    mount(app, flask_with("GET /a"), "GET /a", settings=HEADER)
    answer = ask(app, "GET", "/a?x=y")
    assert (answer.status, answer.get("x-served-by")) == (400, "fastapi")


@pytest.mark.parametrize("hooks", ["flask", "none"])
def test_an_unhandled_error_names_its_side(
    mount: Mount, hooks: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A 500, which Starlette answers outside all middleware, has header and log record too."""
    app = FastAPI()

    @app.get("/a")
    def fail() -> None:
        raise ZeroDivisionError

    @app.exception_handler(Exception)
    def own_words(_: Request, error: Exception) -> PlainTextResponse:
        return PlainTextResponse(type(error).__name__, status_code=500)

    mount(app, flask_with("GET /a"), "GET /a", settings=HEADER, hooks=hooks)
    answer = Answer(scope=http_scope("GET", "/a", ()))

    async def fails() -> None:
        with suppress(ZeroDivisionError):  # the server logs it, where Flask does not
            await ask_async(app, answer.scope, into=answer)

    with caplog.at_level(logging.INFO, logger="crossfade.access"):
        asyncio.run(fails())
    assert (answer.status, answer.all("x-served-by")) == (500, ["fastapi"])
    assert [getattr(r, "status", None) for r in caplog.records if r.name == "crossfade.access"] == [
        500
    ]
    if hooks == "none":
        assert answer.body == b"ZeroDivisionError"


def test_the_scope_has_the_selection(mount: Mount) -> None:
    """Side, route and the map's revision."""
    app = native_with("GET /users/{id}")
    gateway = mount(app, flask_with("GET /users/<int:user_id>", "GET /b"), "GET /users/{id}")
    native = ask(app, "GET", "/users/1").selection
    assert (native.side, native.route) == (Side.NATIVE, "GET /users/<int:user_id>")
    legacy = ask(app, "HEAD", "/b").selection
    assert (legacy.side, legacy.route) == (Side.LEGACY, "GET /b")
    nobody = ask(app, "GET", "/none").selection
    assert (nobody.side, nobody.route) == (Side.LEGACY, None)
    revisions = {native.revision, legacy.revision, nobody.revision}
    assert revisions == {gateway.live.snapshot.revision}


def test_a_log_record_says_who_answered(mount: Mount, caplog: pytest.LogCaptureFixture) -> None:
    """The logger `crossfade.access`: text for people, attributes for machines."""
    app = native_with("GET /a")
    gateway = mount(app, flask_with("GET /a", "GET /b"), "GET /a")
    with caplog.at_level(logging.INFO, "crossfade.access"):
        ask(app, "GET", "/a?secret=1")
        ask(app, "GET", "/b")
        ask(app, "GET", "/none")
    found = [
        (record.served_by, record.route, record.status)  # type: ignore[attr-defined]
        for record in caplog.records
        if record.name == "crossfade.access"
    ]
    assert found == [("fastapi", "GET /a", 200), ("flask", "GET /b", 200), ("flask", None, 404)]
    first = caplog.records[0]
    assert first.getMessage() == 'fastapi answered "GET /a" with 200'
    assert first.revision == gateway.live.snapshot.revision  # type: ignore[attr-defined]


def test_no_log_record_without_a_reader(mount: Mount, caplog: pytest.LogCaptureFixture) -> None:
    """Below INFO nothing is written."""
    app = native_with("GET /a")
    mount(app, flask_with("GET /a"), "GET /a")
    with caplog.at_level(logging.WARNING):
        ask(app, "GET", "/a")
    assert caplog.records == []


@pytest.mark.parametrize(
    ("forced", "target", "expected"),
    [
        (Side.LEGACY, "/moved", "flask"),
        (Side.NATIVE, "/moved", "fastapi"),
        (Side.NATIVE, "/waiting", "fastapi"),
        (Side.LEGACY, "/waiting", "flask"),
        (Side.NATIVE, "/flask-only", "flask"),
        (None, "/moved", "fastapi"),
        (None, "/waiting", "flask"),
    ],
)
def test_an_in_process_caller_can_choose(
    mount: Mount, forced: Side | None, target: str, expected: str
) -> None:
    """`scope[FORCE_SIDE]` overrules the map, where that side has the route."""
    app = native_with("GET /moved", "GET /waiting")
    mount(app, flask_with("GET /moved", "GET /waiting", "GET /flask-only"), "GET /moved")
    more: dict[str, Any] = {} if forced is None else {FORCE_SIDE: forced}
    answer = ask(app, "GET", target, **more)
    assert answer.served_by == expected
    assert answer.text.startswith(expected)


def test_forcing_legacy_on_a_native_only_route(mount: Mount) -> None:
    """Flask then says what it says of a URL that it does not have."""
    app = native_with("GET /new")
    mount(app, flask_with("GET /a"), "GET /new")
    more: dict[str, Any] = {FORCE_SIDE: Side.LEGACY}
    assert ask(app, "GET", "/new", **more).status == 404


def test_a_client_cannot_choose(mount: Mount) -> None:
    """A header of that name is only a header."""
    app = native_with("GET /a")
    mount(app, flask_with("GET /a"))
    for name in (FORCE_SIDE, "crossfade-force-side", "x-crossfade-force-side"):
        assert ask(app, "GET", "/a", (name, "native")).served_by == "flask"


def test_a_filter_that_needs_a_request_breaks_none(
    mount: Mount,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """It stands on a handler of the root logger, where the application's logging put it.

    Both sides answer, a saved map is taken over, and standard error tells what was not logged.
    """

    def by_request(record: logging.LogRecord) -> bool:
        return bool(flask.request.url)

    handler = logging.StreamHandler()
    handler.addFilter(by_request)
    app = native_with("GET /native")
    gateway = mount(app, flask_with("GET /native", "GET /legacy"))
    monkeypatch.setattr(logging.getLogger("crossfade"), "handlers", [handler])
    caplog.set_level(logging.INFO, "crossfade")
    caplog.set_level(logging.INFO, "crossfade.access")
    save_map(gateway, '[routes]\n"GET /native" = "native"\n')
    assert [ask(app, "GET", path).status for path in ("/native", "/legacy")] == [200, 200]
    assert gateway.live.rejected is None
    assert "not logged by crossfade.access" in capfd.readouterr().err
