"""Two applications that record everything: what runs around a view, in which order, with what.

Each outcome of a request has one URL, a legacy view and a native handler.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import flask
from fastapi import Body, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from flask import Blueprint, Flask, abort, after_this_request, g, request, session, signals
from starlette.requests import ClientDisconnect
from starlette.types import Message
from werkzeug.exceptions import NotFound

from crossfade import Gateway, mount_legacy
from crossfade.model import FORCE_SIDE, Side
from tests.asgi.kit import Answer, http_scope


class Refused(Exception):
    """An exception of the application's own, with an error handler."""


class Bug(Exception):
    """An exception that nobody handles."""


Record = list[tuple[str, Any]]


@dataclass
class Recorder:
    """The applications and what they recorded.

    Attributes:
        flask_app: the legacy side.
        app: the native side with the gateway.
        gateway: what `mount_legacy` returned.
        record: what has happened since it was cleared.
    """

    flask_app: Flask
    app: FastAPI
    gateway: Gateway
    record: Record = field(default_factory=list)

    def note(self, event: str, detail: Any = None) -> None:
        """Record something."""
        self.record.append((event, detail))


def make(folder: Path, sync: bool = False) -> Recorder:
    """Return a recorder, mounted.

    Args:
        folder: for the migration map.
        sync: whether native handlers are plain `def`, which FastAPI runs in its own threads.
    """
    flask_app, app = Flask("recorded", static_folder=None), FastAPI()
    flask_app.secret_key = "for tests"
    outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__)
    recorder = Recorder(flask_app, app, None)  # type: ignore[arg-type]
    _add_hooks(recorder, outer, inner)
    _add_errors(recorder, outer)
    _add_views(recorder, inner)
    outer.register_blueprint(inner)
    flask_app.register_blueprint(outer)
    _add_native(recorder, sync)
    path = folder / "map.toml"
    path.write_text("[routes]\n")
    recorder.gateway = mount_legacy(app, flask_app, migration_map=path)
    return recorder


# --- what surrounds the view ----------------------------------------------------------------------


def _state() -> dict[str, Any]:
    """What a hook may look at."""
    return {
        "endpoint": request.endpoint,
        "view_args": request.view_args,
        "blueprints": request.blueprints,
        "rule": str(request.url_rule),
        "path": request.full_path,
        "seen": list(g.get("seen", ())),
        "session": dict(session),
        "app": flask.current_app.name,
    }


def _stop(where: str) -> Any:
    """End the request in a hook, where the query says so."""
    if request.args.get("stop") != where:
        return None
    how = request.args.get("how", "answer")
    if how == "abort":
        abort(403, description=f"not past {where}")
    if how == "refuse":
        raise Refused(where)
    if how == "bug":
        raise Bug(where)
    if how == "stream":
        return flask.Response((part for part in ["a", "b"]), headers={"X-Hook": where})
    return f"stopped in {where}", 203, {"X-Hook": where}


def _add_hooks(recorder: Recorder, outer: Blueprint, inner: Blueprint) -> None:  # noqa: C901 - a list of hooks
    note = recorder.note

    def around(scaffold: Flask | Blueprint, name: str) -> None:  # noqa: C901
        @scaffold.url_value_preprocessor
        def preprocess(endpoint: str | None, values: dict[str, Any] | None) -> None:
            note(f"{name} url_value_preprocessor", (endpoint, dict(values or {})))
            # Not of streams: `stream_with_context` of some versions matches the URL once more.
            if values and "number" in values and str(endpoint).endswith(".normal"):
                values["number"] += 1

        @scaffold.before_request
        def first() -> None:
            note(f"{name} before_request 1", _state())
            g.seen = [*g.get("seen", ()), name]
            if "read" in request.args:
                note(f"{name} read", request.get_data())

        @scaffold.before_request
        def second() -> Any:
            note(f"{name} before_request 2")
            if request.args.get("later") == name:

                @after_this_request
                def later(response: flask.Response) -> flask.Response:
                    note(f"{name} after_this_request", response.status_code)
                    return response

            return _stop(f"{name} before")

        @scaffold.after_request
        def after(response: flask.Response) -> flask.Response:
            detail = (response.status_code, response.content_type, response.is_streamed)
            note(f"{name} after_request", (detail, _state()))
            response.headers.add("X-After", name)
            if request.args.get("rewrite") == name:
                response.set_data(b"rewritten " + response.get_data())
            if request.args.get("wrap") == name:
                response.response = (chunk + b"!" for chunk in response.iter_encoded())
            if "data" in request.args:
                note(f"{name} data", request.get_data())
            stopped = _stop(f"{name} after")
            return flask.make_response(stopped) if stopped is not None else response

        @scaffold.teardown_request
        def teardown(error: BaseException | None) -> None:
            note(f"{name} teardown_request", (type(error).__name__, list(g.get("seen", ()))))
            if request.args.get("stop") == f"{name} teardown":
                raise Bug(name)

    around(recorder.flask_app, "app")
    around(outer, "outer")
    around(inner, "inner")

    @recorder.flask_app.teardown_appcontext
    def leave(error: BaseException | None) -> None:
        note("teardown_appcontext", type(error).__name__)

    for name in (
        "appcontext_pushed",
        "appcontext_popped",
        "appcontext_tearing_down",
        "request_started",
        "request_finished",
        "request_tearing_down",
        "got_request_exception",
    ):
        signal: Any = getattr(signals, name)

        def receive(sender: Any, _name: str = name, **more: Any) -> None:
            error = more.get("exception", more.get("exc"))
            note(f"signal {_name}", None if error is None else type(error).__name__)

        signal.connect(receive, recorder.flask_app, weak=False)


def _add_errors(recorder: Recorder, outer: Blueprint) -> None:
    @recorder.flask_app.errorhandler(Refused)
    def refused(error: Refused) -> Any:
        recorder.note("errorhandler Refused", str(error))
        return {"refused": str(error)}, 409

    @recorder.flask_app.errorhandler(404)
    def not_found(error: NotFound) -> Any:
        recorder.note("errorhandler 404", error.description)
        return {"app": error.description}, 404

    @outer.errorhandler(404)
    def not_found_in_outer(error: NotFound) -> Any:
        recorder.note("outer errorhandler 404", error.description)
        return {"outer": error.description}, 404

    @recorder.flask_app.errorhandler(500)
    def broken(error: Any) -> Any:
        recorder.note("errorhandler 500", type(error.original_exception).__name__)
        return "broken", 500


# --- the views, and the handlers that stand for them ----------------------------------------------


def _add_views(recorder: Recorder, inner: Blueprint) -> None:  # noqa: C901 - a list of views
    note = recorder.note

    @inner.get("/normal/<int:number>")
    def normal(number: int) -> Any:
        note("view", {**_state(), "number": number})
        g.seen.append("view")
        session["visits"] = session.get("visits", 0) + 1
        return flask.Response("fine", mimetype="text/plain", headers={"X-View": "1"})

    @inner.get("/later/<int:number>")
    def later(number: int) -> Any:
        note("view")

        @after_this_request
        def last(response: flask.Response) -> flask.Response:
            note("view after_this_request", response.status_code)
            return response

        return flask.Response("fine", mimetype="text/plain")

    @inner.get("/raises/<what>")
    def raises(what: str) -> Any:
        note("view")
        if what == "abort":
            abort(404, description="gone")
        if what == "plain":
            abort(404)
        if what == "headers":
            abort(flask.Response("slow down", 429, {"Retry-After": "9", "X-A": "b"}))
        raise {"refused": Refused, "bug": Bug}[what](what)

    @inner.get("/valid")
    def valid() -> Any:
        if not request.args["count"].isdigit():
            abort(400)
        return "valid"

    @inner.post("/echo")
    def echo() -> Any:
        note("view", len(request.get_data()))
        return flask.Response(request.get_data(), mimetype="application/octet-stream")

    @inner.get("/stream/<int:number>")
    def stream(number: int) -> Any:
        note("view")

        def chunks() -> Iterator[str]:
            for index in range(number):
                note("chunk", list(g.seen))
                if request.args.get("break") == str(index - 1):
                    raise Bug("mid-stream")
                yield f"{index};"
                if "endless" in request.args:
                    time.sleep(0.001)  # it is told of the client's leaving where it yields

        return flask.Response(flask.stream_with_context(chunks()), mimetype="text/plain")


def _add_native(recorder: Recorder, sync: bool) -> None:  # noqa: C901 - a list of handlers
    note, app = recorder.note, recorder.app

    def normal(number: int) -> Response:
        note("view", {**_state(), "number": number})
        g.seen.append("view")
        session["visits"] = session.get("visits", 0) + 1
        return PlainTextResponse("fine", headers={"X-View": "1"})

    def later(number: int) -> Response:
        note("view")

        @after_this_request
        def last(response: flask.Response) -> flask.Response:
            note("view after_this_request", response.status_code)
            return response

        return PlainTextResponse("fine")

    def raises(what: str) -> Response:
        note("view")
        if what == "abort":
            raise HTTPException(404, "gone")
        if what == "plain":
            raise HTTPException(404)
        if what == "headers":
            abort(flask.Response("slow down", 429, {"Retry-After": "9", "X-A": "b"}))
        raise {"refused": Refused, "bug": Bug}[what](what)

    for path, handler in (
        ("/normal/{number}", normal),
        ("/later/{number}", later),
        ("/raises/{what}", raises),
    ):
        app.get(path)(handler if sync else _as_async(handler))

    @app.get("/valid")
    async def valid(count: int) -> JSONResponse:
        return JSONResponse("valid")

    @app.post("/echo")
    async def echo(body: Annotated[bytes, Body()]) -> Response:
        note("view", len(body))
        return Response(body, media_type="application/octet-stream")

    @app.get("/stream/{number}")
    async def stream(number: int, request: Request) -> Response:
        note("view")
        query = request.query_params

        async def chunks() -> AsyncIterator[str]:
            for index in range(number):
                note("chunk", list(g.seen))
                if query.get("break") == str(index - 1):
                    raise Bug("mid-stream")
                yield f"{index};"
                if "endless" in query:
                    await asyncio.sleep(0)

        return StreamingResponse(chunks(), media_type="text/plain")


def _as_async(handler: Any) -> Any:
    @functools.wraps(handler)
    async def endpoint(**arguments: Any) -> Any:
        return handler(**arguments)

    return endpoint


# --- one request ----------------------------------------------------------------------------------


async def play(
    recorder: Recorder,
    side: Side,
    method: str,
    target: str,
    *,
    headers: list[tuple[str, str]] | None = None,
    body: list[bytes] | None = None,
    leave_after: int | None = None,
    spec: str = "2.3",
) -> tuple[Answer, Record]:
    """Send a request to one side; return the answer and what was recorded.

    Args:
        recorder: the applications.
        side: who answers.
        method: in capitals.
        target: path and query.
        headers: of the request.
        body: its chunks.
        leave_after: the client leaves once it has so many messages with a body.
        spec: the ASGI version. By it Starlette learns of a client that left: up to 2.3 by
            listening, from 2.4 on by `send`, which raises.
    """
    recorder.record.clear()
    chunks = list(body or [])
    given = [*(headers or [])]
    if chunks:
        given.append(("content-length", str(sum(map(len, chunks)))))
    scope = http_scope(method, target, given)
    scope[FORCE_SIDE] = side
    scope["asgi"]["spec_version"] = spec
    answer = Answer(scope=scope)
    gone = asyncio.Event()
    bodies = 0

    async def receive() -> Message:
        if chunks:
            chunk = chunks.pop(0)
            return {"type": "http.request", "body": chunk, "more_body": bool(chunks)}
        if not body and not answer.scope.setdefault("told", False):
            answer.scope["told"] = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal bodies
        if gone.is_set() and spec == "2.4":
            raise OSError("the client has gone")
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = [(k.decode(), v.decode("latin-1")) for k, v in message["headers"]]
            return
        answer.body += message.get("body", b"")
        answer.ended = not message.get("more_body", False)
        bodies += 1
        if answer.ended or bodies == leave_after:
            recorder.note("client done" if answer.ended else "client left")
            gone.set()
            await asyncio.sleep(0)

    try:
        await recorder.app(scope, receive, send)
    except (Bug, ClientDisconnect) as error:
        recorder.note("raised to the server", str(error))
    # A thread of the bridge may be at work still after its client has left.
    deadline = time.monotonic() + 10
    while not _is_over(recorder.record):
        assert time.monotonic() < deadline, recorder.record
        await asyncio.sleep(0.001)
    return answer, list(recorder.record)


def _is_over(record: Record) -> bool:
    """Whether every context that was pushed has been popped."""
    events = [event for event, _ in record]
    if "client left" in events and ("teardown_appcontext", "GeneratorExit") not in record:
        return False
    pushed, popped = (
        events.count("signal appcontext_pushed"),
        events.count("signal appcontext_popped"),
    )
    return pushed == popped
