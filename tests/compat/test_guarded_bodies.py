"""A guard that looks at a body sees what the handler sees, whoever reads first and how."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import asyncio
import functools
import hashlib
import hmac
import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Annotated, Any

import flask
import pytest
from fastapi import Depends, FastAPI, File, Form, Request, UploadFile
from flask import Flask, abort
from pydantic import BaseModel
from starlette.types import Message

from crossfade import compat
from tests.asgi.kit import Answer, Mount, flask_with, http_scope

KEY = b"key"
JSON = "application/json"
URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=B"
EMPTY = hmac.new(KEY, b"", hashlib.sha256).hexdigest()


class Order(BaseModel):
    """What FastAPI reads by itself."""

    name: str


# --- how a guard gets at the bytes ----------------------------------------------------------------


def by_get_data() -> bytes:
    """Cached."""
    return flask.request.get_data()


def by_get_data_uncached() -> bytes:
    """Used up, under Flask."""
    return flask.request.get_data(cache=False)


def by_data() -> bytes:
    """Empty beside a form, in Flask as well."""
    return flask.request.data


def by_stream() -> bytes:
    """All at once."""
    return flask.request.stream.read()


def by_chunks() -> bytes:
    """In a loop, through the property each time."""
    return b"".join(iter(lambda: flask.request.stream.read(70_000), b""))


def by_lines() -> bytes:
    """As a file is iterated."""
    return b"".join(flask.request.stream)


def by_copy() -> bytes:
    """As uploads are stored."""
    target = BytesIO()
    shutil.copyfileobj(flask.request.stream, target)
    return target.getvalue()


def by_environ() -> bytes:
    """Below Werkzeug."""
    data: bytes = flask.request.environ["wsgi.input"].read()
    return data


WAYS = [
    by_get_data,
    by_get_data_uncached,
    by_stream,
    by_chunks,
    by_lines,
    by_copy,
    by_environ,
]


def check(data: bytes) -> None:
    """Refuse what is not signed."""
    expected = hmac.new(KEY, data, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, flask.request.headers.get("X-Signature", "")):
        abort(401)


def signed(way: Callable[[], bytes]) -> Callable[[Any], Any]:
    """Return a decorator of views that refuses what is not signed."""

    def decorate(view: Any) -> Any:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            check(way())
            return view(*args, **kwargs)

        return guarded

    return decorate


# --- handlers that read ---------------------------------------------------------------------------


async def model(order: Order) -> int:
    """JSON, by FastAPI."""
    return len(order.name)


async def body(request: Request) -> int:
    """All of it."""
    return len(await request.body())


async def stream(request: Request) -> int:
    """A chunk at a time."""
    return sum([len(chunk) async for chunk in request.stream()])


async def own_json(order: Annotated[Order, compat.json_model(Order)]) -> int:
    """JSON, as Flask reads it."""
    return len(order.name)


def plain(order: Order) -> int:
    """In a thread, after FastAPI has read."""
    assert len(flask.request.get_json()["name"]) == len(order.name)
    return len(order.name)


async def form(name: Annotated[str, Form()]) -> int:
    """A form, by FastAPI."""
    return len(name)


async def own_form(name: Annotated[str, compat.form("name")]) -> int:
    """A form, as Flask reads it."""
    return len(name)


async def upload(up: Annotated[UploadFile, File()]) -> int:
    """A file, by FastAPI."""
    return len(await up.read())


async def own_upload(up: Annotated[Any, compat.file("up")]) -> int:
    """A file, as Flask reads it."""
    return len(up.read())


HANDLERS: dict[Callable[..., Any], tuple[str, bytes]] = {
    model: (JSON, b'{"name": "ada"%s}'),
    body: (JSON, b'{"name": "ada"%s}'),
    stream: (JSON, b'{"name": "ada"%s}'),
    own_json: (JSON, b'{"name": "ada"%s}'),
    plain: (JSON, b'{"name": "ada"%s}'),
    form: (URLENCODED, b"name=ada%s"),
    own_form: (URLENCODED, b"name=ada%s"),
    upload: (
        MULTIPART,
        b'--B\r\nContent-Disposition: form-data; name="x"; filename="x"\r\n\r\n%s\r\n'
        b'--B\r\nContent-Disposition: form-data; name="up"; filename="a"\r\n\r\nada\r\n--B--\r\n',
    ),
    own_upload: (
        MULTIPART,
        b'--B\r\nContent-Disposition: form-data; name="x"; filename="x"\r\n\r\n%s\r\n'
        b'--B\r\nContent-Disposition: form-data; name="up"; filename="a"\r\n\r\nada\r\n--B--\r\n',
    ),
}
SIZES = [0, 400_000, 1_200_000]
"""At once; past `request_buffer`; past what is held in memory."""


def post(app: FastAPI, data: bytes, kind: str, signature: str, *, chunked: bool = False) -> Answer:
    """Send a body in pieces, with its length or without."""
    size = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(data)))
    headers = [("Content-Type", kind), size, ("X-Signature", signature)]
    answer = Answer()
    pieces = [data[at : at + 60_000] for at in range(0, len(data), 60_000)] or [b""]

    async def send_all() -> None:
        ended = asyncio.Event()

        async def receive() -> Message:
            await asyncio.sleep(0)
            if not pieces:
                await ended.wait()
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

        async def send(message: Message) -> None:
            answer.status = message.get("status", answer.status)
            answer.body += message.get("body", b"")
            if message["type"] == "http.response.body" and not message.get("more_body"):
                ended.set()

        await app(http_scope("POST", "/a", headers), receive, send)

    asyncio.run(send_all())
    return answer


def signature_of(data: bytes) -> str:
    """Return what an honest client sends."""
    return hmac.new(KEY, data, hashlib.sha256).hexdigest()


def bodies(handler: Callable[..., Any]) -> Iterator[tuple[bytes, str]]:
    """Return bodies that a handler takes, of each size, and their type."""
    kind, pattern = HANDLERS[handler]
    for size in SIZES:
        yield pattern % ((b"&" if kind == URLENCODED else b" ") * size), kind


def statuses(app: FastAPI, handler: Callable[..., Any], **how: Any) -> set[tuple[int, int, int]]:
    """Return the answers to a right signature, to that of an empty body, and to none."""
    return {
        (
            post(app, data, kind, signature_of(data), **how).status,
            post(app, data, kind, EMPTY, **how).status,
            post(app, data, kind, "", **how).status,
        )
        for data, kind in bodies(handler)
    }


def roomy(*rules: str) -> Flask:
    """Return a Flask application that takes forms of any size."""
    legacy = flask_with(*rules)
    legacy.config["MAX_FORM_MEMORY_SIZE"] = None
    return legacy


def native(handler: Callable[..., Any], *dependencies: Any) -> FastAPI:
    """Return an application with one route."""
    app = FastAPI(openapi_url=None)
    app.add_api_route("/a", handler, methods=["POST"], dependencies=list(dependencies))
    return app


SEEN = {(200, 401, 401)}


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("handler", HANDLERS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("way", [by_get_data, by_chunks], ids=lambda each: each.__name__)
def test_decorated_guard_before_any_handler_sees_all(
    mount: Mount, way: Callable[[], bytes], handler: Callable[..., Any], chunked: bool
) -> None:
    """Whoever signs an empty body, and sends another one, is refused."""
    app = native(handler, compat.decorated(signed(way)))
    mount(app, roomy("POST /a"), "POST /a")
    assert statuses(app, handler, chunked=chunked) == SEEN


@pytest.mark.parametrize("way", WAYS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("handler", [model, form], ids=lambda each: each.__name__)
def test_decorated_guard_after_the_body_was_parsed_sees_all(
    mount: Mount, handler: Callable[..., Any], way: Callable[[], bytes]
) -> None:
    """A dependency of the team's own stands before it, so FastAPI has read when it runs."""
    app = native(handler, Depends(lambda: None), compat.decorated(signed(way)))
    mount(app, roomy("POST /a"), "POST /a")
    assert statuses(app, handler) == SEEN


@pytest.mark.parametrize("first", [*WAYS, by_data], ids=lambda each: each.__name__)
@pytest.mark.parametrize("way", [by_get_data, by_environ], ids=lambda each: each.__name__)
def test_decorated_guard_after_a_hook_that_read_sees_all(
    mount: Mount, first: Callable[[], bytes], way: Callable[[], bytes]
) -> None:
    """Also where the hook kept nothing of it."""
    legacy = roomy("POST /a")
    legacy.before_request(lambda: first() and None)
    app = native(model, compat.decorated(signed(way)))
    mount(app, legacy, "POST /a")
    assert statuses(app, model) == SEEN


@pytest.mark.parametrize("first", WAYS, ids=lambda each: each.__name__)
def test_hook_after_a_hook_that_read_sees_all(mount: Mount, first: Callable[[], bytes]) -> None:
    """Under Flask it would see nothing, and neither would the view; natively the handler does."""
    legacy = roomy("POST /a")
    legacy.before_request(lambda: first() and None)
    legacy.before_request(lambda: check(by_get_data_uncached()))
    legacy.before_request(lambda: check(by_chunks()))
    app = native(model)
    mount(app, legacy, "POST /a")
    assert statuses(app, model) == SEEN


@pytest.mark.parametrize("limit", [None, 1_500_000])
def test_guards_with_a_limit_of_flasks_see_all(mount: Mount, limit: int | None) -> None:
    """Werkzeug reads through another stream there."""
    legacy = roomy("POST /a")
    legacy.config["MAX_CONTENT_LENGTH"] = limit
    legacy.before_request(lambda: by_get_data_uncached() and None)
    legacy.before_request(lambda: check(by_stream()))
    app = native(model, compat.decorated(signed(by_get_data)))
    mount(app, legacy, "POST /a")
    assert statuses(app, model) == SEEN
    assert statuses(app, model, chunked=True) == SEEN


def test_guard_after_a_hook_that_read_a_part_sees_all(mount: Mount) -> None:
    """What a hook has peeked at belongs to the body."""
    legacy = roomy("POST /a")
    legacy.before_request(lambda: flask.request.stream.read(5) and None)
    app = native(model, compat.decorated(signed(by_get_data)))
    mount(app, legacy, "POST /a")
    assert statuses(app, model) == SEEN


@pytest.mark.parametrize("data_too", [False, True])
@pytest.mark.parametrize("handler", [form, own_form, upload], ids=lambda each: each.__name__)
def test_guard_after_a_hook_that_parsed_the_form_sees_all(
    mount: Mount, handler: Callable[..., Any], data_too: bool
) -> None:
    """A CSRF hook reads the form: Werkzeug then has no bytes to show, and `data` is empty."""
    legacy = roomy("POST /a")
    legacy.before_request(lambda: flask.request.form.get("csrf"))
    legacy.before_request(lambda: (data_too and flask.request.data) or None)
    data: list[bytes] = []

    def way() -> bytes:
        data.append(flask.request.data)
        return flask.request.get_data()

    app = native(handler, compat.decorated(signed(way)))
    mount(app, legacy, "POST /a")
    assert statuses(app, handler) == SEEN
    assert set(data) == {b""}


def test_guard_of_fastapis_and_one_of_flasks_see_the_same(mount: Mount) -> None:
    """Each from the beginning."""
    seen: list[bytes] = []

    async def guard(request: Request) -> None:
        seen.append(await request.body())

    def way() -> bytes:
        seen.append(flask.request.get_data())
        return seen[-1]

    app = native(own_json, Depends(guard), compat.decorated(signed(way)))
    mount(app, roomy("POST /a"), "POST /a")
    for data, kind in bodies(own_json):
        seen.clear()
        assert post(app, data, kind, signature_of(data)).status == 200
        assert seen == [data, data]


@pytest.mark.parametrize("way", WAYS, ids=lambda each: each.__name__)
@pytest.mark.parametrize(
    "handler", [model, stream, own_json, plain], ids=lambda each: each.__name__
)
def test_after_request_sees_all_that_was_read(
    mount: Mount, handler: Callable[..., Any], way: Callable[[], bytes]
) -> None:
    """And what nobody has read yet."""
    legacy, seen = roomy("POST /a"), []

    @legacy.after_request
    def after(response: flask.Response) -> flask.Response:
        seen.append(way())
        return response

    app = native(handler)
    mount(app, legacy, "POST /a")
    for data, kind in bodies(handler):
        assert post(app, data, kind, "").status == 200
        assert seen.pop() == data


def test_error_handler_without_hooks_sees_all_or_is_told(mount: Mount) -> None:
    """Where nothing else needs Flask, what FastAPI has read is kept up to 1 MB."""
    legacy = roomy("POST /a")
    seen: list[int | str] = []

    def explain(error: Exception) -> tuple[str, int]:
        try:
            seen.append(len(flask.request.get_data()))
        except RuntimeError as refused:
            seen.append(str(refused))
        return "sorry", 500

    legacy.register_error_handler(ValueError, explain)

    async def handler(request: Request) -> None:
        await request.body()
        raise ValueError

    app = native(handler)
    mount(app, legacy, "POST /a")
    for size in (10, 900_000, 3_000_000):
        assert post(app, b"x" * size, JSON, "").body == b"sorry"
    assert seen[:2] == [10, 900_000]
    assert "is not there any more" in str(seen[2])


def test_guard_past_what_is_kept_is_told(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    """It fails, rather than pass what it can't see."""
    monkeypatch.setattr("crossfade.native.route.KEPT", 1_100_000)
    app = native(model, Depends(lambda: None), compat.decorated(signed(by_get_data)))
    mount(app, roomy("POST /a"), "POST /a")
    data = b'{"name": "ada"%s}' % (b" " * 2_500_000)
    assert post(app, data, JSON, EMPTY).status == 500
    assert post(app, data, JSON, signature_of(data)).status == 500


def test_body_after_the_request_is_there_or_is_an_error(mount: Mount) -> None:
    """`with client:` of a test looks at it then; a background thread may as well."""
    legacy, kept = roomy("POST /a"), []
    legacy.before_request(lambda: kept.append(flask.request._get_current_object()))  # type: ignore[attr-defined]
    app = native(body)
    mount(app, legacy, "POST /a")
    assert post(app, b"x" * 10, JSON, "").status == 200
    assert kept.pop().get_data() == b"x" * 10
    assert post(app, b"x" * 2_000_000, JSON, "").status == 200
    with pytest.raises(RuntimeError, match="is not there any more"):
        kept.pop().get_data()


def test_endless_reading_of_a_body_ends(mount: Mount) -> None:
    """`while request.stream.read()` ends under Flask."""
    legacy = roomy("POST /a")

    @legacy.before_request
    def before() -> None:
        while flask.request.stream.read():
            pass

    app = native(body)
    mount(app, legacy, "POST /a")
    assert post(app, b"x" * 10, JSON, "").status == 500
