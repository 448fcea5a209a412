"""Converters of the application's own: a native handler gets what the view would have got."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
from datetime import date, datetime
from typing import Annotated, Any

import flask
import pytest
from fastapi import APIRouter, Depends, FastAPI, Path, Request
from fastapi.responses import PlainTextResponse
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Route
from werkzeug.routing import BaseConverter, IntegerConverter

from tests.asgi.kit import Mount, ask, flask_with


class DayConverter(BaseConverter):
    """A day as people write it, which pydantic does not read."""

    regex = r"\d\d-\d\d-\d{4}"

    def to_python(self, value: str) -> date:
        """Return the day."""
        return datetime.strptime(value, "%d-%m-%Y").date()


class ListConverter(BaseConverter):
    """Several values."""

    def to_python(self, value: str) -> list[str]:
        """Return them."""
        return value.split("+")


class HexConverter(BaseConverter):
    """A number in hexadecimal digits."""

    def to_python(self, value: str) -> int:
        """Return the number."""
        return int(value, 16)


class UpperConverter(BaseConverter):
    """Text that is changed."""

    def to_python(self, value: str) -> str:
        """Return it in capitals."""
        return value.upper()


class TwiceConverter(IntegerConverter):
    """A subclass of one of Werkzeug's."""

    def to_python(self, value: str) -> int:
        """Return twice the number."""
        return 2 * int(super().to_python(value))


class NothingConverter(BaseConverter):
    """A value that means nothing."""

    def to_python(self, value: str) -> None:
        """Return None."""


class Row:
    """What a converter finds in a database."""

    def __init__(self, key: str, bound: bool) -> None:
        self.key = key
        self.bound = bound


class RowConverter(BaseConverter):
    """Needs the application's context, and gives what belongs to it."""

    def to_python(self, value: str) -> Row:
        """Return the row, and whether it belongs to a request."""
        assert flask.current_app.name
        return Row(value, flask.has_request_context() or "open" in flask.g)


CONVERTERS = {
    "day": DayConverter,
    "list": ListConverter,
    "hex": HexConverter,
    "upper": UpperConverter,
    "twice": TwiceConverter,
    "nothing": NothingConverter,
    "row": RowConverter,
}


def legacy_with(rule: str) -> Flask:
    """Return a Flask application that has the converters."""
    legacy = flask_with()
    legacy.url_map.converters.update(CONVERTERS)
    legacy.add_url_rule(rule, "view", lambda x: f"flask {x!r}")
    return legacy


@pytest.mark.parametrize("around", ["none", "flask", "a hook"])
@pytest.mark.parametrize(
    ("converter", "kind", "value", "expected"),
    [
        ("day", date, "24-12-2026", "datetime.date(2026, 12, 24)"),
        ("day", Any, "24-12-2026", "datetime.date(2026, 12, 24)"),
        ("day", str, "24-12-2026", "'24-12-2026'"),
        ("list", Any, "a+b", "['a', 'b']"),
        ("list", str, "a+b", "'a+b'"),
        ("hex", int, "ff", "255"),
        ("hex", Annotated[int, Path(le=255)], "ff", "255"),
        ("hex", str, "ff", "'ff'"),
        ("upper", str, "ab", "'AB'"),
        ("twice", int, "4", "8"),
        ("nothing", str, "x", "'x'"),
    ],
)
def test_handler_gets_the_converters_value_where_its_type_takes_it(
    mount: Mount, converter: str, kind: Any, value: str, expected: str, around: str
) -> None:
    """And the text of the URL where it does not."""
    app, legacy = FastAPI(openapi_url=None), legacy_with(f"/a/<{converter}:x>")
    if around == "a hook":
        legacy.before_request(lambda: None)

    @app.get("/a/{x}")
    def read(x: kind) -> PlainTextResponse:
        return PlainTextResponse(repr(x))

    mount(app, legacy, f"GET /a/<{converter}:x>", hooks="none" if around == "none" else "flask")
    answer = ask(app, "GET", f"/a/{value}")
    assert (answer.served_by, answer.status, answer.text) == ("fastapi", 200, expected)


def test_name_of_fastapis_own_gets_it(mount: Mount) -> None:
    """Variables are paired by their order."""
    app = FastAPI(openapi_url=None)

    @app.get("/a/{day}/{name}")
    def read(day: date, name: str) -> PlainTextResponse:
        return PlainTextResponse(f"{day} {name}")

    mount(app, legacy_with("/a/<day:x>/<y>"), "GET /a/<day:x>/<y>")
    assert ask(app, "GET", "/a/24-12-2026/b").text == "2026-12-24 b"


def test_dependency_with_another_type_decides_too(mount: Mount) -> None:
    """A value goes to all who declare the parameter, so all have to take it."""
    app, router = FastAPI(openapi_url=None), APIRouter()

    def text(x: str) -> str:
        return x

    @router.get("/{x}")
    def read(x: Any, also: Annotated[str, Depends(text)]) -> PlainTextResponse:
        return PlainTextResponse(f"{x!r} {also!r}")

    app.include_router(router, prefix="/a")
    mount(app, legacy_with("/a/<hex:x>"), "GET /a/<hex:x>")
    assert ask(app, "GET", "/a/ff").text == "'ff' 'ff'"


def test_convertor_of_starlettes_goes_first(mount: Mount) -> None:
    """A path that names a type reads the text itself."""
    app = FastAPI(openapi_url=None)

    @app.get("/a/{x:int}")
    def read(x: int) -> PlainTextResponse:
        return PlainTextResponse(repr(x))

    legacy = legacy_with("/a/<hex:x>")
    legacy.before_request(lambda: None)
    mount(app, legacy, "GET /a/<hex:x>")
    assert ask(app, "GET", "/a/10").text == "10"


def test_row_of_a_converter_belongs_to_the_request(mount: Mount) -> None:
    """Where Flask's context is there, the value is that of Flask's own match in it."""
    app, legacy = FastAPI(openapi_url=None), legacy_with("/a/<row:x>")
    seen = []

    @legacy.before_request
    def before() -> None:
        seen.append((flask.request.view_args or {})["x"])

    @app.get("/a/{x}")
    def read(x: Any) -> PlainTextResponse:
        seen.append(x)
        return PlainTextResponse(x.key)

    mount(app, legacy, "GET /a/<row:x>")
    assert ask(app, "GET", "/a/7").text == "7"
    assert seen[0] is seen[1]


def test_endpoint_of_starlettes_gets_it(mount: Mount) -> None:
    """One that declares no parameters."""

    async def read(request: Request) -> PlainTextResponse:
        return PlainTextResponse(repr(request.path_params["x"]))

    app = FastAPI(openapi_url=None)
    app.router.routes += Starlette(routes=[Route("/a/{x}", read)]).routes
    mount(app, legacy_with("/a/<hex:x>"), "GET /a/<hex:x>")
    assert ask(app, "GET", "/a/ff").text == "255"
