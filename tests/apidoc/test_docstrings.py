"""What a view's docstring becomes."""

# ruff: noqa: D101, D102, D103, D205, D415 - docstrings of any kind are what is read

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import pytest
from flask.views import MethodView, View

from crossfade.apidoc.docstrings import Docstring, handler_of, parse_yaml, read


def documented() -> str:
    """Return one
    thing.

    Whole sentences.

        >>> indented

    ---
    tags: [things]
    """
    return ""


def silent() -> str:
    return ""


class Things(MethodView):
    """All things."""

    def get(self) -> str:
        """List them."""
        return ""

    def post(self) -> str:
        return ""


class Quiet(View):
    def dispatch_request(self) -> str:
        return ""


class Answering:
    """An object that answers."""

    def __call__(self) -> str:
        return ""


def test_a_docstring_is_taken_apart() -> None:
    """The first paragraph on one line, the others as they are, the YAML apart."""
    summary, description, yaml = read(documented, "GET")
    assert summary == "Return one thing."
    assert description == "Whole sentences.\n\n    >>> indented"
    assert yaml.strip() == "tags: [things]"


@functools.wraps(documented)
def wrapped() -> str:
    """Not shown."""
    return ""


@pytest.mark.parametrize(
    ("view", "method", "summary"),
    [
        (silent, "GET", ""),
        (None, "GET", ""),
        (wrapped, "GET", "Return one thing."),
        (functools.partial(functools.partial(documented)), "GET", "Return one thing."),
        (Things.as_view("things"), "GET", "List them."),
        (Things.as_view("things"), "POST", "All things."),
        (Quiet.as_view("quiet"), "GET", ""),
        (Answering(), "GET", "An object that answers."),
        (Things().get, "GET", "List them."),
    ],
)
def test_whose_docstring(view: Callable[..., Any], method: str, summary: str) -> None:
    """Of the method, else the class; of what is wrapped; never of a base class or a type."""
    assert read(view, method).summary == summary


def test_the_handler_of_a_method() -> None:
    """A class-based view has one for each."""
    assert handler_of(Things.as_view("things"), "GET") is Things.get
    assert handler_of(Things.as_view("things"), "DELETE") is Things
    assert handler_of(silent, "GET") is silent


def test_yaml_without_prose() -> None:
    """A docstring may begin with its YAML."""

    def view() -> None:
        """---
        summary: From YAML
        """

    assert read(view, "GET") == Docstring("", "", "\nsummary: From YAML")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("just: [broken", None),
        ("only words", None),
        ("summary: All", {"summary": "All"}),
        ("get:\n  summary: One\npost:\n  summary: Two", {"summary": "One"}),
        ("post:\n  summary: Two", None),
        ("GET:\n  summary: One", {"summary": "One"}),
        ("get: words", None),
    ],
)
def test_yaml(text: str, expected: object) -> None:
    """One operation for all methods, or one for each; anything else is no YAML of ours."""
    pytest.importorskip("yaml")
    assert parse_yaml(text, "GET") == expected


def test_without_pyyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    """The prose is used, the YAML is not shown."""
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert parse_yaml("summary: All", "GET") is None
    assert "tags" not in read(documented, "GET").description
