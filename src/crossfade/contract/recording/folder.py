"""Where recorded cases must not go: into a folder that somebody can read over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from flask import Flask
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from werkzeug.middleware.shared_data import SharedDataMiddleware

from crossfade.errors import MapError, Problem
from crossfade.migration_map.parse import MigrationMap
from crossfade.model import RecordSettings
from crossfade.routing import RouteTable

_KEY: Final = "record.folder"
_REMEDY: Final = 'Use a folder of its own next to the map: folder = "contracts/recorded".'

# fmt: off
_WEB_ROOTS: Final = frozenset((
    "static", "public", "public_html", "www", "wwwroot", "htdocs", "assets", "media", "uploads",
    "templates", "dist",
))
# fmt: on
"""Names of folders that a web server in front serves, or templates are taken from."""

_MOST_LAYERS: Final = 20


class SafeFolder:
    """Builds route tables of maps whose recorded cases stay private.

    Args:
        build: makes a table of a map.
        path: where the map is.
        flask_app: the Flask application; None where the legacy side can't be looked into.
        legacy: what was mounted, with its WSGI middleware.
        app: the FastAPI application.
    """

    def __init__(
        self,
        build: Callable[[MigrationMap], RouteTable],
        path: Path,
        flask_app: Flask | None,
        legacy: object,
        app: FastAPI,
    ) -> None:
        self._build = build
        self._path = path
        self._applications = (flask_app, legacy, app)

    def build(self, migration_map: MigrationMap) -> RouteTable:
        """Return the table for a map.

        Raises:
            MapError: with every problem of the routes, and of the folder.
        """
        problem = self._problem(migration_map)
        try:
            table = self._build(migration_map)
        except MapError as error:
            raise MapError([*error.problems, *([problem] if problem else [])]) from None
        if problem:
            raise MapError([problem])
        return table

    def _problem(self, migration_map: MigrationMap) -> Problem | None:
        settings = migration_map.record
        if not settings.share and settings.folder == RecordSettings().folder:
            return None
        reason = doubt_of(self._path, settings, *self._applications)
        if not reason:
            return None
        line = migration_map.line_of("record", "folder")
        return Problem(migration_map.file, line, _KEY, reason, _REMEDY)


def doubt_of(
    path: Path, settings: RecordSettings, flask_app: Flask | None, legacy: object, app: object
) -> str:
    """Return why recorded cases can't go to the folder of these settings; "" where they can.

    Args:
        path: where the map is.
        settings: its table `[record]`.
        flask_app: see `SafeFolder`.
        legacy: see `SafeFolder`.
        app: see `SafeFolder`.
    """
    home = path.absolute().parent
    folder = home / settings.folder
    real = folder.resolve()
    if not real.is_relative_to(home.resolve()):
        return f"{settings.folder!r} is outside of the map's folder"
    inside = real.relative_to(home.resolve()).parts
    named = next((part for part in inside if part.lower() in _WEB_ROOTS), None)
    if named is not None:
        return f"{settings.folder!r}: web servers serve what is in a folder named {named!r}"
    for place, what in served_folders(flask_app, legacy, app):
        if real.is_relative_to(place.resolve()):
            return f"{settings.folder!r} is in {place}, {what}, and recorded requests are private"
    return ""


def served_folders(flask_app: Flask | None, *others: object) -> Iterator[tuple[Path, str]]:
    """Yield the folders that an application serves, or takes templates from, and by what.

    Args:
        flask_app: the Flask application, if there is one.
        others: WSGI middleware and FastAPI applications.
    """
    if flask_app is not None:
        yield from _of_flask(flask_app)
        others = (*others, flask_app.wsgi_app)
    for other in others:
        if hasattr(other, "routes"):
            yield from _of_routes(_all_routes(other), 0)
        else:
            yield from _of_middleware(other)


def _of_flask(app: Flask) -> Iterator[tuple[Path, str]]:
    for part in (app, *app.blueprints.values()):
        name = "the Flask application" if part is app else f"the blueprint {part.name!r}"
        if part.static_folder:
            yield Path(part.static_folder), f"the static folder of {name}"
        if part.template_folder:
            yield Path(part.root_path) / part.template_folder, f"the template folder of {name}"
        yield from _of_loader(part.jinja_loader, name)


def _of_loader(loader: object, name: str) -> Iterator[tuple[Path, str]]:
    """The folders of a Jinja loader, and of those that it holds."""
    for path in getattr(loader, "searchpath", ()):
        yield Path(path), f"from which {name} takes templates"
    for inner in getattr(loader, "loaders", ()):
        yield from _of_loader(inner, name)


def _all_routes(app: Any) -> list[BaseRoute]:
    """An application's routes, and those that its router keeps apart: FastAPI's frontends."""
    lists = [app.routes, *vars(getattr(app, "router", app)).values()]
    kept = [each for found in lists if isinstance(found, list) for each in found]
    return list({id(each): each for each in kept if isinstance(each, BaseRoute)}.values())


def _of_routes(routes: Iterable[Any], depth: int) -> Iterator[tuple[Path, str]]:
    for context in iter_route_contexts(list(routes)) if depth < _MOST_LAYERS else ():
        route = context.original_route
        for layer in _layers(getattr(route, "app", None)):
            if isinstance(layer, StaticFiles):
                what = f"served by StaticFiles at {context.path or '/'}"
                yield from ((Path(path), what) for path in layer.all_directories)
            elif hasattr(layer, "routes"):
                yield from _of_routes(_all_routes(layer), depth + 1)
        if not hasattr(route, "app") and hasattr(route, "routes"):
            yield from _of_routes(route.routes, depth + 1)
        for value in list(getattr(getattr(route, "endpoint", None), "__globals__", {}).values()):
            if isinstance(value, Jinja2Templates):
                yield from _of_loader(value.env.loader, "FastAPI's Jinja2Templates")


def _of_middleware(wsgi: object) -> Iterator[tuple[Path, str]]:
    """The folders that WSGI middleware serves: Werkzeug's SharedDataMiddleware and WhiteNoise."""
    for layer in _layers(wsgi):
        kind = type(layer).__name__
        if isinstance(layer, SharedDataMiddleware):
            for _, loader in layer.exports:
                cells = getattr(loader, "__closure__", None) or ()
                found = (cell.cell_contents for cell in cells)
                yield from ((Path(c), f"served by {kind}") for c in found if isinstance(c, str))
        elif type(layer).__module__.startswith("whitenoise"):
            for path, _ in getattr(layer, "directories", ()):
                yield Path(path), f"served by {kind}"


def _layers(app: object) -> Iterator[object]:
    """An application and what it wraps."""
    for _ in range(_MOST_LAYERS):
        if app is None:
            return
        yield app
        held = getattr(app, "__dict__", {})
        app = next((held[name] for name in _INNER if name in held), None)


_INNER: Final = ("app", "application", "wsgi_app", "wrapped")
