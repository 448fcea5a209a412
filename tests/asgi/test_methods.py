"""Methods: HEAD follows GET; OPTIONS, 405, 404 and redirects stay Flask's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import BackgroundTasks, FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from starlette.middleware.base import BaseHTTPMiddleware

from tests.asgi.kit import Mount, add_rule, ask, flask_with, native_with


def allow(value: str | None) -> set[str]:
    """Return an `Allow` as a set."""
    return set((value or "").split(", "))


def test_head_has_the_head_of_get_and_no_body(mount: Mount) -> None:
    """Status and headers are GET's, `Content-Length` too."""
    app = FastAPI()

    @app.get("/a", status_code=203)
    def read(response: Response) -> str:
        response.headers["X-Own"] = "yes"
        return "native"

    mount(app, flask_with("GET /a"), "GET /a")
    get, head = ask(app, "GET", "/a"), ask(app, "HEAD", "/a")
    assert (head.status, head.headers, head.body) == (203, get.headers, b"")
    assert (head.get("content-length"), head.get("x-own")) == ("8", "yes")
    assert head.selection.route == "GET /a"


@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
@pytest.mark.parametrize("middleware", [False, True], ids=["bare", "middleware"])
@pytest.mark.parametrize("endless", [False, True], ids=["finite", "endless"])
def test_head_of_a_stream_ends(
    mount: Mount, spec_version: str, middleware: bool, endless: bool
) -> None:
    """HEAD of a stream, even of an endless one, answers at once and the stream is left."""
    app = FastAPI()
    closed: list[str] = []

    @app.get("/a")
    def read(tasks: BackgroundTasks) -> StreamingResponse:
        async def stream() -> AsyncIterator[str]:
            try:
                yield "first"
                while endless:
                    await asyncio.sleep(0)
                    yield "again"
            finally:
                closed.append("closed")

        return StreamingResponse(stream(), media_type="text/plain")

    async def pass_on(request: Request, call_next: object) -> Response:
        response: Response = await call_next(request)  # type: ignore[operator]
        return response

    if middleware:
        app.add_middleware(BaseHTTPMiddleware, dispatch=pass_on)
    mount(app, flask_with("GET /a"), "GET /a")
    answer = ask(app, "HEAD", "/a", asgi={"version": "3.0", "spec_version": spec_version})
    assert (answer.status, answer.body, answer.served_by) == (200, b"", "fastapi")
    assert answer.get("content-type") == "text/plain; charset=utf-8"
    assert closed == ["closed"]


def test_a_native_head_of_its_own_goes_first(mount: Mount) -> None:
    """A FastAPI route that names HEAD answers it, though its sibling answers GET."""
    app = native_with("GET /a")

    @app.head("/a")
    def head(response: Response) -> None:
        response.headers["X-Own-Head"] = "yes"

    mount(app, flask_with("GET /a"), "GET /a")
    assert ask(app, "HEAD", "/a").get("x-own-head") == "yes"
    assert ask(app, "GET", "/a").get("x-own-head") is None


def test_head_stays_with_get_on_legacy_routes(mount: Mount) -> None:
    """HEAD of a route that has not moved is Flask's."""
    app = native_with("GET /a", "GET /b")
    mount(app, flask_with("GET /a", "GET /b"), "GET /a")
    assert ask(app, "HEAD", "/a").served_by == "fastapi"
    assert ask(app, "HEAD", "/b").served_by == "flask"


def test_options_is_flasks(mount: Mount) -> None:
    """The automatic OPTIONS lists what Flask allows, though GET and POST are native."""
    app = native_with("GET /a", "POST /a")
    legacy = flask_with("GET|POST /a", "DELETE /a")
    mount(app, legacy, "GET /a", "POST /a")
    answer = ask(app, "OPTIONS", "/a")
    assert (answer.status, answer.served_by) == (200, "flask")
    assert allow(answer.get("allow")) == {"GET", "HEAD", "POST", "DELETE", "OPTIONS"}


def test_options_of_a_view_can_move(mount: Mount) -> None:
    """An OPTIONS that a person wrote is a route like any other."""
    app = native_with("OPTIONS /a")
    legacy = flask_with("GET|OPTIONS /a")
    mount(app, legacy, "OPTIONS /a")
    assert ask(app, "OPTIONS", "/a").text == "fastapi OPTIONS {}"


def test_another_method_is_flasks_405(mount: Mount) -> None:
    """Though FastAPI has that method on the path, what Flask does not allow is refused by it."""
    app = native_with("GET /a", "DELETE /a")
    mount(app, flask_with("GET /a"), "GET /a")
    for method in ("DELETE", "POST", "BREW"):
        answer = ask(app, method, "/a")
        assert (answer.status, answer.served_by) == (405, "flask")
        assert allow(answer.get("allow")) == {"GET", "HEAD", "OPTIONS"}
        assert answer.text.startswith("<!doctype html>")


def test_methods_of_one_path_move_one_by_one(mount: Mount) -> None:
    """GET native, POST and PUT legacy, on one rule."""
    app = native_with("GET /a", "POST /a", "PUT /a")
    mount(app, flask_with("GET|POST|PUT /a"), "GET /a", "PUT /a")
    sides = [ask(app, method, "/a").served_by for method in ("GET", "POST", "PUT", "HEAD")]
    assert sides == ["fastapi", "flask", "fastapi", "fastapi"]


@pytest.mark.parametrize(
    ("target", "status", "location"),
    [
        ("/dir?x=1", 308, "http://testserver/dir/?x=1"),
        ("/a/", 404, None),
        ("/pages/1", 308, "http://testserver/pages"),
        ("/moved", 308, "http://testserver/a"),
        ("/A", 404, None),
        ("/a%0A", 404, None),
        ("/ints/abc", 404, None),
        ("/ints/-1", 404, None),
        ("/ints/5%0A", 404, None),
        ("/nothing", 404, None),
    ],
)
def test_what_is_no_route_is_flasks(
    mount: Mount, target: str, status: int, location: str | None
) -> None:
    """Redirects, slashes, converters: Flask's answer, though FastAPI would have one too."""
    legacy = flask_with("GET /a", "GET /dir/", "GET /ints/<int:number>")
    add_rule(legacy, "/pages/<int:number>")
    endpoint = "GET /pages/<int:number> {}"
    legacy.add_url_rule("/pages", endpoint, defaults={"number": 1})
    add_rule(legacy, "/moved", redirect_to="/a")
    app = native_with("GET /a", "GET /dir/", "GET /ints/{number}", "GET /pages/{number}")
    app.add_api_route("/pages", app.routes[-1].endpoint)  # type: ignore[attr-defined]
    app.add_api_route("/nothing/{x}", app.routes[-1].endpoint)  # type: ignore[attr-defined]
    mount(
        app, legacy, "GET /a", "GET /dir/", "GET /ints/<int:number>", "GET /pages/<int:number>",
        "GET /pages",
    )  # fmt: skip
    answer = ask(app, "GET", target)
    assert (answer.status, answer.served_by) == (status, "flask")
    assert answer.get("location") == location
    assert answer.text.startswith("<!doctype html>")


def test_leading_slashes_are_one(mount: Mount) -> None:
    """Flask serves `//a` as `/a`, so the native route does, too; alone FastAPI would not."""
    app = native_with("GET /a")
    mount(app, flask_with("GET /a"), "GET /a")
    assert ask(app, "GET", "//a").text == "fastapi GET {}"


def test_a_native_only_path_has_no_other_method(mount: Mount) -> None:
    """A wrong method on a route that only FastAPI has is what Flask says of that URL: 404."""
    app = native_with("GET /new", "POST /new")
    mount(app, flask_with("GET /a"), "GET /new")
    assert ask(app, "GET", "/new").served_by == "fastapi"
    assert ask(app, "HEAD", "/new").served_by == "fastapi"
    for method in ("POST", "DELETE", "OPTIONS"):
        answer = ask(app, method, "/new")
        assert (answer.status, answer.served_by) == (404, "flask")


def test_a_rule_for_any_method(mount: Mount) -> None:
    """A Flask rule with `methods=None` takes any method; one of them can move."""
    legacy = flask_with()
    rule = legacy.url_rule_class("/any", endpoint="any", methods=None)
    legacy.url_map.add(rule)
    legacy.view_functions["any"] = lambda: "flask any"
    app = native_with("PATCH /any")
    mount(app, legacy, "PATCH /any")
    assert ask(app, "PATCH", "/any").text == "fastapi PATCH {}"
    assert ask(app, "GET", "/any").text == "flask any"
    assert ask(app, "BREW", "/any").text == "flask any"


def test_an_empty_map_leaves_everything_to_flask(mount: Mount) -> None:
    """FastAPI has every route, and answers none."""
    app = native_with("GET /a", "POST /a", "GET /b/{x}")
    mount(app, flask_with("GET|POST /a", "GET /b/<x>"))
    for method, target in (("GET", "/a"), ("POST", "/a"), ("GET", "/b/1"), ("HEAD", "/a")):
        assert ask(app, method, target).served_by == "flask"
