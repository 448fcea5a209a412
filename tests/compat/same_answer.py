# ruff: noqa: D103 - the name of a row says what it is
"""A legacy view and the native handler that answers alike, for each row of docs/same-answer.md."""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import datetime as dt
import decimal
import math
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import wraps
from typing import Annotated, Any

import flask
from fastapi import FastAPI, HTTPException
from flask import Flask, Response, abort, jsonify, redirect, request, send_file, session
from pydantic import BaseModel

from crossfade import compat
from crossfade.compat import FlaskJSONResponse, FlaskResponse, flask_view

Build = Callable[[Flask, FastAPI], None]


@dataclass
class Ask:
    """One request."""

    target: str
    method: str = "GET"
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


@dataclass
class Row:
    """One row: how both sides are built, and what they are asked."""

    name: str
    build: Build
    asks: list[Ask]


ROWS: list[Row] = []
FORM = [("Content-Type", "application/x-www-form-urlencoded")]
JSON = [("Content-Type", "application/json")]


def row(name: str, *asks: Ask | str) -> Callable[[Build], Build]:
    """Add a row; a string is a GET."""

    def add(build: Build) -> Build:
        ROWS.append(Row(name, build, [Ask(a) if isinstance(a, str) else a for a in asks]))
        return build

    return add


DATA = {
    "b": ["é", "\U0001f600", "</script>"],
    "a": {"z": 1, "y": None, "x": True},
    "c": [],
}


@row("JSON bytes", "/a", "/debug", "/dumped")
def json_bytes(legacy: Flask, app: FastAPI) -> None:
    legacy.add_url_rule("/a", "a", lambda: jsonify(DATA))
    legacy.add_url_rule("/debug", "debug", lambda: jsonify(1, 2, 3))
    legacy.add_url_rule("/dumped", "dumped", lambda: jsonify(DATA))
    app.get("/a")(lambda: compat.jsonify(DATA))
    app.get("/debug")(lambda: compat.jsonify(1, 2, 3))
    app.get("/dumped", response_class=FlaskJSONResponse)(lambda: DATA)


MOMENT = dt.datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=dt.timezone(dt.timedelta(hours=2)))


class Times(BaseModel):
    """Dates, spelt as Flask spells them."""

    day: compat.HttpDate
    moment: compat.HttpDateTime


@row("datetime, date", "/a", "/model", "/given")
def dates(legacy: Flask, app: FastAPI) -> None:
    times = {"day": dt.date(2026, 3, 1), "moment": MOMENT}
    legacy.add_url_rule("/a", "a", lambda: jsonify(times))
    legacy.add_url_rule("/model", "model", lambda: jsonify(times))
    legacy.add_url_rule("/given", "given", lambda: jsonify([{"at": times}]))
    app.get("/a")(lambda: compat.jsonify(times))
    app.get("/given")(lambda: compat.jsonify([{"at": Times.model_validate(times)}]))
    # class Times: day: HttpDate; moment: HttpDateTime
    app.get("/model", response_model=Times, response_class=FlaskJSONResponse)(lambda: times)


class Price(BaseModel):
    """A price, spelt as Flask spells it."""

    price: compat.DecimalString


@row("Decimal", "/a", "/model")
def decimals(legacy: Flask, app: FastAPI) -> None:
    price = {"price": decimal.Decimal("1.10")}
    legacy.add_url_rule("/a", "a", lambda: jsonify(price))
    legacy.add_url_rule("/model", "model", lambda: jsonify(price))
    app.get("/a")(lambda: compat.jsonify(price))
    # class Price: price: DecimalString
    app.get("/model", response_model=Price, response_class=FlaskJSONResponse)(lambda: price)


@row("NaN, Infinity", "/a")
def not_a_number(legacy: Flask, app: FastAPI) -> None:
    data = [math.nan, math.inf, -math.inf]
    legacy.add_url_rule("/a", "a", lambda: jsonify(data))
    app.get("/a")(lambda: compat.jsonify(data))


@row("1e-7; None as a key", "/a")
def small_numbers(legacy: Flask, app: FastAPI) -> None:
    data = {None: 1e-7}
    legacy.add_url_rule("/a", "a", lambda: jsonify(data))
    app.get("/a")(lambda: compat.jsonify(data))


@row("returned str, bytes, tuple, None", "/str", "/bytes", "/tuple", "/none", "/dict", "/generator")
def returned(legacy: Flask, app: FastAPI) -> None:
    def generated() -> Iterator[str]:
        yield "a"
        yield "b"

    values: dict[str, Callable[[], Any]] = {
        "str": lambda: "<p>hi",
        "bytes": lambda: b"raw",
        "tuple": lambda: ("made", 201, {"X-A": "1"}),
        "none": lambda: None,
        "dict": lambda: {"b": 1, "a": 2},
        "generator": generated,
    }
    for name, view in values.items():
        legacy.add_url_rule(f"/{name}", name, view)
        app.get(f"/{name}", response_model=None)(flask_view(view))


@row("204 or 304 with a body", "/204", "/304")
def no_body(legacy: Flask, app: FastAPI) -> None:
    def add(status: int) -> None:
        legacy.add_url_rule(f"/{status}", str(status), lambda: ("body", status))
        app.get(f"/{status}")(lambda: FlaskResponse(("body", status)))

    add(204)
    add(304)


@row("redirect", "/a", Ask("/a", "POST"), "/permanent")
def redirects(legacy: Flask, app: FastAPI) -> None:
    legacy.add_url_rule("/a", "a", lambda: redirect("/b?x=1&y=é"), methods=["GET", "POST"])
    legacy.add_url_rule("/permanent", "p", lambda: redirect("/b", 301))
    app.api_route("/a", methods=["GET", "POST"])(lambda: FlaskResponse(redirect("/b?x=1&y=é")))
    app.get("/permanent")(lambda: FlaskResponse(redirect("/b", 301)))


@row(
    "abort, 404, 405, 500",
    *(f"/raise/{what}" for what in ("404", "403", "plain", "bug", "coded")),
    Ask("/raise/404", "DELETE"),
    "/none",
)
def errors(legacy: Flask, app: FastAPI) -> None:
    @legacy.errorhandler(403)
    def forbidden(error: Any) -> Any:
        return {"error": error.description}, 403

    @legacy.get("/raise/<what>")
    def view(what: str) -> Any:
        if what == "bug":
            raise ZeroDivisionError
        if what == "plain":
            abort(404)
        if what == "coded":
            abort(418, "short and stout")
        abort(int(what), "told")

    @app.get("/raise/{what}")
    async def handler(what: str) -> None:
        if what == "bug":
            raise ZeroDivisionError
        if what == "plain":
            raise HTTPException(404)
        if what == "coded":
            abort(418, "short and stout")
        raise HTTPException(int(what), "told")


@row("HEAD, OPTIONS on a GET route", "/a", Ask("/a", "HEAD"), Ask("/a", "OPTIONS"))
def other_methods(legacy: Flask, app: FastAPI) -> None:
    legacy.add_url_rule("/a", "a", lambda: jsonify(1))
    app.get("/a")(lambda: compat.jsonify(1))


@row(
    "duplicated query key, form key, cookie",
    Ask("/a?k=1&k=2", headers=[("Cookie", "c=1; c=2")]),
    Ask("/a?k=1&k=2", "POST", FORM, b"f=1&f=2"),
)
def duplicates(legacy: Flask, app: FastAPI) -> None:
    @legacy.route("/a", methods=["GET", "POST"])
    def view() -> Any:
        k, c = request.args["k"], request.cookies.get("c")
        every = request.args.getlist("k", type=int)
        return jsonify(k=k, c=c, f=request.form.get("f"), every=every)

    @app.api_route("/a", methods=["GET", "POST"])
    async def handler(
        k: Annotated[str, compat.arg("k")],
        every: Annotated[list[int], compat.args("k", int)],
        c: Annotated[str | None, compat.cookie("c")],
        f: Annotated[str | None, compat.form("f", default=None)],
    ) -> FlaskJSONResponse:
        return compat.jsonify(k=k, c=c, f=f, every=every)


@row("duplicated header", Ask("/a", headers=[("X-A", "1"), ("X-A", "2")]), "/a")
def duplicated_header(legacy: Flask, app: FastAPI) -> None:
    legacy.add_url_rule("/a", "a", lambda: jsonify(request.headers.get("X-A", "none")))

    @app.get("/a")
    async def handler(a: Annotated[str, compat.header("X-A", "none")]) -> FlaskJSONResponse:
        return compat.jsonify(a)


@row(
    "?i=abc or ?i= with type=int; missing required",
    *("/a?" + q for q in ("i=abc", "i=", "i=7", "i=+7", "i=1_0", "")),
    *("/b?" + q for q in ("r=x", "")),
)
def types(legacy: Flask, app: FastAPI) -> None:
    legacy.add_url_rule("/a", "a", lambda: jsonify(request.args.get("i", 3, type=int)))
    legacy.add_url_rule("/b", "b", lambda: jsonify(request.args["r"]))

    @app.get("/a")
    async def optional(i: Annotated[int, compat.arg("i", int, 3)]) -> FlaskJSONResponse:
        return compat.jsonify(i)

    @app.get("/b")
    async def required(r: Annotated[str, compat.arg("r")]) -> FlaskJSONResponse:
        return compat.jsonify(r)


@row(
    "form: raw UTF-8; a=; over 1,000 fields",
    Ask("/a", "POST", FORM, "a=é".encode()),
    Ask("/a", "POST", FORM, b"a="),
    Ask("/a", "POST", FORM, b"b=1"),
    Ask("/a", "POST", FORM, b"a=x&" + b"&".join(b"f%d=1" % n for n in range(1500))),
)
def forms(legacy: Flask, app: FastAPI) -> None:
    legacy.add_url_rule("/a", "a", lambda: jsonify(request.form["a"]), methods=["POST"])

    @app.post("/a", openapi_extra=compat.form_body(a=str, required=("a",)))
    async def handler(a: Annotated[str, compat.form("a")]) -> FlaskJSONResponse:
        return compat.jsonify(a)


@row(
    "JSON: malformed, wrong type, empty, no type",
    Ask("/a", "POST", JSON, b'{"a": 1}'),
    Ask("/a", "POST", JSON, b"{"),
    Ask("/a", "POST", [("Content-Type", "text/plain")], b"{}"),
    Ask("/a", "POST", JSON),
    Ask("/a", "POST", [], b"{}"),
    Ask("/a", "POST", [("Content-Type", "application/vnd.api+json")], b'{"a": NaN}'),
    Ask("/a", "POST", JSON, '{"a": "é"}'.encode("latin-1")),
)
def json_bodies(legacy: Flask, app: FastAPI) -> None:
    legacy.add_url_rule("/a", "a", lambda: jsonify(request.get_json()), methods=["POST"])

    @app.post("/a")
    async def handler(data: Annotated[Any, compat.json()]) -> FlaskJSONResponse:
        return compat.jsonify(data)


class Order(BaseModel):
    """A body that nothing in it is coerced."""

    count: int


@row(
    'JSON `"1"`, `true`, `1.0` for an int',
    *(Ask("/a", "POST", JSON, b'{"count": %s}' % v) for v in (b"1", b'"1"', b"true", b"1.0")),
    Ask("/a", "POST", JSON, b"{}"),
)
def strict_json(legacy: Flask, app: FastAPI) -> None:
    @legacy.post("/a")
    def view() -> Any:
        count = request.get_json().get("count")
        if not isinstance(count, int) or isinstance(count, bool):
            abort(400)
        return jsonify(count)

    @app.post("/a", openapi_extra=compat.json_body(Order))
    async def handler(order: Annotated[Order, compat.json_model(Order)]) -> FlaskJSONResponse:
        return compat.jsonify(order.count)


def _multipart(*parts: bytes, before: bytes = b"") -> tuple[list[tuple[str, str]], bytes]:
    body = before + b"".join(b"--X\r\n" + part + b"\r\n" for part in parts) + b"--X--\r\n"
    return [("Content-Type", "multipart/form-data; boundary=X")], body


_A = b'Content-Disposition: form-data; name="a"\r\n\r\n'


@row(
    "multipart: a part over 500 kB; empty filename; `filename*`; preamble",
    Ask("/a", "POST", *_multipart(_A + b"small")),
    Ask("/a", "POST", *_multipart(_A + b"x" * 600_000)),
    Ask("/a", "POST", *_multipart(_A + b"1", before=b"preamble\r\n")),
    Ask(
        "/a",
        "POST",
        *_multipart(
            _A + b"1", b'Content-Disposition: form-data; name="f"; filename=""\r\n\r\nempty'
        ),
    ),
    Ask(
        "/a",
        "POST",
        *_multipart(
            _A + b"1",
            b"Content-Disposition: form-data; name=f; filename*=UTF-8''caf%C3%A9.txt\r\n"
            b"Content-Type: text/x-y\r\n\r\n" + b"z" * 700_000,
        ),
    ),
)
def multipart(legacy: Flask, app: FastAPI) -> None:
    def told(a: str, f: Any) -> Any:
        return {"a": a, "f": f and [f.filename, f.content_type, len(f.read())]}

    @legacy.post("/a")
    def view() -> Any:
        return jsonify(told(request.form["a"], request.files.get("f")))

    @app.post("/a", openapi_extra=compat.form_body(a=str, files=("f",)))
    async def handler(
        a: Annotated[str, compat.form("a")], f: Annotated[Any, compat.file("f", None)]
    ) -> FlaskJSONResponse:
        return compat.jsonify(told(a, f))


NUMBERS = ["-5", "+5", "5.0", "1_000", "5%0A", "abc", "%D9%A5", "9" * 4301, "7", "007"]


@row("int: `abc`; Arabic digits; 4,301 digits", *(f"/a/{n}" for n in NUMBERS[5:]))
@row("int converter: `-5 +5 5.0 1_000 5%0A`", *(f"/a/{n}" for n in NUMBERS[:5]))
def ints(legacy: Flask, app: FastAPI) -> None:
    legacy.add_url_rule("/a/<int:n>", "a", lambda n: jsonify(n))
    app.get("/a/{n}")(_of_int)


def _of_int(n: int) -> FlaskJSONResponse:
    return compat.jsonify(n)


@row(
    "float: `5`, `1e5`, `nan`; uuid without dashes",
    *(f"/f/{n}" for n in ("5", "1e5", "nan", "1.5")),
    f"/u/{uuid.UUID(int=7)}",
    f"/u/{uuid.UUID(int=7).hex}",
)
def floats(legacy: Flask, app: FastAPI) -> None:
    legacy.add_url_rule("/f/<float:n>", "f", lambda n: jsonify(n))
    legacy.add_url_rule("/u/<uuid:n>", "u", lambda n: jsonify(n))

    async def of_float(n: float) -> FlaskJSONResponse:
        return compat.jsonify(n)

    async def of_uuid(n: uuid.UUID) -> FlaskJSONResponse:
        return compat.jsonify(n)

    app.get("/f/{n}")(of_float)
    app.get("/u/{n}")(of_uuid)


@row("path: `/path/`, `/path//a`", "/path/", "/path//a", "/path/a/b", "/path/a//b")
def paths(legacy: Flask, app: FastAPI) -> None:
    legacy.add_url_rule("/path/<path:p>", "p", lambda p: jsonify(p))
    app.get("/path/{p:path}")(lambda p: compat.jsonify(p))


@row(
    "`/dir` → `/dir/`; `/leaf/`; PUT `/dir`; `//leaf`",
    *("/dir", "/dir?a=1&b=%C3%A9", "/dir/", "/leaf", "/leaf/", "//leaf"),
    Ask("/dir", "PUT"),
)
def slashes(legacy: Flask, app: FastAPI) -> None:
    legacy.add_url_rule("/dir/", "dir", lambda: "dir")
    legacy.add_url_rule("/leaf", "leaf", lambda: "leaf")
    app.get("/dir/")(lambda: FlaskResponse("dir"))
    app.get("/leaf")(lambda: FlaskResponse("leaf"))


@row(
    "`defaults` redirect; static against dynamic rule",
    *("/pages/", "/pages/1", "/pages/2", "/x/new", "/x/other"),
)
def defaults(legacy: Flask, app: FastAPI) -> None:
    legacy.add_url_rule("/pages/", "pages", lambda page: f"page {page}", defaults={"page": 1})
    legacy.add_url_rule("/pages/<int:page>", "pages")
    legacy.add_url_rule("/x/<name>", "name", lambda name: f"name {name}")
    legacy.add_url_rule("/x/new", "new", lambda: "new")
    app.get("/pages/")(lambda: FlaskResponse("page 1"))
    app.get("/pages/{page}")(lambda page: FlaskResponse(f"page {page}"))
    app.get("/x/{name}")(lambda name: FlaskResponse(f"name {name}"))
    app.get("/x/new")(lambda: FlaskResponse("new"))


@row(
    "host and subdomain rules, trusted hosts",
    *(Ask("/a", headers=[("Host", h)]) for h in ("api.example.com", "example.com", "evil.test")),
)
def hosts(legacy: Flask, app: FastAPI) -> None:
    legacy.config["SERVER_NAME"] = "example.com"
    legacy.config["TRUSTED_HOSTS"] = [".example.com"]
    legacy.subdomain_matching = True
    legacy.url_map.default_subdomain = ""
    legacy.add_url_rule("/a", "api", lambda: "api", subdomain="api")
    app.get("/a")(lambda: FlaskResponse("api"))


@row("`/x%0A`", "/x%0A", "/x")
def newline(legacy: Flask, app: FastAPI) -> None:
    legacy.add_url_rule("/x", "x", lambda: "x")
    app.get("/x")(lambda: FlaskResponse("x"))


COOKIES: list[dict[str, Any]] = [
    {"key": "plain", "value": "1"},
    {"key": "text", "value": 'é "quoted", and; more'},
    {"key": "all", "value": "v", "max_age": 60, "path": "/a", "secure": True, "httponly": True},
    {"key": "site", "value": "v", "samesite": "Lax", "domain": "example.com"},
]


@row("cookie written", "/a", "/deleted")
def cookies_written(legacy: Flask, app: FastAPI) -> None:
    @legacy.get("/a")
    def view() -> Response:
        response = jsonify(1)
        for options in COOKIES:
            response.set_cookie(**options)
        return response

    @legacy.get("/deleted")
    def deleted() -> Response:
        response = jsonify(1)
        response.delete_cookie("plain")
        return response

    @app.get("/a")
    async def handler() -> FlaskJSONResponse:
        response = compat.jsonify(1)
        for options in COOKIES:
            compat.set_cookie(response, **options)
        return response

    @app.get("/deleted")
    async def delete() -> FlaskJSONResponse:
        response = compat.jsonify(1)
        compat.delete_cookie(response, "plain")
        return response


@row(
    "cookie read: unfinished quote, blank inside, octal",
    *(Ask("/a", headers=[("Cookie", c)]) for c in ('c="un', "c=a b", r'c="\303\251"', "c=", "d")),
)
def cookies_read(legacy: Flask, app: FastAPI) -> None:
    legacy.add_url_rule("/a", "a", lambda: jsonify(request.cookies.get("c", "none")))

    @app.get("/a")
    async def handler(c: Annotated[str, compat.cookie("c", "none")]) -> FlaskJSONResponse:
        return compat.jsonify(c)


_RANGES = ["bytes=0-3", "bytes=0-1,4-5", "bytes=x", "bytes=99999999-", "bytes=-4", "lines=1-2"]


@row(
    "Range: several, bad, unsatisfiable; ETag; static headers",
    "/a",
    *(Ask("/a", headers=[("Range", r)]) for r in _RANGES),
    Ask("/a", headers=[("If-None-Match", "*")]),
    Ask("/a", headers=[("If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT")]),
    Ask("/a", "HEAD"),
    "/etag",
    Ask("/etag", headers=[("If-None-Match", '"v1"')]),
)
def files(legacy: Flask, app: FastAPI) -> None:
    legacy.add_url_rule("/a", "a", lambda: send_file(__file__, conditional=True))
    # A `def`: opening a file blocks.
    app.get("/a")(lambda: FlaskResponse(send_file(__file__, conditional=True)))

    def tagged() -> Any:
        response = flask.make_response("tagged")
        response.set_etag("v1")
        return response.make_conditional(request)

    legacy.add_url_rule("/etag", "etag", tagged)
    app.get("/etag", response_model=None)(flask_view(tagged))


@row(
    "decorators of a view: limits, logins",
    "/a/1",
    Ask("/a/1", headers=[("X-Token", "yes")]),
    Ask("/a/1", "HEAD", [("X-Token", "yes")]),
    Ask("/a/1", "OPTIONS"),
)
def decorators(legacy: Flask, app: FastAPI) -> None:
    def needs_token(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def inner(**values: Any) -> Any:
            if request.headers.get("X-Token") != "yes":
                abort(403, "no token")
            response = flask.make_response(view(**values))
            response.headers["X-Seen"] = str(values)
            return response

        return inner

    def view(number: int) -> Response:
        return jsonify(number)

    async def handler(number: int) -> FlaskJSONResponse:
        return compat.jsonify(number)

    legacy.add_url_rule("/a/<int:number>", "a", needs_token(view))
    app.get("/a/{number}", dependencies=[compat.decorated(needs_token)])(handler)


@row(
    "CSRF, `before_request`, `after_request`, CORS, limits",
    "/a",
    Ask("/a", headers=[("X-Token", "yes"), ("Origin", "https://a.test")]),
    Ask("/a", "OPTIONS", [("Origin", "https://a.test"), ("X-Token", "yes")]),
)
def hooks(legacy: Flask, app: FastAPI) -> None:
    @legacy.before_request
    def check() -> None:
        if request.headers.get("X-Token") != "yes":
            abort(403, "no token")

    @legacy.after_request
    def cors(response: Response) -> Response:
        if "Origin" in request.headers:
            response.headers["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response.vary.add("Origin")
        return response

    legacy.add_url_rule("/a", "a", lambda: jsonify("in"))
    app.get("/a")(lambda: compat.jsonify("in"))


@row("session cookie", "/set", "/read", Ask("/read", headers=[("Cookie", "session=forged")]))
def sessions(legacy: Flask, app: FastAPI) -> None:
    @legacy.get("/set")
    def put() -> Any:
        session["user"] = {"id": 1, "tags": ("a", "b")}
        return jsonify("set")

    legacy.add_url_rule("/read", "read", lambda: jsonify(session.get("user", "nobody")))

    @app.get("/set")
    async def native_put(session: compat.Session) -> FlaskJSONResponse:
        session["user"] = {"id": 1, "tags": ("a", "b")}
        return compat.jsonify("set")

    @app.get("/read")
    async def native_read(session: compat.Session) -> FlaskJSONResponse:
        return compat.jsonify(session.get("user", "nobody"))


@row(
    "`CORSMiddleware` beside Flask-CORS",
    Ask("/a", headers=[("Origin", "https://a.test")]),
    Ask(
        "/a",
        "OPTIONS",
        [("Origin", "https://a.test"), ("Access-Control-Request-Method", "GET")],
    ),
)
def cors(legacy: Flask, app: FastAPI) -> None:
    @legacy.after_request
    def allow(response: Response) -> Response:  # as Flask-CORS does
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    legacy.add_url_rule("/a", "a", lambda: jsonify(1))
    app.get("/a")(lambda: compat.jsonify(1))  # and no CORSMiddleware


@row("`/docs`, `/redoc`, `/openapi.json`", "/docs")
def documents(legacy: Flask, app: FastAPI) -> None:
    # The map has no `[gateway] api_docs = true`.
    legacy.add_url_rule("/docs", "docs", lambda: "Flask's own")
