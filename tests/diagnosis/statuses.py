"""Rows about crashes, statuses and input: what a rule explains, and what only looks like it."""

from __future__ import annotations

from crossfade.messages.exchange import Raised
from crossfade.model import Side
from tests.diagnosis.kit import (
    KNOWN,
    PAGE,
    Seen,
    bare,
    crash,
    facts,
    get,
    json,
    page,
    post,
)

OK, FAILED = json(200), bare(500, body=b"Internal Server Error")
FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
REFUSED = Raised("RequestValidationError", refused=((("query", "page"), "not an integer"),))
OWN = Raised("HTTPException", "too many", 422, "native.py:31 in create")
EARLY = Raised("HTTPException", "Not authenticated", 401)
DETAIL = '{"detail":[{"type":"int_parsing","loc":["query","page"],"msg":"not an integer"}]}'
LOGIN = bare(302, ("location", "/login?next=/"))
BIG = post(b"a=" + b"x" * 600_000, FORM)


def native_error(what: str) -> Seen:
    """FastAPI crashed by this exception."""
    return Seen(OK, FAILED, errors={Side.NATIVE: crash(what)})


def flask_error(what: str) -> Seen:
    """Flask crashed by this exception, FastAPI did not."""
    return Seen(FAILED, json(200), errors={Side.LEGACY: crash(what)})


FITS: dict[str, tuple[Seen, str]] = {
    "XF100": (Seen(OK, json(201), by=Side.LEGACY), "Flask answered both times"),
    "XF101": (native_error("LookupError: no row\nmore"), "raised: LookupError: no row |"),
    "XF102": (
        native_error("TypeError: Object of type Decimal is not JSON serializable"),
        "FlaskJSONResponse",
    ),
    "XF103": (
        native_error(
            "sqlite3.ProgrammingError: SQLite objects created in a thread can only be used in "
            "that same thread. The object was created in thread id 1"
        ),
        "check_same_thread=False",
    ),
    "XF104": (
        native_error("fastapi.exceptions.ResponseValidationError: 1 validation error"),
        "response_model",
    ),
    "XF105": (
        native_error("RuntimeError: Working outside of application context."),
        "Depends(flask_context)",
    ),
    "XF106": (
        flask_error("TypeError: The view function for 'a' did not return a valid response."),
        "answers null",
    ),
    "XF107": (flask_error("KeyError: 'name'"), "the Flask view raised: KeyError: 'name'"),
    "XF110": (Seen(page(404), OK, routes=(None, "GET /")), "Flask has no such route"),
    "XF111": (
        Seen(bare(302, ("location", "/a")), bare(307, ("location", "/a"))),
        "status_code=302",
    ),
    "XF112": (
        Seen(bare(302, ("location", "/a")), bare(303, ("location", "/a"))),
        "status_code=302",
    ),
    "XF113": (
        Seen(bare(200), bare(405, ("allow", "GET")), request=get(method="HEAD")),
        "add 'HEAD'",
    ),
    "XF114": (
        Seen(page(416), bare(400), request=get("/", ("range", "bytes=x-y"))),
        "send_file",
    ),
    "XF115": (
        Seen(bare(304), OK, request=get("/", ("if-none-match", '"a"'))),
        "conditional (If-None-Match)",
    ),
    "XF120": (
        Seen(json(401), OK, facts=facts(missing_guards=("login_required (flask_login)",))),
        "decorated by login_required (flask_login)",
    ),
    "XF121": (Seen(json(429), OK), "limits the rate"),
    "XF122": (Seen(page(400, b"<p>The CSRF token is missing.</p>"), OK), "speaks of CSRF"),
    "XF123": (
        Seen(OK, json(401), raised=EARLY, facts=facts(guards=("OAuth2PasswordBearer",))),
        "OAuth2PasswordBearer",
    ),
    "XF130": (Seen(json(201), OK), "status_code=201"),
    "XF131": (Seen(json(202), json(201)), "Flask by 202 and FastAPI by 201"),
    "XF132": (Seen(json(404), json(200, "null")), "HTTPException(404)"),
    "XF133": (Seen(json(404), json(200, '{"id":1}')), "a condition by which the view looks"),
    "XF134": (Seen(json(404), json(409)), "Flask by 404 and FastAPI by 409"),
    "XF140": (Seen(OK, json(422), raised=OWN), "native.py:31 in create"),
    "XF141": (
        Seen(page(415), OK, request=post("a=1", "text/plain"), facts=facts(reads_json=True)),
        "not declared as application/json",
    ),
    "XF142": (
        Seen(json(400), json(201), request=post('{"age":true}'), base=(post("{}"), OK, OK)),
        "Flask refuses a value",
    ),
    "XF150": (Seen(OK, json(422), raised=REFUSED), 'arg("page", …)'),
    "XF151": (Seen(page(413), json(400), request=BIG), "500 kB"),
    "XF152": (
        Seen(page(413), OK, request=post("x" * 200), facts=facts(max_content_length=100)),
        "MAX_CONTENT_LENGTH (100 bytes)",
    ),
    "XF153": (Seen(OK, json(400), request=post("n=1&" * 1001, FORM)), "over 1000 fields"),
    "XF154": (
        Seen(
            OK,
            json(400),
            request=post("To be ignored.", MULTIPART),
            raised=Raised("HTTPException", "Invalid multipart data.", 400),
        ),
        "multipart parser",
    ),
}

LOOKS_LIKE: dict[str, list[Seen]] = {
    "XF100": [Seen(OK, json(201))],
    # The special rules say more of these.
    "XF101": [native_error("RuntimeError: Working outside of request context."), Seen(OK, FAILED)],
    "XF102": [native_error("RuntimeError: the settings are not JSON serializable")],
    "XF103": [
        native_error("ValueError: SQLite objects created in a thread can only be used in it"),
        native_error("sqlite3.ProgrammingError: Cannot operate on a closed database."),
    ],
    "XF104": [native_error("pydantic.ValidationError: 1 validation error for Item")],
    "XF105": [native_error("RuntimeError: Working outside of the vault")],
    "XF106": [flask_error("TypeError: unhashable type: 'list'")],
    "XF107": [
        Seen(FAILED, json(200)),  # the view returns its 500
        Seen(json(404), OK, errors={Side.LEGACY: crash("KeyError: 'logged, and answered'")}),
    ],
    "XF110": [Seen(page(404), OK)],  # the view's own 404
    "XF111": [
        Seen(bare(308, ("location", "/a/")), bare(307, ("location", "/a"))),  # another URL
        Seen(OK, bare(307, ("location", "/a"))),
    ],
    "XF112": [Seen(bare(302, ("location", "/a")), bare(303, ("location", "/b")))],
    "XF113": [
        Seen(bare(200), bare(405, ("allow", "GET, HEAD")), request=get(method="HEAD")),
        Seen(OK, json(405), request=get(method="HEAD")),  # the handler's own
        Seen(OK, bare(405, ("allow", "GET")), request=get(method="POST")),
    ],
    "XF114": [
        # The request without a Range differs as well.
        Seen(
            json(206),
            json(200),
            request=get("/", ("range", "bytes=0-1")),
            base=(get(), json(206), json(200)),
        ),
        Seen(OK, json(400), request=get("/", ("range", "bytes=0-1"))),
        Seen(json(206), OK),
    ],
    "XF115": [Seen(bare(304), OK), Seen(OK, json(201), request=get("/", ("if-match", "*")))],
    "XF120": [
        Seen(bare(302, ("location", "/elsewhere")), OK),
        Seen(json(401), json(403)),
        Seen(LOGIN, bare(303, ("location", "/login"))),
    ],
    "XF121": [Seen(json(429), json(400))],
    "XF122": [Seen(page(400, b"<p>no token</p>"), OK), Seen(page(400, b"CSRF"), json(403))],
    "XF123": [
        Seen(OK, json(401), raised=EARLY, facts=KNOWN),  # nothing that guards is there
        Seen(OK, json(401), facts=facts(guards=("HTTPBearer",))),
        Seen(
            OK,
            json(401),
            raised=Raised("HTTPException", "no", 401, "native.py:3 in create"),
            facts=facts(guards=("HTTPBearer",)),
        ),
    ],
    "XF130": [Seen(OK, json(201)), Seen(json(404), OK)],
    "XF131": [Seen(json(201), OK), Seen(json(201), json(404))],
    "XF132": [Seen(json(404), json(200, "{}")), Seen(json(403), json(200, "null"))],
    "XF133": [
        Seen(json(404), json(200, "null")),
        Seen(page(404), json(200, "[1]"), routes=(None, "GET /")),
    ],
    "XF134": [
        Seen(OK, json(409)),
        Seen(json(404), FAILED, errors={Side.NATIVE: crash("KeyError: 1")}),
    ],
    "XF140": [
        Seen(OK, json(422), raised=REFUSED),
        Seen(OK, json(422)),
        Seen(OK, json(401), raised=EARLY),
        Seen(json(404), json(422), raised=OWN),
    ],
    "XF141": [
        Seen(json(400), OK, request=post("{}"), facts=facts(reads_json=True)),
        # The view reads no JSON: it refuses for another reason.
        Seen(json(400), OK, request=post("a", "text/plain"), facts=KNOWN),
        Seen(json(400), OK, request=post("{")),  # the view's own words
    ],
    "XF142": [
        Seen(json(400), json(201), request=post('{"age":true}')),  # nothing to compare with
        Seen(json(400), OK, request=post("{}"), base=(post("{}"), OK, OK)),
        Seen(json(400), OK, request=post('{"a":1}'), base=(post("{}"), json(400), OK)),
        Seen(page(400), OK, request=post("{"), base=(post("{}"), OK, OK)),
    ],
    "XF150": [
        Seen(OK, json(422), raised=OWN),  # the handler's own 422
        Seen(OK, json(422, '{"detail":"too many"}')),
        Seen(OK, json(422, DETAIL), facts=KNOWN),  # it declares no such parameter
        Seen(OK, json(422, '{"detail":[{"loc":["query"]}]}')),
    ],
    "XF151": [
        Seen(page(413), OK, request=post("a=1", FORM)),
        Seen(page(413), OK, request=BIG, facts=facts(max_content_length=500_100)),
        Seen(page(413), OK, request=post(b"x" * 600_000, "text/plain")),
    ],
    "XF152": [Seen(page(413), OK, request=BIG, facts=facts(max_content_length=10**6))],
    "XF153": [Seen(OK, json(400), request=post("n=1", FORM))],
    "XF154": [
        Seen(OK, json(400), request=post("x", MULTIPART)),
        Seen(OK, json(400), request=post("x", MULTIPART), raised=OWN),
        Seen(OK, json(400), request=post("x", FORM), raised=Raised("HTTPException", "", 400)),
    ],
}

ALSO: list[tuple[str, Seen, str]] = [
    ("XF120", Seen(LOGIN, OK), "a redirect to /login?next=/"),
    (
        "XF120",
        Seen(json(401), OK, facts=facts(hooks=False, around=("before_request shop.guard",))),
        'hooks = "none" skips before_request shop.guard',
    ),
    ("XF130", Seen(json(201), OK, facts=facts(status=201)), "the route declares 201"),
    ("XF141", Seen(page(400, PAGE), OK, request=post("{")), "the body is not JSON"),
    ("XF150", Seen(OK, json(422, DETAIL)), "FastAPI's validation refuses the query parameter page"),
    (
        "XF150",
        Seen(
            json(422),
            page(400),
            raised=Raised("RequestValidationError", refused=((("body", "age"), "no"),)),
        ),
        "@validation_error",
    ),
    (
        "XF150",
        Seen(OK, json(422), request=post("{}"), facts=facts(hooks=False),
             raised=Raised("RequestValidationError", refused=((("body",), "Field required"),))),
        'json_body(Model) on the route (crossfade.compat, which needs hooks = "flask"',
    ),
    ("XF105", Seen(OK, FAILED, errors={Side.NATIVE: crash(
        "RuntimeError: Working outside of request context.")}, facts=facts(hooks=False)),
     'keep hooks = "flask"'),
]  # fmt: skip
