"""Causes and fixes of mistakes that a first native version makes: the right ones, or none."""

from __future__ import annotations

from pathlib import Path

import flask
import pytest
from fastapi import FastAPI
from fastapi.responses import Response

from crossfade import mount_legacy
from crossfade.compare import compare
from crossfade.contract.causes import advise
from crossfade.contract.findings import findings
from crossfade.contract.inprocess import InProcessApp
from crossfade.contract.prove import Options, Prover, Verdict
from crossfade.contract.runner import Runner
from crossfade.contract.state import NoState
from crossfade.exchange import Exchange, Request
from crossfade.exchange import Response as Answer
from crossfade.model import Side

TRACEBACK = "Traceback (most recent call last):"
OLD_THREAD = "sqlite3.ProgrammingError: SQLite objects created in a thread can only be used in it"


def json(status: int, body: str, *headers: tuple[str, str]) -> Answer:
    """Return an answer as `jsonify` makes it."""
    return Answer(status, (("content-type", "application/json"), *headers), body.encode() + b"\n")


def posted(body: str, kind: str = "application/json") -> Request:
    """Return a request with a body."""
    return Request("POST", b"/", (("content-type", kind),), body.encode())


GET = Request("GET", b"/")
GOOD = posted('{"age": true}')
CSV = ((("content-type", "text/csv"),), b"a\r\nb\r\n", b"a\nb\n")
HTML = (("content-type", "text/html; charset=utf-8"),)
PAGE = Answer(404, HTML, b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n")
CHALLENGE = json(401, "{}", ("www-authenticate", "Bearer"))
TAGS = (json(200, "{}", ("etag", '"a"')), json(200, "{}", ("etag", "a")))
COOKIE = "theme=dark; Max-Age=60; HttpOnly; Path=/"

ROWS = [
    ("nothing there", GET, json(404, "{}"), json(200, "null"), "status", "HTTPException(404)"),
    ("converted", GOOD, json(400, "{}"), json(201, "{}"), "status", "Flask refuses a value"),
    ("no JSON", posted("{"), json(400, "{}"), json(201, "{}"), "status", "that is malformed"),
    (
        "refused",
        GET,
        json(200, "[]"),
        json(400, "{}"),
        "status",
        "FastAPI refuses what Flask takes",
    ),
    ("created", GET, json(201, "{}"), json(200, "{}"), "status", "a returned Response needs it"),
    ("accepted", GET, json(202, "{}"), json(201, "{}"), "status", "status_code=202"),
    ("redirect", GET, Answer(302), Answer(303), "status", "status_code=302"),
    ("leaked", GET, json(200, "{}"), json(200, '{"pw":1}'), "body.pw", "nobody meant to publish"),
    ("null", GET, json(200, '{"a":null}'), json(200, "{}"), "body.a", "exclude_none"),
    (
        "an item of a list",
        Request("GET", b"/?n=a&n=b"),
        json(200, '[{"a":1},{"a":2}]'),
        json(200, '[{"a":1}]'),
        "body[1]",
        "n came twice",
    ),
    (
        "error's member",
        GET,
        json(404, '{"error":1}'),
        json(404, '{"detail":1}'),
        "body.error",
        "write an error in other members",
    ),
    (
        "location",
        GET,
        json(201, "{}", ("location", "/a")),
        json(201, "{}"),
        "header.location",
        "set by the Flask view",
    ),
    (
        "location built",
        GET,
        json(201, "{}", ("location", "/a")),
        json(201, "{}", ("location", "http://localhost/a")),
        "header.location",
        "`url_for` of Starlette's request",
    ),
    (
        "vary",
        GET,
        json(200, "{}", ("vary", "Accept-Language")),
        json(200, "{}"),
        "header.vary",
        "set by the Flask view",
    ),
    (
        "cache",
        GET,
        json(200, "{}", ("cache-control", "private, max-age=60")),
        json(200, "{}"),
        "header.cache-control",
        "set by the Flask view",
    ),
    (
        "no type",
        GET,
        Answer(204, (("content-type", "text/html; charset=utf-8"),)),
        Answer(204),
        "header.content-type",
        'FlaskResponse(("", 204))',
    ),
    (
        "an error's headers",
        GET,
        json(200, "{}", ("x-total", "1")),
        json(400, "{}"),
        "header.x-total",
        "",
    ),
    ("page", GET, json(404, '{"no":1}'), PAGE, "body", "raise natively what the view raises"),
    ("page's type", GET, json(404, "{}"), PAGE, "header.content-type", "validation_error"),
    (
        "elsewhere",
        GET,
        Answer(302, (("location", "/login?next=/"),)),
        Answer(302, (("location", "/login"),)),
        "header.location",
        "redirect elsewhere",
    ),
    ("quotes", GET, *TAGS, "header.etag", "with its quotes"),
    ("digits", GET, json(200, '{"a":"1.00"}'), json(200, '{"a":"1.0"}'), "body.a", "a Decimal"),
    ("no page of the view's", GET, json(200, "{}"), PAGE, "body", ""),
    ("stranger", GET, json(200, "{}"), json(401, "{}"), "status", "stricter than the view's"),
    ("input", GET, json(422, "{}"), json(400, "{}"), "status", "validation_error"),
    ("challenge", GET, json(401, "{}"), CHALLENGE, "header.www-authenticate", "decorated"),
    (
        "a moment",
        GET,
        json(200, '{"at":"2026-01-02T03:04:05.000000Z"}'),
        json(200, '{"at":"2026-01-02T03:04:05"}'),
        "body.at",
        "another spelling",
    ),
    (
        "another moment",
        GET,
        json(200, '{"at":"2026-01-02T03:04:05.000000Z"}'),
        json(200, '{"at":"2026-01-02T03:04:06"}'),
        "body.at",
        "",
    ),
    ("line ends", GET, Answer(200, *CSV[:2]), Answer(200, CSV[0], CSV[2]), "body", "line ends"),
    (
        "cookie's lifetime",
        GET,
        Answer(200, (("set-cookie", COOKIE),)),
        Answer(200, (("set-cookie", COOKIE.replace("60", "90")),)),
        "cookie.theme.max-age",
        "another max-age",
    ),
    (
        "cookie's flag",
        GET,
        Answer(200, (("set-cookie", COOKIE),)),
        Answer(200, (("set-cookie", COOKIE.replace("HttpOnly; ", "")),)),
        "cookie.theme.httponly",
        "another httponly",
    ),
    (
        "broken cookies",
        Request("GET", b"/", (("cookie", ";;=;x"),)),
        json(200, '{"a":1}'),
        json(200, '{"a":5}'),
        "body.a",
        "",
    ),
]


@pytest.mark.parametrize(
    ("request_", "legacy", "native", "where", "said"),
    [row[1:] for row in ROWS],
    ids=[row[0] for row in ROWS],
)
def test_the_cause_is_the_mistake(
    request_: Request, legacy: Answer, native: Answer, where: str, said: str
) -> None:
    """What is said names the mistake; where nothing is known, nothing is said."""
    ours = Exchange(request_, legacy, Side.LEGACY, "GET /", "view")
    theirs = Exchange(request_, native, Side.NATIVE, "GET /", "handler")
    difference = next(d for d in compare(legacy, native) if d.where == where)
    advice = advise(difference, ours, theirs)
    text = f"{advice.cause} {advice.fix}" if advice else ""
    assert said in text
    assert bool(text) is bool(said)


def test_a_connection_of_another_thread_is_named_with_its_fix() -> None:
    """The connection of Flask's tutorial, opened by a hook and used by an `async def`."""
    legacy, native = json(200, "{}"), Answer(500)
    ours = Exchange(GET, legacy, Side.LEGACY, "GET /", "view")
    theirs = Exchange(GET, native, Side.NATIVE, "GET /", "handler", f"{TRACEBACK}\n{OLD_THREAD}")
    advice = advise(compare(legacy, native)[0], ours, theirs)
    assert advice is not None
    assert "check_same_thread=False" in advice.fix


def test_what_a_side_raised_is_one_finding_with_its_traceback(tmp_path: Path) -> None:
    """Its headers and body say nothing more; named is the exception, not its message's end."""
    legacy = flask.Flask("raises", static_folder=None)
    native = FastAPI()

    @legacy.get("/")
    def index() -> flask.Response:
        return flask.jsonify(a=1)

    @native.get("/")
    async def native_index() -> None:
        raise LookupError("no such row\n[SQL: SELECT 1]\n(more at: https://example.com/e3q8)")

    found = findings(proved(native, legacy, tmp_path))
    assert [finding.what for finding in found] == [["status: Flask 200, FastAPI 500"]]
    assert found[0].cause == "the native endpoint raised: LookupError: no such row"
    assert found[0].trace[0] == "Traceback (most recent call last):"
    assert any("in native_index" in line for line in found[0].trace)


def proved(native: FastAPI, legacy: flask.Flask, folder: Path) -> list[Verdict]:
    """What fails of `GET /`."""
    path = folder / "migration_map.toml"
    path.write_text("[routes]\n")
    mount_legacy(native, legacy, migration_map=path)
    app = InProcessApp(native)
    app.start()
    try:
        prover = Prover(Runner(app, NoState(), "http"), Options())
        return prover.prove(next(t for t in prover.targets() if t.route == "GET /")).failures
    finally:
        app.close()


def test_what_the_good_request_shows_is_no_fault_of_its_variations(tmp_path: Path) -> None:
    """A member that differs everywhere is one finding, whatever cookie or header a case sends."""
    legacy = flask.Flask("plain", static_folder=None)
    legacy.add_url_rule("/", "index", lambda: flask.jsonify(a="one"))
    native = FastAPI()

    @native.get("/")
    async def index() -> Response:
        return Response('{"a":"two"}\n', media_type="application/json")

    found = findings(proved(native, legacy, tmp_path))
    assert [finding.what[0] for finding in found] == ['body.a: Flask "one", FastAPI "two"']
    assert not found[0].cause
