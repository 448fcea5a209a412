"""Flask-JWT-Extended's own check on a native route: cookies, CSRF, each setting as it was."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import flask
import httpx
import pytest
from fastapi import Depends, FastAPI
from flask import Flask
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    get_csrf_token,
    get_jwt,
    jwt_required,
    set_access_cookies,
    set_refresh_cookies,
    unset_jwt_cookies,
    verify_jwt_in_request,
)

from crossfade import compat, mount_legacy
from tests.extensions.conftest import client_of


def borrowed_token(**options: Any) -> Any:
    """Return a dependency: the claims of a token that `jwt_required(**options)` lets in."""

    # Not async: what asks a database, such as the blocklist, waits on a thread.
    def check() -> dict[str, Any]:
        verify_jwt_in_request(**options)
        claims: dict[str, Any] = get_jwt()
        return claims

    return Depends(check)


def legacy_app(on_loop: list[str]) -> Flask:
    """Return an application whose tokens are in cookies or headers, and its routes."""
    app = Flask("club", static_folder=None)
    app.config["JWT_SECRET_KEY"] = "a secret of the tests, of 32 bytes and more"
    app.config["JWT_TOKEN_LOCATION"] = ["headers", "cookies"]
    app.config["JWT_CSRF_CHECK_FORM"] = True
    manager = JWTManager(app)

    @manager.token_in_blocklist_loader
    def is_revoked(_header: object, token: dict[str, Any]) -> bool:
        with suppress(RuntimeError):
            on_loop.append(str(asyncio.get_running_loop()))  # it would hold up everybody
        return bool(token["sub"] == "revoked")

    @manager.invalid_token_loader
    def invalid(problem: str) -> tuple[flask.Response, int]:
        return flask.jsonify(error="no token of ours", problem=problem), 418

    @app.post("/in/<name>")
    def log_in(name: str) -> flask.Response:
        answer = flask.jsonify(hello=name)
        set_access_cookies(answer, create_access_token(name, fresh=True))
        set_refresh_cookies(answer, create_refresh_token(name))
        return answer

    @app.post("/out")
    def log_out() -> flask.Response:
        answer = flask.jsonify(bye=True)
        unset_jwt_cookies(answer)
        return answer

    @app.post("/pay")
    @jwt_required(fresh=True)  # type: ignore[untyped-decorator]
    def pay() -> flask.Response:
        return flask.jsonify(paid_by=get_jwt()["sub"])

    @app.get("/maybe")
    @jwt_required(optional=True)  # type: ignore[untyped-decorator]
    def maybe() -> flask.Response:
        return flask.jsonify(who=get_jwt().get("sub"))

    return app


def native_app() -> FastAPI:
    """Return the same routes, native: cookies are set by the extension itself."""
    app = FastAPI()

    @app.post("/in/{name}", response_model=None)
    @compat.flask_view
    def log_in(name: str) -> flask.Response:
        answer = flask.jsonify(hello=name)
        set_access_cookies(answer, create_access_token(name, fresh=True))
        set_refresh_cookies(answer, create_refresh_token(name))
        return answer

    @app.post("/out", response_model=None)
    @compat.flask_view
    async def log_out() -> flask.Response:
        answer = flask.jsonify(bye=True)
        unset_jwt_cookies(answer)
        return answer

    @app.post("/pay")
    async def pay(claims: Annotated[dict[str, Any], borrowed_token(fresh=True)]) -> Any:
        return compat.jsonify(paid_by=claims["sub"])

    @app.get("/maybe")
    async def maybe(claims: Annotated[dict[str, Any], borrowed_token(optional=True)]) -> Any:
        return compat.jsonify(who=claims.get("sub"))

    return app


NATIVE = '"native"'
# The options that a dependency is made with are not seen in its code, so the map says what it does.
ENTRIES = {"POST /pay": '{ stage = "native", guards = ["jwt_required"] }'}
ROUTES = ("POST /in/<name>", "POST /out", "POST /pay", "GET /maybe")


@pytest.fixture(params=[(), ROUTES[:1], ROUTES[1:], ROUTES], ids=len)
def browser(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[httpx.Client]:
    """Return a client in front of a map."""
    on_loop: list[str] = []
    path = tmp_path / "map.toml"
    lines = "".join(f'"{route}" = {ENTRIES.get(route, NATIVE)}\n' for route in request.param)
    path.write_text(f"[routes]\n{lines}")
    app = native_app()
    mount_legacy(app, legacy_app(on_loop), migration_map=path)
    with client_of(app) as client:
        yield client
    assert on_loop == []


def test_a_cookie_needs_the_csrf_token(browser: httpx.Client) -> None:
    """What PyJWT knows nothing of: a cookie alone is what another website could make one send."""
    assert browser.post("/pay").json()["msg"].startswith("Missing JWT in headers or cookies")
    browser.post("/in/ada")
    csrf = browser.cookies["csrf_access_token"]
    assert csrf == get_csrf(browser)
    refused = browser.post("/pay")
    assert (refused.status_code, refused.json()) == (401, {"msg": "Missing CSRF token"})
    wrong = browser.post("/pay", headers={"X-CSRF-TOKEN": "x"})
    assert wrong.json() == {"msg": "CSRF double submit tokens do not match"}
    assert browser.post("/pay", headers={"X-CSRF-TOKEN": csrf}).json() == {"paid_by": "ada"}
    assert browser.post("/pay", data={"csrf_token": csrf}).json() == {"paid_by": "ada"}
    assert browser.get("/maybe").json() == {"who": "ada"}
    browser.post("/out")
    assert dict(browser.cookies) == {}
    assert browser.get("/maybe").json() == {"who": None}


def get_csrf(browser: httpx.Client) -> str:
    """Return the token within the token."""
    app = legacy_app([])
    with app.app_context():
        return str(get_csrf_token(browser.cookies["access_token_cookie"]))


def test_the_applications_own_answers(browser: httpx.Client) -> None:
    """Loaders that a team registered answer natively as well."""
    odd = browser.get("/maybe", headers={"Authorization": "Bearer x"})
    assert (odd.status_code, odd.json()["error"]) == (418, "no token of ours")
    browser.post("/in/revoked")
    assert browser.get("/maybe").json() == {"msg": "Token has been revoked"}
