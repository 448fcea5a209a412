"""What handlers read: queries, headers, cookies, forms, JSON, uploads."""

from __future__ import annotations

from typing import Annotated

import flask
from fastapi import Cookie, File, Form, Header, Request, UploadFile
from pydantic import BaseModel

from tests.catches.answers import Flasky
from tests.catches.kit import Rows

ROWS = Rows()
add = ROWS.add


def _query() -> flask.Response:
    return flask.jsonify(q=flask.request.args.get("q", ""))


def _native_query(q: str = "") -> Flasky:
    return Flasky({"q": q})


add("duplicated query key", _query, _native_query, "body.q", "the first", "arg(")


def _page() -> flask.Response:
    return flask.jsonify(page=flask.request.args.get("page", 1, type=int))


def _native_page(page: int = 1) -> Flasky:
    return Flasky({"page": page})


add(
    "?i=abc with type=int",
    _page,
    _native_page,
    "status",
    "refuses the query parameter page",
    "arg(",
)


def _required() -> flask.Response:
    return flask.jsonify(q=flask.request.args["q"])


def _native_required(q: str) -> Flasky:
    return Flasky({"q": q})


add(
    "missing required parameter",
    _required,
    _native_required,
    "status",
    "refuses the query parameter q",
    "arg(",
)


def _tag() -> flask.Response:
    return flask.jsonify(tag=flask.request.headers.get("X-Tag", ""))


def _native_tag(x_tag: Annotated[str, Header()] = "") -> Flasky:
    return Flasky({"tag": x_tag})


add("duplicated header", _tag, _native_tag, "body.tag", "joins", "header(")


def _theme() -> flask.Response:
    return flask.jsonify(theme=flask.request.cookies.get("theme", ""))


def _native_theme(theme: Annotated[str, Cookie()] = "") -> Flasky:
    return Flasky({"theme": theme})


add("duplicated cookie", _theme, _native_theme, "body.theme", "cookie", "cookie(")
add("cookie read: octal, quotes, blanks", _theme, _native_theme, "body.theme", "cookie",
    "cookie(", rule="/cookie-octal")  # fmt: skip


def _form() -> flask.Response:
    form = flask.request.form
    return flask.jsonify(a=form.get("a", ""), n=len(form))


def _native_form(request: Request, a: Annotated[str, Form()] = "") -> Flasky:
    return Flasky({"a": a, "n": 1 if request.headers.get("content-length", "0") != "0" else 0})


async def _native_read_form(request: Request) -> Flasky:
    form = await request.form()
    return Flasky({"a": form.get("a", ""), "n": len(form)})


def _required_form() -> flask.Response:
    return flask.jsonify(a=flask.request.form["a"])


def _native_required_form(a: Annotated[str, Form()]) -> Flasky:
    return Flasky({"a": a})


add("duplicated form key", _required_form, _native_required_form, "body.a", "the first",
    "form(", method="POST")  # fmt: skip
add("form: raw UTF-8", _required_form, _native_required_form, "body.a", "UTF-8", "form(",
    method="POST", rule="/form-utf8")  # fmt: skip
add("form: a=", _required_form, _native_required_form, "status", "refuses the field a", "form(",
    method="POST", rule="/form-empty")  # fmt: skip
add("form: over 1,000 fields", _form, _native_read_form, "status", "1000 fields", "form(",
    method="POST")  # fmt: skip


class Item(BaseModel):
    """A JSON body."""

    count: int = 1


def _json() -> flask.Response:
    return flask.jsonify(count=flask.request.get_json()["count"])


def _native_json(item: Item) -> Flasky:
    return Flasky({"count": item.count})


async def _native_lax(request: Request) -> Flasky:
    return Flasky({"count": Item.model_validate(await request.json()).count})


for what, rule in {
    "malformed": "/json-malformed",
    "wrong type": "/json-wrong-type",
    "empty": "/json-empty",
    "no type": "/json-no-type",
}.items():
    add(f"JSON: {what}", _json, _native_json, "status", "refuses the body", "json_body", rule=rule,
        method="POST")  # fmt: skip
add('JSON "1", true, 1.0 for an int', _json, _native_json, "body.count", "converts", "strict",
    method="POST", rule="/json-coerced")  # fmt: skip


def _upload() -> flask.Response:
    file = flask.request.files["file"]
    return flask.jsonify(name=file.filename, size=len(file.read()))


async def _native_upload(file: Annotated[UploadFile, File()]) -> Flasky:
    return Flasky({"name": file.filename, "size": len(await file.read())})


def _field() -> flask.Response:
    flask.request.files.get("file")
    return flask.jsonify(size=len(flask.request.form["note"]))


async def _native_field(
    note: Annotated[str, Form()], file: Annotated[UploadFile | None, File()] = None
) -> Flasky:
    return Flasky({"size": len(note)})


add("multipart: empty filename", _upload, _native_upload, "status", "refuses the file",
    "file(", method="POST")  # fmt: skip
add("multipart: filename*", _upload, _native_upload, "status", "refuses the file file", "file(",
    method="POST", rule="/multipart-filename-star")  # fmt: skip
add("multipart: preamble", _upload, _native_upload, "status", "multipart", "file(",
    method="POST", rule="/multipart-preamble")  # fmt: skip
add("multipart: a part over 500 kB", _field, _native_field, "status", "500 kB", "form(",
    method="POST")  # fmt: skip
