"""What handlers return: JSON, types, texts, statuses, redirects, errors, cookies, files."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path
from typing import Any, NoReturn

import flask
from fastapi import HTTPException
from fastapi.responses import FileResponse, JSONResponse, RedirectResponse, Response
from pydantic import BaseModel

from tests.catches.kit import Rows

ROWS = Rows()
add = ROWS.add

DAY = datetime.date(2026, 1, 2)
MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5)
FILE = Path(__file__)

# Starlette's bytes with Flask's ending, so that a row shows its own defect alone.


class Flasky(JSONResponse):
    """JSON that ends as Flask's does."""

    def render(self, content: Any) -> bytes:
        """Return Starlette's bytes and a newline."""
        return super().render(content) + b"\n"


add("JSON bytes: sorted keys", lambda: flask.jsonify(b=1, a=2), lambda: Flasky({"b": 1, "a": 2}),
    "body", "sorts keys", "FlaskJSONResponse", note="key order")  # fmt: skip
add("JSON bytes: escapes", lambda: flask.jsonify(a="é"), lambda: Flasky({"a": "é"}),
    "body", "escapes what is not ASCII", "FlaskJSONResponse", note="escapes")  # fmt: skip
add("JSON bytes: newline at the end", lambda: flask.jsonify(a=1), lambda: {"a": 1},
    "body", "ends with a newline", "FlaskJSONResponse", note="newline")  # fmt: skip
add("datetime", lambda: flask.jsonify(at=MOMENT), lambda: {"at": MOMENT},
    "body.at", "HTTP dates", "HttpDateTime")  # fmt: skip
add("date", lambda: flask.jsonify(day=DAY), lambda: {"day": DAY},
    "body.day", "HTTP dates", "HttpDate")  # fmt: skip
add("Decimal: bare", lambda: flask.jsonify(p=decimal.Decimal("1.10")),
    lambda: {"p": decimal.Decimal("1.10")}, "body.p", "a number that Flask writes as a string",
    "DecimalString")  # fmt: skip
add("Decimal: 500 in JSONResponse", lambda: flask.jsonify(p=decimal.Decimal("1.10")),
    lambda: JSONResponse({"p": decimal.Decimal("1.10")}),
    "status", "raised: TypeError", "traceback")  # fmt: skip
add("NaN: 500", lambda: flask.jsonify(a=float("nan")), lambda: JSONResponse({"a": float("nan")}),
    "status", "raised: ValueError", "FlaskJSONResponse")  # fmt: skip


class Ratio(BaseModel):
    """An annotated float."""

    a: float


def _ratio() -> Ratio:
    return Ratio(a=float("inf"))


add("Infinity: null where annotated", lambda: flask.jsonify(a=float("inf")), _ratio,
    "body.a", "NaN and Infinity", "FlaskJSONResponse")  # fmt: skip


def _small() -> dict[str, float]:
    return {"a": 1e-7}


def _none_key() -> dict[Any, int]:
    return {None: 1}


add("1e-7", lambda: flask.jsonify(a=1e-7), _small,
    "body", "spells", "FlaskJSONResponse", note="spelling of numbers")  # fmt: skip
add("None as a key", lambda: {None: 1}, _none_key,
    "body.null", "None as a key", "FlaskJSONResponse")  # fmt: skip

add("returned str", lambda: "<p>hi</p>", lambda: "<p>hi</p>",
    "header.content-type", "is HTML", "HTMLResponse")  # fmt: skip
add("returned bytes", lambda: b"raw", lambda: b"raw",
    "header.content-type", "is HTML", "HTMLResponse")  # fmt: skip
add("returned tuple", lambda: ({"a": 1}, 201, {"X-A": "1"}), lambda: ({"a": 1}, 201, {"X-A": "1"}),
    "body", "(body, status, headers)", "flask_view")  # fmt: skip
add("returned None", lambda: None, lambda: None,
    "status", "returns nothing", "return")  # fmt: skip
add("204 with a body", lambda: ({"a": 1}, 204), lambda: JSONResponse({"a": 1}, 204),
    "body", "a 204 has no body", "Response(status_code=204)")  # fmt: skip
add("another success code", lambda: ({}, 201), lambda: Flasky({}),
    "status", "200 unless told", "status_code=201")  # fmt: skip


def _moved() -> RedirectResponse:
    return RedirectResponse("/elsewhere")


def _moved_found() -> RedirectResponse:
    return RedirectResponse("/elsewhere", status_code=302)


add("redirect: status", lambda: flask.redirect("/elsewhere"), _moved,
    "status", "repeats its method and body", "status_code=302", method="POST")  # fmt: skip
add("redirect: page", lambda: flask.redirect("/elsewhere"), _moved_found,
    "body", "page of HTML", "flask_view", response_model=None)  # fmt: skip


def _not_found() -> None:
    raise HTTPException(404)


def _broken(**_: Any) -> NoReturn:
    raise LookupError("in the handler")


add("abort", lambda: flask.abort(404), _not_found,
    "header.content-type", "abort", "hooks")  # fmt: skip
add("500", _broken, lambda: Response("Internal Server Error", 500, media_type="text/plain"),
    "body", "500", "hooks")  # fmt: skip


def _theme() -> flask.Response:
    response = flask.jsonify({})
    response.set_cookie("theme", "dark")
    return response


def _native_theme() -> Flasky:
    response = Flasky({})
    response.set_cookie("theme", "dark")
    return response


def _name() -> flask.Response:
    response = flask.jsonify({})
    response.set_cookie("name", "Zoë, A")
    return response


def _native_name() -> Flasky:
    response = Flasky({})
    response.set_cookie("name", "Zoë, A", samesite=None)
    return response


add("cookie written: SameSite", _theme, _native_theme,
    "cookie.theme.samesite", "SameSite=lax", "set_cookie")  # fmt: skip
add("cookie written: octal or latin-1", _name, _native_name,
    "cookie.name", "octal", "set_cookie")  # fmt: skip


def _file() -> flask.Response:
    return flask.send_file(FILE, "text/plain")


def _native_file() -> FileResponse:
    return FileResponse(FILE, media_type="text/plain")


add("files: ETag", _file, _native_file, "header.etag", "ETag", "FlaskResponse")  # fmt: skip
add("files: no-cache", _file, _native_file, "header.cache-control", "no-cache", "FlaskResponse",
    rule="/files-cache")  # fmt: skip
add("files: a range that is broken", _file, _native_file, "status", "Range", "FlaskResponse",
    rule="/files-broken")  # fmt: skip
add("files: several ranges", _file, _native_file, "status", "Range", "FlaskResponse",
    rule="/files-several")  # fmt: skip
add("files: a condition", _file, _native_file, "status", "If-None-Match", "FlaskResponse",
    rule="/files-condition")  # fmt: skip


def _number() -> Any:
    return flask.jsonify(id=1, note=None)


class Optional(BaseModel):
    """A field more than Flask has."""

    id: int
    note: str | None = None
    extra: str | None = None


class Narrow(BaseModel):
    """A field less than Flask has."""

    id: int


add("a null too many", _number, lambda: Flasky({"id": 1, "note": None, "extra": None}),
    "body.extra", "the handler sends null", "leave it out")  # fmt: skip
add("a dropped field", _number, lambda: {"id": 1, "note": None}, "body.note",
    "drops what the response model", "declare the field", response_model=Narrow,
    response_class=Flasky)  # fmt: skip
add("null for an empty string", lambda: flask.jsonify(bio=""), lambda: Flasky({"bio": None}),
    "body.bio", "an empty string", "empty string")  # fmt: skip
add("an object wrapped", lambda: flask.jsonify(user={"id": 1}), lambda: Flasky({"id": 1}),
    "body.user", "", "")  # fmt: skip
