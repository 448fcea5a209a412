"""Defects of FastAPI's own routing: the gateway lets Flask's URL map decide, so nobody meets them.

Each row is asked of the gateway, where both sides are alike, and of FastAPI alone, where they
are not.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import flask
from fastapi import FastAPI
from fastapi.responses import HTMLResponse


class Held(NamedTuple):
    """One defect: the case that would show it, and Flask's status.

    Attributes:
        name: in the words of the project's measurements.
        route: the route under test.
        case: the name of the automatic case.
        flask: the status of Flask, and of the gateway.
        alone: the status of FastAPI without a gateway.
    """

    name: str
    route: str
    case: str
    flask: int
    alone: int


HELD = [
    Held("HEAD on a GET route", "GET /leaf", "method HEAD", 200, 405),
    Held("OPTIONS on a GET route", "GET /leaf", "method OPTIONS", 200, 405),
    Held("int: -5", "GET /int/<int:x>", "x = -1", 404, 200),
    Held("int: +5", "GET /int/<int:x>", "x = +1", 404, 200),
    Held("int: 5.0", "GET /int/<int:x>", "x = 1.0", 404, 200),
    Held("int: 1_000", "GET /int/<int:x>", "x = 1_0", 404, 200),
    Held("int: 5%0A", "GET /int/<int:x>", "x = 1%0A", 404, 200),
    Held("int: abc", "GET /int/<int:x>", "x = abc", 404, 422),
    Held("int: Arabic digits", "GET /convertor/<int:x>", "x = %D9%A1", 200, 404),
    Held("int: 4,301 digits", "GET /int/<int:x>", "x = 999999999999… (4301)", 404, 422),
    Held("float: 5", "GET /float/<float:x>", "x = 1", 404, 200),
    Held("float: 1e5", "GET /float/<float:x>", "x = 1e5", 404, 200),
    Held("float: nan", "GET /float/<float:x>", "x = nan", 404, 200),
    Held("uuid without dashes", "GET /uuid/<uuid:x>", "x = 6fa459eaee8a… (32)", 404, 200),
    Held("path: /path/", "GET /path/<path:x>", "x = ", 404, 200),
    Held("path: /path//a", "GET /path/<path:x>", "x = /a", 308, 200),
    Held("/dir to /dir/", "GET /dir/", "path: other slash at the end", 308, 307),
    Held("/leaf/", "GET /leaf", "path: other slash at the end", 404, 307),
    Held("//leaf", "GET /leaf", "path: two slashes at the start", 200, 404),
    Held("defaults redirect", "GET /page/<int:x>", "good request", 308, 200),
    Held("static against dynamic rule", "GET /item/<x>", "x = new", 200, 200),
    Held("/x%0A", "GET /leaf", "path: newline at the end", 404, 200),
    Held("405", "GET /leaf", "method POST", 405, 405),
]  # fmt: skip


def held_flask() -> flask.Flask:
    """Return the Flask side."""
    app = flask.Flask("held", static_folder=None)

    def view(**_: object) -> str:
        return str(flask.request.url_rule)

    for rule in ("/leaf", "/dir/", "/int/<int:x>", "/convertor/<int:x>", "/float/<float:x>",
                 "/uuid/<uuid:x>", "/path/<path:x>", "/item/new", "/item/<x>"):  # fmt: skip
        app.add_url_rule(rule, rule.replace(".", ""), view)
    app.add_url_rule("/page/", "page", view, defaults={"x": 1})
    app.add_url_rule("/page/<int:x>", "page", view)
    return app


def held_native() -> FastAPI:
    """Return the FastAPI side, as one would write it; the dynamic rule happens to be first."""
    app = FastAPI(default_response_class=HTMLResponse)

    def endpoint(rule: str) -> Any:
        def plain() -> str:
            return rule

        return plain

    for path, rule in {
        "/leaf": "/leaf",
        "/dir/": "/dir/",
        "/convertor/{x:int}": "/convertor/<int:x>",
        "/uuid/{x:uuid}": "/uuid/<uuid:x>",
        "/path/{x:path}": "/path/<path:x>",
        "/item/{x}": "/item/<x>",
        "/item/new": "/item/new",
        "/page/": "/page/",
        "/page/{x}": "/page/<int:x>",
    }.items():
        app.add_api_route(path, endpoint(rule))

    @app.get("/float/{x}")
    def ratio(x: float) -> str:
        return "/float/<float:x>"

    @app.get("/int/{x}")
    def number(x: int) -> str:
        return "/int/<int:x>"

    return app
