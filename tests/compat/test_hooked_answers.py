"""What `after_request` hooks take for granted of a response is there on every native answer."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import flask
import pytest
from fastapi import FastAPI
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from fastapi.staticfiles import StaticFiles
from flask import Flask
from starlette.types import Message, Receive, Scope, Send

from tests.asgi.kit import Mount, ask, flask_with

LARGE = 300_000
HTML = "text/html; charset=utf-8"


def chunks() -> Iterator[bytes]:
    """Two of them."""
    yield b"a"
    yield b"b"


async def events() -> AsyncIterator[str]:
    """One event."""
    yield "data: x\n\n"


def file_of(size: int) -> Path:
    """Return a file of a length."""
    path = Path(tempfile.mkdtemp()) / "file.txt"
    path.write_bytes(b"x" * size)
    return path


SMALL_FILE, LARGE_FILE = file_of(10), file_of(LARGE)

# What a Flask view returns, and its counterpart.
KINDS: dict[str, tuple[Callable[[], Any], Callable[[], Response]]] = {
    "redirect": (lambda: flask.redirect("/b"), lambda: RedirectResponse("/b", 302)),
    "empty": (lambda: ("", 204), lambda: Response(status_code=204)),
    "empty 200": (lambda: "", lambda: Response()),
    "not modified": (lambda: ("", 304), lambda: Response(status_code=304)),
    "without a type": (lambda: b"x", lambda: Response(b"x")),
    "memoryview": (lambda: b"x", lambda: Response(memoryview(b"x"))),
    "stream": (lambda: flask.Response(chunks()), lambda: StreamingResponse(chunks())),
    "events": (
        lambda: flask.Response(chunks(), content_type="text/event-stream; charset=utf-8"),
        lambda: StreamingResponse(events(), media_type="text/event-stream"),
    ),
    "small file": (lambda: flask.send_file(SMALL_FILE), lambda: FileResponse(SMALL_FILE)),
    "large file": (lambda: flask.send_file(LARGE_FILE), lambda: FileResponse(LARGE_FILE)),
    "json": (lambda: flask.jsonify(a=1), lambda: JSONResponse({"a": 1})),
    "html": (lambda: "<p>", lambda: HTMLResponse("<p>")),
    "text": (
        lambda: flask.Response("x", mimetype="text/plain"),
        lambda: PlainTextResponse("x"),
    ),
}


def look(response: flask.Response) -> dict[str, Any]:
    """Take for granted what Flask's responses have; raises where it is missing."""
    assert response.content_type.split(";")
    assert response.headers["Content-Type"] == response.content_type
    seen = {
        "type": response.content_type,
        "mimetype": response.mimetype,
        "parameters": dict(response.mimetype_params),
        "status": response.status,
        "location": response.location,
        "file": response.direct_passthrough,
        "json": response.is_json,
    }
    if not response.is_streamed:
        assert int(response.headers["Content-Length"]) == response.content_length
        seen["data"] = isinstance(response.get_data(), bytes)
    if response.direct_passthrough:
        assert response.get_etag()[0]
        assert response.last_modified
        assert response.content_length
    return seen


def seen_by_hook(mount: Mount, legacy_view: Any, handler: Any, *, native: bool) -> dict[str, Any]:
    """Return what a hook sees of an answer of one side."""
    seen: list[dict[str, Any]] = []
    legacy = Flask("legacy", static_folder=None)
    legacy.add_url_rule("/a", "a", legacy_view)

    @legacy.after_request
    def after(response: flask.Response) -> flask.Response:
        seen.append(look(response))
        response.headers["X-Hook"] = "here"
        return response

    app = FastAPI(openapi_url=None)
    app.add_api_route("/a", handler, response_model=None)
    mount(app, legacy, *(["GET /a"] if native else []))
    answer = ask(app, "GET", "/a")
    assert answer.served_by == ("fastapi" if native else "flask")
    assert answer.get("x-hook") == "here"
    return seen[0]


@pytest.mark.parametrize("kind", KINDS)
def test_hook_sees_a_native_answer_as_flask_would_have_made_it(mount: Mount, kind: str) -> None:
    """Type, location, file or not, length: and nothing fails for want of them."""
    legacy_view, handler = KINDS[kind]
    expected = seen_by_hook(mount, legacy_view, handler, native=False)
    seen = seen_by_hook(mount, legacy_view, handler, native=True)
    if kind == "small file":  # one message of ASGI, and so not a stream
        seen.pop("data")
    assert seen == expected


@pytest.mark.parametrize("kind", KINDS)
def test_client_gets_what_the_handler_gave(mount: Mount, kind: str) -> None:
    """What hooks are lent is taken back: the answer is that of FastAPI alone."""
    handler = KINDS[kind][1]
    app, alone = (FastAPI(openapi_url=None) for _ in range(2))
    for each in (app, alone):
        each.add_api_route("/a", handler, response_model=None)
    legacy = flask_with("GET /a")
    legacy.after_request(lambda response: response)
    mount(app, legacy, "GET /a")
    answer, expected = ask(app, "GET", "/a"), ask(alone, "GET", "/a")
    assert (answer.status, answer.body) == (expected.status, expected.body)
    assert sorted(answer.headers) == sorted(expected.headers)


def test_type_that_a_hook_uses_stays(mount: Mount) -> None:
    """Whoever writes a body, or a type, means it."""

    def fill(response: flask.Response) -> flask.Response:
        response.set_data("<p>")
        return response

    def name(response: flask.Response) -> flask.Response:
        response.content_type = f"{response.mimetype}; charset=latin-1"
        return response

    for hook, expected in ((fill, HTML), (name, "text/html; charset=latin-1")):
        app, legacy = FastAPI(openapi_url=None), flask_with("GET /a")
        app.add_api_route("/a", lambda: Response(), response_model=None)
        legacy.after_request(hook)
        mount(app, legacy, "GET /a")
        assert ask(app, "GET", "/a").get("content-type") == expected


def test_type_that_is_lent_is_the_applications_own(mount: Mount) -> None:
    """As its class of responses has it."""

    class Own(flask.Response):
        default_mimetype = "application/json"

    seen = []
    app, legacy = FastAPI(openapi_url=None), flask_with("GET /a")
    legacy.response_class = Own

    @legacy.after_request
    def after(response: flask.Response) -> flask.Response:
        seen.append(response.content_type)
        return response

    app.add_api_route("/a", lambda: Response(status_code=204), response_model=None)
    mount(app, legacy, "GET /a")
    assert ask(app, "GET", "/a").headers == []
    assert seen == ["application/json"]


def test_hook_reads_a_stream_that_has_no_type(mount: Mount) -> None:
    """As it reads a generator of Flask's."""
    app, legacy = FastAPI(openapi_url=None), flask_with("GET /a")

    @legacy.after_request
    def after(response: flask.Response) -> flask.Response:
        assert response.mimetype == "text/html"
        response.headers["X-Length"] = str(len(response.get_data()))
        return response

    app.add_api_route("/a", lambda: StreamingResponse(chunks()), response_model=None)
    mount(app, legacy, "GET /a")
    answer = ask(app, "GET", "/a")
    assert (answer.get("x-length"), answer.body) == ("2", b"ab")


def test_hook_sees_static_files_as_files(mount: Mount, tmp_path: Path) -> None:
    """A mounted application's, too; and what was not modified has a type."""
    (tmp_path / "a.css").write_bytes(b"a {}")
    seen = []
    app, legacy = FastAPI(openapi_url=None), flask_with()

    @legacy.after_request
    def after(response: flask.Response) -> flask.Response:
        seen.append((response.status_code, response.mimetype, response.direct_passthrough))
        return response

    app.mount("/static", StaticFiles(directory=tmp_path))
    mount(app, legacy, "GET /static/{path:path}")
    etag = ask(app, "GET", "/static/a.css").get("etag")
    assert etag is not None
    assert ask(app, "GET", "/static/a.css", ("If-None-Match", etag)).status == 304
    assert seen[0] == (200, "text/css", True)
    assert seen[1][:2] == (304, "text/html")


@pytest.mark.parametrize("headers", [None, "generator"])
def test_hook_sees_an_answer_of_any_asgi_application(mount: Mount, headers: str | None) -> None:
    """The specification allows for no headers, and for some that can be read once."""

    async def plain(scope: Scope, receive: Receive, send: Send) -> None:
        start: Message = {"type": "http.response.start", "status": 200}
        if headers is not None:
            start["headers"] = (pair for pair in [(b"x-own", b"1"), (b"content-length", b"1")])
        await send(start)
        await send({"type": "http.response.body", "body": memoryview(b"x")})

    app, legacy = FastAPI(openapi_url=None), flask_with()
    seen = []

    @legacy.after_request
    def after(response: flask.Response) -> flask.Response:
        seen.append((response.content_type, response.get_data(), response.headers.get("x-own")))
        return response

    app.mount("/m", plain)
    mount(app, legacy, "GET /m/{path:path}")
    assert ask(app, "GET", "/m/a").body == b"x"
    assert seen == [(HTML, b"x", None if headers is None else "1")]
