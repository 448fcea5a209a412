"""The two spellings of a rule."""

from __future__ import annotations

import pytest

from crossfade.routing.shapes import fastapi_shape, flask_shape, split_domain


@pytest.mark.parametrize(
    ("flask", "fastapi"),
    [
        ("/", "/"),
        ("/users/<int:user_id>", "/users/{user_id}"),
        ("/users/<user_id>", "/users/{id:int}"),
        ("/files/<path:name>/raw", "/files/{name:path}/raw"),
        ("/f/<name>.<any(png, jpg):kind>", "/f/{a}.{b}"),
        ("/s/<string(length=2):code>", "/s/{code}"),
    ],
)
def test_two_spellings_of_one_rule(flask: str, fastapi: str) -> None:
    """Rules that cover the same URLs have one skeleton, whatever their variables are called."""
    assert flask_shape(flask).skeleton == fastapi_shape(fastapi).skeleton


@pytest.mark.parametrize(
    ("one", "other"),
    [("/a/<x>", "/a/<string:x>"), ("/a/<x>", "/a/<default:x>"), ("/a/<int():x>", "/a/<int:x>")],
)
def test_default_converters_are_no_difference(one: str, other: str) -> None:
    """`<x>` is `<string:x>`."""
    assert flask_shape(one).spelling == flask_shape(other).spelling


@pytest.mark.parametrize(
    ("one", "other"), [("/a/<x>", "/a/<y>"), ("/a/<int:x>", "/a/<x>"), ("/a", "/a/")]
)
def test_other_rules_are_spelt_otherwise(one: str, other: str) -> None:
    """Names, converters and slashes tell rules apart."""
    assert flask_shape(one).spelling != flask_shape(other).spelling


def test_variables_keep_their_order() -> None:
    """The variables are paired by their place in the URL."""
    shape = flask_shape("/<b>/x-<int:a>/<path:rest>")
    assert shape.variables == ("b", "a", "rest")
    assert shape.open_ended == (False, False, True)
    assert shape.static_text == "/x-"


@pytest.mark.parametrize(
    ("rule", "parts"),
    [
        ("/users", ("", "/users")),
        ("api.example.com/users", ("api.example.com", "/users")),
        ("<tenant>.example.com/", ("<tenant>.example.com", "/")),
        ("<any(a/b):odd>.org/x", ("<any(a/b):odd>.org", "/x")),
    ],
)
def test_a_host_stands_before_the_first_slash(rule: str, parts: tuple[str, str]) -> None:
    """What stands before the path is a host or subdomain."""
    assert split_domain(rule) == parts
