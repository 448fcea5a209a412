"""What a Flask application does around a view: found out for each request, named for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from operator import attrgetter
from typing import Any, Final, NamedTuple

import flask
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

LENDING: Final[ContextVar[Flask | None]] = ContextVar("crossfade.lending", default=None)
"""The Flask application that lends itself to the native route that is running."""

_PHASES: Final = (
    "request_context",
    "preprocess_request",
    "finalize_request",
    "process_response",
    "do_teardown_request",
    "do_teardown_appcontext",
    "app_context",
    "ensure_sync",
)
"""Methods that a subclass may override to do something around every view."""

_SIGNALS_BEFORE: Final = (flask.appcontext_pushed, flask.request_started)
_SIGNALS_AFTER: Final = (
    flask.request_finished,
    flask.request_tearing_down,
    flask.appcontext_tearing_down,
    flask.appcontext_popped,
)
_SIGNALS: Final = (*_SIGNALS_BEFORE, *_SIGNALS_AFTER)
_receivers_of: Final = attrgetter("receivers")


class Needs(NamedTuple):
    """What must run around a view.

    Attributes:
        context: Flask's request context must be pushed at all.
        before: what runs before the view may block: it needs a thread.
        after: what runs after the view may block: it needs a thread.
    """

    context: bool
    before: bool
    after: bool


_NOTHING: Final = Needs(False, False, False)
_CONTEXT: Final = Needs(True, False, False)
_AFTER: Final = Needs(True, False, True)
_BEFORE_AND_AFTER: Final = Needs(True, True, True)


class Around:
    """What an application does around one of its endpoints, or around a URL that it doesn't know.

    Hooks can be registered until the first request, so every request asks anew. It takes about a
    microsecond.
    """

    __slots__ = ("_app", "_names", "_overridden", "_own_response")

    def __init__(self, app: Flask, endpoint: str | None) -> None:
        self._app = app
        # As in `Request.blueprints`: the innermost first, and the application itself.
        self._names = (None, *_blueprints(endpoint))
        self._overridden = [name for name in _PHASES if _is_overridden(app, name)]
        self._own_response = _has_methods(app.response_class, flask.Response)

    def needs(self, headers: Iterable[tuple[bytes, bytes]]) -> Needs:
        """Return what a request with these headers needs."""
        app = self._app
        # Every request pays for this: so no loops where the application has nothing.
        before: Any = (
            self._overridden or type(app.session_interface) is not SecureCookieSessionInterface
        )
        after: Any = app.teardown_appcontext_funcs
        for name in self._names:
            before = (
                before
                or app.before_request_funcs.get(name)
                or app.url_value_preprocessors.get(name)
            )
            after = (
                after or app.after_request_funcs.get(name) or app.teardown_request_funcs.get(name)
            )
        if any(map(_receivers_of, _SIGNALS)):
            before = before or any(signal.has_receivers_for(app) for signal in _SIGNALS_BEFORE)
            after = after or any(signal.has_receivers_for(app) for signal in _SIGNALS_AFTER)
        if before:
            return _BEFORE_AND_AFTER  # a hook may have left something to `after_this_request`
        if after:
            return _AFTER
        if self._own_response:
            return _CONTEXT  # it may add headers to every answer
        if app.secret_key and _has_cookie(headers, app.config["SESSION_COOKIE_NAME"]):
            return _CONTEXT  # a permanent session is renewed by every request
        return _NOTHING

    def names(self) -> list[str]:
        """Return every hook by its kind and its place in the code, in the order of running."""
        return list(self._named())

    def _named(self) -> Iterator[str]:
        app = self._app
        inner = (None, *reversed(self._names[1:]))
        outer = (*self._names[1:], None)
        before: tuple[tuple[str, Mapping[str | None, Sequence[Any]]], ...] = (
            ("url_value_preprocessor", app.url_value_preprocessors),
            ("before_request", app.before_request_funcs),
        )
        after: tuple[tuple[str, Mapping[str | None, Sequence[Any]]], ...] = (
            ("after_request", app.after_request_funcs),
            ("teardown_request", app.teardown_request_funcs),
        )
        for kind, hooks in before:
            for name in inner:
                yield from (f"{kind} {place_of(hook)}" for hook in hooks.get(name, ()))
        for kind, hooks in after:
            for name in outer:
                yield from (f"{kind} {place_of(hook)}" for hook in reversed(hooks.get(name, ())))
        for hook in reversed(app.teardown_appcontext_funcs):
            yield f"teardown_appcontext {place_of(hook)}"
        for signal in _SIGNALS:
            for receiver in signal.receivers_for(app):
                yield f"signal {signal.name} {place_of(receiver)}"
        for method in self._overridden:
            yield f"method {place_of(getattr(type(app), method))}"
        if self._own_response:
            yield f"response class {place_of(app.response_class)}"
        if app.secret_key or type(app.session_interface) is not SecureCookieSessionInterface:
            yield f"session {type(app.session_interface).__qualname__}"


def place_of(hook: Callable[..., Any]) -> str:
    """Return a callable's place in the code: `legacy_flask.hooks.start_clock`."""
    while isinstance(hook, partial):
        hook = hook.func
    named = hook if hasattr(hook, "__qualname__") else type(hook)
    return f"{named.__module__}.{named.__qualname__}"


def _blueprints(endpoint: str | None) -> list[str]:
    """`a.b.view` → `a.b`, `a`."""
    names = []
    name = endpoint.rpartition(".")[0] if endpoint else ""
    while name:
        names.append(name)
        name = name.rpartition(".")[0]
    return names


def _is_overridden(app: Flask, name: str) -> bool:
    return name in vars(app) or getattr(type(app), name) is not getattr(Flask, name)


def _has_methods(kind: type, base: type) -> bool:
    """Whether a subclass does more than to set values such as `default_mimetype`."""
    own = [each for each in kind.__mro__ if each not in base.__mro__]
    return any(callable(value) for each in own for value in vars(each).values())


def _has_cookie(headers: Iterable[tuple[bytes, bytes]], name: str) -> bool:
    encoded = name.encode("latin-1", "replace")
    return any(header == b"cookie" and encoded in value for header, value in headers)
