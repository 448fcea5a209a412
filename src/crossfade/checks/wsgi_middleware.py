"""Which WSGI middleware stands around the Flask application, that native routes do not pass?

`ProxyFix` and `DispatcherMiddleware` are followed (`routing.legacy`), so they are not named here.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from types import FunctionType, MethodType
from typing import Any, Final

from flask import Flask
from werkzeug.local import LocalProxy
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from crossfade.checks.known_guards import looks_like_access
from crossfade.checks.refusals import mentions, refusals_of

_DEEPEST: Final = 50
_INNER: Final = ("app", "wsgi_app", "application", "wrapped", "__wrapped__")
"""Where middleware keeps what it wraps, the likeliest first."""

_METHODS: Final = ("wsgi_app", "full_dispatch_request", "dispatch_request")
"""What calls a view, and so does not run for a native route."""

_TRACES: Final = "native requests are not in its traces: instrument FastAPI with the same package"
_TOOL: Final = "native requests are not seen by it: a tool for development"

KNOWN: Final = {
    "apiflask": "it only hands the URL's values to the view",
    "opentelemetry": (
        "native requests have spans, which its hooks make, but are not in the metrics "
        "http.server.duration and active_requests: instrument FastAPI for those"
    ),
    "sentry_sdk": (
        "without Sentry's FastAPI integration, which is on unless auto_enabling_integrations is "
        "off, native requests have no transactions, and share their users and tags"
    ),
    "newrelic": _TRACES,
    "ddtrace": _TRACES,
    "elasticapm": _TRACES,
    "whitenoise": "its files are answered by the legacy side, as before",
    "flask_socketio": "its path is answered by the legacy side; WebSockets are not",
    "flask_debugtoolbar": _TOOL,
    "werkzeug.debug": _TOOL,
    "werkzeug.middleware.profiler": _TOOL,
    "werkzeug.middleware.lint": _TOOL,
    "werkzeug.middleware.shared_data": "its files are answered by the legacy side, as before",
}
"""By module: middleware that decides nothing about a native route, and what is lost with it."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One piece of WSGI middleware, or a method of the application that takes its place.

    Attributes:
        place: in the code: `shop.wsgi.TokenAuth`.
        refuses: statuses with which its code refuses who calls: 401, 403; 302 to a login.
    """

    place: str
    refuses: frozenset[int] = field(default=frozenset(), compare=False)

    @property
    def decides(self) -> bool:
        """Whether its name or its code says that it decides who may call."""
        own = self.place.rpartition(".")[2]
        return self.lost is None and (bool(self.refuses) or looks_like_access(own))

    @property
    def lost(self) -> str | None:
        """What is lost without it; None where nobody can know but the team."""
        return next(
            (
                lost
                for module, lost in KNOWN.items()
                if self.place == module or self.place.startswith(f"{module}.")
            ),
            None,
        )

    def is_named(self, patterns: Iterable[str]) -> bool:
        """Whether the map acknowledges that native routes do without it.

        What decides who may call is only meant by its full name.
        """
        if self.decides:
            return self.place in patterns
        return any(fnmatchcase(self.place, pattern) for pattern in patterns)


def middleware_around(wsgi: Any, flask_app: Flask) -> list[Layer]:
    """Return what a legacy request passes on its way to Flask, the outermost first.

    Args:
        wsgi: what was mounted.
        flask_app: the Flask application inside.
    """
    layers = _path(wsgi, flask_app, set(), 0)
    found = [_layer(each) for each in layers if not _is_end(each, flask_app)]
    called = not layers or layers[-1] is flask_app
    if called:
        found += _of_method(flask_app, "__call__")
    entry = flask_app.wsgi_app
    if called and not _is_end(entry, flask_app):
        found += [
            _layer(each)
            for each in _path(entry, flask_app, set(), 0) or [entry]
            if not _is_end(each, flask_app)
        ]
    for method in _METHODS:
        found += _of_method(flask_app, method)
    followed = {_place_of(kind) for kind in (ProxyFix, DispatcherMiddleware)}
    return [layer for layer in dict.fromkeys(found) if layer.place not in followed]


def _path(app: Any, flask_app: Flask, seen: set[int], depth: int) -> list[Any]:
    """Return what leads from a callable to the application; empty where that can't be seen."""
    if _is_end(app, flask_app):
        return [app]
    if depth > _DEEPEST or id(app) in seen or isinstance(app, Flask):
        return []
    seen.add(id(app))
    try:
        held = list(_held(app))
    except Exception:  # noqa: BLE001 - an object's own `__getattr__` may raise anything
        held = []
    for each in held:
        found = _path(each, flask_app, seen, depth + 1)
        if found:
            return [app, *found]
    return [app] if depth == 0 else []


def _is_end(app: Any, flask_app: Flask) -> bool:
    return app is flask_app or (isinstance(app, MethodType) and app.__self__ is flask_app)


def _layer(app: Any, name: str = "") -> Layer:
    function = app.__func__ if isinstance(app, MethodType) else app
    if not isinstance(function, FunctionType):
        function = inspect.getattr_static(type(app), "__call__", None)
    try:
        refuses = mentions(getattr(function, "__code__", None)) | refusals_of(app)
    except Exception:  # noqa: BLE001 - an object's own `__getattr__` may raise anything
        refuses = frozenset()
    return Layer(f"{_place(app)}.{name}" if name else _place(app), refuses)


def _of_method(flask_app: Flask, name: str) -> list[Layer]:
    """Name a method of the application where it is not Flask's: a subclass's, or patched."""
    method = getattr(type(flask_app), name)
    if name != "wsgi_app" and name in vars(flask_app):
        method = vars(flask_app)[name]  # of this application alone
    if not isinstance(method, FunctionType):  # an agent's own object in its place
        return [_layer(method, name)]
    module = str(method.__globals__.get("__name__"))
    own = module == Flask.__module__ or module.startswith("crossfade.")  # a suite that is recorded
    return [] if own else [_layer(method)]


def _held(app: Any) -> Iterator[Any]:
    """Return the callables that middleware holds: in attributes, or in a function's closure."""
    found: Iterable[Any]
    if isinstance(app, DispatcherMiddleware):
        found = (app.app, *app.mounts.values())
    elif isinstance(app, partial):
        found = (*app.args, *app.keywords.values(), *_held(app.func))
    elif isinstance(app, MethodType):
        found = _held(app.__self__)
    elif isinstance(app, FunctionType):
        found = (getattr(app, "__wrapped__", None), *_cells(app))
    else:
        kept = getattr(app, "__dict__", {})
        found = (*(getattr(app, name, None) for name in _INNER), *kept.values())
    for each in found:
        # To look at a proxy such as `current_user` is to ask for a request.
        if callable(each) and not issubclass(type(each), type | LocalProxy):
            yield each


def _cells(function: FunctionType) -> Iterator[Any]:
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:
            continue  # not filled yet


def _place(app: Any) -> str:
    app = app.__func__ if isinstance(app, MethodType) else app
    if isinstance(app, FunctionType):
        module = app.__globals__.get("__name__", app.__module__)
        name = getattr(app.__code__, "co_qualname", app.__qualname__)
        return f"{module}.{str(name).replace('.<locals>', '')}"
    if isinstance(app, partial):
        return _place(app.func)
    return _place_of(app if isinstance(app, type) else type(app))


def _place_of(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
