"""Two sides made of one function for each route, and the prover over them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import flask
from fastapi import FastAPI, Request, Response

from crossfade import mount_legacy
from crossfade.contract import NoState, State
from crossfade.contract.engine.prover import Options, Prover
from crossfade.contract.engine.route_result import RouteResult
from crossfade.contract.engine.runner import Runner
from crossfade.contract.state.frozen import Frozen
from crossfade.contract.transport.asgi import InProcessApp
from crossfade.model import Side


class Reply(NamedTuple):
    """What a twin answers: anything that JSON can hold, a text, or bytes."""

    body: Any
    headers: tuple[tuple[str, str], ...] = ()
    status: int = 200
    kind: str = ""


View = Callable[[Any], Reply]
"""Answers for a side; it is given the body that was sent, or None."""

Make = Callable[[Side], View]
"""Makes the view of one side: what it remembers is the side's own."""


def _wire(reply: Reply) -> tuple[bytes, str]:
    body = reply.body
    if isinstance(body, bytes):
        return body, reply.kind or "application/octet-stream"
    if isinstance(body, str):
        return body.encode(), reply.kind or "text/html; charset=utf-8"
    return json.dumps(body).encode(), "application/json"


@contextmanager
def prover(
    twins: dict[str, Make],
    folder: Path,
    state: State | None = None,
    methods: str = "GET",
    freeze: Frozen = nullcontext,
) -> Iterator[Prover]:
    """Serve each twin under its name, on both sides, and start a prover over them."""
    legacy, app = flask.Flask("twins", static_folder=None), FastAPI()
    for name, make in twins.items():
        _add(legacy, app, f"/{name}", make, methods)
    path = folder / "migration_map.toml"
    path.write_text("[routes]\n")
    mount_legacy(app, legacy, migration_map=path)
    running = InProcessApp(app)
    running.start()
    try:
        yield Prover(Runner(running, state or NoState(), "http", freeze), Options())
    finally:
        running.close()


def _add(legacy: flask.Flask, app: FastAPI, path: str, make: Make, method: str) -> None:
    ours, theirs = make(Side.LEGACY), make(Side.NATIVE)

    def view() -> flask.Response:
        reply = ours(flask.request.get_json(force=True, silent=True))
        body, kind = _wire(reply)
        return flask.Response(body, reply.status, list(reply.headers), content_type=kind)

    async def handler(request: Request) -> Response:
        try:
            sent = json.loads(await request.body())
        except ValueError:
            sent = None
        reply = theirs(sent)
        body, kind = _wire(reply)
        response = Response(body, reply.status)
        response.headers["content-type"] = kind
        for name, value in reply.headers:
            response.headers.append(name, value)
        return response

    legacy.add_url_rule(path, path, view, methods=[method])
    app.add_api_route(path, handler, methods=[method])


def results(made: Prover) -> Iterator[RouteResult]:
    """Prove every route."""
    yield from map(made.prove, made.targets())


def told(result: RouteResult) -> str:
    """What differs in a route, for a test that fails."""
    return "\n".join(
        f"{result.route}: {verdict.case.name}: {verdict.failure or verdict.outcome}"
        if verdict.outcome is None
        else f"{result.route}: {verdict.case.name}: {difference}"
        for verdict in result.failures
        for difference in (verdict.outcome.differences if verdict.outcome else (None,))
    )[:4000]
