"""What the tests of this folder share: Flask applications to hide behind, and an ASGI client."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from fastapi import FastAPI
from flask import Flask, request
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Scope

from crossfade import Gateway
from crossfade.model import SELECTION, Selection
from tests.servers import until

DEADLINE = 20.0
"""Seconds after which an answer that does not end fails its test."""

Mount = Callable[..., Gateway]
"""The fixture `mount`: `mount(app, legacy, "GET /a", …, settings="", hooks="flask")`."""


@dataclass
class Answer:
    """What came back, and the scope as the applications left it."""

    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    ended: bool = False
    scope: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def selection(self) -> Selection:
        """What the gateway decided."""
        selection: Selection = self.scope[SELECTION]
        return selection

    @property
    def served_by(self) -> str:
        """`flask` or `fastapi`."""
        return self.selection.side.framework

    def all(self, name: str) -> list[str]:
        """Return all values of a header."""
        return [value for key, value in self.headers if key == name]

    def get(self, name: str) -> str | None:
        """Return the only value of a header."""
        values = self.all(name)
        assert len(values) < 2, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None


def http_scope(
    method: str, target: str, headers: Iterable[tuple[str, str]] = (), **more: Any
) -> dict[str, Any]:
    """Return the scope that a server makes of a request; the first `Host` header wins."""
    path, _, query = target.partition("?")
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    if not any(name == b"host" for name, _ in raw):
        raw.insert(0, (b"host", b"testserver"))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": raw,
        "client": ("127.0.0.1", 50000),
        "server": ("testserver", 80),
        **more,
    }


def ask(
    app: ASGIApp,
    method: str,
    target: str,
    *headers: tuple[str, str],
    body: bytes = b"",
    **more: Any,
) -> Answer:
    """Send one request and return the answer. An application that raises, raises here.

    Args:
        app: what is asked.
        method: in capitals.
        target: path and query as the request line has them.
        headers: pairs; a `Content-Length` is added for a body.
        body: the request's body.
        more: further keys of the scope.
    """
    if body:
        headers = (*headers, ("Content-Length", str(len(body))))
    scope = http_scope(method, target, headers, **more)

    async def with_deadline() -> Answer:
        return await asyncio.wait_for(ask_async(app, scope, body), DEADLINE)

    return asyncio.run(with_deadline())


async def ask_async(
    app: ASGIApp, scope: Scope, body: bytes = b"", into: Answer | None = None
) -> Answer:
    """Send one request in the running loop; after its end the client hangs up.

    Args:
        app: what is asked.
        scope: of the request.
        body: of the request.
        into: takes what arrives; for an application that answers and raises then.
    """
    answer = Answer(scope=dict(scope)) if into is None else into
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    ended = asyncio.Event()

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await ended.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        # As uvicorn: what comes after the end is an error of the application.
        assert not answer.ended, f"{message['type']} after the response was complete"
        if message["type"] == "http.response.start":
            assert not answer.status, "two heads"
            answer.status = message["status"]
            answer.headers = [
                (name.decode().lower(), value.decode("latin-1"))
                for name, value in message["headers"]
            ]
        else:
            assert answer.status, "a body before its head"
            answer.body += message.get("body", b"")
            if not message.get("more_body", False):
                answer.ended = True
                ended.set()

    await app(answer.scope, receive, send)
    assert answer.ended, "the response was left unfinished"
    return answer


def flask_with(*rules: str, **options: Any) -> Flask:
    """Return a Flask application that has the rules (`GET /a`, `GET|POST /b`).

    Its answers start with `flask` and name the rule and its arguments.
    """
    app = Flask("legacy", static_folder=None, **options)
    for rule in rules:
        methods, _, path = rule.partition(" ")
        add_rule(app, path, methods.split("|"))
    return app


def add_rule(app: Flask, path: str, methods: Iterable[str] = ("GET",), **options: Any) -> None:
    """Add a rule whose view names itself."""

    def view(**arguments: Any) -> str:
        return f"flask {request.method} {path} {arguments}"

    name = f"{'|'.join(methods)} {path} {options}".replace(".", "_")
    app.add_url_rule(path, endpoint=name, view_func=view, methods=list(methods), **options)


def native_with(*routes: str) -> FastAPI:
    """Return a FastAPI application that has the routes; its answers start with `fastapi`."""
    app = FastAPI(openapi_url=None)

    async def endpoint(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"fastapi {request.method} {request.path_params}")

    for route in routes:
        methods, _, path = route.partition(" ")
        app.add_api_route(path, endpoint, methods=methods.split("|"))
    return app


def open_websocket(app: ASGIApp, target: str, *texts: str, **more: Any) -> list[Message]:
    """Open a WebSocket, send texts, close it; return every message of the application's."""
    path = target.partition("?")[0]
    scope = {
        **http_scope("GET", target),
        "type": "websocket",
        "scheme": "ws",
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
        "path": path,
        **more,
    }
    del scope["method"]
    inbound: list[Message] = [{"type": "websocket.connect"}]
    inbound += [{"type": "websocket.receive", "text": text} for text in texts]
    sent: list[Message] = []

    async def receive() -> Message:
        return inbound.pop(0) if inbound else {"type": "websocket.disconnect", "code": 1000}

    async def send(message: Message) -> None:
        sent.append(message)

    async def connect() -> None:
        await app(scope, receive, send)

    asyncio.run(connect())
    return sent


@asynccontextmanager
async def running(app: ASGIApp) -> AsyncIterator[dict[str, Any]]:
    """Run the application's lifespan around the block; yields the state that requests copy.

    Raises:
        AssertionError: it reports a failure, with its message, where it does not raise by itself.
    """
    state: dict[str, Any] = {}
    inbound: asyncio.Queue[Message] = asyncio.Queue()
    outbound: asyncio.Queue[Message] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": state}
    task = asyncio.ensure_future(app(scope, inbound.get, outbound.put))

    async def step(phase: str) -> None:
        inbound.put_nowait({"type": f"lifespan.{phase}"})
        answer = await outbound.get()
        if answer["type"] != f"lifespan.{phase}.complete":
            await task
        assert answer["type"] == f"lifespan.{phase}.complete", answer

    await step("startup")
    yield state
    await step("shutdown")
    await task


async def start(app: ASGIApp) -> list[Message]:
    """Ask for the start; return what the server hears."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    await app(scope, receive, send)
    return sent


def save_map(gateway: Gateway, text: str) -> None:
    """Save another map, and return once the gateway goes by it."""
    data = text.encode()
    gateway.live.path.write_bytes(data)
    gateway.live.poll()
    # Where requests were served, the gateway's own thread may have been quicker.
    revision = hashlib.sha256(data).hexdigest()
    until(lambda: gateway.live.snapshot.revision == revision, what="the saved map")
