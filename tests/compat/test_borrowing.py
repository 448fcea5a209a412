"""What a native route borrows, what it may skip, and that nothing is skipped by accident."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import asyncio
import functools
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any

import flask
import pytest
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from flask import Flask, abort, current_app, g, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from starlette.types import Message
from werkzeug.exceptions import BadRequest

from crossfade import compat
from crossfade.errors import CrossfadeError, MapError
from crossfade.native.request.spool import IN_MEMORY
from tests.asgi.kit import Mount, ask, flask_with, http_scope, open_websocket, save_map

VARIABLE: ContextVar[str] = ContextVar("VARIABLE", default="unset")


def native(handler: Callable[..., Any], path: str = "/a", **options: Any) -> FastAPI:
    """Return a FastAPI application with one route."""
    app = FastAPI(openapi_url=None)
    app.add_api_route(path, handler, **options)
    return app


# --- who may skip ---------------------------------------------------------------------------------


def test_a_hook_guards_a_native_route(mount: Mount) -> None:
    """The mistake that this package is for: authentication in `before_request`."""
    legacy = flask_with("GET /a")
    legacy.before_request(lambda: abort(401))
    app = native(lambda: "secret")
    mount(app, legacy, "GET /a")
    assert ask(app, "GET", "/a").status == 401


def test_a_hook_guards_a_route_that_only_fastapi_has(mount: Mount) -> None:
    """To Flask its URL is one that it doesn't know; its hooks run, and no more."""
    legacy, seen = flask_with("GET /b"), []

    @legacy.before_request
    def guard() -> None:
        seen.append((request.endpoint, request.view_args, request.blueprints))
        if "let" not in request.args:
            abort(401)

    app = native(lambda: "new")
    mount(app, legacy, "GET /a")
    assert ask(app, "GET", "/a").status == 401
    assert ask(app, "GET", "/a?let=in").text == '"new"'
    assert seen == [(None, None, [])] * 2


def test_hooks_none_skips_and_says_so(mount: Mount, caplog: pytest.LogCaptureFixture) -> None:
    """The map says that it is meant; the log and the status name each hook."""
    legacy = flask_with("GET /a")
    legacy.before_request(refuse)
    app = native(lambda: "free")
    with caplog.at_level(logging.WARNING, "crossfade.dispatch"):
        gateway = mount(app, legacy, "GET /a", hooks="none")
    assert ask(app, "GET", "/a").text == '"free"'
    hook = f"before_request {__name__}.refuse"
    assert 'GET /a has hooks = "none" in' in caplog.text
    assert hook in caplog.text
    (route,) = gateway.status()["routes"]
    assert (route["hooks"], route["skipped_hooks"]) == ("none", [hook])


def test_every_kind_of_hook_is_named(mount: Mount) -> None:
    """The application's, the blueprints' from the outside in, signals, methods, the session."""

    class Own(Flask):
        def preprocess_request(self) -> Any:
            return super().preprocess_request()

    legacy = Own("own", static_folder=None)
    legacy.secret_key = "k"
    outer, inner = flask.Blueprint("outer", __name__), flask.Blueprint("inner", __name__)
    inner.add_url_rule("/a", "view", lambda: "a")
    for scaffold in (legacy, outer, inner):
        scaffold.before_request(refuse)
        scaffold.after_request(pass_on)
    inner.teardown_request(functools.partial(tear_down))
    legacy.teardown_appcontext(tear_down)
    inner.url_value_preprocessor(look_at)
    outer.register_blueprint(inner)
    legacy.register_blueprint(outer)
    flask.request_finished.connect(tear_down, legacy)
    app = native(lambda: "a")
    gateway = mount(app, legacy, "GET /a", hooks="none")
    (route,) = gateway.status()["routes"]
    assert route["skipped_hooks"] == [
        f"url_value_preprocessor {__name__}.look_at",
        *[f"before_request {__name__}.refuse"] * 3,
        *[f"after_request {__name__}.pass_on"] * 3,
        f"teardown_request {__name__}.tear_down",
        f"teardown_appcontext {__name__}.tear_down",
        f"signal request-finished {__name__}.tear_down",
        f"method {Own.__module__}.{Own.preprocess_request.__qualname__}",
        "session SecureCookieSessionInterface",
    ]


def test_a_legacy_application_that_is_no_flask_is_said(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing can be borrowed of it, so the log says what to do if there is a Flask inside."""
    legacy = flask_with("GET /a")
    legacy.before_request(refuse)

    def wrapped(environ: Any, start_response: Any) -> Any:
        return legacy(environ, start_response)

    app = native(lambda: "open")
    mount(app, wrapped, "GET /a")
    assert "flask_app=" in caplog.text
    guarded = native(lambda: "open")
    mount(guarded, wrapped, "GET /a", flask_app=legacy)
    assert ask(guarded, "GET", "/a").status == 401


def look_at(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """A hook."""


def pass_on(response: flask.Response) -> flask.Response:
    """A hook."""
    return response


def tear_down(error: object = None, **_: object) -> None:
    """A hook, and a receiver."""


def refuse() -> None:
    """A hook."""
    abort(401)


def test_hooks_change_with_the_map(mount: Mount, tmp_path: Path) -> None:
    """Also of a route that only FastAPI has, while the server runs."""
    legacy = flask_with("GET /b")
    legacy.before_request(refuse)
    app = native(lambda: "new")
    gateway = mount(app, legacy, "GET /a")
    assert ask(app, "GET", "/a").status == 401
    save_map(gateway, '[routes]\n"GET /a" = { stage = "native", hooks = "none" }')
    assert ask(app, "GET", "/a").status == 200
    save_map(gateway, '[routes]\n"GET /a" = "native"')
    assert ask(app, "GET", "/a").status == 401


def test_without_hooks_nothing_is_borrowed(mount: Mount) -> None:
    """The direct path: no context, no thread."""
    threads = []

    async def handler() -> bool:
        threads.append(threading.current_thread())
        return flask.has_request_context()

    app = native(handler)
    mount(app, flask_with("GET /a"), "GET /a")
    before = set(threading.enumerate())
    assert ask(app, "GET", "/a").text == "false"
    started = {thread.name for thread in set(threading.enumerate()) - before}
    assert not any("bridge" in name for name in started)


def test_hooks_that_are_registered_late_count(mount: Mount) -> None:
    """Flask takes hooks until its first request, which a native one is not."""
    legacy = flask_with("GET /a")
    app = native(lambda: "open")
    mount(app, legacy, "GET /a")
    assert ask(app, "GET", "/a").status == 200
    legacy.before_request(refuse)
    assert ask(app, "GET", "/a").status == 401


def test_a_blueprints_hooks_are_its_own(mount: Mount) -> None:
    """Those of another blueprint are not run, nor do they cost anything."""
    legacy, seen = flask_with("GET /a"), []
    other = flask.Blueprint("other", __name__)
    other.before_request(lambda: seen.append("other"))
    other.add_url_rule("/b", "b", lambda: "b")
    legacy.register_blueprint(other)
    app = native(lambda: flask.has_request_context())
    mount(app, legacy, "GET /a")
    assert (ask(app, "GET", "/a").text, seen) == ("false", [])


def test_a_subclass_that_overrides_is_asked(mount: Mount) -> None:
    """An application may do its work in a method instead of a hook."""

    class Guarded(Flask):
        def preprocess_request(self) -> Any:
            return super().preprocess_request() or ("no", 401)

    legacy = Guarded("guarded", static_folder=None)
    legacy.add_url_rule("/a", "a", lambda: "a")
    app = native(lambda: "open")
    mount(app, legacy, "GET /a")
    assert ask(app, "GET", "/a").status == 401


@pytest.mark.parametrize("hooks", ["flask", "none"])
def test_a_response_class_of_the_applications_own(mount: Mount, hooks: str) -> None:
    """Where an application makes its headers so, every answer has them, hooks or not."""

    class Private(flask.Response):
        def __init__(self, *content: Any, **more: Any) -> None:
            super().__init__(*content, **more)
            self.headers.setdefault("Cache-Control", "no-store")

    class Legacy(Flask):
        response_class = Private

    legacy = Legacy("private", static_folder=None)
    legacy.add_url_rule("/a", "a", lambda: "a")
    app = native(lambda: "a")
    gateway = mount(app, legacy, "GET /a", hooks=hooks)
    (route,) = gateway.status()["routes"]
    if hooks == "flask":
        assert ask(app, "GET", "/a").get("cache-control") == "no-store"
    else:
        named = f"response class {Private.__module__}.{Private.__qualname__}"
        assert route["skipped_hooks"] == [named]


def test_a_disagreement_about_the_url_is_answered_by_nobody(mount: Mount) -> None:
    """Fails closed: Flask would have called another view, so its hooks were for that."""
    legacy = flask_with("GET /a")
    legacy.teardown_request(lambda error: None)
    app = native(lambda: "native")
    mount(app, legacy, "GET /a")
    legacy.url_map.add(legacy.url_rule_class("/a", endpoint="usurper", methods=["GET"]))
    original = legacy.create_url_adapter

    def usurped(asked: Any) -> Any:
        adapter = original(asked)
        if adapter is not None:
            (usurper,) = legacy.url_map.iter_rules("usurper")
            adapter.match = lambda *_, **__: (usurper, {})  # type: ignore[method-assign]
        return adapter

    legacy.create_url_adapter = usurped  # type: ignore[method-assign,assignment]
    answer = ask(app, "GET", "/a")
    assert (answer.status, b"native" in answer.body) == (500, False)


def test_a_request_that_can_be_read_in_two_ways_is_refused(mount: Mount) -> None:
    """As at the bridge: two lengths."""
    legacy = flask_with("POST /a")
    legacy.before_request(lambda: None)
    app = native(lambda: "native", methods=["POST"])
    mount(app, legacy, "POST /a")
    answer = ask(app, "POST", "/a", ("Content-Length", "1"), ("Content-Length", "2"))
    assert answer.status == 400


# --- what is borrowed -----------------------------------------------------------------------------


@pytest.mark.parametrize("sync", [False, True])
def test_flasks_proxies_work_in_handlers(mount: Mount, sync: bool) -> None:
    """In dependencies and handlers, on the event loop and in FastAPI's threads."""
    legacy = flask_with("GET /a")
    legacy.secret_key = "k"

    @legacy.before_request
    def before() -> None:
        g.user = "ada"

    def look() -> list[Any]:
        session["seen"] = g.user
        return [request.args["q"], g.user, current_app.name, request.endpoint]

    async def look_async(looked: Annotated[list[Any], Depends(look)]) -> list[Any]:
        assert look() == looked
        return looked

    def look_sync(looked: Annotated[list[Any], Depends(look)]) -> list[Any]:
        assert look() == looked
        return looked

    app = native(look_sync if sync else look_async)
    mount(app, legacy, "GET /a")
    answer = ask(app, "GET", "/a?q=x")
    assert answer.text == '["x","ada","legacy","GET /a {}"]'
    assert str(answer.get("set-cookie")).startswith("session=")


def test_a_permanent_session_is_renewed_without_hooks(mount: Mount) -> None:
    """Flask refreshes its cookie with every request that carries it."""
    legacy = flask_with("GET /a")
    legacy.secret_key = "k"

    @legacy.get("/login")
    def login() -> str:
        session.permanent = True
        session["user"] = 1
        return "in"

    app = native(lambda: "a")
    mount(app, legacy, "GET /a")
    cookie = str(ask(app, "GET", "/login").get("set-cookie")).partition(";")[0]
    assert str(ask(app, "GET", "/a", ("Cookie", cookie)).get("set-cookie")).startswith("session=")
    assert ask(app, "GET", "/a").get("set-cookie") is None


def test_any_session_interface(mount: Mount) -> None:
    """A server-side one as well: opened and saved on a thread."""
    store: dict[str, Any] = {"s1": {"user": "ada"}}
    loop_thread = threading.get_ident()

    class Stored(SecureCookieSessionInterface):
        def open_session(self, app: Flask, request: Any) -> Any:
            assert threading.get_ident() != loop_thread
            return SecureCookieSession(store[request.cookies["sid"]])

        def save_session(self, app: Flask, session: Any, response: Any) -> None:
            assert threading.get_ident() != loop_thread
            store["s1"] = dict(session)

    legacy = flask_with("GET /a")
    legacy.session_interface = Stored()

    async def handler(session: compat.Session) -> str:
        session["visits"] = 1
        return str(session["user"])

    app = native(handler)
    mount(app, legacy, "GET /a")
    assert ask(app, "GET", "/a", ("Cookie", "sid=s1")).text == '"ada"'
    assert store == {"s1": {"user": "ada", "visits": 1}}


def test_a_dependency_brings_the_context_where_there_are_no_hooks(mount: Mount) -> None:
    """On a route, on its router, or on the application."""

    async def handler(session: compat.Session, request: compat.FlaskRequest) -> str:
        session["x"] = 1
        return str(request.endpoint)

    legacy = flask_with("GET /a", "GET /b")
    legacy.secret_key = "k"
    app = FastAPI(openapi_url=None, dependencies=[Depends(compat.flask_context)])
    app.get("/a")(handler)
    app.get("/b")(lambda: flask.request.path)
    mount(app, legacy, "GET /a", "GET /b")
    answer = ask(app, "GET", "/a")
    assert answer.text == '"GET /a {}"'
    assert answer.get("set-cookie") is not None
    assert ask(app, "GET", "/b").text == '"/b"'


def test_a_dependency_without_flask_says_what_is_missing(mount: Mount) -> None:
    """`hooks = "none"` and a handler that needs the session contradict each other."""

    async def handler(session: compat.Session) -> None: ...

    with pytest.raises(MapError, match=r'depends on Session.*hooks = "none" lends nothing'):
        mount(native(handler), flask_with("GET /a"), "GET /a", hooks="none")


def test_a_websocket_borrows_nothing(mount: Mount) -> None:
    """Flask has no request for it; who relies on one is told so."""

    async def talk(websocket: WebSocket, session: compat.Session) -> None: ...

    app = FastAPI(openapi_url=None)
    app.add_api_websocket_route("/ws", talk)
    mount(app, flask_with("GET /a"))
    with pytest.raises(CrossfadeError, match="a WebSocket borrows nothing"):
        open_websocket(app, "/ws")


def test_context_variables_go_both_ways(mount: Mount) -> None:
    """From a hook to the handler, from there to `after_request`, and to middleware outside."""
    legacy, seen = flask_with("GET /a"), []
    legacy.before_request(lambda: VARIABLE.set("hook") and None)

    async def handler() -> str:
        seen.append(VARIABLE.get())
        VARIABLE.set("handler")
        return "a"

    @legacy.after_request
    def after(response: flask.Response) -> flask.Response:
        seen.append(VARIABLE.get())
        return response

    app = native(handler)
    mount(app, legacy, "GET /a")

    async def outer(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)
        seen.append(VARIABLE.get())

    ask(outer, "GET", "/a")
    assert seen == ["hook", "handler", "handler"]


def test_hooks_do_not_hold_up_the_loop(mount: Mount) -> None:
    """While a hook blocks, the loop serves others: here it lets the hook go on."""
    legacy, entered, go_on = flask_with("GET /a", "GET /go"), threading.Event(), threading.Event()

    @legacy.before_request
    def block() -> None:
        if request.path == "/a":
            entered.set()
            assert go_on.wait(10)

    app = native(lambda: "a")
    app.get("/go")(lambda: go_on.set())
    mount(app, legacy, "GET /a", "GET /go")

    async def both() -> list[int]:
        from tests.asgi.kit import ask_async

        first = asyncio.ensure_future(ask_async(app, http_scope("GET", "/a")))
        await asyncio.to_thread(entered.wait, 10)
        second = await ask_async(app, http_scope("GET", "/go"))
        return [(await first).status, second.status]

    assert asyncio.run(both()) == [200, 200]


# --- bodies ---------------------------------------------------------------------------------------


SIZES = [0, 1, 5000, 300_000, IN_MEMORY + 70_000]


async def post(app: Any, target: str, body: bytes, block: int = 50_000, headers: Any = ()) -> Any:
    """Send a body in blocks."""
    from tests.asgi.kit import Answer

    blocks = [body[at : at + block] for at in range(0, len(body), block)] or [b""]
    scope = http_scope("POST", target, [*headers, ("Content-Length", str(len(body)))])
    answer, hang_up = Answer(), asyncio.Event()

    async def receive() -> Message:
        if not blocks:
            await hang_up.wait()
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": blocks.pop(0), "more_body": bool(blocks)}

    async def send(message: Message) -> None:
        answer.status = message.get("status", answer.status)
        answer.body += message.get("body", b"")

    await app(scope, receive, send)
    return answer


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("reads", ["before", "handler", "flask in handler", "all"])
def test_a_body_is_read_by_everyone(mount: Mount, size: int, reads: str) -> None:
    """A hook reads it and the handler still gets it, and the other way round."""
    legacy, lengths = flask_with("POST /a"), []
    whole = reads == "all"

    @legacy.before_request
    def before() -> None:
        if whole or reads == "before":
            lengths.append(len(request.get_data()))

    def by_flask() -> int:
        return len(request.get_data()) if whole or reads == "flask in handler" else size

    async def handler(request: Request, seen: Annotated[int, Depends(by_flask)]) -> int:
        lengths.append(seen)
        body = await request.body()
        assert body == bytes(range(256)) * (size // 256) + bytes(range(size % 256))
        return len(body)

    app = native(handler, methods=["POST"])
    mount(app, legacy, "POST /a")
    body = bytes(range(256)) * (size // 256) + bytes(range(size % 256))
    answer = asyncio.run(post(app, "/a", body))
    assert answer.text == str(size)
    assert set(lengths) == {size}


def test_a_hook_after_the_handler_reads_what_it_read(mount: Mount) -> None:
    """As Flask keeps what a view has read, of any size."""
    legacy, seen = flask_with("POST /a"), []

    @legacy.after_request
    def after(response: flask.Response) -> flask.Response:
        seen.append(len(request.get_data()))
        return response

    async def handler(request: Request) -> int:
        return len(await request.body())

    app = native(handler, methods=["POST"])
    mount(app, legacy, "POST /a")
    for size in (10, 900_000, IN_MEMORY * 3):
        assert asyncio.run(post(app, "/a", b"x" * size)).text == str(size)
    assert seen == [10, 900_000, IN_MEMORY * 3]


def test_an_async_handler_reads_a_large_form(mount: Mount) -> None:
    """What has not arrived yet is waited for on a thread, never on the event loop."""

    async def handler(a: Annotated[str, compat.form("a")]) -> int:
        return len(a)

    legacy = flask_with("POST /a")
    legacy.config["MAX_FORM_MEMORY_SIZE"] = None
    app = native(handler, methods=["POST"])
    mount(app, legacy, "POST /a")
    form = ("Content-Type", "application/x-www-form-urlencoded")
    answer = asyncio.run(post(app, "/a", b"a=" + b"x" * 900_000, headers=[form]))
    assert (answer.status, answer.text) == (200, "900000")


def test_flask_request_in_an_async_handler_never_waits(mount: Mount) -> None:
    """It would stop the loop that brings the rest: an error says what to do instead."""

    async def handler() -> int:
        return len(request.get_data())

    legacy = flask_with("POST /a")
    legacy.config["PROPAGATE_EXCEPTIONS"] = True
    app = native(handler, methods=["POST"])
    mount(app, legacy, "POST /a")
    assert asyncio.run(post(app, "/a", b"x" * 200_000)).text == "200000"
    with pytest.raises(RuntimeError, match=r"await request\.body\(\)"):
        asyncio.run(post(app, "/a", b"x" * 900_000))


def test_an_answer_without_a_type_stays_without(mount: Mount) -> None:
    """Werkzeug's default type is not added on the way through the hooks."""
    legacy = flask_with("GET /a")
    legacy.before_request(lambda: None)
    app = native(lambda: Response(status_code=204))
    mount(app, legacy, "GET /a")
    assert ask(app, "GET", "/a").headers == []


def test_a_hook_that_waits_for_a_client_that_left(mount: Mount) -> None:
    """A truncated body never looks whole: the read fails, Flask answers 400 to nobody."""
    legacy, seen = flask_with("POST /a"), []

    @legacy.before_request
    def before() -> None:
        try:
            request.get_data()
        except Exception as error:
            seen.append(type(error).__name__)
            raise

    legacy.teardown_request(lambda error: seen.append("teardown"))
    app = native(lambda: seen.append("handler"), methods=["POST"])
    mount(app, legacy, "POST /a")

    async def leave() -> None:
        sent = 0

        async def receive() -> Message:
            nonlocal sent
            sent += 1
            if sent > 20:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": b"x" * 50_000, "more_body": True}

        async def send(message: Message) -> None: ...

        await app(http_scope("POST", "/a", [("Content-Length", "9999999")]), receive, send)

    asyncio.run(leave())
    assert seen in (["ClientDisconnected", "teardown"], ["teardown"])
    assert "handler" not in seen


# --- the end --------------------------------------------------------------------------------------


def recording(legacy: Flask, seen: list[str]) -> None:
    """Note the teardown and what it is told."""

    @legacy.teardown_request
    def teardown(error: BaseException | None) -> None:
        seen.append(f"teardown {type(error).__name__}")


def test_a_cancelled_handler_is_torn_down(mount: Mount) -> None:
    """The server gives a request up: teardown runs, the cancellation goes on."""
    legacy, seen = flask_with("GET /a"), list[str]()
    recording(legacy, seen)
    waits = asyncio.Event()

    async def handler() -> None:
        waits.set()
        await asyncio.Event().wait()

    app = native(handler)
    mount(app, legacy, "GET /a")

    async def cancel() -> None:
        from tests.asgi.kit import ask_async

        task = asyncio.ensure_future(ask_async(app, http_scope("GET", "/a")))
        await waits.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert seen == ["teardown CancelledError"]


@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_cancellation_during_a_hook(mount: Mount, phase: str) -> None:
    """A hook can't be interrupted: it ends, teardown runs, then the request is cancelled."""
    legacy, seen = flask_with("GET /a"), list[str]()
    recording(legacy, seen)
    entered, go_on = threading.Event(), threading.Event()

    def block() -> None:
        entered.set()
        assert go_on.wait(10)
        seen.append("hook done")

    if phase == "before":
        legacy.before_request(block)
    else:

        @legacy.after_request
        def after(response: flask.Response) -> flask.Response:
            block()
            return response

    app = native(lambda: "a")
    mount(app, legacy, "GET /a")

    async def cancel() -> None:
        from tests.asgi.kit import ask_async

        task = asyncio.ensure_future(ask_async(app, http_scope("GET", "/a")))
        await asyncio.to_thread(entered.wait, 10)
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        assert not task.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert seen[0] == "hook done"
    assert [event.partition(" ")[0] for event in seen[1:]] == ["teardown"]


def test_a_background_task_does_not_hold_up_the_answer(mount: Mount) -> None:
    """The answer goes out, the task still has Flask's context, teardown comes last."""
    legacy, seen = flask_with("GET /a"), list[str]()
    recording(legacy, seen)
    answered = asyncio.Event()

    async def later() -> None:
        await asyncio.wait_for(answered.wait(), 10)
        seen.append(f"task {request.path}")

    async def handler(tasks: BackgroundTasks) -> str:
        tasks.add_task(later)
        return "a"

    app = native(handler)
    mount(app, legacy, "GET /a")

    async def run() -> None:
        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                seen.append("answered")
                answered.set()

        await app(http_scope("GET", "/a"), receive, send)

    asyncio.run(run())
    assert seen == ["answered", "task /a", "teardown NoneType"]


def test_a_dependency_is_left_within_the_context(mount: Mount) -> None:
    """What follows a `yield` can still use Flask, and comes before Flask's teardown."""
    legacy, seen = flask_with("GET /a"), list[str]()
    recording(legacy, seen)

    async def resource() -> AsyncIterator[str]:
        yield "r"
        seen.append(f"exit {request.path}")

    async def handler(resource: Annotated[str, Depends(resource)]) -> str:
        return resource

    app = native(handler)
    mount(app, legacy, "GET /a")
    assert ask(app, "GET", "/a").text == '"r"'
    assert seen == ["exit /a", "teardown NoneType"]


# --- errors ---------------------------------------------------------------------------------------


def failing(error: Exception) -> FastAPI:
    """Return an application whose one route raises."""

    async def handler() -> None:
        raise error

    return native(handler)


@pytest.mark.parametrize("hooks", [False, True])
def test_an_error_is_rendered_by_flask(mount: Mount, hooks: bool) -> None:
    """Also where nothing else is borrowed; Starlette's headers are kept."""
    legacy = flask_with("GET /a")
    if hooks:
        legacy.before_request(lambda: None)
    legacy.register_error_handler(429, lambda error: ({"slow": error.description}, 429))
    app = failing(HTTPException(429, "down", {"Retry-After": "7"}))
    mount(app, legacy, "GET /a")
    answer = ask(app, "GET", "/a")
    assert (answer.status, answer.body) == (429, b'{"slow":"down"}\n')
    assert answer.get("retry-after") == "7"


@pytest.mark.parametrize("status", [400, 402, 404, 405, 418, 425, 500, 503, 599])
def test_werkzeugs_page_for_any_status(mount: Mount, status: int) -> None:
    """An `HTTPException` of Starlette's is Werkzeug's of the same code."""
    app = failing(HTTPException(status, "why"))
    mount(app, flask_with("GET /a"), "GET /a")
    answer = ask(app, "GET", "/a")
    assert answer.status == status
    assert answer.get("content-type") == "text/html; charset=utf-8"
    assert "<p>why</p>" in answer.text


def test_a_bug_is_logged_and_signalled_by_flask(
    mount: Mount, caplog: pytest.LogCaptureFixture
) -> None:
    """`got_request_exception`, the application's log, its 500."""
    legacy, seen = flask_with("GET /a"), []
    flask.got_request_exception.connect(
        lambda sender, exception, **_: seen.append(exception), legacy, weak=False
    )
    app = failing(bug := ValueError("bug"))
    mount(app, legacy, "GET /a")
    assert ask(app, "GET", "/a").status == 500
    assert seen == [bug]
    assert "Exception on /a [GET]" in caplog.text


@pytest.mark.parametrize("setting", ["PROPAGATE_EXCEPTIONS", "TESTING"])
def test_a_bug_propagates_where_the_settings_say(mount: Mount, setting: str) -> None:
    """The server gets it, after a 500 as a WSGI server's."""
    legacy = flask_with("GET /a")
    legacy.config[setting] = True
    app = failing(ValueError("bug"))
    mount(app, legacy, "GET /a")
    with pytest.raises(ValueError, match="bug"):
        ask(app, "GET", "/a")


class Domain(Exception):
    """An exception of the team's."""


def test_the_teams_own_handlers_go_first(mount: Mount) -> None:
    """Those of FastAPI that were registered on purpose, before and after mounting."""
    legacy = flask_with("GET /a")
    legacy.register_error_handler(Domain, lambda error: ("flask", 409))
    app = failing(Domain())

    @app.exception_handler(Domain)
    async def handle(request: Request, error: Domain) -> JSONResponse:
        return JSONResponse("fastapi", 409)

    legacy.after_request(lambda response: response.headers.add("X-After", "1") or response)
    mount(app, legacy, "GET /a")
    answer = ask(app, "GET", "/a")
    assert (answer.text, answer.get("x-after")) == ('"fastapi"', "1")


def test_the_teams_own_http_handler_stays(mount: Mount) -> None:
    """Only FastAPI's built-in ones are replaced."""
    app = failing(HTTPException(404))

    @app.exception_handler(404)
    async def handle(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse("mine", 404)

    mount(app, flask_with("GET /a"), "GET /a")
    assert ask(app, "GET", "/a").text == '"mine"'


@pytest.mark.parametrize("late", [False, True])
def test_the_teams_own_catch_all_answers_inside_the_hooks(mount: Mount, late: bool) -> None:
    """Once, and with the headers that hooks add."""
    calls = []
    legacy = flask_with("GET /a")
    legacy.after_request(lambda response: response.headers.add("X-After", "1") or response)
    app = failing(Domain("bug"))

    async def handle(request: Request, error: Exception) -> JSONResponse:
        calls.append(error)
        return JSONResponse("caught", 500)

    if not late:
        app.add_exception_handler(Exception, handle)
    mount(app, legacy, "GET /a")
    if late:
        app.add_exception_handler(Exception, handle)
    messages: list[Message] = []

    async def run() -> None:
        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            messages.append(message)

        await app(http_scope("GET", "/a"), receive, send)

    if late:
        asyncio.run(run())
    else:
        with pytest.raises(Domain):
            asyncio.run(run())
    assert len(calls) == 1
    assert (b"X-After".lower(), b"1") in messages[0]["headers"]
    assert messages[1]["body"] == b'"caught"'


def test_outside_of_the_map_errors_stay_fastapis(mount: Mount) -> None:
    """With `hooks = "none"` the built-in handlers answer as ever."""
    app = failing(HTTPException(404))
    mount(app, flask_with("GET /a"), "GET /a", hooks="none")
    assert ask(app, "GET", "/a").text == '{"detail":"Not Found"}'


def number(n: int) -> int:
    """Take a number."""
    return n


def test_a_validation_error_is_the_legacy_400(mount: Mount) -> None:
    """404 where it is the URL that can't be read."""
    app = native(number)
    app.get("/p/{n}")(number)
    mount(app, flask_with("GET /a", "GET /p/<n>"), "GET /a", "GET /p/<n>")
    assert ask(app, "GET", "/a?n=x").status == 400
    assert ask(app, "GET", "/p/x").status == 404
    assert ask(app, "GET", "/p/1").text == "1"


def test_a_validation_error_in_the_teams_words(mount: Mount) -> None:
    """One function for the application, another for one endpoint."""

    def of_the_app(error: RequestValidationError) -> Any:
        assert request.path
        return {"error": f"{error.errors()[0]['loc'][-1]} is wrong"}, 422

    def of_one(error: RequestValidationError) -> Exception:
        return BadRequest("give me a number")

    app = native(number)
    app.get("/b")(compat.validation_error(of_one)(lambda n: n))
    mount(app, flask_with("GET /a", "GET /b"), "GET /a", "GET /b", validation_error=of_the_app)
    answer = ask(app, "GET", "/a?n=x")
    assert (answer.status, answer.body) == (422, b'{"error":"n is wrong"}\n')
    answer = ask(app, "GET", "/b")
    assert answer.status == 400
    assert "give me a number" in answer.text


def test_an_abort_with_a_response(mount: Mount) -> None:
    """Flask's own way of leaving with an answer."""

    async def handler() -> None:
        abort(flask.Response("made here", 451))

    app = native(handler)
    mount(app, flask_with("GET /a"), "GET /a")
    assert (ask(app, "GET", "/a").status, ask(app, "GET", "/a").body) == (451, b"made here")


def test_error_handlers_are_kept_off_the_loop(mount: Mount) -> None:
    """They may ask a database, or be `async def`, for which Flask needs a thread without a loop."""
    legacy, threads = flask_with("GET /a"), []

    @legacy.errorhandler(404)
    def not_found(error: Exception) -> tuple[str, int]:
        threads.append(threading.get_ident())
        return "gone", 404

    async def handler() -> None:
        session.get("read")  # so there is a context, although there are no hooks
        threads.append(threading.get_ident())
        abort(404)

    app = native(handler)
    mount(app, legacy, "GET /a")
    assert ask(app, "GET", "/a").text == "gone"
    assert len(set(threads)) == 2


@pytest.mark.parametrize("view", [False, True])
def test_what_is_left_for_after_the_request_is_kept_off_the_loop(mount: Mount, view: bool) -> None:
    """As any hook: it may block, and be `async def`."""
    threads = []

    async def handler() -> PlainTextResponse:
        @flask.after_this_request
        def note(response: flask.Response) -> flask.Response:
            threads.append(threading.get_ident())
            return response

        threads.append(threading.get_ident())
        return PlainTextResponse("a")

    app = native(compat.flask_view(handler) if view else handler)
    mount(app, flask_with("GET /a"), "GET /a")
    assert ask(app, "GET", "/a").text == "a"
    assert len(set(threads)) == 2


@pytest.mark.parametrize("streamed", [True, False])
def test_teardown_is_told_what_a_hook_raised(mount: Mount, streamed: bool) -> None:
    """Who commits in a teardown that is told of no error would keep half of a request."""
    legacy, told = flask_with("GET /a"), []

    @legacy.after_request
    def fail(response: flask.Response) -> flask.Response:
        raise LookupError

    legacy.teardown_request(lambda error: told.append(type(error).__name__))

    async def handler(later: BackgroundTasks) -> Response:
        if streamed:
            return StreamingResponse(iter(["a", "b"]))
        later.add_task(asyncio.sleep, 0.01)  # its answer is sent before it is done
        return PlainTextResponse("a", background=later)

    app = native(handler, response_model=None)
    mount(app, legacy, "GET /a")
    assert ask(app, "GET", "/a").status == 500
    assert told == ["LookupError"]


def test_a_value_that_a_preprocessor_changed(mount: Mount) -> None:
    """The handler gets what the view would have got."""
    legacy = flask_with("GET /u/<int:user_id>")

    @legacy.url_value_preprocessor
    def load(endpoint: str | None, values: dict[str, Any] | None) -> None:
        assert values is not None
        values["user_id"] += 100

    app = FastAPI(openapi_url=None)
    app.get("/u/{number}")(lambda number: PlainTextResponse(str(number)))
    mount(app, legacy, "GET /u/<int:user_id>")
    assert ask(app, "GET", "/u/7").text == "107"
