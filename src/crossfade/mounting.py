"""`mount_legacy`: the composition root. It puts the parts together and decides nothing itself."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from flask import Flask

from crossfade.apidoc import install_document
from crossfade.bridge import Bridge
from crossfade.checks.report import Unborrowed
from crossfade.contract.receipts.enforce import Proven
from crossfade.contract.recording.folder import SafeFolder
from crossfade.contract.recording.traffic import TrafficRecorder
from crossfade.errors import MapError, MountError
from crossfade.gateway.boot import locate_map, refuse_to_start
from crossfade.gateway.dispatch import Gateway, GatewayMiddleware
from crossfade.gateway.live_map import LiveMap
from crossfade.native.exceptions import ValidationMapper
from crossfade.native.route import Borrower
from crossfade.routing import LegacyApp, NativeApp, RouteTableBuilder
from crossfade.scope.reading import add_entrance

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def mount_legacy(
    app: FastAPI,
    legacy: Flask | WSGIApplication,
    *,
    migration_map: str | Path = "migration_map.toml",
    flask_app: Flask | None = None,
    validation_error: ValidationMapper | None = None,
) -> Gateway:
    """Serve a legacy WSGI application through a FastAPI one, route by route.

    Call it after the FastAPI application has its routes. Every request that the migration map
    does not give to FastAPI goes to `legacy`, past FastAPI's middleware: what was added to `app`
    before this call wraps native routes only, what is added after it wraps both sides.

    Args:
        app: the FastAPI application; `uvicorn gateway:app` serves it.
        legacy: the Flask application, or any WSGI callable.
        migration_map: path of the map. A relative one is looked for beside the module that calls
            this function, then in the working directory, once: it does not move when the process
            changes its directory. The file is followed while the server runs: saving it moves
            routes.
        flask_app: the Flask application inside `legacy`, where that is WSGI middleware. Without
            it a callable that is no `Flask` is served, but its routes are unknown: the map can
            then list only what FastAPI has.
        validation_error: what FastAPI's validation errors are on native routes that borrow Flask:
            a function of the error that returns or raises what a view would. By default the legacy
            400; `crossfade.compat.validation_error` says it for one endpoint.

    Returns:
        The gateway, also left in `app.state.crossfade`.

    Raises:
        MapError: the map can't be used; it holds every problem at once. Where a server is
            importing the application, the problems are printed, and the error ends the process.
        MountError: `app` has started, has a gateway already, an argument is of a wrong type, or
            gevent or eventlet has replaced this process's threads.
    """
    _check(app, legacy, flask_app)
    if flask_app is None and isinstance(legacy, Flask):
        flask_app = legacy
    native = NativeApp(app)
    known = None if flask_app is None else LegacyApp(flask_app, legacy)
    unborrowed = Unborrowed(flask_app, legacy, native)
    try:
        path, name = locate_map(migration_map, sys._getframe(1))
        proven = Proven(
            unborrowed.checked(RouteTableBuilder(known, native).build),
            path,
            flask_app,
            native,
            validation_error,
        )
        safe = SafeFolder(proven.build, path, flask_app, legacy, app)
        live = LiveMap(path, safe.build, name)
    except MapError as error:
        refuse_to_start(error)
    settings = live.snapshot.map.bridge
    borrower = None if known is None else Borrower(known, native, settings, validation_error)
    recorder = TrafficRecorder(flask_app, live.path)
    gateway = Gateway(
        live, Bridge(legacy, settings), native, borrower, flask_app, recorder, unborrowed
    )
    gateway.mounted_in = str(sys._getframe(1).f_globals.get("__name__", ""))
    gateway.announce(live.snapshot)
    app.add_middleware(GatewayMiddleware, gateway=gateway)
    add_entrance(app, GatewayMiddleware, gateway.read)
    install_document(app, live, known, legacy)
    app.state.crossfade = gateway
    return gateway


def _check(app: object, legacy: object, flask_app: object) -> None:
    if not isinstance(app, FastAPI):
        raise MountError(
            f"mount_legacy needs a FastAPI application to mount on, not {_kind(app)}; "
            "the legacy application is the second argument"
        )
    if isinstance(legacy, FastAPI) or not callable(legacy):
        raise MountError(
            f"mount_legacy needs a Flask application or WSGI callable to mount, not {_kind(legacy)}"
        )
    call = legacy if inspect.isroutine(legacy) else type(legacy).__call__
    if inspect.iscoroutinefunction(call):
        raise MountError(
            f"mount_legacy needs a WSGI callable to mount, and {_kind(legacy)} is an ASGI "
            "application: mount it on FastAPI itself, or give the Flask application inside"
        )
    if flask_app is not None and not isinstance(flask_app, Flask):
        raise MountError(f"flask_app is the Flask inside the callable, not {_kind(flask_app)}")
    if isinstance(getattr(app.state, "crossfade", None), Gateway):
        raise MountError("this FastAPI application has a legacy application mounted already")
    if app.middleware_stack is not None:
        raise MountError("this FastAPI application has started: call mount_legacy before it serves")


def _kind(value: object) -> str:
    return f"an instance of {type(value).__module__}.{type(value).__qualname__}"
