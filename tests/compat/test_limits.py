"""Flask's limit of a request's length holds for what native handlers read by FastAPI's means."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import flask
import pytest
from fastapi import FastAPI, Request, UploadFile
from fastapi.responses import StreamingResponse
from flask import Flask, abort
from pydantic import BaseModel

from tests.asgi.kit import Answer, Mount, ask_async, flask_with, http_scope

JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "multipart/form-data; boundary=B")
UPLOAD = b'--B\r\nContent-Disposition: form-data; name="up"; filename="a"\r\n\r\n%s\r\n--B--\r\n'


class Order(BaseModel):
    """What FastAPI reads by itself."""

    name: str


async def model(order: Order) -> int:
    """Read JSON."""
    return len(order.name)


async def upload(up: UploadFile) -> int:
    """Read a form."""
    return len(await up.read())


async def raw(request: Request) -> int:
    """Read bytes."""
    return len(await request.body())


async def chunks(request: Request) -> int:
    """Read a stream."""
    return sum([len(chunk) async for chunk in request.stream()])


READERS: dict[str, tuple[Callable[..., Any], tuple[str, str], bytes]] = {
    "model": (model, JSON, b'{"name": "%s"}'),
    "upload": (upload, FORM, UPLOAD),
    "raw": (raw, JSON, b"%s"),
    "chunks": (chunks, JSON, b"%s"),
}


def limited(limit: int | None) -> Flask:
    """Return a Flask application that takes bodies of a length, and has its own words for more."""
    legacy = flask_with("POST /a")
    legacy.config["MAX_CONTENT_LENGTH"] = limit
    legacy.register_error_handler(413, lambda error: (f"too much: {error.description}", 413))
    return legacy


def post(app: FastAPI, body: bytes, kind: tuple[str, str], *, chunked: bool = False) -> Answer:
    """Send a body with its length, or without."""
    size = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(body)))
    return asyncio.run(ask_async(app, http_scope("POST", "/a", [kind, size]), body))


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("hook", ["no hook", "hook", "a hook reads"])
@pytest.mark.parametrize("reader", READERS)
def test_a_native_handler_is_not_sent_more_than_flask_allows(
    mount: Mount, reader: str, hook: str, chunked: bool
) -> None:
    """What is longer is Flask's 413, in the words of the application."""
    handler, kind, form = READERS[reader]
    legacy = limited(2000)
    if hook != "no hook":
        legacy.before_request(lambda: None)
    if hook == "a hook reads":
        legacy.before_request(lambda: flask.request.stream.read(10) and None)
    app = FastAPI()
    app.add_api_route("/a", handler, methods=["POST"])
    mount(app, legacy, "POST /a")
    short, long = (form % (b"x" * size) for size in (1500, 3000))
    assert post(app, short, kind, chunked=chunked).status == 200
    answer = post(app, long, kind, chunked=chunked)
    assert answer.status == 413
    assert answer.text == "too much: The data value transmitted exceeds the capacity limit."


def test_a_hook_sets_the_limit_of_a_request(mount: Mount) -> None:
    """Flask 3.1 lets a hook say what this very request may have."""
    limit = flask.Request.max_content_length
    if not isinstance(limit, property) or limit.fset is None:
        pytest.skip("before Flask 3.1")
    legacy = limited(10)

    @legacy.before_request
    def more() -> None:
        flask.request.max_content_length = 5000

    app = FastAPI()
    app.post("/a")(raw)
    mount(app, legacy, "POST /a")
    assert post(app, b"x" * 3000, JSON).text == "3000"
    assert post(app, b"x" * 6000, JSON).status == 413


def test_a_request_class_has_its_own_limit(mount: Mount) -> None:
    """Where nothing else asks for Flask's context the class of requests is asked all the same."""

    class Strict(flask.Request):
        max_content_length = 100

    legacy = limited(None)
    legacy.request_class = Strict
    app = FastAPI()
    app.post("/a")(raw)
    mount(app, legacy, "POST /a")
    assert post(app, b"x" * 99, JSON).text == "99"
    assert post(app, b"x" * 101, JSON).status == 413


def test_a_body_that_nobody_reads_has_no_limit(mount: Mount) -> None:
    """As in Flask; a streamed answer listens for the client, which is no reading."""

    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            for _ in range(3):
                await asyncio.sleep(0)
                yield b"x"

        return StreamingResponse(parts())

    handlers: list[Callable[..., Any]] = [stream, lambda: "xxx"]
    for handler in handlers:
        app = FastAPI()
        app.add_api_route("/a", handler, methods=["POST"], response_model=None)
        mount(app, limited(100), "POST /a")
        answer = post(app, b"x" * 3000, JSON)
        assert answer.status == 200
        assert answer.text.strip('"') == "xxx"


def test_who_is_refused_is_refused_before(mount: Mount) -> None:
    """A hook's answer goes before the limit, as in Flask."""
    legacy = limited(100)
    legacy.before_request(lambda: abort(401))
    app = FastAPI()
    app.post("/a")(model)
    mount(app, legacy, "POST /a")
    assert post(app, b"x" * 3000, JSON).status == 401


def test_a_route_without_hooks_says_that_it_skips_the_limit(mount: Mount) -> None:
    """Only where a request has a body."""
    legacy = flask_with("POST /a", "GET /a")
    legacy.config["MAX_CONTENT_LENGTH"] = 10
    app = FastAPI()
    app.add_api_route("/a", raw, methods=["POST"])
    app.add_api_route("/a", lambda: "x", methods=["GET"])
    gateway = mount(app, legacy, "POST /a", "GET /a", hooks="none")
    skipped = {each["route"]: each["skipped_hooks"] for each in gateway.status()["routes"]}
    assert skipped == {"POST /a": ["limit MAX_CONTENT_LENGTH=10"], "GET /a": []}
    assert post(app, b"x" * 30, JSON).text == "30"
