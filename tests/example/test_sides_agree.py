"""Every native route answers what Flask answers: status, headers, body bytes, rows left behind."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

import new_fastapi
from legacy_flask.extensions import db
from legacy_flask.models import Base
from legacy_flask.seed import reset_data

from .native_client import NativeClient, serve

JSON = "application/json"

READS = [
    "/hello",
    "/hello?name=Zo%C3%AB+%26+co&name=second",
    "/hello?name=",
    "/hello?name",
    "/hello?name=%ff%41%e2%82",
    "/hello?a=1;name=b&name=c%0A",
    "/users",
    "/users?limit=2&limit=1",
    "/users?limit=2&offset=1",
    "/users?limit=0",
    "/users?limit=-3&offset=-3",
    "/users?limit=&offset=x",
    "/users?limit=1.0",
    "/users?limit=%D9%A3",
    "/users?limit=+1_0+&offset=+2",
    "/users?offset=99999999999999999999",
    f"/users?limit={'9' * 4000}",
    "/users/1",
    "/users/3",
    "/users/0",
    "/users/99",
    "/users/007",
    "/users/99999999999999999999",
    "/teams",
    "/players/1",
    "/players/2",
    "/players/3",
    "/players/4",
    "/players/1/page",
    "/players/2/page",
    "/players/3/page",
    "/players/4/page",
    "/players/99999999999999999999/page",
    "/todos",
    "/todos?done=true",
    "/todos?done=1&done=0",
    "/todos?done=",
    "/todos?done=maybe",
    "/dashboard",
    "/shop/kits/home-shirt",
    "/shop/kits/Zo%C3%AB%20%22%3C%5C",
    "/shop/kits/away/sizes",
    "/shop/seats/0",
    f"/shop/seats/{'9' * 400}",
    "/shop/under/9.99",
    "/shop/under/0.0000001",
    "/shop/under/100000000000000000000000.0",
    f"/shop/under/{'9' * 400}.0",
    "/shop/guides/a",
    "/shop/guides/a/b/c.html",
    "/shop/tickets/6fa459ea-ee8a-3ca4-894e-db77e160355e",
    "/shop/tickets/6FA459EA-EE8A-3CA4-094E-DB77E160355E",
    "/shop/compare/3",
    "/shop/compare/1,02,99999999999999999999",
    "/shop/news/",
    "/shop/contact",
    "/shop/faq",
    "/shop/catalogue/",
    "/shop/catalogue/page/0",
    "/shop/catalogue/page/7",
]

NOT_AN_OBJECT: list[tuple[str | None, bytes]] = [
    (None, b""),
    (None, b'{"name": "A"}'),
    ("", b'{"name": "A"}'),
    ("text/plain", b'{"name": "A"}'),
    ("application/x-www-form-urlencoded", b"name=A"),
    ("application/jsonx", b"{}"),
    ("text/json", b"{}"),
    (JSON, b""),
    (JSON, b"{"),
    (JSON, b"{'name': 1}"),
    (JSON, b'{"name": "A",}'),
    (JSON, b'{"name": "\xff"}'),
    (JSON, b"[" * 100_000),
    (JSON, b"9" * 990),
    (JSON, b'{"name": "%s"}' % (b"x" * 2000)),
    (JSON, b"null"),
    (JSON, b"{}"),
    (JSON, b"[]"),
    (JSON, b"0"),
    (JSON, b"false"),
    (JSON, b'""'),
    (JSON, b"[1]"),
    (JSON, b"1"),
    (JSON, b"NaN"),
    (JSON, b'"name"'),
    (JSON, b"true"),
]

ENCODINGS: list[tuple[str, bytes]] = [
    (
        "Application/JSON; charset=latin-1",
        '{"name": "Zoë", "email": "z@b", "title": "Zoë"}'.encode(),
    ),
    ("application/vnd.club+json", b'{"name": "A", "email": "a@b", "title": "T"}'),
    (" application/json ;x", b'\xef\xbb\xbf{"name": "A", "email": "a@b", "title": "T"}'),
    (JSON, '{"name": "Zoë", "email": "z@b", "title": "Zoë"}'.encode("utf-16")),
    (JSON, b' {"name": "A", "name": "B", "email": "a@b", "title": "T", "x": [1e400]} \n'),
]

USERS: list[dict[str, Any]] = [
    {"name": "Bo", "email": "bo@example.com"},
    {"name": "Bo", "email": "bo@example.com", "age": 7, "id": 1, "admin": True},
    {"name": "Zoë 🐧 \u2028 </script> \x7f", "email": "@", "age": None},
    {"name": " Bo ", "email": "bo@b\x00c", "age": -1},
    {"name": "Bo", "email": "ada@example.com"},
    {"name": "Bo", "email": "a@b", "age": 2**63 - 1},
    {"name": "Bo", "email": "a@b", "age": 2**63},
    {"name": "Bo", "email": "a@b", "age": 7.0},
    {"name": "Bo", "email": "a@b", "age": "7"},
    {"name": "Bo", "email": "a@b", "age": True},
    {"name": "Bo", "email": "a@b", "age": []},
    {"name": "Bo", "email": "a@b", "age": float("nan")},
    {"name": "\ud800", "email": "a@b"},
    {"name": "Bo", "email": "\ud800@b"},
    {"name": "Bo"},
    {"name": "Bo", "email": None},
    {"name": "Bo", "email": "nowhere"},
    {"name": "Bo", "email": ["@"]},
    {"email": "a@b"},
    {"name": None, "email": "a@b"},
    {"name": 1, "email": 1, "age": "x"},
    {"name": True, "email": "a@b"},
    {"name": "", "email": "a@b"},
    {"name": " \t\u3000", "email": "a@b"},
    {"name": {"a": 1}, "email": "a@b"},
    {"x": 1},
]

TEAMS: list[dict[str, Any]] = [
    {"name": "New"},
    {"name": "New", "city": "Köln", "founded": 1900},
    {"name": "New", "city": "", "founded": 0},
    {"name": "Rovers"},
    {"name": "rovers"},
    {"name": 5},
    {"name": "New", "city": 5},
    {"name": "New", "city": ["x"], "founded": "x"},
    {"name": "New", "founded": "1900"},
    {"name": "New", "founded": False},
    {"name": "New", "founded": 1900.5},
    {"city": "Rome"},
]

TODOS: list[dict[str, Any]] = [
    {"title": "Paint"},
    {"title": "Paint", "done": True, "due": "2026-05-31"},
    {"title": "Paint", "done": False, "due": None},
    {"title": "Paint", "done": None},
    {"title": "Paint", "done": 1},
    {"title": "Paint", "done": "true"},
    {"title": "Paint", "due": "2026-02-30"},
    {"title": "Paint", "due": "20260531"},
    {"title": "Paint", "due": "0001-01-01"},
    {"title": "Paint", "due": "2026-05-31T10:00:00"},
    {"title": "Paint", "due": 20260531},
    {"title": "Paint", "due": ""},
    {"title": "Paint", "due": "\ud800"},
    {"title": None, "done": 1, "due": 1},
    {"title": 7},
    {"title": "\ud800"},
    {"done": True},
    {"due": "2026-05-31"},
    {"done": "x", "due": "x"},
    {"other": 1},
]

Case = tuple[str, str, "str | None", bytes]

CASES: list[Case] = [
    *(("GET", path, None, b"") for path in READS),
    *(
        (method, path, kind, body)
        for kind, body in [*NOT_AN_OBJECT, *ENCODINGS]
        for method, path in [("POST", "/users"), ("POST", "/teams"), ("POST", "/todos")]
    ),
    *(("PUT", "/todos/2", kind, body) for kind, body in [*NOT_AN_OBJECT, *ENCODINGS]),
    *(("POST", "/users", JSON, json.dumps(user).encode()) for user in USERS),
    *(("POST", "/teams", JSON, json.dumps(team).encode()) for team in TEAMS),
    *(("POST", "/todos", JSON, json.dumps(todo).encode()) for todo in TODOS),
    *(("PUT", "/todos/2", JSON, json.dumps(todo).encode()) for todo in TODOS),
    ("PUT", "/todos/9", JSON, b'{"done": true}'),
    ("PUT", "/todos/9", None, b"no JSON"),
    ("DELETE", "/todos/2", None, b""),
    ("DELETE", "/todos/2", JSON, b'{"ignored": true}'),
    ("DELETE", "/todos/9", None, b""),
    ("DELETE", "/todos/99999999999999999999", None, b""),
]

Seen = tuple[int, "list[tuple[str, str]]", bytes, "dict[str, list[tuple[Any, ...]]]"]


def rows(app: Flask) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table."""
    with app.app_context(), db.engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by("id"))]
            for table in Base.metadata.sorted_tables
        }


def from_legacy(app: Flask, client: FlaskClient, case: Case) -> Seen:
    """Send the request to Flask."""
    method, path, kind, body = case
    headers = {} if kind is None else {"Content-Type": kind}
    response = client.open(path, method=method, data=body, headers=headers)
    seen = sorted((name.lower(), value) for name, value in response.headers)
    return response.status_code, seen, response.data, rows(app)


def from_native(app: Flask, client: NativeClient, case: Case) -> Seen:
    """Send the request to FastAPI."""
    method, path, kind, body = case
    headers = {} if kind is None else {"Content-Type": kind}
    response = client.request(method, path, body, headers)
    seen = sorted((name.lower(), value) for name, value in response.headers.multi_items())
    return response.status_code, seen, response.content, rows(app)


def name_of(case: Case) -> str:
    """Name a case in the report of the tests."""
    method, path, kind, body = case
    return f"{method} {path[:40]} {kind or ''} {body[:60]!r}" if body else f"{method} {path[:60]}"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_request(
    legacy_app: Flask, legacy: FlaskClient, native_client: NativeClient, case: Case
) -> None:
    """The same request from the same state has the same answer and the same effect."""
    expected = from_legacy(legacy_app, legacy, case)
    reset_data(legacy_app)
    assert from_native(legacy_app, native_client, case) == expected


@pytest.mark.parametrize("path", ["/hello", "/users/1", "/shop/contact", "/players/1/page"])
def test_maintenance(
    legacy_app: Flask, legacy: FlaskClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Both sides are closed alike."""
    monkeypatch.setitem(legacy_app.config, "MAINTENANCE", True)
    case: Case = ("GET", path, None, b"")
    app = new_fastapi.create_app(new_fastapi.Settings.load(legacy_app.config))
    with serve(app) as native:
        assert from_native(legacy_app, native, case) == from_legacy(legacy_app, legacy, case)


@pytest.mark.parametrize("padding", [0, 900, 2000])
def test_a_body_of_undeclared_length(
    legacy: FlaskClient, legacy_app: Flask, native_client: NativeClient, padding: int
) -> None:
    """Without Content-Length both stop reading at the limit, which cuts the JSON or its end."""
    body = b'{"name": "Bo", "email": "bo@example.com"}' + b" " * padding + b"!" * (padding > 1000)
    headers = {"Content-Type": JSON}
    expected = legacy.post(
        "/users",
        input_stream=io.BytesIO(body),
        headers=headers,
        # As a server passes on a chunked body.
        environ_overrides={"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True},
    )
    reset_data(legacy_app)
    answer = native_client.post_chunked("/users", [body[:700], body[700:]], headers)
    assert (answer.status_code, answer.content) == (expected.status_code, expected.data)
    assert answer.status_code == 201


def test_below_a_prefix(legacy: FlaskClient, legacy_app: Flask) -> None:
    """Links and locations keep the prefix that a server mounts the application under."""
    app = new_fastapi.create_app(new_fastapi.Settings.load(legacy_app.config))
    new, headers = b'{"name": "Bo", "email": "bo@example.com"}', {"Content-Type": JSON}
    with serve(app, root_path="/club") as native:
        for method, path in [("GET", "/players/1/page"), ("POST", "/users")]:
            expected = legacy.open(
                path, method=method, data=new, headers=headers, base_url="http://x/club"
            )
            reset_data(legacy_app)
            answer = native.request(method, f"/club{path}", new, headers)
            assert answer.content == expected.data
            assert answer.headers.get("Location") == expected.headers.get("Location")
