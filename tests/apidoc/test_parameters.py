"""A path parameter's schema takes what Werkzeug's converter takes."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator, FormatChecker  # type: ignore[import-untyped]
from werkzeug.exceptions import NotFound
from werkzeug.routing import BaseConverter, IntegerConverter

from crossfade.apidoc.parameters import Json, Variables, servers
from crossfade.routing import LegacyApp


class IdsConverter(BaseConverter):
    """Ids, like `1,2,3`.

    Not said.
    """

    regex = r"\d+(?:,\d+)*"


class EvenConverter(IntegerConverter):
    """No pattern of its own, so still an integer."""


class HexConverter(IntegerConverter):
    """A number to Python, but no JSON number."""

    regex = r"[0-9a-f]+"
    num_convert = functools.partial(int, base=16)


class LocaleConverter(BaseConverter):  # noqa: D101 - what it says would be shown
    regex = r"(?i:en|de)"


class ShyConverter(BaseConverter):
    """Can't be made without a request."""

    def __init__(self, *_: Any) -> None:
        raise RuntimeError("not outside a request")


CONVERTERS = {"ids": IdsConverter, "even": EvenConverter, "hex": HexConverter}


def parameters(rule: str) -> list[Json]:
    """Return the parameters of one rule."""
    app = Flask("converters", static_folder=None)
    app.url_map.converters.update(CONVERTERS, locale=LocaleConverter)
    app.add_url_rule(rule, "view", lambda **_: "")
    (legacy,) = LegacyApp(app, app).rules
    return Variables(app.url_map).of(legacy)


TEXT = {"type": "string", "minLength": 1}


@pytest.mark.parametrize(
    ("converter", "schema"),
    [
        ("", TEXT),
        ("string:", TEXT),
        ("default:", TEXT),
        ("string(length=2):", {"type": "string", "minLength": 2, "maxLength": 2}),
        ("string(2, 5):", {"type": "string", "minLength": 2, "maxLength": 5}),
        ("string(maxlength=3):", {"type": "string", "minLength": 1, "maxLength": 3}),
        ("any(home, away):", {"type": "string", "enum": ["away", "home"]}),
        ('any("a b", c):', {"type": "string", "enum": ["a b", "c"]}),
        ("path:", {"type": "string"}),
        ("int:", {"type": "integer", "minimum": 0}),
        ("int(min=3, max=9):", {"type": "integer", "minimum": 3, "maximum": 9}),
        ("int(signed=True):", {"type": "integer"}),
        ("int(min=3, signed=True):", {"type": "integer", "minimum": 3}),
        ("int(fixed_digits=4):", {"type": "string", "pattern": r"^\d{4}$"}),
        ("int(4):", {"type": "string", "pattern": r"^\d{4}$"}),
        ("float:", {"type": "number", "minimum": 0}),
        ("float(max=1.5, signed=True):", {"type": "number", "maximum": 1.5}),
        ("uuid:", {"type": "string", "format": "uuid"}),
        ("ids:", {"type": "string", "pattern": r"^(?:\d+(?:,\d+)*)$"}),
        ("even(max=8):", {"type": "integer", "minimum": 0, "maximum": 8}),
        ("hex:", {"type": "string", "pattern": r"^(?:[0-9a-f]+)$"}),
        ("locale:", {"type": "string"}),  # no browser reads (?i:
    ],
)
def test_schema(converter: str, schema: Json) -> None:
    """Types, formats, words, bounds and patterns."""
    (parameter,) = parameters(f"/x/<{converter}value>")
    assert (parameter["name"], parameter["in"], parameter["required"]) == ("value", "path", True)
    assert parameter["schema"] == schema


@pytest.mark.parametrize(
    "converter",
    [
        *("", "string(2, 3):", "any(home, away):", "int:", "int(min=3, max=9):"),
        *("int(signed=True):", "int(max=3, signed=True):", "int(fixed_digits=2):"),
        *("uuid:", "ids:", "even(max=8):", "hex:"),
    ],
)
@pytest.mark.parametrize(
    "text",
    [
        *("a", "home", "abc", "abcd", "0", "5", "05", "12", "-2", "-5", "1,2", "1,", "ff"),
        *("3f2504e0-4f89-11d3-9a0c-0305e82c3301", "3f2504e0"),
    ],
)
def test_schema_takes_what_flask_takes(converter: str, text: str) -> None:
    """A value that Flask routes is valid, and one that Flask answers 404 is not."""
    app = Flask("agree", static_folder=None)
    app.url_map.converters.update(CONVERTERS)
    app.add_url_rule(f"/x/<{converter}value>", "view", lambda **_: "")
    try:
        app.url_map.bind("localhost").match(f"/x/{text}")
        matches = True
    except NotFound:
        matches = False
    schema = parameters(f"/x/<{converter}value>")[0]["schema"]
    value: object = text
    if schema["type"] == "integer":  # as a client reads a URL's text
        value = int(text) if text.lstrip("-").isdigit() else text
    checker = FormatChecker(formats=["uuid"])
    assert Draft202012Validator(schema, format_checker=checker).is_valid(value) == matches


def test_what_a_schema_cant_say_is_described() -> None:
    """A float's point, a path's slashes, an application's own converter."""
    described = [
        each.get("description", "")
        for each in parameters("/<float:a>/<ids:b>/<locale:c>/<int:d>/<path:e>")
    ]
    assert described == [
        "With a decimal point: `9.99` or `9.0`, not `9`.",
        "Ids, like `1,2,3`.",
        "",
        "",
        "May contain slashes.",
    ]


def test_order_and_parts_of_a_segment() -> None:
    """Variables come in the order of the URL, also several in one segment."""
    names = [each["name"] for each in parameters("/<int:b>/v<c>.<any(x, y):a>")]
    assert names == ["b", "c", "a"]


def test_a_converter_that_fails_is_text(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, once, and the route is documented all the same."""
    app = Flask("shy", static_folder=None)
    app.add_url_rule("/<a>/<b>", "view", lambda **_: "")
    (rule,) = LegacyApp(app, app).rules
    app.url_map.converters["default"] = ShyConverter
    schemas = [each["schema"] for each in Variables(app.url_map).of(rule)]
    assert schemas == [{"type": "string"}, {"type": "string"}]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_servers() -> None:
    """A host, a subdomain, a host with variables; nothing where the host is not known."""
    assert servers("", True, None, "") == []
    assert servers("api.example.com", True, None, "/root") == [{"url": "//api.example.com/root"}]
    assert servers("api", False, "example.com:8080", "") == [{"url": "//api.example.com:8080"}]
    assert servers("api", False, None, "") == []
    assert servers("<tenant>.example.com", True, None, "") == [
        {"url": "//{tenant}.example.com", "variables": {"tenant": {"default": "tenant"}}}
    ]
