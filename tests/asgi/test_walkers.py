"""Software that walks FastAPI's routes: metrics and tracing middleware, what runs at the start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute, iter_route_contexts, request_response
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.routing import Mount as StarletteMount
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.asgi.kit import Mount, ask, flask_with

RULES = ("GET /things/<int:number>", "GET /v1/things/<number>", "GET /legacy/<number>")
NATIVE = (*RULES[:2], "GET /sub/{path:path}")
ASKED = {"/things/1": "/things/{number}", "/v1/things/2": "/v1/things/{number}"}


def api() -> FastAPI:
    """Return an application with a route, an included router, a mount and a WebSocket route."""
    app, router, sub = FastAPI(), APIRouter(), FastAPI()

    @router.get("/things/{number}")
    def read(request: Request, number: str) -> str:
        return str(request.scope["route"].path)

    app.add_api_route("/things/{number}", read, methods=["GET"])
    app.include_router(router, prefix="/v1")
    sub.include_router(router)
    app.mount("/sub", sub, name="sub")
    app.add_api_websocket_route("/ws", lambda websocket: None)
    return app


def template_by_walk(scope: Scope) -> str | None:
    """Return the path of the first route that matches, as prometheus and tracing middleware do."""
    for route in iter_route_contexts(scope["app"].routes):
        match, child = route.matches(scope)
        if match is not Match.NONE:
            inner = child.get("endpoint")
            if isinstance(inner, FastAPI):
                return f"{route.path}{template_by_walk({**scope, **child, 'app': inner})}"
            return route.path
    return None


class Metrics(BaseHTTPMiddleware):
    """Names each request before it is answered and after."""

    def __init__(self, app: ASGIApp, names: list[str | None]) -> None:
        super().__init__(app)
        self.names = names

    async def dispatch(self, request: Request, call_next: Any) -> Response:
        """Answer one request."""
        self.names.append(template_by_walk(request.scope))
        response: Response = await call_next(request)
        self.names.append(template_by_walk(request.scope))
        return response


@pytest.mark.parametrize("after", [False, True])
def test_metrics_name_native_requests_by_their_template(mount: Mount, after: bool) -> None:
    """Added before the mount or after it."""
    app, names = api(), list[str | None]()
    if not after:
        app.add_middleware(Metrics, names=names)
    mount(app, flask_with(*RULES), *NATIVE)
    if after:
        app.add_middleware(Metrics, names=names)
    for target, template in {**ASKED, "/sub/things/3": "/sub/things/{number}"}.items():
        assert ask(app, "GET", target).status == 200
        # A mounted application leaves another root path in the scope, as in FastAPI alone.
        assert names == [template, template] or (names[0] == template and "/sub" in target)
        names.clear()
    assert ask(app, "GET", "/legacy/1").text.startswith("flask")
    assert names == ([None, None] if after else [])


def test_the_routes_are_fastapis_own(mount: Mount) -> None:
    """Whoever reads a path, a name or an endpoint of each finds it as before the mount."""
    app = api()
    before = list(app.routes)
    mount(app, flask_with(*RULES), *NATIVE)
    assert list(app.routes) == before
    for context in iter_route_contexts(app.routes):
        assert context.path
        assert context.name
    assert ask(app, "GET", "/things/1").status == 200
    assert app.url_path_for("GET /legacy/<number> {}", number=1) == "/legacy/1"


@pytest.mark.parametrize("target", ASKED)
def test_the_handler_finds_its_template(mount: Mount, target: str) -> None:
    """`scope["route"]` has the whole path, that of an included router too."""
    app = api()
    mount(app, flask_with(*RULES), *NATIVE)
    assert ask(app, "GET", target).text == f'"{ASKED[target]}"'


def test_handle_of_the_routes_class_is_called(mount: Mount, monkeypatch: Any) -> None:
    """Tracers put something around it, for every route there is."""
    app, traced = api(), list[str]()
    original = APIRoute.handle

    async def handle(self: APIRoute, scope: Scope, receive: Receive, send: Send) -> None:
        traced.append(self.path)
        await original(self, scope, receive, send)

    monkeypatch.setattr(APIRoute, "handle", handle)
    mount(app, flask_with(*RULES), *NATIVE)
    for target in ASKED:
        assert ask(app, "GET", target).status == 200
    assert traced == list(ASKED.values())


def _api_routes(routes: list[BaseRoute]) -> Iterator[APIRoute]:
    for context in iter_route_contexts([*routes]):
        if isinstance(context.original_route, APIRoute):
            yield context.original_route


def test_what_is_put_around_a_route_after_the_mount_runs(mount: Mount) -> None:
    """As pagination does: it changes the endpoint's dependencies and makes `app` anew."""
    app = api()
    router = APIRouter()

    @router.get("/later")
    def later() -> str:
        return "as written"

    app.add_api_route("/later", later, methods=["GET"])
    app.include_router(router, prefix="/v1")
    mount(app, flask_with("GET /later", "GET /v1/later"), "GET /later", "GET /v1/later")

    async def wrapped(request: Request) -> Response:
        return PlainTextResponse("as changed")

    for route in (*(r for r in app.routes if isinstance(r, APIRoute)), *router.routes):
        if isinstance(route, APIRoute) and route.path == "/later":
            route.get_route_handler = lambda: wrapped  # type: ignore[method-assign]
            route.app = request_response(route.get_route_handler())
    assert ask(app, "GET", "/later").text == "as changed"
    assert ask(app, "GET", "/v1/later").text == "as changed"


@pytest.mark.parametrize("included", [False, True])
def test_a_route_that_handles_itself_runs_and_no_other(mount: Mount, included: bool) -> None:
    """Though FastAPI's router would have found an earlier route, which the map doesn't list."""

    class Guarded(APIRoute):
        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            scope["state"] = {"guarded": True}
            await super().handle(scope, receive, send)

    app = FastAPI()
    app.add_api_route("/v1/{rest:path}", lambda rest: "unlisted", methods=["GET"])
    router = APIRouter(route_class=Guarded, prefix="" if included else "/v1")

    @router.get("/users/me")
    def me() -> str:
        return "unlisted"

    @router.get("/users/{name}")
    def user(request: Request, name: str) -> str:
        return f"{name} {request.state.guarded}"

    if included:
        app.include_router(router, prefix="/v1")
    else:
        app.router.routes.extend(router.routes)
    mount(app, flask_with("GET /v1/users/<name>"), "GET /v1/users/<name>")
    for name in ("me", "ada"):
        assert ask(app, "GET", f"/v1/users/{name}").text == f'"{name} True"'
    assert ask(app, "HEAD", "/v1/users/ada").status == 200


def test_a_mounts_own_handle_runs(mount: Mount) -> None:
    """A class of mounts may guard what is below it."""

    class Guarded(StarletteMount):
        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            await PlainTextResponse("guarded", 401)(scope, receive, send)

    app = FastAPI()
    app.router.routes.append(Guarded("/sub", app=api()))
    mount(app, flask_with(), "GET /sub/{path:path}")
    assert ask(app, "GET", "/sub/things/1").status == 401


@pytest.mark.newest_versions
@pytest.mark.parametrize("after", [False, True])
def test_the_prometheus_instrumentator_names_native_requests(mount: Mount, after: bool) -> None:
    """The package itself, which reads the `path` of whatever matches."""
    package = pytest.importorskip("prometheus_fastapi_instrumentator")
    client = pytest.importorskip("prometheus_client")
    app, registry = api(), client.CollectorRegistry()
    instrumentator = package.Instrumentator(registry=registry)
    if not after:
        instrumentator.instrument(app)
    mount(app, flask_with(*RULES), *NATIVE)
    if after:
        instrumentator.instrument(app)
    for target in ASKED:
        assert ask(app, "GET", target).status == 200
    samples = [s for metric in registry.collect() for s in metric.samples]
    counted = {s.labels["handler"] for s in samples if s.name == "http_requests_total"}
    assert counted == set(ASKED.values())


@pytest.mark.newest_versions
def test_fastapis_own_telemetry_names_native_requests(mount: Mount) -> None:
    """Its router tells it which route it has chosen."""
    pytest.importorskip("fastapi.telemetry")
    sdk = pytest.importorskip("opentelemetry.sdk.trace")
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    spans, provider = memory.InMemorySpanExporter(), sdk.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(spans))
    app = FastAPI(telemetry={"tracer_provider": provider})
    app.router.routes.extend(api().routes)
    mount(app, flask_with(*RULES), *NATIVE)
    for target in (*ASKED, "/sub/things/3"):
        assert ask(app, "GET", target).status == 200
    names = [span.name for span in spans.get_finished_spans() if span.name.startswith("GET")]
    assert names == ["GET /things/{number}", "GET /v1/things/{number}", "GET /sub/things/{number}"]
