"""What a view says of itself: its docstring, and the YAML that may stand in it below `---`."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, NamedTuple

from crossfade.apidoc.parameters import Json

METHODS: Final = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
"""The methods that OpenAPI 3.1 can describe, in the order in which a path lists them."""

_YAML_BEGINS: Final = re.compile(r"^---[ \t]*$", re.MULTILINE)


class Docstring(NamedTuple):
    """A docstring taken apart.

    Attributes:
        summary: its first line or paragraph, on one line.
        description: the paragraphs that follow.
        yaml: what stands below a line `---`: the convention of Flasgger and apispec.
    """

    summary: str
    description: str
    yaml: str


def handler_of(view: Callable[..., Any] | None, method: str) -> Any:
    """Return the function that answers a method: of a class-based view, the class's own."""
    while isinstance(view, functools.partial):
        view = view.func
    view_class = getattr(view, "view_class", None)
    if view_class is None:
        return view
    return getattr(view_class, method.lower(), None) or view_class


def read(view: Callable[..., Any] | None, method: str) -> Docstring:
    """Return what the handler of a method says, or its class where that says nothing."""
    handler, view_class = handler_of(view, method), getattr(view, "view_class", None)
    text = _own_docstring(handler) or (view_class and _own_docstring(view_class))
    if not text:
        return Docstring("", "", "")
    prose, yaml = _split(inspect.cleandoc(text))
    first, _, rest = prose.strip().partition("\n\n")
    return Docstring(" ".join(first.split()), rest.strip(), yaml)


def parse_yaml(text: str, method: str) -> Json | None:
    """Return the operation that a docstring's YAML describes.

    None where there is none, where it is no mapping, or where PyYAML is not installed.
    """
    if not text.strip():
        return None
    try:
        yaml = import_module("yaml")  # an extra of apispec, a dependency of Flasgger: not ours
    except ImportError:
        return None
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError:
        return None
    if not isinstance(found, dict):
        return None
    by_method = {str(key).lower(): value for key, value in found.items()}
    if by_method.keys() & set(METHODS):  # apispec's form: one operation for each method
        operation = by_method.get(method.lower())
        return operation if isinstance(operation, dict) else None
    return found


def _own_docstring(of: Any) -> str | None:
    """Return what a person wrote for this very function or class."""
    if isinstance(of, type):
        text = vars(of).get("__doc__")  # what a class inherits speaks of its base
    elif inspect.isroutine(of):
        text = of.__doc__
    else:  # an object that can be called
        text = vars(type(of)).get("__doc__")
    return _sound(text) if isinstance(text, str) else None


def _sound(text: str) -> str:
    r"""Return a text that has a form in UTF-8: an example with "\ud83d\ude00" is an emoji."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _split(text: str) -> tuple[str, str]:
    begins = _YAML_BEGINS.search(text)
    return (text, "") if begins is None else (text[: begins.start()], text[begins.end() :])
