"""What a table remembers of earlier matches, and what it must not."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from flask import Flask, Request
from werkzeug.routing import MapAdapter

from crossfade.migration_map.parse import parse_map
from crossfade.routing import LegacyApp, NativeApp, RouteTable, RouteTableBuilder
from crossfade.routing import table as table_module


def _view(**_: object) -> str:
    return ""


def flask_app(cls: type[Flask] = Flask) -> Flask:
    """Return an application that routes by host."""
    app = cls("legacy", static_folder=None, host_matching=True)
    app.add_url_rule("/users/<int:n>", "a", _view, host="a.example")
    app.add_url_rule("/users/<int:n>", "b", _view, host="b.example")
    return app


def table_of(app: Flask) -> RouteTable:
    """Return its table, in which one host's route is native."""
    api = FastAPI(openapi_url=None)
    api.get("/users/{n}")(_view)
    text = b"[routes]\n\"GET a.example/users/<int:n>\" = 'native'\n"
    return RouteTableBuilder(LegacyApp(app, app), NativeApp(api)).build(parse_map(text))


def scope(path: str, host: bytes, method: str = "GET") -> dict[str, Any]:
    """Return the scope of a request."""
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", host)],
        "scheme": "http",
        "server": ("127.0.0.1", 80),
    }


def _endpoint(table: RouteTable, path: str, host: bytes, method: str = "GET") -> object:
    target = table.match(scope(path, host, method)).target
    return (
        None if target is None else (target.stage.value, target.legacy and target.legacy.endpoint)
    )


def test_a_remembered_match_is_of_its_host_method_and_path() -> None:
    """Asked again in any order, each request has its own answer."""
    table = table_of(flask_app())
    for _ in range(2):
        assert _endpoint(table, "/users/1", b"a.example") == ("native", "a")
        assert _endpoint(table, "/users/1", b"b.example") == ("legacy", "b")
        assert _endpoint(table, "/users/1", b"c.example") is None
        assert _endpoint(table, "/users/x", b"a.example") is None
        assert _endpoint(table, "/users/1", b"a.example", "POST") is None
        assert table.match(scope("/users/2", b"a.example")).values == {"n": 2}
        assert table.match(scope("/users/1", b"a.example")).values == {"n": 1}


def test_a_client_cannot_fill_the_memory() -> None:
    """Hosts and paths without end are forgotten again; long ones are not kept at all."""
    table = table_of(flask_app())
    for number in range(table_module._MOST_REMEMBERED + 10):
        table.match(scope(f"/users/{number}", b"a.example"))
    assert 0 < len(table._remembered) <= table_module._MOST_REMEMBERED
    for number in range(table_module._MOST_HOSTS + 10):
        table.match(scope("/users/1", b"%d.example" % number))
    assert 0 < len(table._adapters) <= table_module._MOST_HOSTS
    table.match(scope("/users/1", b"a.example"))
    before = len(table._remembered), len(table._adapters)
    table.match(scope(f"/users/{'0' * 5000}1", b"a.example"))
    table.match(scope("/users/1", b"x" * 5000))
    assert (len(table._remembered), len(table._adapters)) == before


def test_an_application_that_binds_by_itself_is_asked_each_time() -> None:
    """An overridden `create_url_adapter` may look at anything, so nothing is remembered."""

    class ByTenant(Flask):
        asked = 0

        def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
            type(self).asked += 1
            return super().create_url_adapter(request)

    table = table_of(flask_app(ByTenant))
    for _ in range(3):
        assert _endpoint(table, "/users/1", b"a.example") == ("native", "a")
    assert ByTenant.asked == 3
