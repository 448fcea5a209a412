"""The operation of a Flask rule and method: what Flask answers, as far as it can be known."""

from __future__ import annotations

import re
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, Final

from flask import Flask

from crossfade.apidoc import docstrings, sources
from crossfade.apidoc.parameters import Json, Variables, servers
from crossfade.logs import Logs
from crossfade.routing import LegacyRule
from crossfade.routing.shapes import Shape

logger = Logs("crossfade.apidoc")

_TAKE_A_BODY: Final = ("POST", "PUT", "PATCH")
_ANY_BODY: Final[Json] = {
    "description": "Flask does not declare what it takes.",
    "content": {
        "application/json": {"schema": {}},
        "application/x-www-form-urlencoded": {"schema": {"type": "object"}},
        "multipart/form-data": {"schema": {"type": "object"}},
    },
}
_ANY_ANSWER: Final[Json] = {
    "default": {"description": "What Flask answers. It declares no schema."}
}
_REDIRECT: Final[Json] = {
    "308": {
        "description": "Permanent Redirect",
        "headers": {"Location": {"schema": {"type": "string", "format": "uri-reference"}}},
    }
}

_EXTENSIONS: Final = ("flask_restx", "flask_smorest", "flasgger")


class LegacyOperations:
    """Describes each rule and method once; built at the first request of the document."""

    def __init__(self, flask_app: Flask, root_path: str = "") -> None:
        self._app = flask_app
        self._root_path = root_path
        self._variables = Variables(flask_app.url_map)
        self._documented = sources.documented(flask_app)
        self._known: dict[tuple[int, str], Json] = {}

    @property
    def components(self) -> dict[str, dict[str, Json]]:
        """The components that the operations refer to, by kind and name."""
        return self._documented.components

    @property
    def tags(self) -> list[Json]:
        """The extensions' descriptions of tags."""
        return self._documented.tags

    def is_documentation(self, rule: LegacyRule, method: str) -> bool:
        """Whether the rule is a page of an extension's own documentation, not of the service."""
        handler = docstrings.handler_of(self._app.view_functions.get(rule.endpoint), method)
        return str(getattr(handler, "__module__", "")).partition(".")[0] in _EXTENSIONS

    def is_hidden(self, rule: LegacyRule, method: str) -> bool:
        """Whether the application's documentation leaves the route out: `@api.hide`."""
        if not self._documented.restx:
            return False
        view_class = getattr(self._app.view_functions.get(rule.endpoint), "view_class", None)
        is_resource = any(
            f"{base.__module__}.{base.__qualname__}" == "flask_restx.resource.Resource"
            for base in getattr(view_class, "__mro__", ())
        )
        return is_resource and (rule.shape.skeleton, method) not in self._documented.operations

    def describe(self, rule: LegacyRule, method: str) -> Json:
        """Return the operation, its path parameters under Flask's names. Not to be changed."""
        key = (id(rule), method)
        if key not in self._known:
            self._known[key] = self._describe(rule, method)
        return self._known[key]

    def _describe(self, rule: LegacyRule, method: str) -> Json:
        found = self._from_extensions(rule, method)
        operation = self._from_rule(rule, method)
        documented = found.pop("parameters", ())
        by_name = {each["name"]: each for each in documented if each["in"] == "path"}
        parameters = [
            _completed(each, by_name.get(each["name"])) for each in operation["parameters"]
        ]
        parameters += [each for each in documented if each["in"] != "path"]
        operation.update(found)
        operation["parameters"] = parameters
        if not parameters:
            del operation["parameters"]
        return operation

    def _from_rule(self, rule: LegacyRule, method: str) -> Json:
        view = self._app.view_functions.get(rule.endpoint)
        prose = docstrings.read(view, method)
        *blueprint, name = str(rule.endpoint).split(".")
        operation: Json = {}
        if blueprint:
            operation["tags"] = [".".join(blueprint)]
        operation["summary"] = prose.summary or _in_words(name)
        described = [prose.description, *_remarks(rule)]
        operation["description"] = "\n\n".join(filter(None, described))
        operation["operationId"] = operation_id(str(rule.endpoint), rule.rule.rule, method)
        operation["parameters"] = self._variables.of(rule)
        if method in _TAKE_A_BODY and not rule.moved_by_flask:
            operation["requestBody"] = _ANY_BODY
        operation["responses"] = _REDIRECT if rule.moved_by_flask else _ANY_ANSWER
        if getattr(docstrings.handler_of(view, method), "__deprecated__", None) is not None:
            operation["deprecated"] = True  # PEP 702
        server_name = self._app.config.get("SERVER_NAME")
        hosts = servers(rule.domain, self._app.url_map.host_matching, server_name, self._root_path)
        if hosts:
            operation["servers"] = hosts
        return operation

    def _from_extensions(self, rule: LegacyRule, method: str) -> Json:
        """Return a copy of what is documented by hand: by an extension, or below `---`."""
        key = (rule.shape.skeleton, method)
        if key not in self._documented.operations and not rule.moved_by_flask:
            view = self._app.view_functions.get(rule.endpoint)
            written = docstrings.parse_yaml(docstrings.read(view, method).yaml, method)
            if written is not None:
                self._add_written(written, rule, method)
        found = self._documented.operations.get(key, {})
        return {name: value for name, value in found.items() if value not in ("", [], None)}

    def _add_written(self, written: Json, rule: LegacyRule, method: str) -> None:
        path = legacy_path(rule.shape)
        try:
            self._documented.add(sources.with_schemas(written, path, method))
        except Exception:
            # One docstring must not cost the document of all the others.
            logger.warning(
                "the YAML in the docstring of %s can't be documented", rule.endpoint, exc_info=True
            )


def is_static(flask_app: Flask, rule: LegacyRule) -> bool:
    """Whether the rule serves the static folder of the application or of a blueprint: no API."""
    *blueprint, name = str(rule.endpoint).split(".")
    owner: Any = flask_app.blueprints.get(".".join(blueprint)) if blueprint else flask_app
    return (
        name == "static"
        and rule.shape.variables == ("filename",)
        and owner is not None
        and bool(owner.has_static_folder)
    )


def is_excluded(route: str, patterns: tuple[str, ...]) -> bool:
    """Whether a pattern of `[gateway] document_exclude` fits a route or its rule.

    >>> is_excluded("GET /admin/users", ("/admin/*",))
    True
    >>> is_excluded("GET /admin/users", ("POST *",))
    False
    """
    rule = route.partition(" ")[2]
    return any(fnmatchcase(rule, each) or fnmatchcase(route, each) for each in patterns)


def operation_id(name: str, path: str, method: str) -> str:
    """Return an id in FastAPI's manner: `users_read_users__int_user_id__get`."""
    return re.sub(r"\W", "_", f"{name}{path}") + f"_{method.lower()}"


def filled(shape: Shape, names: tuple[str, ...]) -> str:
    """Return a path as OpenAPI writes it, its variables under these names.

    >>> from crossfade.routing.shapes import flask_shape
    >>> filled(flask_shape("/users/<int:user_id>"), ("id",))
    '/users/{id}'
    """
    parts = re.split("\0", shape.skeleton)
    return parts[0] + "".join(
        f"{{{name}}}{part}" for name, part in zip(names, parts[1:], strict=True)
    )


def legacy_path(shape: Shape) -> str:
    """Return a Flask rule's path as OpenAPI writes it: to Flask, braces are nothing special.

    >>> from crossfade.routing.shapes import flask_shape
    >>> legacy_path(flask_shape("/users/{id}/<name>"))
    '/users/%7Bid%7D/{name}'
    """
    literal = shape.skeleton.replace("{", "%7B").replace("}", "%7D")
    return filled(replace(shape, skeleton=literal), shape.variables)


def _in_words(name: str) -> str:
    """Return an endpoint's name as FastAPI would show it: `list_users` as `List Users`."""
    words = re.sub(r"[\W_]+", " ", name).strip()
    return words.title() if words.islower() else words


def _completed(variable: Json, documented: Json | None) -> Json:
    """Return a URL's variable with what was written about it by hand."""
    if documented is None or "schema" not in documented:
        return variable
    return {**variable, **documented, "schema": {**variable["schema"], **documented["schema"]}}


def _remarks(rule: LegacyRule) -> list[str]:
    remarks = []
    if rule.rule.redirect_to is not None:
        to = rule.rule.redirect_to
        remarks.append(f"Redirects to `{to}`." if isinstance(to, str) else "Redirects.")
    elif rule.moved_by_flask:
        remarks.append("Redirects to the other URL of the same page.")
    if rule.methods is None:
        remarks.append("Flask gives requests of any method to this route.")
    for name, value in (rule.rule.defaults or {}).items():
        remarks.append(f"Here `{name}` is `{value!r}`.")
    return remarks
