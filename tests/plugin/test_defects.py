"""The obvious FastAPI endpoint in place of a Flask view: each defect is caught, with its cause.

The rows are those of the project's measurements of where the two frameworks differ, as far as one
request by hand shows them.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import flask
import pytest
from fastapi import Body, FastAPI, HTTPException, Query
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from pydantic import BaseModel

from crossfade import mount_legacy
from crossfade.contract.engine.runner import Runner
from crossfade.contract.errors import ContractFailed
from crossfade.contract.run.client import Contract
from crossfade.contract.state.base import NoState
from crossfade.contract.transport.asgi import InProcessApp

DAY = datetime.date(2026, 1, 2)


def legacy_app() -> flask.Flask:
    """Return the Flask side."""
    app = flask.Flask(__name__)
    app.secret_key = "k"

    def get(path: str, view: Callable[[], Any], methods: tuple[str, ...] = ("GET",)) -> None:
        app.add_url_rule(path, path, view, methods=methods)

    get("/keys", lambda: flask.jsonify(b=1, a=2))
    get("/accents", lambda: flask.jsonify(a="é"))
    get("/date", lambda: flask.jsonify(day=DAY))
    get("/decimal", lambda: flask.jsonify(price=decimal.Decimal("1.10")))
    get("/nan", lambda: flask.jsonify(a=float("nan")))
    get("/float", lambda: flask.jsonify(a=1e-7))
    get("/text", lambda: "<p>hello</p>")
    get("/created", lambda: (flask.jsonify({}), 201))
    get("/nothing", lambda: ("", 204))
    get("/redirect", lambda: flask.redirect("/keys"))
    get("/abort", lambda: flask.abort(404))
    get("/number", lambda: flask.jsonify(i=flask.request.args.get("i", 7, type=int)))
    get("/json", lambda: flask.jsonify(flask.request.get_json()), ("POST",))
    get("/query", lambda: flask.jsonify(flask.request.args["q"]))
    get("/private", lambda: flask.abort(401))
    get("/optional", lambda: flask.jsonify(a=1))
    get("/dropped", lambda: flask.jsonify(a=1, b=2))
    get("/stream", lambda: flask.Response(iter(["a", "b"]), mimetype="text/plain"))
    get("/raises", lambda: flask.jsonify({}))

    def broken() -> None:
        raise LookupError("in Flask")

    get("/both", broken)

    @app.get("/cookie")
    def cookie() -> flask.Response:
        response = flask.jsonify({})
        response.set_cookie("theme", "dark")
        return response

    @app.get("/session")
    def session() -> flask.Response:
        flask.session["user"] = 1
        return flask.jsonify({})

    @app.get("/header")
    def header() -> flask.Response:
        response = flask.jsonify({})
        response.headers["X-Version"] = "1"
        return response

    return app


class Flasky(JSONResponse):
    """JSON that ends as Flask's does, so that a row shows its own defect alone."""

    def render(self, content: Any) -> bytes:
        """Return Starlette's bytes and a newline."""
        return super().render(content) + b"\n"


class Model(BaseModel):
    """A response model with a field that Flask does not send."""

    a: int
    b: int | None = None


class Narrow(BaseModel):
    """A response model without a field that Flask sends."""

    a: int


def native_app() -> FastAPI:
    """Return the FastAPI side, as it is written at first."""
    app = FastAPI(default_response_class=Flasky)

    def get(path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        app.add_api_route(path, endpoint, **options)

    def empty() -> Any:
        return {}

    def not_found() -> None:
        raise HTTPException(404)

    def theme() -> Flasky:
        response = Flasky({})
        response.set_cookie("theme", "dark")
        return response

    def broken() -> None:
        raise LookupError("no such thing")

    def number(i: int = 7) -> Any:
        return {"i": i}

    def json(body: Annotated[dict[str, Any], Body()]) -> Any:
        return body

    def query(q: Annotated[str, Query()]) -> Any:
        return q

    get("/keys", lambda: Flasky({"b": 1, "a": 2}))
    get("/accents", lambda: Flasky({"a": "é"}))
    get("/date", lambda: {"day": DAY})
    get("/decimal", lambda: {"price": decimal.Decimal("1.10")})
    get("/nan", lambda: Flasky({"a": None}))
    get("/float", lambda: Response(b'{"a":1e-7}\n', media_type="application/json"))
    get("/text", lambda: "<p>hello</p>")
    get("/created", empty)
    get("/nothing", lambda: None, status_code=200)
    get("/redirect", lambda: RedirectResponse("/keys"))
    get("/abort", not_found)
    get("/number", number)
    get("/json", json, methods=["POST"])
    get("/query", query)
    get("/private", empty)
    get("/optional", lambda: {"a": 1}, response_model=Model)
    get("/dropped", lambda: {"a": 1, "b": 2}, response_model=Narrow)
    get("/stream", lambda: PlainTextResponse("ab"))
    get("/raises", broken)
    get("/both", broken)
    get("/cookie", theme)
    get("/session", empty)
    get("/header", empty)
    return app


ROWS: list[tuple[str, dict[str, Any], str, str]] = [
    ("/keys", {}, "same value, different form: key order", "Flask sorts keys"),
    ("/accents", {}, "same value, different form: escapes", "escapes what is not ASCII"),
    ("/date", {}, "body.day", "Flask writes dates as HTTP dates in GMT, pydantic as ISO 8601"),
    ("/decimal", {}, "body.price", "a number that Flask writes as a string"),
    ("/nan", {}, "body.a: Flask NaN, FastAPI null", "which are not JSON"),
    ("/float", {}, "spelling of numbers", "Flask spells numbers as Python does"),
    ("/text", {}, "header.content-type", "that a Flask view returns is HTML"),
    ("/created", {}, "status: Flask 201, FastAPI 200", "status_code=201"),
    ("/nothing", {}, "status: Flask 204, FastAPI 200", "status_code=204"),
    ("/redirect", {}, "status: Flask 302, FastAPI 307", "status_code=302"),
    ("/abort", {}, "header.content-type", "FastAPI writes an HTTPException as {"),
    (
        "/number?i=abc",
        {},
        "status: Flask 200, FastAPI 422",
        "validation refuses the query parameter i",
    ),
    ("/number?i=1&i=2", {}, "body.i: Flask 1, FastAPI 2", ""),
    ("/query", {}, "status: Flask 400, FastAPI 422", "@validation_error"),
    ("/json", {"content": b"{"}, "status: Flask 415, FastAPI 422", "@validation_error"),
    ("/json", {"json": [1]}, "status: Flask 200, FastAPI 422", "json_body(Model)"),
    ("/private", {}, "status: Flask 401, FastAPI 200", "a security hole"),
    ("/optional", {}, "body.b: only FastAPI: null", "response_model_exclude_none"),
    ("/dropped", {}, "body.b: only Flask: 2", "declare the field in the model"),
    ("/stream", {}, "header.content-length: only FastAPI", "Flask streams this answer"),
    ("/both", {}, "text", "Flask raised:"),
    ("/raises", {}, "status: Flask 200, FastAPI 500", "raised: LookupError: no such thing"),
    ("/cookie", {}, "cookie.theme.samesite: only FastAPI: lax", "samesite=None"),
    ("/session", {}, "cookie.session: only Flask", "Flask's own session interface"),
    ("/session", {}, "header.vary: only Flask: Cookie", "adds `Vary: Cookie`"),
    ("/header", {}, "header.x-version: only Flask: 1", "set by the Flask view"),
]

PATHS = sorted({row[0].partition("?")[0] for row in ROWS})

# Each row shows FastAPI's own answer, not what it borrows from Flask.
STAGE = '{ stage = "legacy", hooks = "none" }'


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessApp]:
    """The gateway over both, every route still Flask's."""
    path: Path = tmp_path_factory.mktemp("map") / "migration_map.toml"
    native = native_app()
    lines = [f'"{"POST" if p == "/json" else "GET"} {p}" = {STAGE}' for p in PATHS]
    path.write_text("\n".join(["[routes]", *lines]))
    mount_legacy(native, legacy_app(), migration_map=path)
    app = InProcessApp(native)
    app.start()
    yield app
    app.close()


@pytest.mark.parametrize(
    ("target", "options", "difference", "cause"), ROWS, ids=[f"{r[0]} {r[2]}" for r in ROWS]
)
def test_the_defect_is_named_with_its_cause(
    app: InProcessApp, target: str, options: dict[str, Any], difference: str, cause: str
) -> None:
    """The difference where a client sees it, and why it is there."""
    contract = Contract(Runner(app, NoState(), "http"), base_url="http://localhost", timeout=30)
    with pytest.raises(ContractFailed) as failed:
        contract.request("POST" if options else "GET", target, **options)
    text = " ".join(str(failed.value).split())
    assert difference in text
    assert cause in text
    assert "· endpoint " in text
    assert "· tests.plugin.test_defects." in text
