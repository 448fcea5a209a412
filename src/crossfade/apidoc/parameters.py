"""What a Flask rule says of its URL: each variable's schema, and the hosts that it is for."""

from __future__ import annotations

import re
from typing import Any, Final

from werkzeug.routing import (
    AnyConverter,
    BaseConverter,
    FloatConverter,
    IntegerConverter,
    Map,
    PathConverter,
    Rule,
    UnicodeConverter,
    UUIDConverter,
)

from crossfade.logs import Logs
from crossfade.routing import LegacyRule

logger = Logs("crossfade.apidoc")

Json = dict[str, Any]
"""An object of the document."""

# As in werkzeug.routing.rules: <converter(arguments):variable>
_VARIABLE: Final = re.compile(
    r"<(?:(?P<converter>[a-zA-Z_]\w*(?:\(.*?\))?):)?(?P<name>[a-zA-Z_]\w*)>", re.ASCII
)
# What Python's regular expressions have and those of JSON Schema (ECMA-262) read otherwise.
_PYTHON_ONLY: Final = re.compile(r"\(\?(?![:=!])|\\[AZ]")
_TEXT_BOUNDS: Final = ("minlength", "maxlength", "length")


class Variables:
    """The schemas of a URL map's variables; rules that spell a converter alike share one."""

    def __init__(self, url_map: Map) -> None:
        self._converters = url_map.converters
        self._known: dict[str, Json] = {}

    def of(self, rule: LegacyRule) -> list[Json]:
        """Return a rule's path parameters, in the order of the URL."""
        return [
            {
                "name": match["name"],
                "in": "path",
                "required": True,
                **self._parameter(match["converter"] or "default"),
            }
            for match in _VARIABLE.finditer(rule.rule.rule)
        ]

    def _parameter(self, converter: str) -> Json:
        """Return `schema`, and `description` where the schema can't say everything."""
        if converter not in self._known:
            try:
                self._known[converter] = _describe(_Recorded(converter, self._converters))
            except Exception:
                # An application's own converter may need what it has only in a request.
                logger.warning("the converter %s can't be documented", converter, exc_info=True)
                self._known[converter] = {"schema": {"type": "string"}}
        return self._known[converter]


class _Recorded(Rule):
    """A rule with one variable, which keeps the converter that Werkzeug makes for it."""

    converter: BaseConverter
    options: dict[str, Any]

    def __init__(self, converter: str, converters: Any) -> None:
        super().__init__(f"/<{converter}:variable>")
        Map([self], converters=converters)

    def get_converter(
        self, variable_name: str, converter_name: str, args: tuple[Any, ...], kwargs: Any
    ) -> BaseConverter:
        self.options = {**dict(zip(_TEXT_BOUNDS, args, strict=False)), **kwargs}
        self.converter = super().get_converter(variable_name, converter_name, args, kwargs)
        return self.converter


def _describe(rule: _Recorded) -> Json:
    converter = rule.converter
    kind = type(converter)
    if kind is UnicodeConverter:
        return {"schema": _text(rule.options)}
    if isinstance(converter, AnyConverter):
        return {"schema": {"type": "string", "enum": sorted(converter.items)}}
    if kind is PathConverter:
        return {"schema": {"type": "string"}, "description": "May contain slashes."}
    if kind is UUIDConverter:
        return {"schema": {"type": "string", "format": "uuid"}}
    if isinstance(converter, IntegerConverter) and r"\d+" in converter.regex:
        return {"schema": _integer(converter)}
    if isinstance(converter, FloatConverter) and r"\d+\.\d+" in converter.regex:
        described = "With a decimal point: `9.99` or `9.0`, not `9`."
        return {"schema": {"type": "number", **_bounds(converter)}, "description": described}
    return _own(converter)


def _text(options: dict[str, Any]) -> Json:
    if options.get("length") is not None:
        return {"type": "string", "minLength": options["length"], "maxLength": options["length"]}
    schema: Json = {"type": "string", "minLength": options.get("minlength", 1)}
    if options.get("maxlength") is not None:
        schema["maxLength"] = options["maxlength"]
    return schema


def _integer(converter: IntegerConverter) -> Json:
    if converter.fixed_digits:  # `5` is no URL of `<int(fixed_digits=4):year>`, `0005` is
        return {"type": "string", "pattern": rf"^\d{{{converter.fixed_digits}}}$"}
    return {"type": "integer", **_bounds(converter)}


def _bounds(converter: IntegerConverter | FloatConverter) -> Json:
    least = converter.min if converter.signed else max(converter.min or 0, 0)
    bounds = {"minimum": least, "maximum": converter.max}
    return {name: bound for name, bound in bounds.items() if bound is not None}


def _own(converter: BaseConverter) -> Json:
    """Return what a converter of the application's own tells: its pattern and its docstring."""
    schema: Json = {"type": "string"}
    if converter.regex != BaseConverter.regex and not _PYTHON_ONLY.search(converter.regex):
        schema["pattern"] = f"^(?:{converter.regex})$"
    described = (vars(type(converter)).get("__doc__") or "").strip().partition("\n\n")[0]
    return {"schema": schema, "description": described} if described else {"schema": schema}


def servers(
    domain: str, host_matching: bool, server_name: str | None, root_path: str
) -> list[Json]:
    """Return the servers of a rule that is for one host or subdomain; [] for any other.

    Args:
        domain: the rule's host or subdomain, as Flask spells it.
        host_matching: whether `domain` is a host; it is a subdomain otherwise.
        server_name: Flask's `SERVER_NAME`, without which a subdomain is of no known host.
        root_path: FastAPI's `root_path`.
    """
    if domain and not host_matching:
        domain = f"{domain}.{server_name}" if server_name else ""
    if not domain:
        return []
    url = _VARIABLE.sub(r"{\g<name>}", domain)
    server: Json = {"url": f"//{url}{root_path}"}
    names = [match["name"] for match in _VARIABLE.finditer(domain)]
    if names:
        server["variables"] = {name: {"default": name} for name in names}
    return [server]
