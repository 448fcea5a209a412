"""The two spellings of a URL rule, Flask's and FastAPI's, and what they have in common."""

from __future__ import annotations

import re
from dataclasses import dataclass

# As in werkzeug.routing.rules: <converter(arguments):variable>
_FLASK = re.compile(
    r"<(?:(?P<converter>[a-zA-Z_]\w*)(?:\((?P<arguments>.*?)\))?:)?(?P<variable>[a-zA-Z_]\w*)>",
    re.ASCII,
)
# As in starlette.routing.compile_path: {variable:convertor}
_FASTAPI = re.compile(r"{(?P<variable>[a-zA-Z_]\w*)(?::(?P<converter>[a-zA-Z_]\w*))?}", re.ASCII)

_HOLE = "\0"
_DEFAULT_CONVERTERS = (None, "default", "string", "str")


@dataclass(frozen=True, slots=True)
class Shape:
    """A URL rule without its dialect.

    Attributes:
        skeleton: the rule with each variable replaced by one mark; rules of both dialects that
            cover the same URLs, converters aside, have the same skeleton.
        variables: the variables' names, in their order in the URL.
        spelling: the rule with default converters left out, so that `<string:x>` equals `<x>`.
        converters: each variable's converter; "string" where none is named.
    """

    skeleton: str
    variables: tuple[str, ...]
    spelling: str
    converters: tuple[str, ...]

    @property
    def open_ended(self) -> tuple[bool, ...]:
        """Which variables run across slashes, by the `path` converter of either dialect."""
        return tuple(converter == "path" for converter in self.converters)

    @property
    def static_text(self) -> str:
        """The rule with its variables left out: `/users/<a>/<b>` gives `/users`."""
        return re.sub("/+", "/", self.skeleton.replace(_HOLE, "")).rstrip("/")


def flask_shape(rule: str) -> Shape:
    """Return the shape of a rule in Flask's spelling: `/users/<int:user_id>`."""
    return _shape(_FLASK, rule, "<", ">")


def fastapi_shape(path: str) -> Shape:
    """Return the shape of a path in FastAPI's spelling: `/users/{user_id}`."""
    return _shape(_FASTAPI, path, "{", "}")


def as_flask_rule(path: str) -> str:
    """Return FastAPI's `/files/{name:path}` as Flask would write it, converters left out.

    >>> as_flask_rule("/files/{name:path}")
    '/files/<name>'
    """
    return _FASTAPI.sub(lambda match: f"<{match['variable']}>", path)


def _shape(pattern: re.Pattern[str], rule: str, opening: str, closing: str) -> Shape:
    variables: list[str] = []
    converters: list[str] = []

    def spell(match: re.Match[str]) -> str:
        groups = match.groupdict()
        converter, arguments = groups["converter"], groups.get("arguments")
        variables.append(groups["variable"])
        converters.append("string" if converter in _DEFAULT_CONVERTERS else converter)
        if converters[-1] == "string" and not arguments:
            return f"{opening}{groups['variable']}{closing}"
        if opening == "{":
            return match.group()
        listed = f"({arguments})" if arguments else ""
        return f"<{converter}{listed}:{groups['variable']}>"

    spelling = pattern.sub(spell, rule)
    skeleton = pattern.sub(_HOLE, rule)
    return Shape(skeleton, tuple(variables), spelling, tuple(converters))


def split_domain(rule: str) -> tuple[str, str]:
    """Split `api.example.com/users` into the host (or subdomain) and the path.

    >>> split_domain("<tenant>.example.com/users/<int:user_id>")
    ('<tenant>.example.com', '/users/<int:user_id>')
    >>> split_domain("/users")
    ('', '/users')
    """
    depth = 0
    for position, character in enumerate(rule):
        if character == "<":
            depth += 1
        elif character == ">":
            depth -= 1
        elif character == "/" and depth == 0:
            return rule[:position], rule[position:]
    return rule, ""
