"""Mistakes in what is read and refused, with the fix that is printed for them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, Any

import flask
from fastapi import Cookie, FastAPI, File, Form, HTTPException, Query, UploadFile
from fastapi.responses import RedirectResponse
from pydantic import BaseModel
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest

from crossfade import compat
from crossfade.compat import (
    FlaskJSONResponse,
    arg,
    cookie,
    decorated,
    file,
    flask_view,
    form,
    form_body,
    header,
    json_body,
    json_model,
)
from tests.diagnosis.mending import mend


class Item(BaseModel):
    """A body."""

    name: str
    count: int = 1


# --- input ----------------------------------------------------------------------------------------


@mend("XF150", "POST /", "Annotated[Model, json_model(Model)]", "openapi_extra=json_body(Model)")
def body(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A model of the body."""

    @legacy.post("/")
    def create() -> flask.Response:
        data = Item.model_validate(flask.request.get_json()).model_dump()
        return flask.jsonify(data)

    # Flask answers 400 for what the model refuses, as FastAPI does below Flask's hooks.
    legacy.register_error_handler(ValueError, lambda error: BadRequest().get_response())

    if mended:

        @native.post("/", openapi_extra=json_body(Item))
        async def create_item(item: Annotated[Item, json_model(Item, strict=False)]) -> Any:
            return compat.jsonify(item.model_dump())
    else:

        @native.post("/")
        async def create_plain(item: Item) -> Any:
            return compat.jsonify(item.model_dump())


@mend("XF150", "GET /", 'Annotated[str, arg("page", …)]')
def query(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A number in the query."""
    legacy.add_url_rule(
        "/", "v", lambda: flask.jsonify(page=flask.request.args.get("page", 1, type=int))
    )
    if mended:

        @native.get("/")
        async def read(page: Annotated[int, arg("page", int, 1)]) -> Any:
            return compat.jsonify(page=page)
    else:

        @native.get("/")
        async def read_plain(page: Annotated[int, Query()] = 1) -> Any:
            return compat.jsonify(page=page)


@mend("XF150", "POST /", 'Annotated[str, form("a")]', "openapi_extra=form_body(a=str)")
def field(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A field of a form."""
    legacy.add_url_rule(
        "/", "v", lambda: flask.jsonify(a=flask.request.form["a"]), methods=["POST"]
    )
    if mended:

        @native.post("/", openapi_extra=form_body(a=str))
        async def read(a: Annotated[str, form("a")]) -> Any:
            return compat.jsonify(a=a)
    else:

        @native.post("/")
        async def read_plain(a: Annotated[str, Form()]) -> Any:
            return compat.jsonify(a=a)


@mend("XF150", "POST /", 'Annotated[FileStorage, file("f")]', 'form_body(files=("f",))')
def upload(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """An upload."""

    @legacy.post("/")
    def size() -> flask.Response:
        return flask.jsonify(size=len(flask.request.files["f"].read()))

    if mended:

        @native.post("/", openapi_extra=form_body(files=("f",)))
        def read(f: Annotated[FileStorage, file("f")]) -> Any:
            return compat.jsonify(size=len(f.read()))
    else:

        @native.post("/")
        async def read_plain(f: Annotated[UploadFile, File()]) -> Any:
            return compat.jsonify(size=len(await f.read()))


@mend("XF161", "GET /", 'Annotated[str, arg("q")]')
def query_twice(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A parameter that comes twice."""
    legacy.add_url_rule("/", "v", lambda: flask.jsonify(q=flask.request.args.get("q", "")))
    if mended:

        @native.get("/")
        async def read(q: Annotated[str, arg("q", str, "")]) -> Any:
            return compat.jsonify(q=q)
    else:

        @native.get("/")
        async def read_plain(q: str = "") -> Any:
            return compat.jsonify(q=q)


@mend("XF163", "GET /", 'Annotated[str, cookie("theme")]')
def cookies(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A cookie with escapes."""
    legacy.add_url_rule(
        "/", "v", lambda: flask.jsonify(theme=flask.request.cookies.get("theme", ""))
    )
    if mended:

        @native.get("/")
        async def read(theme: Annotated[str, cookie("theme", "")]) -> Any:
            return compat.jsonify(theme=theme)
    else:

        @native.get("/")
        async def read_plain(theme: Annotated[str, Cookie()] = "") -> Any:
            return compat.jsonify(theme=theme)


# --- statuses and errors --------------------------------------------------------------------------


@mend("XF111", "POST /", "RedirectResponse(url, status_code=302)")
def redirect(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A redirect with Starlette's status; its page is another mistake."""

    def moved() -> flask.Response:
        return flask.Response("", 302, {"Location": "/a"}, content_type="")

    legacy.add_url_rule("/", "v", moved, methods=["POST"])
    legacy.after_request(_without_type)

    @native.post("/")
    async def move() -> RedirectResponse:
        return RedirectResponse("/a", status_code=302) if mended else RedirectResponse("/a")


def _without_type(response: flask.Response) -> flask.Response:
    response.headers.pop("Content-Type", None)
    return response


@mend("XF423", "GET /", "flask_view", "flask.redirect(url)")
def redirect_page(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A redirect without its page."""
    legacy.add_url_rule("/", "v", lambda: flask.redirect("/a"))
    if mended:

        @native.get("/", response_model=None)
        @flask_view
        def move() -> Any:
            return flask.redirect("/a")
    else:
        native.add_api_route("/", lambda: RedirectResponse("/a", 302), response_model=None)


@mend("XF130", "GET /", "name the status in the decorator: status_code=201")
def created(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A status that FastAPI is not told."""
    legacy.add_url_rule("/", "v", lambda: (flask.jsonify(a=1), 201))
    options: dict[str, Any] = {"status_code": 201} if mended else {}
    native.add_api_route(
        "/", lambda: {"a": 1}, response_class=FlaskJSONResponse, response_model=None, **options
    )


@mend("XF132", "GET /<int:number>", "raise HTTPException(404) where there is nothing")
def nothing(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """An endpoint that returns None."""

    @legacy.get("/<int:number>")
    def find(number: int) -> flask.Response:
        return flask.jsonify(1) if number == 1 else flask.abort(404)

    legacy.register_error_handler(404, lambda error: (flask.jsonify(error="no"), 404))

    @native.get("/{number}", response_class=FlaskJSONResponse)
    async def find_item(number: int) -> Any:
        if number == 1:
            return 1
        if mended:
            raise HTTPException(404)
        return None


@mend("XF120", "GET /", "decorated(…)", stage="legacy")
def guarded(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """A decorator of the view's that the handler lacks."""

    def login_required(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def check(*arguments: Any, **named: Any) -> Any:
            if flask.request.headers.get("x-user") != "first":
                flask.abort(401)
            return view(*arguments, **named)

        return check

    legacy.add_url_rule("/", "v", login_required(lambda: flask.jsonify(a=1)))
    options: dict[str, Any] = {"dependencies": [decorated(login_required)]} if mended else {}

    @native.get("/", response_class=FlaskJSONResponse, **options)
    async def read(x_user: Annotated[str, header("x-user", "")]) -> Any:
        return {"a": 1}


@mend("XF203", "GET /<int:number>", 'keep hooks = "flask" in the map', hooks="none")
def detail(legacy: flask.Flask, native: FastAPI, mended: bool) -> None:
    """FastAPI's form of an error."""

    @legacy.get("/<int:number>")
    def find(number: int) -> flask.Response:
        return flask.jsonify(1) if number == 1 else flask.abort(404)

    @native.get("/{number}", response_class=FlaskJSONResponse)
    async def find_item(number: int) -> Any:
        if number == 1:
            return 1
        raise HTTPException(404)
