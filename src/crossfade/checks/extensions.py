"""Which extensions does a Flask application have, and which of their work do native routes borrow?

Found by what an extension leaves in the application: its key in `app.extensions`, its hooks, error
handlers, views and decorators, the session interface, WSGI middleware.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Any, Final

from flask import Flask

from crossfade.checks.known_extensions import ROWS, Borrowed
from crossfade.checks.view_decorators import decorators_of
from crossfade.checks.wsgi_middleware import Layer

_UNKNOWN: Final = (
    "not known to crossfade: its hooks are borrowed, its decorators and WSGI middleware are not"
)


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension that an application has.

    Attributes:
        name: as its documentation spells it, or its key in `app.extensions`.
        version: that is installed; "" where that can't be found out.
        borrowed: how much of its work a native route has.
        instead: what to do about the rest, or what to know.
        page: in `docs/extensions`, where there is one.
    """

    name: str
    version: str
    borrowed: Borrowed
    instead: str
    page: str = ""

    def values(self) -> dict[str, str]:
        """Return it as plain values."""
        return {
            "name": self.name,
            "version": self.version,
            "borrowed": self.borrowed.value,
            "instead": self.instead,
            "page": self.page,
        }


def extensions_of(app: Flask, middleware: list[Layer]) -> list[Extension]:
    """Return the extensions that an application has, by their names.

    Args:
        app: the application.
        middleware: the WSGI middleware around it.
    """
    packages = {module.partition(".")[0] for module in _modules(app)}
    packages |= {layer.place.partition(".")[0] for layer in middleware}
    keys = dict.fromkeys(map(str, app.extensions))
    found = [
        Extension(row.name, _version(row.package), row.borrowed, row.instead, row.page)
        for row in ROWS
        if row.package in packages or any(key in keys for key in row.keys)
    ]
    known = {key for row in ROWS for key in row.keys} | {row.package for row in ROWS}
    for key in keys:
        if key not in known and key.replace("-", "_") not in known:
            package = type(app.extensions[key]).__module__.partition(".")[0]
            found.append(Extension(key, _version(package), Borrowed.UNKNOWN, _UNKNOWN))
    return sorted(found, key=lambda each: each.name.casefold())


def _modules(app: Flask) -> Iterator[str]:
    """Return the modules of all that extensions leave in an application."""
    scoped: tuple[Any, ...] = (
        app.before_request_funcs,
        app.after_request_funcs,
        app.teardown_request_funcs,
        app.url_value_preprocessors,
        app.template_context_processors,
    )
    for by_scope in scoped:
        for functions in by_scope.values():
            yield from map(_module, functions)
    yield from map(_module, app.teardown_appcontext_funcs)
    for by_code in app.error_handler_spec.values():
        for handlers in by_code.values():
            yield from map(_module, handlers.values())
    yield from (kind.__module__ for kind in type(app).__mro__)
    yield type(app.session_interface).__module__
    for blueprint in app.blueprints.values():
        yield type(blueprint).__module__
        yield blueprint.import_name
    for view in app.view_functions.values():
        yield _module(view)
        view_class = getattr(view, "view_class", None)
        yield from (kind.__module__ for kind in getattr(view_class, "__mro__", ()))
        for method in sorted(getattr(view_class, "methods", None) or ("GET",)):
            yield from (decorator.module for decorator in decorators_of(view, method))
    yield from (type(value).__module__ for value in app.extensions.values())


def _module(function: Any) -> str:
    function = getattr(function, "func", function)  # of a functools.partial
    function = getattr(function, "__func__", function)
    return str(getattr(function, "__module__", None) or type(function).__module__)


@cache
def _version(package: str) -> str:
    # Before 3.11 Python finds fewer of them; most distributions are named as their package.
    for distribution in (*_distributions().get(package, ()), package):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return ""


@cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()  # reads the metadata of all that is installed
