"""A native route behaves through the gateway as it does in FastAPI alone."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextvars import ContextVar
from typing import Annotated, Any

import pytest
from fastapi import (
    APIRouter,
    BackgroundTasks,
    Cookie,
    Depends,
    FastAPI,
    Header,
    HTTPException,
    Query,
    Request,
    Response,
    Security,
)
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, StreamingResponse
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader
from pydantic import BaseModel
from starlette.routing import Match

from tests.asgi.kit import Answer, Mount, ask, flask_with

Make = Callable[[list[str]], FastAPI]
CASES: list[Any] = []
VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="unset")


JSON = [("Content-Type", "application/json")]


def case(
    target: str, *expected: Any, method: str = "GET", **request: Any
) -> Callable[[Make], Make]:
    """Ask the application that the function makes for `target`, alone and mounted.

    Args:
        target: asked of both; its path is a rule of Flask's too.
        expected: status, text in the body, and what the application noted in its log.
        method: of the request.
        request: further arguments of `ask`.
    """

    def add(make: Make) -> Make:
        name = make.__name__.removeprefix("app_with_")
        CASES.append(pytest.param(make, method, target, expected, request, id=f"{name}-{target}"))
        return make

    return add


class Item(BaseModel):
    """A body."""

    name: str
    price: float = 1.5


@case("/v1/admin/things/7", 200, '"deep"', ["outer", "router", "inner", "route", "own"])
def app_with_nested_routers(log: list[str]) -> FastAPI:
    """Prefixes add up; the dependencies of each level run, outermost first."""

    def note(word: str) -> Callable[[], None]:
        return lambda: log.append(word)

    inner = APIRouter(prefix="/things", dependencies=[Depends(note("inner"))])

    @inner.get("/{thing_id}", dependencies=[Depends(note("route"))])
    def read(thing_id: int, own: Annotated[None, Depends(note("own"))]) -> str:
        return "deep"

    middle = APIRouter(prefix="/admin", dependencies=[Depends(note("router"))])
    middle.include_router(inner)
    app = FastAPI()
    app.include_router(middle, prefix="/v1", dependencies=[Depends(note("outer"))])
    return app


@case("/things?x=3", 200, "9", ["once"])
def app_with_cached_sub_dependencies(log: list[str]) -> FastAPI:
    """A dependency shared by two others runs once for a request."""
    app = FastAPI()

    def base(x: int) -> int:
        log.append("once")
        return x

    def double(base: Annotated[int, Depends(base)]) -> int:
        return base * 2

    @app.get("/things")
    async def read(one: Annotated[int, Depends(base)], two: Annotated[int, Depends(double)]) -> int:
        return one + two

    return app


@case("/things", 200, "overridden")
def app_with_overrides(log: list[str]) -> FastAPI:
    """`dependency_overrides` hold for included routes too."""
    router = APIRouter()

    def user() -> str:
        return "real"

    @router.get("/things")
    def read(user: Annotated[str, Depends(user)]) -> str:
        return user

    app = FastAPI()
    app.include_router(router)
    app.dependency_overrides[user] = lambda: "overridden"
    return app


@case("/things", 200, "open", ["open", "response", "close"])
def app_with_yield(log: list[str]) -> FastAPI:
    """What follows a `yield` runs after the endpoint; sync and async ones."""
    app = FastAPI()

    async def resource() -> AsyncIterator[str]:
        log.append("open")
        yield "open"
        log.append("close")

    @app.get("/things")
    def read(resource: Annotated[str, Depends(resource)]) -> str:
        log.append("response")
        return resource

    return app


@case("/things", 418, "teapot", ["saw HTTPException", "rolled back"])
def app_with_yield_and_error(log: list[str]) -> FastAPI:
    """A `yield` dependency sees the exception of the endpoint."""
    app = FastAPI()

    def resource() -> Iterator[None]:
        try:
            yield
        except HTTPException as error:
            log.append(f"saw {type(error).__name__}")
            raise
        finally:
            log.append("rolled back")

    @app.get("/things")
    def read(resource: Annotated[None, Depends(resource)]) -> None:
        raise HTTPException(418, "teapot")

    return app


@case("/things", 202, "queued", ["background queued"])
def app_with_background(log: list[str]) -> FastAPI:
    """Background tasks run after the answer."""
    app = FastAPI()

    @app.get("/things", status_code=202)
    def read(tasks: BackgroundTasks) -> str:
        tasks.add_task(lambda word: log.append(f"background {word}"), "queued")
        return "queued"

    return app


@case("/things", 409, "conflict: taken")
def app_with_exception_handler(log: list[str]) -> FastAPI:
    """The application's handler for an exception of its own."""
    app = FastAPI()

    @app.exception_handler(KeyError)
    async def conflict(request: Request, error: KeyError) -> Response:
        return PlainTextResponse(f"conflict: {error.args[0]}", 409)

    @app.get("/things")
    def read() -> None:
        raise KeyError("taken")

    return app


@case("/things?x=a", 400, "1 bad: /things")
def app_with_validation_handler(log: list[str]) -> FastAPI:
    """A handler for validation errors."""
    app = FastAPI()

    @app.exception_handler(RequestValidationError)
    async def bad(request: Request, error: RequestValidationError) -> Response:
        return PlainTextResponse(f"{len(error.errors())} bad: {request.url.path}", 400)

    @app.get("/things")
    def read(x: int) -> int:
        return x

    return app


@case("/things", 404, "nothing here")
def app_with_status_handler(log: list[str]) -> FastAPI:
    """A handler by status, for the route's own HTTPException."""
    app = FastAPI()

    @app.exception_handler(404)
    async def missing(request: Request, error: HTTPException) -> Response:
        return PlainTextResponse("nothing here", 404)

    @app.get("/things")
    def read() -> None:
        raise HTTPException(404)

    return app


@case("/things", 201, "MADE", headers=[("X-Token", "t"), ("Cookie", "c=1")])
def app_with_parameters_of_every_kind(log: list[str]) -> FastAPI:
    """Header, cookie, query default, response class, status and headers of the response."""
    app = FastAPI()

    class Shout(PlainTextResponse):
        def render(self, content: Any) -> bytes:
            return str(content).upper().encode()

    @app.get("/things", status_code=201, response_class=Shout)
    def read(
        response: Response,
        x_token: Annotated[str, Header()],
        c: Annotated[int, Cookie()],
        q: Annotated[list[str], Query()] = ["d"],  # noqa: B006 - FastAPI copies it
    ) -> str:
        response.headers["X-Made"] = f"{x_token}{c}{q[0]}"
        return "made"

    return app


@case("/things", 200, '{"name":"a","price":1.5}', method="POST", body=b'{"name":"a"}', headers=JSON)
@case("/things", 422, "missing", method="POST", body=b"{}", headers=JSON)
@case("/things", 422, "JSON decode error", method="POST", body=b"{", headers=JSON)
def app_with_models(log: list[str]) -> FastAPI:
    """A body and a response through their models."""
    app = FastAPI()

    @app.post("/things", response_model=Item)
    async def make(item: Item) -> dict[str, Any]:
        return {**item.model_dump(), "secret": 1}

    return app


@case("/things", 403, "Not authenticated")
@case("/things", 200, "key", headers=[("X-Key", "key")])
def app_with_security(log: list[str]) -> FastAPI:
    """Security schemes."""
    app = FastAPI()
    scheme = APIKeyHeader(name="X-Key", auto_error=False)

    @app.get("/things")
    def read(key: Annotated[str | None, Security(scheme)]) -> str:
        if key is None:
            raise HTTPException(403, "Not authenticated")
        return key

    return app


@case("/things", 200, "timed", ["custom handler"])
def app_with_route_class(log: list[str]) -> FastAPI:
    """A custom APIRoute's `get_route_handler`, also on an included router."""

    class TimedRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            original = super().get_route_handler()

            async def handler(request: Request) -> Response:
                log.append("custom handler")
                response = await original(request)
                response.headers["X-Timed"] = "yes"
                return response

            return handler

    router = APIRouter(route_class=TimedRoute)

    @router.get("/things")
    def read() -> str:
        return "timed"

    app = FastAPI()
    app.include_router(router)
    return app


@case("/things", 200, "handled", ["custom handle", "dependency"])
@case("/v1/things", 200, "handled", ["custom handle", "dependency"])
def app_with_route_class_that_handles(log: list[str]) -> FastAPI:
    """A custom APIRoute's own `handle`, which may be what guards it, also included."""

    class GuardedRoute(APIRoute):
        async def handle(self, scope: Any, receive: Any, send: Any) -> None:
            log.append("custom handle")
            await super().handle(scope, receive, send)

    router = APIRouter(route_class=GuardedRoute)

    @router.get("/things")
    def read() -> str:
        return "handled"

    app = FastAPI()
    app.include_router(router, dependencies=[Depends(lambda: log.append("dependency"))])
    app.include_router(
        router, prefix="/v1", dependencies=[Depends(lambda: log.append("dependency"))]
    )
    return app


@case("/things", 200, "new", headers=[("X-Version", "2")])
@case("/things", 200, "old", headers=[("X-Version", "1")])
def app_with_route_class_that_matches(log: list[str]) -> FastAPI:
    """A custom APIRoute's own `matches`: one path, several routes."""

    class Versioned(APIRoute):
        def matches(self, scope: Any) -> Any:
            wanted = dict(scope["headers"]).get(b"x-version", b"").decode()
            is_mine = self.name.endswith(wanted)
            return super().matches(scope) if is_mine else (Match.NONE, {})

    app = FastAPI()
    app.router.route_class = Versioned
    app.add_api_route("/things", lambda: "old", methods=["GET"], name="v1")
    app.add_api_route("/things", lambda: "new", methods=["GET"], name="v2")
    return app


@case("/things/4", 200, "http://testserver/things/4 http://testserver/v1/other/x y /things/{id}")
def app_with_urls(log: list[str]) -> FastAPI:
    """`url_for` finds routes of every level; `scope["route"]` and `scope["endpoint"]` are set."""
    router = APIRouter()

    @router.get("/other/{name}", name="other")
    def other(name: str) -> None: ...

    app = FastAPI()
    app.include_router(router, prefix="/v1")

    @app.get("/things/{id}", name="thing")
    async def read(request: Request, id: int) -> PlainTextResponse:  # noqa: A002
        assert request.scope["endpoint"] is read
        assert request.scope["app"] is app
        assert request.scope["router"] is app.router
        urls = request.url_for("thing", id=id), request.url_for("other", name="x y")
        return PlainTextResponse(" ".join([*map(str, urls), request.scope["route"].path]))

    return app


@case("/things/1", 200, '"1"')
def app_with_text_parameter(log: list[str]) -> FastAPI:
    """A path parameter without a convertor is text, as in FastAPI, whatever Flask makes of it."""
    app = FastAPI()

    @app.get("/things/{thing_id}")
    def read(thing_id: str, request: Request) -> str:
        assert request.path_params == {"thing_id": "1"}
        return thing_id

    return app


@case("/things", 200, "unset set", ["dependency"])
def app_with_context_variables(log: list[str]) -> FastAPI:
    """A context variable set in a dependency is seen in the endpoint."""
    app = FastAPI()

    async def set_it() -> str:
        log.append("dependency")
        before = VARIABLE.get()
        VARIABLE.set("set")
        return before

    @app.get("/things")
    def read(before: Annotated[str, Depends(set_it)]) -> str:
        return f"{before} {VARIABLE.get()}"

    return app


@case("/things", 200, "012", ["cleanup"])
def app_with_stream(log: list[str]) -> FastAPI:
    """A stream; its `yield` dependency lives until its end."""
    app = FastAPI()

    def resource() -> Iterator[str]:
        yield "012"
        log.append("cleanup")

    @app.get("/things")
    def read(digits: Annotated[str, Depends(resource)]) -> StreamingResponse:
        async def stream() -> AsyncIterator[str]:
            for digit in digits:
                await asyncio.sleep(0)
                assert log == []
                yield digit

        return StreamingResponse(stream(), media_type="text/plain")

    return app


@case("/things", 200, "plain starlette")
def app_with_starlette_route(log: list[str]) -> FastAPI:
    """A route of Starlette's, without FastAPI's dependencies."""

    async def endpoint(request: Request) -> Response:
        return PlainTextResponse("plain starlette")

    app = FastAPI()
    app.router.add_route("/things", endpoint)
    return app


@case("/things", 200, "raw asgi /things")
def app_with_asgi_endpoint(log: list[str]) -> FastAPI:
    """A Starlette route whose endpoint is a class that is an ASGI application."""

    class Endpoint:
        def __init__(self, scope: Any, receive: Any, send: Any) -> None:
            self.arguments = scope, receive, send

        def __await__(self) -> Any:
            scope = self.arguments[0]
            return PlainTextResponse(f"raw asgi {scope['path']}")(*self.arguments).__await__()

    app = FastAPI()
    app.router.add_route("/things", Endpoint)  # type: ignore[arg-type]
    return app


def rule_of(target: str) -> str:
    """Return Flask's rule for a target: a number is `<int:id>`."""
    path = target.partition("?")[0]
    return "/".join(
        f"<int:p{i}>" if part.isdigit() else part for i, part in enumerate(path.split("/"))
    )


@pytest.mark.parametrize("hooks", ["flask", "none"])
@pytest.mark.parametrize(("make", "method", "target", "expected", "request_options"), CASES)
def test_answers_as_fastapi_alone(
    make: Make,
    method: str,
    target: str,
    expected: tuple[Any, ...],
    request_options: dict[str, Any],
    hooks: str,
    mount: Mount,
) -> None:
    """Status, headers, body and side effects are those of the application without a gateway.

    Only errors are Flask's, where a route borrows Flask.
    """
    status, text, noted = (*expected, [])[:3]
    options = dict(request_options)
    headers = options.pop("headers", [])

    def run(app: FastAPI) -> Answer:
        return ask(app, method, target, *headers, **options)

    alone_log: list[str] = []
    alone = run(make(alone_log))
    log: list[str] = []
    app = make(log)
    rule = f"{method} {rule_of(target)}"
    mount(app, flask_with(rule), rule, hooks="none" if alone.status >= 400 else hooks)
    mounted = run(app)

    assert mounted.served_by == "fastapi"
    assert (alone.status, alone_log) == (status, noted)
    assert text in alone.text
    assert (mounted.status, mounted.headers, mounted.body) == (
        alone.status,
        alone.headers,
        alone.body,
    )
    assert log == alone_log


def failing_app() -> FastAPI:
    """Return an application whose one route fails."""
    app = FastAPI()

    @app.get("/things")
    def read() -> None:
        raise ZeroDivisionError("native")

    return app


def test_an_unexpected_exception_reaches_the_server(mount: Mount) -> None:
    """As in FastAPI: 500 is sent, then the exception goes to the server's log."""
    app = failing_app()
    mount(app, flask_with("GET /things"), "GET /things", hooks="none")
    with pytest.raises(ZeroDivisionError, match="native"):
        ask(app, "GET", "/things")


@pytest.mark.parametrize("key", [500, Exception])
def test_a_handler_of_500_answers_and_the_exception_is_raised_on(mount: Mount, key: Any) -> None:
    """The handler's answer is sent before the exception goes to the server."""
    sent: list[str] = []
    app = failing_app()

    async def handler(request: Request, error: Exception) -> Response:
        sent.append(str(error))
        return JSONResponse({"error": "sorry"}, 500)

    app.add_exception_handler(key, handler)
    mount(app, flask_with("GET /things"), "GET /things")
    with pytest.raises(ZeroDivisionError):
        ask(app, "GET", "/things")
    assert sent == ["native"]


def test_overrides_set_after_mounting_hold(mount: Mount) -> None:
    """`dependency_overrides` is read at each request, as tests rely on."""
    app = FastAPI()

    def user() -> str:
        return "real"

    @app.get("/things")
    def read(user: Annotated[str, Depends(user)]) -> str:
        return user

    mount(app, flask_with("GET /things"), "GET /things")
    assert ask(app, "GET", "/things").text == '"real"'
    app.dependency_overrides[user] = lambda: "fake"
    assert ask(app, "GET", "/things").text == '"fake"'
    app.dependency_overrides.clear()
    assert ask(app, "GET", "/things").text == '"real"'


def test_head_of_a_route_class_that_handles(mount: Mount) -> None:
    """HEAD follows GET there as well: the class sees a GET, the client no body."""
    app = app_with_route_class_that_handles([])
    mount(app, flask_with("GET /things"), "GET /things")
    answer = ask(app, "HEAD", "/things")
    assert (answer.status, answer.body, answer.get("content-length")) == (200, b"", "9")


def test_thousands_of_routes_are_not_scanned(mount: Mount, monkeypatch: pytest.MonkeyPatch) -> None:
    """The router asks one route only: the one that stands for the gateway's choice."""
    asked: list[str] = []
    matches = APIRoute.matches

    def counted(route: APIRoute, scope: Any) -> Any:
        asked.append(route.path)
        return matches(route, scope)

    monkeypatch.setattr(APIRoute, "matches", counted)
    app = FastAPI()
    for number in range(50):
        app.add_api_route(f"/things/{number}", lambda: "native", methods=["GET"])
    rules = [f"GET /things/{number}" for number in range(50)]
    mount(app, flask_with(*rules), *rules)
    assert ask(app, "GET", "/things/49").text == '"native"'
    assert asked == []


def test_openapi_lists_the_native_routes_only(mount: Mount) -> None:
    """The gateway's own route is not in the schema."""

    def make() -> FastAPI:
        app = FastAPI()
        app.add_api_route("/things", lambda: "native", methods=["GET"])
        return app

    app = make()
    settings = "[gateway]\napi_docs = true\ndocument_legacy = false"
    mount(app, flask_with("GET /things"), "GET /things", settings=settings)
    assert ask(app, "GET", "/openapi.json").body == ask(make(), "GET", "/openapi.json").body
