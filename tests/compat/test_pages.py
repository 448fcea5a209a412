"""`render_template` of native handlers: all that a Flask template finds in a view is there."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
from collections.abc import Callable
from typing import Any

import flask
import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse
from flask import Flask, template_rendered
from jinja2 import DictLoader

from crossfade import compat
from crossfade.errors import CrossfadeError
from tests.asgi.kit import Answer, Mount, ask

TEMPLATES = {
    "page.html": (
        "{% for message in get_flashed_messages() %}[{{ message }}]{% endfor %}"
        "{{ who|shout }} {{ club }} {{ g.since }} {{ session.lang }} {{ request.args.q }} "
        "{{ config.SEASON }} {{ url_for('show') }} {{ url_for('native_only') }}"
    ),
}


def two_sides(mount: Mount) -> tuple[Flask, FastAPI]:
    """Return two applications that show one page, from an `async def` and from a `def` as well."""
    legacy = Flask("club", static_folder=None)
    legacy.config.update(SECRET_KEY="k", SEASON="2026")
    legacy.jinja_loader = DictLoader(TEMPLATES)
    legacy.add_template_filter(str.upper, "shout")
    legacy.context_processor(lambda: {"club": "Rovers"})

    @legacy.before_request
    def before() -> None:
        flask.g.since = 1883
        flask.session["lang"] = "en"
        flask.flash("<once>")

    @legacy.get("/page", endpoint="show")
    @legacy.get("/sync", endpoint="sync")
    def show() -> tuple[str, int]:
        return flask.render_template(["none.html", "page.html"], who="<Bo>"), 201

    app = FastAPI(openapi_url=None)

    @app.get("/page")
    async def native_show() -> HTMLResponse:
        return compat.render_template(["none.html", "page.html"], 201, who="<Bo>")

    @app.get("/sync")
    def native_sync() -> HTMLResponse:
        return compat.render_template("page.html", status_code=201, who="<Bo>")

    @app.get("/native-only", name="native_only")
    async def native_only() -> None: ...

    mount(app, legacy, "GET /page", "GET /sync")
    return legacy, app


def of_flask(legacy: Flask, target: str) -> tuple[int, str | None, bytes]:
    """Return what Flask answers alone."""
    answer = legacy.test_client().get(target)
    return answer.status_code, answer.headers["Content-Type"], answer.data


def of(answer: Answer) -> tuple[int, str | None, bytes]:
    """Return what the gateway answered."""
    return answer.status, answer.get("content-type"), answer.body


@pytest.mark.parametrize("target", ["/page?q=%3C", "/sync?q=a"])
def test_a_page_is_flasks(mount: Mount, target: str) -> None:
    """Filters, context processors, `g`, session, request, config, flashes, `url_for`; escaped."""
    legacy, app = two_sides(mount)
    answer = ask(app, "GET", target)
    assert answer.served_by == "fastapi"
    assert of(answer) == of_flask(legacy, target)
    assert answer.status == 201
    assert answer.text.startswith("[&lt;once&gt;]&lt;BO&gt; Rovers 1883 en ")
    assert answer.text.endswith(" 2026 /page /native-only")


def test_who_listens_hears_of_it(mount: Mount) -> None:
    """Flask's signal `template_rendered`, which test suites and toolbars use."""
    legacy, app = two_sides(mount)
    rendered: list[str | None] = []

    def note(sender: Flask, template: Any, **_: Any) -> None:
        rendered.append(template.name)

    with template_rendered.connected_to(note, sender=legacy):
        ask(app, "GET", "/page")
    assert rendered == ["page.html"]


def test_without_flask(mount: Mount) -> None:
    """A route that borrows nothing is told what to do instead."""
    app, legacy = FastAPI(openapi_url=None), Flask("club", static_folder=None)
    legacy.add_url_rule("/page", "page", lambda: "")
    legacy.before_request(lambda: None)

    @app.exception_handler(CrossfadeError)
    async def told(_request: Any, error: CrossfadeError) -> JSONResponse:
        return JSONResponse(str(error), 500)

    page = "page.html"

    @app.get("/page")
    async def native() -> HTMLResponse:
        return render(page)

    # By another name, which the map's check doesn't see through.
    render: Callable[..., HTMLResponse] = getattr(compat, "render_template")  # noqa: B009
    mount(app, legacy, "GET /page", hooks="none")
    answer = ask(app, "GET", "/page")
    assert (answer.status, "Jinja2Templates" in answer.text) == (500, True)
