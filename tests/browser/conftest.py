"""A real Chromium, and the example on a real server for it to visit.

What these tests need beside the `test` extra is a Chromium: Debian's package `chromium`, or any
other whose path is in CROSSFADE_CHROMIUM. Without one they are skipped.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from tests.servers.harness import Server, uvicorn

expect.set_options(timeout=30_000)  # how fast a busy machine draws is not what is tested

ASSETS = {
    # What FastAPI's pages load from elsewhere, by the end of its URL.
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "redoc.standalone.js": "text/javascript",
    "favicon.png": "image/png",
}
# As root in a container there is no sandbox; and nothing shall be asked for in the background.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium.

    Not longer than for this folder: while Playwright runs, its event loop is this thread's, and
    nothing else in the process can call `asyncio.run`.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CROSSFADE_CHROMIUM") or next(filter(None, map(shutil.which, names)), "")
    if not found:
        pytest.skip("there is no Chromium here: install Debian's `chromium`")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a page that reaches the local server, and gets from elsewhere only the four assets.

    Its end fails the test where the page had an error or asked for anything more.
    """
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.set_default_timeout(30_000)
    spec = find_spec("fastapi_offline")
    assert spec is not None
    assert spec.submodule_search_locations
    static = Path(next(iter(spec.submodule_search_locations))) / "static"
    errors: list[str] = []

    def elsewhere(route: Route) -> None:
        name = route.request.url.rpartition("/")[2]
        if route.request.url.startswith("http://127.0.0.1:"):
            route.continue_()
        elif name in ASSETS:
            route.fulfill(path=static / name, content_type=ASSETS[name])
        elif any(host in route.request.url for host in ("//fonts.googleapis.com/", "redoc.ly/")):
            route.fulfill(body="")  # ReDoc's letters and its maker's logo: it is read without
        else:
            errors.append(f"asked for {route.request.url}")
            route.abort()

    page.route("**/*", elsewhere)
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def migration_map(tmp_path: Path) -> Path:
    """Return the map of the served example: two routes native."""
    path = tmp_path / "map.toml"
    path.write_text(
        "[gateway]\nserved_by_header = true\napi_docs = true\n[routes]\n"
        '"GET /users/<int:user_id>" = "native"\n"GET /hello" = "native"\n'
    )
    return path


@pytest.fixture
def server(tmp_path: Path, migration_map: Path) -> Iterator[Server]:
    """Serve the example on a database of its own."""
    env = {
        "CROSSFADE_TEST_MAP": str(migration_map),
        "DATABASE_URL": f"sqlite:///{tmp_path}/club.db",
        "UPLOAD_DIR": str(tmp_path / "uploads"),
    }
    with uvicorn("tests.browser.served:app", env=env, ready="/hello") as running:
        yield running
