"""`url_for` on either side finds the other's endpoints."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from fastapi import FastAPI
from flask import Flask, has_request_context, request
from starlette.datastructures import URLPath
from starlette.routing import NoMatchFound
from werkzeug.routing import BuildError


def find_legacy_urls(app: FastAPI, flask_app: Flask) -> None:
    """Let `request.url_for` and `app.url_path_for` find Flask's endpoints, after FastAPI's routes.

    The router's method is replaced: a route of our own in its list, which much software walks,
    would have to look like one that has a path.
    """
    router = app.router
    find_native = router.url_path_for

    def url_path_for(name: str, /, **path_params: Any) -> URLPath:
        try:
            return find_native(name, **path_params)
        except NoMatchFound:
            return _legacy_path(flask_app, name, path_params)

    router.url_path_for = url_path_for  # type: ignore[method-assign]


def _legacy_path(flask_app: Flask, name: str, path_params: dict[str, Any]) -> URLPath:
    """Return the URL of a Flask endpoint; values that its rule doesn't have go into the query.

    Raises:
        NoMatchFound: Flask has no such endpoint, or not with these values.
    """
    values = dict(path_params)
    flask_app.inject_url_defaults(name, values)
    adapter = flask_app.url_map.bind("flask.invalid", script_name="/")
    try:
        url = adapter.build(name, values, force_external=flask_app.url_map.host_matching)
    except BuildError as error:
        raise NoMatchFound(name, path_params) from error
    host = urlsplit(url).netloc
    return URLPath(url if not host else url.partition(host)[2], host=host)


def find_native_urls(flask_app: Flask, app: FastAPI) -> None:
    """Let `flask.url_for` find the routes that only FastAPI has, by their names.

    Values that the path doesn't have go into the query, as in Flask.
    """

    def build(error: Exception, endpoint: str, values: dict[str, Any]) -> str:
        options = {name: values[name] for name in list(values) if name in _OPTIONS}
        given = {name: value for name, value in values.items() if name not in _OPTIONS}
        path = _native_path(app, endpoint, given)
        if path is None:
            raise error
        root = request.root_path if has_request_context() else flask_app.config["APPLICATION_ROOT"]
        url = root.rstrip("/") + path
        if options.get("_external") or options.get("_scheme"):
            base = urlsplit(request.url_root) if has_request_context() else None
            scheme = options.get("_scheme") or (
                base.scheme if base else flask_app.config["PREFERRED_URL_SCHEME"]
            )
            host = base.netloc if base else flask_app.config["SERVER_NAME"]
            url = f"{scheme}://{host}{url}"
        if options.get("_anchor"):
            url += f"#{quote(options['_anchor'], safe='%!#$&()*+,/:;=?@')}"
        return url

    flask_app.url_build_error_handlers.append(build)


_OPTIONS = frozenset({"_anchor", "_method", "_scheme", "_external"})


def _native_path(app: FastAPI, endpoint: str, values: dict[str, Any]) -> str | None:
    """Return path and query; None where FastAPI has no such route."""
    for names in _subsets(app, endpoint, values):
        try:
            path = str(app.url_path_for(endpoint, **{name: values[name] for name in names}))
        except NoMatchFound:
            continue
        rest = [(name, value) for name, value in values.items() if name not in names]
        given = [(name, value) for name, value in rest if value is not None]
        query = urlencode(given, doseq=True, safe="!$'()*,/:;?@")  # as Werkzeug quotes it
        return f"{path}?{query}" if query else path
    return None


def _subsets(app: FastAPI, endpoint: str, values: dict[str, Any]) -> list[set[str]]:
    """Return which of the values may be the path's, the likeliest first."""
    from fastapi.routing import iter_route_contexts

    named = [
        set(context.param_convertors)
        for context in iter_route_contexts(app.routes)
        if getattr(context, "name", None) == endpoint and hasattr(context, "param_convertors")
    ]
    return [names for names in named if names <= set(values)] or [set(values)]
