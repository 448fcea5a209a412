"""Path parameters: Flask's converters decide, FastAPI's names and convertors receive."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import enum
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from starlette.convertors import Convertor, register_url_convertor
from werkzeug.routing import BaseConverter, ValidationError

from tests.asgi.kit import Mount, ask, flask_with, native_with

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"


class Kind(str, enum.Enum):
    """An enumeration in a path."""

    HOME = "home"


class EvenConverter(BaseConverter):
    """Refuses odd numbers, which its pattern accepts."""

    regex = r"\d+"

    def to_python(self, value: str) -> int:
        """Return a number.

        Raises:
            ValidationError: it is odd.
        """
        if int(value) % 2:
            raise ValidationError
        return int(value)


class BrokenConverter(BaseConverter):
    """Fails."""

    def to_python(self, value: str) -> str:
        """Fail."""
        raise RuntimeError("the converter's database is away")


class HexConvertor(Convertor[int]):
    """A convertor of Starlette's kind."""

    regex = "[0-9a-f]+"

    def convert(self, value: str) -> int:
        """Return the number."""
        return int(value, 16)

    def to_string(self, value: int) -> str:
        """Return the digits."""
        return f"{value:x}"


register_url_convertor("crossfade_hex", HexConvertor())


def native_reading(path: str, kind: Any) -> FastAPI:
    """Return an application that shows what type its parameter arrives as."""
    app = FastAPI()

    @app.get(path)
    def read(x: kind, request: Request) -> PlainTextResponse:
        raw = request.path_params["x"]
        return PlainTextResponse(f"{x!r} {type(raw).__name__}")

    return app


@pytest.mark.parametrize(
    ("converter", "path", "kind", "value", "expected"),
    [
        ("int", "{x}", int, "007", "7 str"),
        ("int", "{x}", str, "7", "'7' str"),
        ("int", "{x:int}", int, "7", "7 int"),
        ("int(fixed_digits=3)", "{x}", int, "007", "7 str"),
        ("int(signed=True)", "{x}", int, "-7", "-7 str"),
        ("int", "{x}", int, "%D9%A3", "3 str"),
        ("float", "{x}", float, "1.50", "1.5 str"),
        ("float", "{x:float}", float, "1.50", "1.5 float"),
        ("float", "{x}", Decimal, "1.5", "Decimal('1.5') str"),
        ("uuid", "{x}", UUID, ID, f"UUID('{ID}') str"),
        ("uuid", "{x:uuid}", UUID, ID.upper(), f"UUID('{ID}') UUID"),
        ("uuid", "{x}", str, ID, f"'{ID}' str"),
        ("path", "{x:path}", str, "a/b/c", "'a/b/c' str"),
        ("any(home, away)", "{x}", Kind, "home", "<Kind.HOME: 'home'> str"),
        ("string(length=2)", "{x}", str, "ab", "'ab' str"),
        ("string", "{x}", str, "caf%C3%A9%20%3F", "'café ?' str"),
        ("string", "{x:crossfade_hex}", int, "ff", "255 int"),
        ("even", "{x}", int, "4", "4 int"),
        ("even", "{x:int}", int, "4", "4 int"),
        ("string", "{x:int}", int, "4", "4 int"),
    ],
)
def test_a_value_arrives_as_fastapi_declares_it(
    mount: Mount, converter: str, path: str, kind: Any, value: str, expected: str
) -> None:
    """Text where the path names no convertor, that convertor's type where it names one."""
    legacy = flask_with()
    legacy.url_map.converters["even"] = EvenConverter
    rule = f"/items/<{converter}:x>"
    legacy.add_url_rule(rule, view_func=lambda x: f"flask {x!r}")
    app = native_reading(f"/items/{path}", kind)
    mount(app, legacy, f"GET {rule}")
    answer = ask(app, "GET", f"/items/{value}")
    assert (answer.served_by, answer.text) == ("fastapi", expected)


@pytest.mark.parametrize(
    ("converter", "path", "value"),
    [
        ("int", "{x}", "abc"),
        ("int", "{x}", "-7"),
        ("int", "{x}", "+5"),
        ("int", "{x}", "1_000"),
        ("int", "{x}", "5.0"),
        ("int", "{x}", "5%0A"),
        ("int", "{x}", "9" * 5000),
        ("int(max=9)", "{x}", "10"),
        ("float", "{x}", "5"),
        ("float", "{x}", "nan"),
        ("uuid", "{x}", ID.replace("-", "")),
        ("any(home, away)", "{x}", "third"),
        ("string(length=2)", "{x}", "abc"),
        ("string", "{x}", "a/b"),
        ("even", "{x}", "3"),
        ("even", "{x}", "x"),
    ],
)
def test_what_flask_refuses_is_flasks_404(
    mount: Mount, converter: str, path: str, value: str
) -> None:
    """FastAPI, whose parameter takes any text, is not asked."""
    legacy = flask_with()
    legacy.url_map.converters["even"] = EvenConverter
    rule = f"/items/<{converter}:x>"
    legacy.add_url_rule(rule, view_func=lambda x: f"flask {x!r}")
    alone = legacy.test_client().get(f"/items/{value}")
    app = native_with(f"GET /items/{path}")
    mount(app, legacy, f"GET {rule}", settings="[bridge]\nlimit_request_line = 0")
    answer = ask(app, "GET", f"/items/{value}")
    assert (answer.served_by, answer.status, answer.body) == (
        "flask",
        alone.status_code,
        alone.data,
    )


@pytest.mark.parametrize("value", ["abc", "-4", "1_0", "4%0A"])
def test_what_fastapi_would_not_match_is_flasks(mount: Mount, value: str) -> None:
    """A FastAPI route that is narrower than Flask's answers only what it covers."""
    app = native_with("GET /items/{x:int}")
    mount(app, flask_with("GET /items/<x>"), "GET /items/<x>")
    assert ask(app, "GET", "/items/4").text == "fastapi GET {'x': 4}"
    assert ask(app, "GET", f"/items/{value}").served_by == "flask"


def test_a_converter_that_fails_leaves_the_request_to_flask(mount: Mount) -> None:
    """Flask then shows the error as it always did."""
    legacy = flask_with()
    legacy.url_map.converters["broken"] = BrokenConverter
    legacy.add_url_rule("/items/<broken:x>", view_func=lambda x: x)
    app = native_with("GET /items/{x}")
    mount(app, legacy, "GET /items/<broken:x>")
    answer = ask(app, "GET", "/items/1")
    assert (answer.status, answer.served_by) == (500, "flask")


def test_names_may_differ(mount: Mount) -> None:
    """Parameters are paired by their order in the URL, also where the sides swap two names."""
    app = native_with("GET /teams/{b}/players/{a}")
    rule = "GET /teams/<int:a>/players/<b>"
    mount(app, flask_with(rule), rule)
    assert ask(app, "GET", "/teams/1/players/x").text == "fastapi GET {'b': '1', 'a': 'x'}"
    assert ask(app, "GET", "/teams/x/players/x").status == 404


def test_a_parameter_in_the_middle_of_a_segment(mount: Mount) -> None:
    """`/files/<name>.<ext>`: Flask splits, FastAPI gets what Flask found."""
    app = native_with("GET /files/{name}.{ext}")
    mount(app, flask_with("GET /files/<name>.<ext>"), "GET /files/<name>.<ext>")
    answer = ask(app, "GET", "/files/a.tar.gz")
    legacy = flask_with("GET /files/<name>.<ext>").test_client().get("/files/a.tar.gz").text
    assert answer.text == "fastapi GET {'name': 'a.tar', 'ext': 'gz'}"
    assert "{'name': 'a.tar', 'ext': 'gz'}" in legacy


def test_defaults_are_passed_beside_the_url(mount: Mount) -> None:
    """A rule's `defaults` are in `path_params`; the redirect to the shorter URL stays Flask's."""
    legacy = flask_with()
    legacy.add_url_rule("/pages", "pages", lambda page: f"flask {page}", defaults={"page": 1})
    legacy.add_url_rule("/pages/<int:page>", "pages")
    app = native_with("GET /pages", "GET /pages/{page}")
    mount(app, legacy, "GET /pages", "GET /pages/<int:page>")
    assert ask(app, "GET", "/pages").text == "fastapi GET {'page': 1}"
    assert ask(app, "GET", "/pages/2").text == "fastapi GET {'page': '2'}"
    assert ask(app, "GET", "/pages/1").status == 308


def test_an_escaped_slash_is_a_slash(mount: Mount) -> None:
    """WSGI decodes before it routes, so `a%2Fb` is two segments for Flask and so for both."""
    legacy = flask_with("GET /items/<x>", "GET /files/<path:x>")
    app = native_with("GET /items/{x}", "GET /files/{x:path}")
    mount(app, legacy, "GET /items/<x>", "GET /files/<path:x>")
    assert ask(app, "GET", "/items/a%2Fb").served_by == "flask"
    assert ask(app, "GET", "/files/a%2Fb").text == "fastapi GET {'x': 'a/b'}"
