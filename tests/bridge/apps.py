"""The application of the bridge's tests: a Flask one, with raw WSGI under `/raw/`.

    gunicorn tests.bridge.apps:legacy        what to be equal to
    uvicorn tests.bridge.apps:gateway        the same behind `mount_legacy`, with an empty map

Each raw application is one way in which an application can answer, or go wrong.
"""

from __future__ import annotations

import contextvars
import dataclasses
import gc
import hashlib
import io
import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import GeneratorType
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI
from flask import Flask, Response, jsonify, redirect, request, send_file, stream_with_context
from werkzeug.exceptions import HTTPException

from crossfade import mount_legacy
from crossfade.bridge import Bridge
from crossfade.model import BridgeSettings

Start = Callable[..., Callable[[bytes], None]]
Raw = Callable[[dict[str, Any], Start], Iterable[bytes]]

TEXT = [("Content-Type", "text/plain")]
KILOBYTE = bytes(range(256)) * 4

RAW: dict[str, Raw] = {}
EVENTS: list[str] = []
"""What happened to the iterables of this process: `token closed`, `token ended`, …"""

GATES: dict[str, threading.Event] = {}
variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")


def raw(function: Raw) -> Raw:
    """Serve a function under `/raw/<its name with dashes>`."""
    RAW[function.__name__.replace("_", "-")] = function
    return function


def gate(name: str) -> threading.Event:
    """Return the event that a test opens with `/raw/open-gate?name=`."""
    return GATES.setdefault(name, threading.Event())


def query(environ: dict[str, Any]) -> dict[str, str]:
    """Return the first value of each query parameter."""
    found = parse_qs(environ["QUERY_STRING"], keep_blank_values=True, encoding="latin-1")
    return {name: values[0] for name, values in found.items()}


class Tracked:
    """An iterable that records what becomes of it under a token."""

    def __init__(self, environ: dict[str, Any], chunks: Iterable[bytes]) -> None:
        self.token = query(environ).get("token", "-")
        self.chunks = iter(chunks)
        variable.set(self.token)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            return next(self.chunks)
        except StopIteration:
            EVENTS.append(f"{self.token} ended")
            raise

    def close(self) -> None:
        """Record the call, and whether it was made in the request's context."""
        context = "" if variable.get("?") == self.token else " in another context"
        EVENTS.append(f"{self.token} closed{context}")


def answer_json(start: Start, value: Any) -> list[bytes]:
    """Return a value as JSON."""
    body = json.dumps(value, sort_keys=True, default=repr).encode()
    start("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


# What the application is given


@raw
def env(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """The environ's strings, and its flags."""
    shown: dict[str, Any] = {key: value for key, value in environ.items() if isinstance(value, str)}
    for key in ("REMOTE_PORT", "REQUEST_URI"):
        shown.pop(key, None)
    shown["SERVER_SOFTWARE"] = shown["SERVER_SOFTWARE"].partition("/")[0]  # the version varies
    for key in ("wsgi.version", "wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once"):
        shown[key] = environ[key]
    shown["wsgi.input_terminated"] = environ.get("wsgi.input_terminated")
    shown["file_wrapper"] = "wsgi.file_wrapper" in environ
    shown["errors"] = environ["wsgi.errors"].write("") or None
    return answer_json(start, shown)


@raw
def read(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Read the body by a script: `how=read:5,readline,readlines,iter,read:None`."""
    stream = environ["wsgi.input"]
    seen: list[Any] = []
    for step in query(environ).get("how", "read").split(","):
        name, _, argument = step.partition(":")
        if name == "iter":
            seen.append(repr(list(stream)))
        elif name == "next":
            seen.append(repr(next(stream, None)))
        else:
            args = [] if not argument else [None if argument == "None" else int(argument)]
            seen.append(repr(getattr(stream, name)(*args)))
    return answer_json(start, seen)


@raw
def digest(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """The body's length and hash, read in pieces."""
    size, sha = 0, hashlib.sha256()
    while data := environ["wsgi.input"].read(50_000):
        size += len(data)
        sha.update(data)
    return answer_json(start, [size, sha.hexdigest()])


@raw
def early(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Answer without reading the body."""
    start("413 Content Too Large", [*TEXT, ("Content-Length", "3")])
    return [b"no\n"]


@raw
def reading(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Read all, and record how it went."""
    token = query(environ)["token"]
    EVENTS.append(f"{token} reading")
    try:
        size = len(environ["wsgi.input"].read())
        EVENTS.append(f"{token} read {size}")
    except OSError as exc:
        EVENTS.append(f"{token} failed {type(exc).__name__}")
        raise
    start("200 OK", TEXT)
    return [b"%d" % size]


# How it can answer


@raw
def a_list(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Several chunks, known at once, of unknown length."""
    start("200 OK", TEXT)
    return [b"one ", b"", b"two ", b"three"]


@raw
def empty(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """No chunk at all."""
    start("200 OK", TEXT)
    return []


@raw
def generator(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Chunks one by one."""
    start("200 OK", TEXT)
    return Tracked(environ, (b"%d " % number for number in range(10)))


@raw
def generator_of_length(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Chunks one by one, of a length that is announced."""
    start("200 OK", [*TEXT, ("Content-Length", "20")])
    return Tracked(environ, (b"%d " % number for number in range(10)))


@raw
def lazy_start(environ: dict[str, Any], start: Start) -> Iterator[bytes]:
    """A generator function: `start_response` is called when it is first asked for a chunk."""
    start("200 OK", TEXT)
    yield b"lazy"


@raw
def gated(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Yield, wait for the gate `name`, yield again."""
    name = query(environ)["name"]
    start("200 OK", TEXT)

    def chunks() -> Iterator[bytes]:
        yield b"before "
        assert gate(name).wait(20)
        yield b"after"

    return Tracked(environ, chunks())


@raw
def write(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """The write callable, then an iterable."""
    send = start("200 OK", TEXT)
    send(b"written ")
    send(b"twice ")
    return [b"and returned"]


@raw
def write_gated(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Write, and go on only once the gate is open."""
    send = start("200 OK", TEXT)
    send(b"before ")
    assert gate(query(environ)["name"]).wait(20)
    return [b"after"]


@raw
def file(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """A file through `wsgi.file_wrapper`."""
    handle = tempfile.TemporaryFile()  # noqa: SIM115 - the server closes it
    handle.write(KILOBYTE * 300)
    handle.seek(0)
    start("200 OK", [("Content-Type", "application/x"), ("Content-Length", str(300 * 1024))])
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](handle, 8192)
    return wrapped


@raw
def big(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """`kb` kilobytes in chunks of 64 kB."""
    count = int(query(environ).get("kb", "1024"))
    start("200 OK", [("Content-Type", "application/x"), ("Content-Length", str(count * 1024))])
    return Tracked(environ, (KILOBYTE * 64 for _ in range(count // 64)))


@raw
def endless(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Server-sent events without an end."""
    token = query(environ).get("token", "-")
    pause = float(query(environ).get("pause", "0.01"))
    start("200 OK", [("Content-Type", "text/event-stream")])

    def chunks() -> Iterator[bytes]:
        try:
            while True:
                yield b"data: tick\n\n"
                time.sleep(pause)
        finally:
            EVENTS.append(f"{token} generator closed")

    return Tracked(environ, chunks())


@raw
def status(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Any status line, any one header, any body, by the query."""
    given = query(environ)
    headers = [("Content-Type", "text/plain")]
    if "name" in given:
        headers.append((given["name"], given.get("value", "")))
    start(given.get("s", "200 OK"), headers)
    return [given.get("body", "body").encode("latin-1")]


@raw
def hop_by_hop(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Headers that belong to the connection."""
    names = ["Connection", "Keep-Alive", "Proxy-Authenticate", "TE", "Upgrade"]
    hop = [(name, "x") for name in names]
    start("200 OK", [*TEXT, *hop, ("Transfer-Encoding", "chunked"), ("Content-Length", "2")])
    return [b"ok"]


@raw
def own_date(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """The application's own Date and Server."""
    mine = [("Date", "Thu, 01 Jan 1970 00:00:00 GMT"), ("Server", "mine")]
    start("200 OK", [*TEXT, *mine])
    return [b"ok"]


@raw
def several(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """A header several times, empty values, blanks around them, latin-1."""
    start(
        "200 OK",
        [*TEXT, ("X-A", "1"), ("x-a", " 2 "), ("X-A", ""), ("X-B", "\xe9\t!"), ("Set-Cookie", "a")],
    )
    return [b"ok"]


@raw
def bodiless(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """A status that has no body, with one, with its length."""
    start(query(environ)["s"], [*TEXT, ("Content-Length", "4")])
    return [b"body"]


@raw
def head_of_length(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """An answer to HEAD that names the length that GET would have."""
    start("200 OK", [*TEXT, ("Content-Length", "1000")])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [b"x" * 1000]


@raw
def too_short(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Fewer bytes than announced."""
    start("200 OK", [*TEXT, ("Content-Length", "10")])
    return [b"short"]


@raw
def too_long(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """More bytes than announced."""
    start("200 OK", [*TEXT, ("Content-Length", "4")])
    return Tracked(environ, iter([b"as", b"announced", b"and more"]))


# How it can go wrong


@raw
def raise_before(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Raise before anything."""
    raise RuntimeError("before")


@raw
def raise_after_start(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Raise after `start_response`."""
    start("200 OK", TEXT)
    raise RuntimeError("after start_response")


@raw
def raise_at_first(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Raise before the first chunk."""
    start("200 OK", TEXT)

    def chunks() -> Iterator[bytes]:
        raise RuntimeError("at the first chunk")
        yield b""

    return Tracked(environ, chunks())


@raw
def raise_later(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Raise after some chunks."""
    start("200 OK", TEXT)

    def chunks() -> Iterator[bytes]:
        yield b"a" * 1000
        yield b"b" * 1000
        raise RuntimeError("later")

    return Tracked(environ, chunks())


@raw
def raise_later_of_length(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Raise after some chunks of an announced length."""
    start("200 OK", [*TEXT, ("Content-Length", "4000")])

    def chunks() -> Iterator[bytes]:
        yield b"a" * 1000
        raise RuntimeError("later")

    return Tracked(environ, chunks())


@raw
def raise_at_end(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Raise once all that was announced has been yielded."""
    start("200 OK", [*TEXT, ("Content-Length", "4")])

    def chunks() -> Iterator[bytes]:
        yield b"body"
        raise RuntimeError("at the end")

    return Tracked(environ, chunks())


@raw
def raise_in_close(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Raise in close()."""
    start("200 OK", [*TEXT, ("Content-Length", "4")])

    class Closing(Tracked):
        def close(self) -> None:
            super().close()
            raise RuntimeError("in close")

    return Closing(environ, iter([b"body"]))


@raw
def exits(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """sys.exit() in a view."""
    sys.exit(1)


@raw
def late_exc_info(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Replace the head before anything was yielded."""
    start("200 OK", [("X-First", "1")])
    try:
        raise RuntimeError("changed my mind")
    except RuntimeError:
        start("503 Service Unavailable", [*TEXT, ("X-Second", "2")], sys.exc_info())
    return [b"replaced"]


@raw
def late_exc_info_in_generator(environ: dict[str, Any], start: Start) -> Iterator[bytes]:
    """The same from a generator."""
    start("200 OK", [])
    try:
        raise RuntimeError("changed my mind")
    except RuntimeError:
        start("503 Service Unavailable", TEXT, sys.exc_info())
    yield b"replaced"


@raw
def too_late_exc_info(environ: dict[str, Any], start: Start) -> Iterator[bytes]:
    """Try to replace the head once it is out: the error comes back."""
    start("200 OK", TEXT)
    yield b"out"
    try:
        raise RuntimeError("too late")
    except RuntimeError:
        start("503 Service Unavailable", TEXT, sys.exc_info())
    yield b"never"


@raw
def start_twice(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """A second call without exc_info."""
    start("200 OK", TEXT)
    start("404 Not Found", TEXT)
    return [b"body"]


@raw
def never_starts(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """No call at all."""
    return [b"body"]


@raw
def returns_none(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """None instead of an iterable."""
    start("200 OK", TEXT)
    return None  # type: ignore[return-value]


@raw
def yields_str(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Text instead of bytes."""
    start("200 OK", TEXT)
    return ["text"]  # type: ignore[list-item]


# What the tests look at


@raw
def events(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """What has happened under a token."""
    token = query(environ)["token"]
    return answer_json(start, [event for event in EVENTS if event.startswith(f"{token} ")])


@raw
def open_gate(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Open a gate."""
    gate(query(environ)["name"]).set()
    return answer_json(start, None)


@raw
def hang(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Do not answer before the gate `name` is open."""
    given = query(environ)
    EVENTS.append(f"{given.get('token', '-')} hanging")
    assert gate(given["name"]).wait(60)
    start("200 OK", TEXT)
    return [b"released"]


@raw
def usage(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Threads, file descriptors and memory of this process."""
    gc.collect()
    memory = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return answer_json(
        start,
        {
            "threads": threading.active_count(),
            "fds": len(list(Path("/proc/self/fd").iterdir())),
            "rss": int(memory["VmRSS"].split()[0]),
            "peak": int(memory["VmHWM"].split()[0]),
            "generators": sum(
                1 for item in gc.get_objects() if type(item) is GeneratorType and _ours(item)
            ),
        },
    )


def _ours(item: GeneratorType[Any, Any, Any]) -> bool:
    return item.gi_code.co_filename == __file__ and item.gi_code.co_name == "chunks"


legacy = Flask(__name__)
_flask_wsgi = legacy.wsgi_app


def _wsgi(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    if environ["PATH_INFO"].startswith("/raw/"):
        application = RAW.get(environ["PATH_INFO"][5:])
        if application is not None:
            return application(environ, start)
    return _flask_wsgi(environ, start)


legacy.wsgi_app = _wsgi  # type: ignore[assignment,method-assign]


@legacy.get("/")
def index() -> Response:
    """Small JSON."""
    return jsonify(hello="world")


@legacy.route("/echo", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def echo() -> Response:
    """The body as Flask reads it, and what it is."""
    return jsonify(
        data=request.get_data().decode("latin-1"),
        form=request.form.to_dict(flat=False),
        args=request.args.to_dict(flat=False),
        files={name: item.read().decode("latin-1") for name, item in request.files.items()},
        path=request.path,
        url=request.url,
    )


@legacy.post("/form")
def form() -> Response:
    """A form with files."""
    files = {name: item.read().decode("latin-1") for name, item in request.files.items()}
    return jsonify(form=request.form.to_dict(flat=False), files=files)


@legacy.get("/users/<int:user_id>")
def user(user_id: int) -> Response:
    """A converter."""
    return jsonify(id=user_id)


@legacy.get("/path/<path:rest>")
def path(rest: str) -> Response:
    """Any path."""
    return jsonify(rest=rest)


@legacy.get("/dir/")
def directory() -> str:
    """A rule with a slash at its end."""
    return "dir"


@legacy.get("/redirect")
def redirects() -> Any:
    """A redirect."""
    return redirect("/dir/")


@legacy.get("/cookies")
def cookies() -> Response:
    """Cookies as Flask reads them; several are set."""
    response = jsonify(request.cookies.to_dict())
    response.set_cookie("a", "1", path="/x")
    response.set_cookie("b", "é")
    return response


@legacy.get("/headers")
def headers() -> Response:
    """Headers as Flask reads them."""
    hidden = {"Host"}
    return jsonify(sorted([k, v] for k, v in request.headers if k not in hidden))


@legacy.get("/stream")
def stream() -> Response:
    """A generator in the request's context."""

    def chunks() -> Iterator[str]:
        for number in range(5):
            yield f"{request.path} {number}\n"

    return Response(stream_with_context(chunks()), mimetype="text/plain")


@legacy.get("/file")
def flask_file() -> Response:
    """send_file: conditional requests and ranges."""
    response = send_file(
        io.BytesIO(KILOBYTE * 20), mimetype="application/x", etag="abc", conditional=True
    )
    response.headers.pop("Date", None)
    return response


@legacy.get("/no-content")
def no_content() -> tuple[str, int]:
    """204."""
    return "", 204


@legacy.get("/error")
def error() -> str:
    """An exception in a view."""
    raise RuntimeError("in a view")


@legacy.errorhandler(418)
def teapot(exc: HTTPException) -> tuple[str, int]:
    """An error handler of the application."""
    return "short and stout", 418


@legacy.get("/teapot")
def make_tea() -> str:
    """abort(418)."""
    from flask import abort

    abort(418)


def _gateway() -> FastAPI:
    directory = tempfile.mkdtemp(prefix="crossfade-")
    empty_map = Path(directory) / "migration_map.toml"
    empty_map.write_text(os.environ.get("BRIDGE_MAP", ""))
    app = FastAPI(openapi_url=None)

    @app.get("/native")
    async def native() -> str:
        return "native"

    mount_legacy(app, legacy, migration_map=empty_map)
    return app


gateway = _gateway()


BRIDGES: list[Bridge] = []


def bare() -> Bridge:
    """The bridge alone, with settings from the environment as JSON."""
    bridge = Bridge(legacy, BridgeSettings(**json.loads(os.environ.get("BRIDGE_SETTINGS", "{}"))))
    BRIDGES.append(bridge)
    return bridge


@raw
def stats(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """What the bridge that `bare` made says of itself."""
    return answer_json(start, dataclasses.asdict(BRIDGES[0].stats()) if BRIDGES else {})
