"""Session middleware of FastAPI's that writes the cookie in which Flask keeps its session.

Starlette's `SessionMiddleware` and Flask call theirs `session` by default, and neither can read the
other's. Whichever writes last throws the other's session away, and its user is logged out.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware

from crossfade.routing import NativeApp

_DEEPEST: Final = 100


class SharedCookie(NamedTuple):
    """Middleware that uses Flask's session cookie.

    Attributes:
        place: of its class in the code.
        cookie: the cookie's name.
        setting: its own argument for that name.
    """

    place: str
    cookie: str
    setting: str

    def __str__(self) -> str:
        """Return a line for people: what it is, what happens, what to do."""
        return (
            f"FastAPI's middleware {self.place} keeps its session in the cookie {self.cookie!r}, "
            "which is Flask's: a native handler that writes request.session replaces the session "
            "of Flask and logs its user out, and Flask's next answer replaces that of FastAPI. "
            f'Give it a name of its own, {self.setting}="native_session"; for the session of '
            "Flask take session: Session of crossfade.compat. If both read and write one format, "
            "silence this with [gateway] shared_session_cookie = true"
        )


def shared_session_cookies(flask_app: Flask, native: NativeApp) -> list[SharedCookie]:
    """Return the middleware of a FastAPI application that uses the cookie of Flask's session.

    Some hide the name from their arguments: those are seen once the application has started.
    """
    cookie = _cookie_of(flask_app)
    if cookie is None:
        return []
    found: dict[str, SharedCookie] = {}
    for cls, values in _middleware(native):
        setting = _setting_with(values, cookie)
        if setting is not None:
            own = issubclass(cls, SessionMiddleware)
            place = f"{cls.__module__}.{cls.__qualname__}"
            setting = "session_cookie" if own else setting
            found.setdefault(place, SharedCookie(place, cookie, setting))
    return list(found.values())


def _cookie_of(flask_app: Flask) -> str | None:
    """Return the name of Flask's session cookie; None where Flask has no sessions."""
    interface = flask_app.session_interface
    if type(interface) is SecureCookieSessionInterface and not flask_app.secret_key:
        return None
    try:
        return interface.get_cookie_name(flask_app)
    except Exception:  # noqa: BLE001 - Flask asks within its context, whose end others may notice
        with flask_app.app_context():
            return interface.get_cookie_name(flask_app)


def _setting_with(values: Iterable[tuple[str, Any]], cookie: str) -> str | None:
    for name, value in values:
        if "cookie" in name.lower() and isinstance(value, str) and value == cookie:
            return name
    return None


def _middleware(native: NativeApp) -> Iterator[tuple[type, list[tuple[str, Any]]]]:
    """Return classes of middleware, with the names and values that they were made of or hold."""
    todo: list[Any] = [native.app]
    todo += [getattr(route.route, "app", None) for route in native.routes]
    todo += [route.endpoint for route in native.routes if route.is_mount]
    seen: set[int] = set()
    while todo:
        app = todo.pop()
        for _ in range(_DEEPEST):
            if id(app) in seen or not hasattr(app, "__dict__") or isinstance(app, type):
                break
            seen.add(id(app))
            yield type(app), list(vars(app).items())
            declared = getattr(app, "user_middleware", ())
            yield from (_declared(each) for each in declared if isinstance(each, Middleware))
            todo += [getattr(app, "middleware_stack", None)]
            todo += [getattr(each, "app", None) for each in getattr(app, "routes", None) or ()]
            app = getattr(app, "app", None)


def _declared(middleware: Middleware) -> tuple[type, list[tuple[str, Any]]]:
    """Return the arguments of middleware that is not made yet, its defaults included."""
    cls: Any = middleware.cls
    try:
        bound = inspect.signature(cls).bind_partial(None, *middleware.args, **middleware.kwargs)
    except (TypeError, ValueError):  # it fails when it is made, or says nothing of itself
        return _class_of(cls), list(middleware.kwargs.items())
    bound.apply_defaults()
    values = list(bound.arguments.items())
    for value in bound.arguments.values():
        if isinstance(value, dict):  # what it takes as **kwargs
            values += [(str(key), inner) for key, inner in value.items()]
    return _class_of(cls), values


def _class_of(factory: Any) -> type:
    return factory if isinstance(factory, type) else type(factory)
