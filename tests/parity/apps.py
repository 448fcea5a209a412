"""Flask applications with every kind of rule, and FastAPI applications that have all of them too.

    gunicorn tests.parity.apps:direct        what to be equal to
    uvicorn tests.parity.apps:empty          the same behind gateways with empty maps
    uvicorn tests.parity.apps:native         the same with every possible route native

The header `X-App` chooses one of `APPS`, so that three processes are enough. A view and its native
counterpart answer alike: they name the rule in a header, and its arguments in the body.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import FastAPI
from flask import Flask, Response, abort, jsonify, make_response, request
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.responses import Response as StarletteResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import BaseConverter, Rule, ValidationError

from crossfade import Gateway, mount_legacy

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HTTP_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# Starlette's convertor for a converter of Werkzeug's.
CONVERTORS = {"path": ":path", "int": ":int", "uuid": ":uuid", "float": ":float"}

_VARIABLE = re.compile(r"<(?:(?P<converter>\w+)(?:\([^>]*\))?:)?(?P<name>\w+)>")


class EvenConverter(BaseConverter):
    """Refuses odd numbers, which its pattern accepts."""

    regex = r"\d+"

    def to_python(self, value: str) -> int:
        """Return the number.

        Raises:
            ValidationError: it is odd.
        """
        if int(value) % 2:
            raise ValidationError
        return int(value)


class ListConverter(BaseConverter):
    """Two words or more, with commas between them."""

    regex = r"\w+(?:,\w+)+"


class BrokenConverter(BaseConverter):
    """Fails with an exception of its own on one value."""

    def to_python(self, value: str) -> str:
        """Return the value.

        Raises:
            RuntimeError: it is `broken`.
        """
        if value == "broken":
            raise RuntimeError("broken converter")
        return value


def body_of(arguments: dict[str, Any]) -> str:
    """Return what a view shows of its arguments: their text, by name."""
    return "".join(f"{name}={value!s}\n" for name, value in sorted(arguments.items()))


def name_of(rule: str) -> str:
    """Return the rule as the header names it: without what the two dialects spell differently."""
    return quote(_VARIABLE.sub("<>", rule), safe="/<>.-")


def new_app(**options: Any) -> Flask:
    """Return an application that knows the converters above."""
    app = Flask("parity", static_folder=None, **options)
    app.url_map.converters.update(even=EvenConverter, list=ListConverter, broken=BrokenConverter)
    return app


def add(app: Flask, rule: str, methods: Iterable[str] | None = ("GET",), **options: Any) -> None:
    """Add a rule whose view names it."""

    def view(**arguments: Any) -> Response:
        response = make_response(body_of(arguments))
        response.headers["X-View"] = name_of(rule)
        return response

    view.__doc__ = name_of(rule)

    endpoint = f"{rule} {methods} {sorted(options)}".replace(".", "_")
    endpoint = options.pop("endpoint", endpoint)
    if methods is None:
        app.url_map.add(Rule(rule, endpoint=endpoint, methods=None, **options))
        app.view_functions[endpoint] = view
    elif endpoint in app.view_functions:
        app.add_url_rule(rule, endpoint, methods=list(methods), **options)
    else:
        app.add_url_rule(rule, endpoint, view, methods=list(methods), **options)


def add_rules(app: Flask) -> Flask:
    """Add a rule of every kind."""
    add(app, "/")
    add(app, "/hello")
    add(app, "/items", ("GET", "POST"))
    add(app, "/items/<int:x>", ("GET", "PUT", "DELETE"))
    add(app, "/items/<x>")
    add(app, "/items/new")
    add(app, "/items/<int:x>/parts/<uuid:y>")
    add(app, "/dir/", ("GET", "POST"))
    add(app, "/slashed/<x>/", ("GET", "PUT"))
    add(app, "/pair")
    add(app, "/pair/")
    add(app, "/loose", strict_slashes=False)
    add(app, "/looser/", strict_slashes=False)
    add(app, "/merge/a/b")
    add(app, "/keep//double", merge_slashes=False)
    add(app, "/pages/<int:page>", endpoint="pages")
    add(app, "/pages/", endpoint="pages", defaults={"page": 1})
    add(app, "/old", redirect_to="/hello")
    add(app, "/old/<int:x>", redirect_to="/items/<x>")
    add(app, "/older/<x>", redirect_to=lambda adapter, x: f"/items/{x}")
    add(app, "/canonical", endpoint="canonical")
    add(app, "/alias", endpoint="canonical", alias=True)
    add(app, "/float/<float:x>")
    add(app, "/float/<float(signed=True):x>/signed")
    add(app, "/uuid/<uuid:x>")
    add(app, "/any/<any(a, b, 'c d'):x>")
    add(app, "/len/<string(length=2):x>")
    add(app, "/range/<string(minlength=2, maxlength=3):x>")
    add(app, "/fixed/<int(fixed_digits=3):x>")
    add(app, "/bounded/<int(min=2, max=5):x>")
    add(app, "/signed/<int(signed=True):x>")
    add(app, "/path/<path:x>")
    add(app, "/path/<path:x>/edit")
    add(app, "/path/<path:x>/tail/<int:y>")
    add(app, "/even/<even:x>", ("GET", "POST"))
    add(app, "/list/<list:x>")
    add(app, "/files/<name>.<ext>")
    add(app, "/v<int:major>.<int:minor>")
    add(app, "/caf\u00e9")
    add(app, "/unicode/<x>/\u2603")
    add(app, "/<x>/edit")
    add(app, "/<any(one, two):x>/<y>")
    add(app, "/only-head", ("HEAD",))
    add(app, "/own-options", ("GET", "OPTIONS"))
    add(app, "/no-options", provide_automatic_options=False)
    add(app, "/every-method", None)
    add(app, "/trace", ("TRACE", "GET"))
    add(app, "/built", build_only=True)
    add(app, "/dots/../up")
    add(app, "/percent/%41")
    add(app, "/plus/a+b")
    add(app, "/semi/a;b=1")
    return app


def relaxed() -> Flask:
    """Return the same rules in a map that merges, redirects and minds nothing."""
    app = new_app()
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    app.url_map.redirect_defaults = False
    return add_rules(app)


def hosts() -> Flask:
    """Return an application with rules by host."""
    app = new_app(host_matching=True)
    add(app, "/a", host="one.example")
    add(app, "/a", ("POST",), host="two.example")
    add(app, "/a/", host="<name>.three.example")
    add(app, "/a/<int:x>", host="<name>.three.example")
    add(app, "/port", host="one.example:8080")
    add(app, "/anywhere")
    return app


def subdomains() -> Flask:
    """Return an application with rules by subdomain."""
    app = new_app(subdomain_matching=True)
    app.config["SERVER_NAME"] = "example.test"
    add(app, "/a")
    add(app, "/a", ("GET", "POST"), subdomain="api")
    add(app, "/a/<int:x>/", subdomain="<tenant>")
    return app


def trusted() -> Flask:
    """Return an application that trusts two hosts."""
    app = new_app()
    app.config["TRUSTED_HOSTS"] = ["example.test", ".trusted.example"]
    add(app, "/a")
    add(app, "/dir/")
    return app


def handlers() -> Flask:
    """Return an application with hooks and handlers; none of its routes has a counterpart."""
    app = new_app()

    def as_json(error: HTTPException) -> tuple[Response, int, dict[str, str]]:
        return jsonify(error=error.name), error.code or 500, {"X-Handled": "yes"}

    for code in (404, 405):
        app.register_error_handler(code, as_json)

    @app.errorhandler(KeyError)
    def teapot(error: KeyError) -> tuple[str, int]:
        return f"missing {error}", 418

    @app.errorhandler(500)
    def sorry(error: Exception) -> tuple[str, int]:
        return "sorry", 500

    @app.before_request
    def guard() -> Any:
        if request.path.startswith("/guarded"):
            abort(401, description="log in")
        if request.path == "/answered-before":
            return "before", 200, {"X-Before": "yes"}
        return None

    @app.after_request
    def stamp(response: Response) -> Response:
        response.headers["X-After"] = f"{request.method} {request.endpoint}"
        return response

    @app.get("/abort/<int:code>")
    def abort_with(code: int) -> str:
        abort(code)

    @app.get("/raise/<kind>")
    def fail(kind: str) -> str:
        raise {"key": KeyError, "value": ValueError, "lost": NotFound}.get(kind, TypeError)("it")

    @app.post("/posted")
    def posted() -> str:
        return request.form["missing"]

    add(app, "/guarded/<int:x>")
    add(app, "/a/<int:x>", ("GET", "PUT"))
    add(app, "/broken/<broken:x>")
    add(app, "/dir/")
    return app


def proxied() -> tuple[Flask, WSGIApplication]:
    """Return an application below a prefix and behind a proxy, and the WSGI callable around it."""
    app = new_app(host_matching=True)
    add(app, "/a", host="public.example")
    add(app, "/dir/", host="public.example")
    outer = add_rules(new_app())
    return app, ProxyFix(
        DispatcherMiddleware(outer, {"/inner": app}),
        x_host=1,
        x_prefix=1,
        x_proto=1,
    )


def example() -> Flask:
    """Return the example's application."""
    from legacy_flask import create_app

    return create_app()


def _same(make: Callable[[], Flask]) -> Callable[[], tuple[Flask, WSGIApplication]]:
    def both() -> tuple[Flask, WSGIApplication]:
        app = make()
        return app, app

    return both


APPS: dict[str, Callable[[], tuple[Flask, WSGIApplication]]] = {
    "rules": _same(lambda: add_rules(new_app())),
    "relaxed": _same(relaxed),
    "hosts": _same(hosts),
    "subdomains": _same(subdomains),
    "trusted": _same(trusted),
    "handlers": _same(handlers),
    "proxied": proxied,
    "example": _same(example),
}


def direct(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer as the application that `X-App` names."""
    return _wsgi(environ.get("HTTP_X_APP", "rules"))(environ, start_response)


_made: dict[str, WSGIApplication] = {}


def _wsgi(name: str) -> WSGIApplication:
    if name not in _made:
        _made[name] = APPS[name]()[1]
    return _made[name]


async def _view(request: Request) -> StarletteResponse:
    rule = request.scope["route"].name
    return HTMLResponse(body_of(request.path_params), headers={"X-View": rule})


def counterparts(legacy: Flask) -> FastAPI:
    """Return a FastAPI application with a route for each method of each rule, in Flask's order."""
    app = FastAPI(openapi_url=None)
    for rule in legacy.url_map.iter_rules():
        path = _VARIABLE.sub(
            lambda m: f"{{{m['name']}{CONVERTORS.get(m['converter'] or '', '')}}}", rule.rule
        )
        known = {*HTTP_METHODS, "OPTIONS", "HEAD", "TRACE"}
        methods = known if rule.methods is None else known & rule.methods
        view = legacy.view_functions.get(rule.endpoint)
        name = name_of(rule.rule) if view is None else view.__doc__
        for method in methods - {"HEAD" if "GET" in methods else ""}:
            app.router.routes.append(Route(path, _view, methods=[method], name=name))
    return app


def gateway(name: str, every_route: bool) -> FastAPI:
    """Mount one of the applications, with an empty map or with every route that can be native."""
    legacy, wsgi = APPS[name]()
    if name == "example":
        from new_fastapi import app
    else:
        app = counterparts(legacy)
    path = Path(os.environ["CROSSFADE_PARITY_MAPS"]) / f"{os.getpid()}-{name}.toml"
    settings = "[gateway]\nserved_by_header = true\n[routes]\n"
    path.write_text(settings)
    mounted = mount_legacy(app, wsgi, migration_map=path, flask_app=legacy)
    if every_route and name != "handlers":
        routes = {route["route"]: route for route in movable(mounted)}
        path.write_text(settings + "".join(f"{line_of(routes[name])}\n" for name in sorted(routes)))
        assert mounted.live.poll(), mounted.live.rejected
    return app


def line_of(route: dict[str, Any]) -> str:
    """Return the map's line of a route; the handlers have guards of their own."""
    missing = [each["decorator"] for each in route["guards"] if each["state"] == "missing"]
    guards = f", guards = {json.dumps(missing)}" if missing else ""
    return f'{json.dumps(route["route"])} = {{ stage = "native"{guards} }}'


def movable(mounted: Gateway) -> list[dict[str, Any]]:
    """Return the routes that both sides have."""
    return [route for route in mounted.status()["routes"] if route["fastapi"] is not None]


class ByHeader:
    """The gateways in one server: `X-App` chooses."""

    def __init__(self, every_route: bool) -> None:
        self._apps = {name: gateway(name, every_route) for name in APPS}
        self._states: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the application that `X-App` names."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        name = dict(scope["headers"]).get(b"x-app", b"rules").decode()
        scope["state"] = dict(self._states[name] or {})
        await self._apps[name](scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as stack:
            for name, app in self._apps.items():
                context = app.router.lifespan_context(app)
                self._states[name] = await stack.enter_async_context(context)
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


def empty() -> ByHeader:
    """Return the gateways with empty maps."""
    return ByHeader(every_route=False)


def native() -> ByHeader:
    """Return the gateways with every possible route native."""
    return ByHeader(every_route=True)
