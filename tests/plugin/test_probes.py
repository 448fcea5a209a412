"""What is known of a route, and the requests that are made from it."""

from __future__ import annotations

import json
from typing import Any

import flask
import pytest
from fastapi import FastAPI, Form, Header, UploadFile
from pydantic import BaseModel, Field

from crossfade.contract.cases.http_file import Case, dump_cases, parse_cases
from crossfade.contract.generation.operation import FORM, JSON, MULTIPART, FactFinder, RouteFacts
from crossfade.contract.generation.probes import candidates, probes
from crossfade.contract.generation.schema_examples import example, objects, with_numbers
from crossfade.contract.generation.view_inspection import reads_of
from crossfade.contract.state.base import Table
from crossfade.messages.exchange import Response
from crossfade.migration_map.parse import parse_map
from crossfade.routing import LegacyApp, NativeApp, RouteTableBuilder

STATE = {
    "user": Table(("id", "name"), ("id",), ((17, "ada"), (18, "bob"))),
    "kits": Table(("id", "slug"), ("id",), ((1, "home-kit"),)),
}


class NewUser(BaseModel):
    """A body."""

    name: str = Field(min_length=3)
    email: str
    age: int | None = None


def helper() -> Any:
    """Read what the view leaves to it."""
    return flask.request.cookies.get("theme")


def facts_of(
    rule: str,
    path: str,
    view: Any = lambda **_: "",
    endpoint: Any = lambda: "",
    method: str = "GET",
    values: Any = None,
) -> RouteFacts:
    """Return the facts of a route of two small applications."""
    legacy, native = flask.Flask("facts", static_folder=None), FastAPI()
    legacy.add_url_rule(rule, "view", view, methods=[method])
    legacy.add_url_rule("/users/new", "rival", view)
    native.add_api_route(path, endpoint, methods=[method], response_model=None)
    builder = RouteTableBuilder(LegacyApp(legacy, legacy), NativeApp(native))
    table = builder.build(parse_map(b"[routes]"))
    target = next(t for t in table.targets() if t.route == f"{method} {rule}")
    return FactFinder(legacy, native, values or {}, STATE).of(target)


def names(facts: RouteFacts) -> dict[str, Case]:
    """Every probe of the likeliest request, by name."""
    base = next(candidates(facts))
    etag = Response(200, (("etag", '"x"'), ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")))
    found = list(probes(facts, base, etag))
    assert len({case.request for case in found}) == len(found)
    return {case.name: case for case in found}


def test_values_come_from_rows_converters_and_the_team() -> None:
    """Keys of rows that are there first; what the team names goes before everything."""
    (variable,) = facts_of("/users/<int:user_id>", "/users/{user_id}").variables
    assert variable.values[:2] == ("17", "18")
    (variable,) = facts_of("/kits/<slug>", "/kits/{slug}").variables
    assert variable.values[0] == "home-kit"
    (variable,) = facts_of("/kits/<slug>", "/kits/{slug}", values={"slug": ["mine"]}).variables
    assert variable.values[0] == "mine"
    (variable,) = facts_of("/a/<any(b, c):x>", "/a/{x}").variables
    assert variable.values == ("b", "c")
    (variable,) = facts_of("/a/<int(min=5, fixed_digits=3):x>", "/a/{x}").variables
    assert variable.values[0] == "005"
    (variable,) = facts_of("/users/<name>", "/users/{name}").variables
    assert variable.rivals == ("new",)


def test_what_a_view_reads() -> None:
    """Its own source, its local names, and the helpers beside it."""

    def view() -> Any:
        form = flask.request.form
        data = flask.request.get_json()
        helper()
        return flask.request.args.get("page"), form["a"], "b" in form, data["name"], data.get("x")

    reads = reads_of(view, "POST")
    assert list(reads.query) == ["page"]
    assert list(reads.form) == ["a", "b"]
    assert list(reads.keys) == ["name", "x"]
    assert list(reads.cookies) == ["theme"]
    assert reads.takes_json
    assert not reads_of(print, "GET").query
    assert not reads_of(None, "GET").query


def test_bodies_come_from_the_native_models() -> None:
    """Every field, the required ones, and each alone: one of them is what the route is for."""

    def endpoint(user: NewUser) -> None: ...

    facts = facts_of("/users", "/users", endpoint=endpoint, method="POST")
    bodies = [json.loads(case.request.body) for case in candidates(facts)]
    assert bodies[0] == {"name": "name 1", "email": "crossfade@example.com", "age": 1}
    assert bodies[1] == {"name": "name 1", "email": "crossfade@example.com"}


def test_examples() -> None:
    """Values that schemas accept."""
    assert example({"type": "string", "format": "date"}) == "2026-01-31"
    assert example({"type": "string", "minLength": 8}, "pin") == "pin 1xxx"
    assert example({"type": "string"}, "pin", {"pin": [4711]}) == 4711
    assert example({"enum": ["b"]}) == "b"
    assert example({"anyOf": [{"type": "null"}, {"type": "boolean"}]}) is True
    assert example({"type": "array", "items": {"type": "integer"}}) == [1]
    assert example({"type": "integer", "exclusiveMinimum": 4}) == 5
    loose: dict[str, Any] = {"properties": {"a": {}}}
    assert [each["a"] for each in objects(loose, {}) if each] == ["a 1", 1, True, [], {}]


GET = {
    "method HEAD", "method OPTIONS", "method POST", "method TRACE",
    "path: other slash at the end", "path: two slashes at the start", "path: two slashes inside",
    "path: %2F for a slash", "path: newline at the end", "path: %ff at the end",
    "x = -1", "x = 01", "x = 1_0", "x = 1e5", "x = abc", "x = %D9%A1", "x = 999999999999… (400)",
    "query: page twice", "query: page empty", "query: page bare", "query: page = 'abc'",
    "query: without page", "query: bytes that are no UTF-8", "query: broken escapes",
    "header: accept HTML", "header: CORS simple", "header: another host",
    "header: CORS preflight from https://elsewhere.example",
    "header: x-tag twice", "header: x-tag not ASCII",
    "condition: If-None-Match same", "condition: If-Modified-Since same",
    "condition: Range first bytes", "condition: Range several", "condition: Range broken",
    "cookie: broken line", "cookie: forged session", "cookie: theme with an unfinished quote",
    "cookie: theme in octal", "body: one that nobody asked for",
}  # fmt: skip
POST = {
    "JSON: empty", "JSON: cut off", "JSON: null", "JSON: []", "JSON: 0", "JSON: no UTF-8",
    "JSON: byte order mark", "JSON: in utf-16", "JSON: no content type",
    "JSON: sent as text/plain", "JSON: sent as nothing", "JSON: without name",
    'JSON: name = " "', 'JSON: age = "1"',
    "JSON: age = true", "JSON: age = 1.0", "JSON: name = null",
    "JSON: name twice", "JSON: unknown member", "body: chunked", "body: none",
}  # fmt: skip
UPLOAD = {
    "form: raw UTF-8", "form: over 1000 fields", "form: note twice", "form: note empty",
    "form: note only blanks",
    "form: no content type", "form: odd",
    "multipart: no boundary", "multipart: cut off", "multipart: preamble",
    "multipart: note of 600000 bytes", "multipart: file empty filename",
    "multipart: file filename*", "multipart: file missing", "multipart: file twice",
}  # fmt: skip


def _read(x: int, page: int = 1, x_tag: str = Header("")) -> None: ...


def _themed(x: int) -> Any:
    return helper()


def _posted(user: NewUser) -> None: ...


def _uploaded(file: UploadFile, note: str = Form()) -> None: ...


@pytest.mark.parametrize(
    ("facts", "wanted"),
    [
        (facts_of("/a/b/<int:x>", "/a/b/{x}", _themed, _read), GET),
        (facts_of("/users", "/users", endpoint=_posted, method="POST"), POST),
        (facts_of("/files", "/files", endpoint=_uploaded, method="POST"), UPLOAD),
    ],
    ids=["GET", "POST", "upload"],
)
def test_every_kind_of_probe_is_made(facts: RouteFacts, wanted: set[str]) -> None:
    """What nobody writes by hand: each named kind is there, once, and can be kept as text."""
    found = names(facts)
    assert wanted <= set(found)
    cases = [case for case in found.values() if len(case.request.body) < 5000]
    assert list(parse_cases(dump_cases(cases), "f")) == cases


def test_every_known_value_is_asked_for() -> None:
    """A value that only the second of the list shows, and two that are both there."""
    values = {"page": [1, 2], "name": ["ada", "bob"], "note": ["a", "b&"]}
    asked = facts_of("/a", "/a", endpoint=lambda page=1: None, values=values)
    targets = {case.request.target for case in names(asked).values()}
    assert {b"/a?page=2", b"/a?page=2&page=1"} <= targets
    posted = facts_of("/users", "/users", endpoint=_posted, method="POST", values=values)
    bodies = [case.request.body for case in names(posted).values()]
    assert any(b'"name":"bob"' in body for body in bodies)
    uploaded = facts_of("/files", "/files", endpoint=_uploaded, method="POST", values=values)
    bodies = [case.request.body for case in names(uploaded).values()]
    assert {b"note=b%26", b"note=b%26&note=a"} <= set(bodies)


def test_media_types() -> None:
    """What a route takes is known from either side."""
    assert set(facts_of("/f", "/f", endpoint=_uploaded, method="POST").bodies) == {MULTIPART}

    def form() -> Any:
        return flask.request.form["a"]

    def data() -> Any:
        return flask.request.get_json()["a"]

    assert set(facts_of("/f", "/f", form, method="POST").bodies) == {FORM}
    assert set(facts_of("/f", "/f", data, method="POST").bodies) == {JSON}


def test_bounds_that_are_text() -> None:
    """As apispec writes those of marshmallow's `Decimal`; a member may be named so."""
    schema = {"type": "number", "minimum": "0.50", "maximum": "much", "multipleOf": 2}
    assert with_numbers(schema) == {"type": "number", "minimum": 0.5, "multipleOf": 2}
    members = {"minimum": {"type": "integer"}}
    assert with_numbers(members) is members
