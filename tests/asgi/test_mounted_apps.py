"""Mounted applications and static files, listed as `GET /x/{path:path}`."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import PlainTextResponse
from starlette.routing import Mount as StarletteMount
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from crossfade import mount_legacy
from tests.asgi.kit import Mount, ask, flask_with, native_with


def sub_application() -> FastAPI:
    """Return an application to be mounted; it tells the scope that reached it."""
    sub = FastAPI()

    @sub.get("/deep/{x}", name="deep")
    async def read(request: Request, x: int) -> PlainTextResponse:
        root, path = request.scope["root_path"], request.scope["path"]
        return PlainTextResponse(f"sub {x} {root} {path} {request.url_for('deep', x=2)}")

    @sub.post("/deep/{x}")
    async def write(x: int) -> str:
        return "written"

    return sub


@pytest.mark.parametrize("root_path", ["", "/proxy"])
def test_a_mounted_application(mount: Mount, root_path: str) -> None:
    """It gets the scope that FastAPI alone gives it."""

    def make() -> FastAPI:
        app = FastAPI()
        app.mount("/sub", sub_application())
        return app

    app = make()
    mount(app, flask_with("GET /sub/<path:rest>"), "GET /sub/<path:rest>")
    for target in ("/sub/deep/1", "/sub/deep/abc", "/sub/nothing"):
        target = root_path + target
        alone = ask(make(), "GET", target, root_path=root_path)
        answer = ask(app, "GET", target, root_path=root_path)
        assert answer.served_by == "fastapi"
        assert (answer.status, sorted(answer.headers), answer.body) == (
            alone.status,
            sorted(alone.headers),
            alone.body,
        )
    assert ask(app, "POST", "/sub/deep/1").status == 405


def test_a_mounted_application_that_only_fastapi_has(mount: Mount) -> None:
    """Each method is a line of its own."""
    app = FastAPI()
    app.mount("/sub", sub_application())
    mount(app, flask_with("GET /a"), "GET /sub/{path:path}")
    assert ask(app, "GET", "/sub/deep/1").text.startswith(
        "sub 1 /sub /sub/deep/1 http://testserver/sub"
    )
    assert ask(app, "POST", "/sub/deep/1").served_by == "flask"


def test_static_files(mount: Mount, tmp_path: Path) -> None:
    """GET, HEAD, ranges, conditional requests and what is not there."""
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "a.txt").write_bytes(b"0123456789")

    def make() -> FastAPI:
        app = FastAPI()
        app.mount("/static", StaticFiles(directory=folder), name="static")
        return app

    app = make()
    rule = "GET /static/<path:filename>"
    mount(app, flask_with(rule), "GET /static/{path:path}", hooks="none")
    whole = ask(app, "GET", "/static/a.txt")
    etag = whole.get("etag")
    assert whole.body == b"0123456789"
    assert etag is not None
    for method, target, headers in (
        ("GET", "/static/a.txt", []),
        ("HEAD", "/static/a.txt", []),
        ("GET", "/static/a.txt", [("Range", "bytes=2-4")]),
        ("GET", "/static/a.txt", [("If-None-Match", etag)]),
        ("GET", "/static/none.txt", []),
        ("GET", "/static/..%2Fmap0.toml", []),
    ):
        alone, answer = ask(make(), method, target, *headers), ask(app, method, target, *headers)
        assert answer.served_by == "fastapi"
        assert (answer.status, answer.headers, answer.body) == (
            alone.status,
            alone.headers,
            alone.body,
        )
    assert app.url_path_for("static", path="a.txt") == "/static/a.txt"


def test_a_mount_inside_an_included_router(mount: Mount) -> None:
    """The prefix of the inclusion counts; a router's own does not, in FastAPI as well."""
    router = APIRouter()
    router.mount("/sub", sub_application())
    app = FastAPI()
    app.include_router(router, prefix="/api")
    mount(app, flask_with("GET /a"), "GET /api/sub/{path:path}")
    assert ask(app, "GET", "/api/sub/deep/3").text.startswith("sub 3 /api/sub ")


def test_a_mount_of_plain_routes(mount: Mount) -> None:
    """Starlette's `Mount` with routes of its own and a parameter in its path."""

    async def endpoint(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"plain {sorted(request.path_params.items())}")

    app = FastAPI()
    app.router.routes.append(StarletteMount("/{team}", routes=[Route("/players/{x}", endpoint)]))
    mount(app, flask_with("GET /<team>/<path:path>"), "GET /<team>/<path:path>")
    assert ask(app, "GET", "/reds/players/7").text == "plain [('team', 'reds'), ('x', '7')]"


def test_a_gateway_inside_a_gateway(mount: Mount, tmp_path: Path) -> None:
    """A mounted application with a legacy application of its own decides for itself."""
    inner = native_with("GET /native")
    inner_map = tmp_path / "inner.toml"
    inner_map.write_text('[routes]\n"GET /native" = "native"\n')
    inner_gateway = mount_legacy(
        inner, flask_with("GET /native", "GET /legacy"), migration_map=inner_map
    )
    app = FastAPI()
    app.mount("/inner", inner)
    mount(app, flask_with("GET /a"), "GET /inner/{path:path}")
    try:
        assert ask(app, "GET", "/inner/native").text.startswith("fastapi GET")
        assert ask(app, "GET", "/inner/legacy").text.startswith("flask GET /legacy")
        assert ask(app, "GET", "/a").text.startswith("flask GET /a")
    finally:
        inner_gateway.live.stop()
