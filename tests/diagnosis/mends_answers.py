"""Mistakes in what is answered and stored, with the fix that is printed for them."""

from __future__ import annotations

import datetime
import decimal
import sqlite3
from pathlib import Path
from typing import Any

import flask
from fastapi import FastAPI
from fastapi import Response as Answer
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from pydantic import BaseModel

from crossfade import compat
from crossfade.compat import (
    DecimalString,
    FlaskJSONResponse,
    FlaskResponse,
    HttpDate,
    Session,
    flask_view,
)
from tests.diagnosis.mending import Flasky, mend

# --- answers --------------------------------------------------------------------------------------


@mend("XF102", "GET /", "return FlaskJSONResponse(data)")
def not_json(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A Decimal in Starlette's JSON."""
    data = {"price": decimal.Decimal("1.10")}
    legacy.add_url_rule("/", "v", lambda: flask.jsonify(data))
    kind = FlaskJSONResponse if mended else JSONResponse
    native.add_api_route("/", lambda: kind(data), response_model=None)


@mend("XF204", "GET /", "response_class=HTMLResponse")
def text(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A text that becomes JSON."""
    legacy.add_url_rule("/", "v", lambda: "<p>hi</p>")
    options: dict[str, Any] = {"response_class": HTMLResponse} if mended else {}
    native.add_api_route("/", lambda: "<p>hi</p>", **options)


@mend("XF221", "GET /", "Session of crossfade.compat")
def vary(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A session that the handler does not read."""

    @legacy.get("/")
    def read() -> flask.Response:
        return flask.jsonify(user=flask.session.get("user"))

    if mended:

        @native.get("/")
        async def read_session(session: Session) -> Any:
            return compat.jsonify(user=session.get("user"))
    else:
        native.add_api_route("/", lambda: compat.jsonify(user=None), response_model=None)


@mend("XF312", "GET /", "Session of crossfade.compat")
def session(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A session that the handler does not write."""

    @legacy.get("/")
    def write() -> flask.Response:
        flask.session["seen"] = True
        return flask.jsonify(1)

    if mended:

        @native.get("/")
        async def write_session(session: Session) -> Any:
            session["seen"] = True
            return compat.jsonify(1)
    else:
        native.add_api_route("/", lambda: compat.jsonify(1), response_model=None)


@mend("XF310", "GET /", "flask.flash(…)")
def flash(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A message that is lost."""

    @legacy.get("/")
    def write() -> flask.Response:
        flask.session["seen"] = True
        flask.flash("hi")
        return flask.jsonify(1)

    @native.get("/")
    async def write_session(session: Session) -> Any:
        session["seen"] = True
        if mended:
            flask.flash("hi")
        return compat.jsonify(1)


@mend("XF225", "GET /", "FlaskResponse(flask.send_file(…))")
@mend("XF114", "GET /", "FlaskResponse(flask.send_file(…))")
def files(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A file."""
    path = Path(__file__)
    legacy.add_url_rule("/", "v", lambda: flask.send_file(path, "text/plain"))
    if mended:
        native.add_api_route(
            "/", lambda: FlaskResponse(flask.send_file(path, "text/plain")), response_model=None
        )
    else:
        native.add_api_route(
            "/", lambda: FileResponse(path, media_type="text/plain"), response_model=None
        )


@mend("XF240", "GET /", "set it natively as well, on the Response")
def missing_header(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A header of the view's."""
    legacy.add_url_rule("/", "v", lambda: (flask.jsonify(1), 200, {"X-Total": "1"}))
    headers = {"X-Total": "1"} if mended else {}
    native.add_api_route("/", lambda: FlaskJSONResponse(1, headers=headers), response_model=None)


@mend("XF301", "GET /", "response.set_cookie(..., samesite=None)")
def samesite(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """Starlette's default."""

    @legacy.get("/")
    def write() -> flask.Response:
        response = flask.jsonify(1)
        response.set_cookie("theme", "dark")
        return response

    @native.get("/")
    async def write_cookie() -> Answer:
        response = FlaskJSONResponse(1)
        if mended:
            response.set_cookie("theme", "dark", samesite=None)
        else:
            response.set_cookie("theme", "dark")
        return response


@mend("XF401", "GET /", "return FlaskJSONResponse(data)")
def json_form(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """Order, escapes, the end."""
    data = {"b": "é", "a": 1e-7}
    legacy.add_url_rule("/", "v", lambda: flask.jsonify(data))
    kind = FlaskJSONResponse if mended else JSONResponse
    native.add_api_route("/", lambda: kind(data), response_model=None)


class Day(BaseModel):
    """A date as pydantic writes it."""

    day: datetime.date


class HttpDay(BaseModel):
    """A date as Flask writes it."""

    day: HttpDate


@mend("XF403", "GET /", "declare the field as HttpDate")
def dates(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A date in a model."""
    day = datetime.date(2026, 1, 2)
    legacy.add_url_rule("/", "v", lambda: flask.jsonify(day=day))
    model = HttpDay if mended else Day
    native.add_api_route("/", lambda: {"day": day}, response_model=model, response_class=Flasky)


class Price(BaseModel):
    """A number as it is."""

    price: float


class TextPrice(BaseModel):
    """A number as a text."""

    price: DecimalString


@mend("XF407", "GET /", "declare the field as DecimalString")
def decimals(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A Decimal in a model."""
    price = decimal.Decimal("1.5")
    legacy.add_url_rule("/", "v", lambda: flask.jsonify(price=price))
    model = TextPrice if mended else Price
    native.add_api_route("/", lambda: {"price": price}, response_model=model, response_class=Flasky)


@mend("XF408", "GET /", "return FlaskJSONResponse(data)")
def nan(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A number that is none."""
    legacy.add_url_rule("/", "v", lambda: flask.jsonify(price=float("inf")))
    if mended:
        native.add_api_route(
            "/", lambda: FlaskJSONResponse({"price": float("inf")}), response_model=None
        )
    else:
        native.add_api_route("/", lambda: {"price": float("inf")}, response_model=Price)


class Wide(BaseModel):
    """A field more than Flask sends."""

    id: int
    note: str | None = None


@mend("XF410", "GET /", "response_model_exclude_none=True")
def extra_null(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A null that Flask leaves out."""
    legacy.add_url_rule("/", "v", lambda: flask.jsonify(id=1))
    native.add_api_route(
        "/",
        lambda: {"id": 1},
        response_model=Wide,
        response_model_exclude_none=mended,
        response_class=Flasky,
    )


class Narrow(BaseModel):
    """A field less."""

    id: int


@mend("XF415", "GET /", "declare the field in the model: note")
def dropped(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A field that the model lacks."""
    legacy.add_url_rule("/", "v", lambda: flask.jsonify(id=1, note="a"))
    native.add_api_route(
        "/",
        lambda: {"id": 1, "note": "a"},
        response_model=Wide if mended else Narrow,
        response_class=Flasky,
    )


@mend("XF413", "GET /", "a response_model without the field")
def leaked(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A field too many."""
    legacy.add_url_rule("/", "v", lambda: flask.jsonify(id=1))
    native.add_api_route(
        "/",
        lambda: {"id": 1, "secret": "a"},
        response_model=Narrow if mended else None,
        response_class=Flasky,
    )


@mend("XF421", "GET /", "decorate the handler with flask_view")
def returned_tuple(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A tuple."""

    def view() -> Any:
        return {"a": 1}, 201, {"X-A": "1"}

    legacy.add_url_rule("/", "v", view)
    native.add_api_route("/", flask_view(view) if mended else view, response_model=None)


@mend("XF422", "GET /", 'FlaskResponse(("", 204))')
def no_body(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A body of a 204."""
    legacy.add_url_rule("/", "v", lambda: ("", 204))
    if mended:
        native.add_api_route("/", lambda: FlaskResponse(("", 204)), response_model=None)
    else:
        native.add_api_route("/", lambda: JSONResponse({}, 204), response_model=None)


# --- rows -----------------------------------------------------------------------------------------


@mend("XF602", "POST /", "commit natively", state=True)
def commit(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A handler that never commits."""
    path = str(legacy.config["DATABASE"])

    def write(commits: bool) -> None:
        connection = sqlite3.connect(path)
        connection.execute("INSERT INTO users (name) VALUES ('ada')")
        if commits:
            connection.commit()
        connection.close()

    def write_only() -> Any:
        connection = sqlite3.connect(path)
        connection.execute("INSERT INTO users (name) VALUES ('ada')")
        connection.close()
        return compat.jsonify(1)

    def write_and_commit() -> Any:
        write(commits=True)
        return compat.jsonify(1)

    def create() -> flask.Response:
        write(commits=True)
        return flask.jsonify(1)

    legacy.add_url_rule("/", "v", create, methods=["POST"])
    native.add_api_route(
        "/", write_and_commit if mended else write_only, methods=["POST"], response_model=None
    )
