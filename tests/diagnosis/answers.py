"""Rows about headers, cookies, bodies, input and rows: what a rule explains, and look-alikes."""

from __future__ import annotations

from base64 import b64encode

from crossfade.contract.comparison.clock import READ_WITH_KEY
from crossfade.messages.compare import Difference, Kind
from crossfade.messages.exchange import Raised
from crossfade.model import Side
from tests.diagnosis.kit import (
    KNOWN,
    PAGE,
    Seen,
    bare,
    cookie,
    facts,
    get,
    json,
    page,
    post,
)

FORM = "application/x-www-form-urlencoded"
REFUSED = Raised("RequestValidationError", refused=((("query", "page"), "not an integer"),))
MD5, ADLER = '"' + "0a" * 16 + '"', '"1764547200.5-12-99"'
SHA = '"' + "0a" * 20 + '"'
MODIFIED = ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")
STARLETTE = b64encode(b'{"user": 1}').decode() + ".aaaaaa.bbbbbbbb"
REDIRECT = PAGE.replace(b"404 Not Found", b"Redirecting...")


def headers(name: str, ours: str | None, theirs: str | None, **more: object) -> Seen:
    """One header that differs."""
    sides = [
        bare(200, *([(name, value)] if value is not None else []), body=b"x")
        for value in (ours, theirs)
    ]
    return Seen(sides[0], sides[1], f"header.{name}", **more)  # type: ignore[arg-type]


def set_cookies(ours: str, theirs: str, where: str, **more: object) -> Seen:
    """One cookie that differs; "" for none."""
    sides = [bare(200, *(cookie(line) if line else ())) for line in (ours, theirs)]
    return Seen(sides[0], sides[1], f"cookie.{where}", **more)  # type: ignore[arg-type]


def values(ours: str, theirs: str, where: str = "body.a", **more: object) -> Seen:
    """JSON bodies that differ."""
    return Seen(json(200, ours), json(200, theirs), where, **more)  # type: ignore[arg-type]


def session(ours: str, theirs: str) -> Seen:
    """Two sessions that Flask's key has read."""
    seen = Difference(Kind.COOKIE, "cookie.session", ours, theirs, READ_WITH_KEY)
    return Seen(bare(200), bare(200), difference=seen)


def rows(
    ours: str | None,
    theirs: str | None,
    flask: tuple[str | None, str | None] | None = None,
    fastapi: tuple[str | None, str | None] | None = None,
    where: str = "state.users[id=1]",
    **more: object,
) -> Seen:
    """What the sides leave, and what each changed: before, after."""
    changed = {
        side: ((where, *change),)
        for side, change in ((Side.LEGACY, flask), (Side.NATIVE, fastapi))
        if change is not None
    }
    more = {"legacy": json(200), "native": json(200), **more}
    return Seen(where=where, state=(ours, theirs), changed=changed, **more)  # type: ignore[arg-type]


TWICE = get("/?q=first&q=second")
ONCE = (get("/?q=first"), json(200), json(200))
DIFFERS = (get("/?q=first"), json(200, '{"a":"x"}'), json(200, '{"a":"y"}'))
RAW = post("a=é".encode(), FORM)
ODD = get("/", ("cookie", 'theme="\\342\\202\\254"'))

FITS: dict[str, tuple[Seen, str]] = {
    "XF201": (Seen(json(404), page(404), "body"), "raise natively what the view raises"),
    "XF202": (headers("content-type", "text/html", None), 'FlaskResponse(("", 200))'),
    "XF203": (Seen(page(404), json(404, '{"detail":"Not Found"}'), "body"), '{"detail": …}'),
    "XF204": (
        Seen(page(200, b"<p>hi</p>"), json(200, '"<p>hi</p>"'), "header.content-type"),
        "HTMLResponse",
    ),
    "XF205": (headers("content-type", "text/csv; charset=utf-8", "text/csv"), "text/csv"),
    "XF210": (headers("content-length", None, "1"), "return a StreamingResponse"),
    "XF211": (
        headers("content-length", "5", "6", request=get(method="HEAD")), "compare the GET"
    ),
    "XF212": (
        headers("content-encoding", "br", "gzip", facts=facts(middleware=("GZipMiddleware",))),
        "GZipMiddleware knows gzip alone",
    ),
    "XF220": (
        headers(
            "access-control-allow-origin", "*", "null", facts=facts(middleware=("CORSMiddleware",))
        ),
        "on both sides, by middleware with other options",
    ),
    "XF221": (
        headers("vary", "Cookie", None, facts=facts(view_uses=frozenset({"session"}))),
        "touches the session",
    ),
    "XF223": (headers("location", "/a b", "http://localhost/a%20b"), "give the response the same"),
    "XF224": (headers("location", "/login?next=/", "/login"), "redirect elsewhere"),
    "XF225": (
        Seen(bare(200, ("etag", ADLER)), bare(200, ("etag", MD5), MODIFIED), "header.etag"),
        "by MD5",
    ),
    "XF226": (headers("etag", '"a"', "a"), "with its quotes"),
    "XF227": (
        headers("content-disposition", "attachment; filename=a.txt",
                'attachment; filename="a.txt"'),
        "file's name",
    ),
    "XF230": (headers("www-authenticate", None, "Bearer"), "decorated(…)"),
    "XF231": (headers("allow", "GET, HEAD, OPTIONS", "GET"), "HEAD and OPTIONS more"),
    "XF240": (headers("x-total", "1", None), "`after_request` hook"),
    "XF301": (
        set_cookies("a=1", "a=1; SameSite=lax", "a.samesite"), "Starlette's default is"
    ),
    "XF310": (session("{'user': 1}", "{'user': 2}"), "they differ in user"),
    "XF311": (set_cookies("session=e30.a.b", f"session={STARLETTE}", "session"), "logs the user"),
    "XF312": (set_cookies("session=e30.a.b", "", "session"), "the handler writes none"),
    "XF320": (set_cookies('a="Zo\\303\\253"', "a=Zo\xc3\xab", "a"), "octal escapes"),
    "XF321": (
        set_cookies("a=1; Max-Age=9; Expires=Thu, 01 Jan 2026 00:00:00 GMT", "a=1; Max-Age=9",
                    "a.expires"),
        "Max-Age alone",
    ),
    "XF322": (set_cookies("a=1; HttpOnly", "a=1", "a.httponly"), "another httponly"),
    "XF400": (
        Seen(bare(200, ("content-encoding", "br"), body=b"\x01\x02\xff"),
             bare(200, ("content-encoding", "br"), body=b"\x03\x02\xff"), "body"),
        "pip install",
    ),
    "XF401": (
        Seen(json(200, '{"a":1,"b":2}'), json(200, '{"b":2,"a":1}'), "body"), "Flask sorts keys"
    ),
    "XF403": (
        values('{"a":"Fri, 02 Jan 2026 03:04:05 GMT"}', '{"a":"2026-01-02T03:04:05"}'),
        "HttpDateTime",
    ),
    "XF404": (
        values('{"a":"2026-01-02T03:04:05.000000Z"}', '{"a":"2026-01-02T03:04:05"}'),
        "written otherwise",
    ),
    "XF405": (values('{"a":"1.00"}', '{"a":"1.0"}'), "a Decimal keeps its zeros"),
    "XF406": (values('{"a":"1"}', '{"a":1}', request=post('{"a":"1"}')), "json_body(Model)"),
    "XF407": (values('{"a":"1.10"}', '{"a":1.1}'), "DecimalString"),
    "XF408": (values('{"a":NaN}', '{"a":null}'), "not JSON"),
    "XF409": (values('{"null":1}', '{"None":1}', "body.null"), "`None` and `True`"),
    "XF410": (
        values("{}", '{"a":null}', facts=facts(response_model=True)),
        "response_model_exclude_none",
    ),
    "XF411": (values('{"a":""}', '{"a":null}'), "an empty string"),
    "XF412": (Seen(json(404, '{"error":1}'), json(404, '{"message":1}'), "body.error"), "members"),
    "XF413": (values("{}", '{"a":"secret"}'), "nobody meant to publish"),
    "XF414": (
        values('{"a":null}', "{}", facts=facts(excludes_none=True)), "take response_model_exclude"
    ),
    "XF415": (
        values('{"a":1}', "{}", facts=facts(fields=frozenset({"id"}))), "declare the field"
    ),
    "XF421": (Seen(json(201, "{}"), json(200, '[{},201,{"X":"1"}]'), "body"), "flask_view"),
    "XF422": (Seen(bare(204), bare(204, body=b"{}"), "body"), "a 204 has no body"),
    "XF423": (
        Seen(page(302, REDIRECT, ("location", "/a")), bare(302, ("location", "/a")), "body"),
        "flask_view",
    ),
    "XF424": (
        Seen(page(500), bare(500, ("content-type", "text/plain"), body=b"Internal Server Error"),
             "body"),
        "its own 500",
    ),
    "XF425": (
        Seen(bare(200, body=b"a\r\nb\r\n"), bare(200, body=b"a\nb\n"), "body"), "line ends"
    ),
    "XF161": (values('{"a":"first"}', '{"a":"second"}', request=TWICE), "q came twice"),
    "XF163": (values('{"a":"€"}', '{"a":"â\\u0082¬"}', request=ODD), "octal escapes"),
    "XF164": (values('{"a":"é"}', '{"a":"Ã©"}', request=RAW), "as latin-1"),
    "XF601": (
        rows("name='a'", None, (None, "name='a'"), native=json(400)), "FastAPI answered 400"
    ),
    "XF602": (
        rows("name='a'", None, (None, "name='a'"), facts=facts(uses=frozenset({"add", "flush"}))),
        "never commits",
    ),
    "XF603": (rows("name='a'", None, (None, "name='a'"), facts=KNOWN), "does not write it, or"),
    "XF604": (rows("name='a'", None, None, ("name='a'", None)), "FastAPI deleted this"),
    "XF605": (rows(None, "name='a'", ("name='a'", None)), "Flask deleted this"),
    "XF606": (rows(None, "name='a'", None, (None, "name='a'")), "FastAPI stored this"),
    "XF607": (
        rows("1", "2", ("0", "1"), ("0", "2"), "state.users[id=1].n"), "leave other values behind"
    ),
}  # fmt: skip

LOOKS_LIKE: dict[str, list[Seen]] = {
    "XF201": [
        Seen(page(404, PAGE), page(404, PAGE + b"other"), "body"),
        Seen(json(200), page(404), "body"),
    ],
    "XF202": [headers("content-type", "text/html", "text/plain")],
    "XF203": [
        Seen(page(404), json(404, '{"error":"x"}'), "body"),
        Seen(json(404, '{"detail":"a"}'), json(404, '{"detail":"b"}'), "body.detail"),
        Seen(page(404), json(422, '{"detail":[]}'), "body", raised=REFUSED),
    ],
    "XF204": [
        Seen(page(200, b"<p>hi</p>"), json(200, '{"a":1}'), "header.content-type"),
        Seen(page(200, b"<p>hi</p>"), json(200, '"ho"'), "header.content-type"),
    ],
    "XF205": [headers("content-type", "text/csv", "text/plain")],
    "XF210": [
        Seen(bare(204), bare(204, ("content-length", "0")), "header.content-length"),
        headers("content-length", "5", "6", request=get(method="HEAD")),
    ],
    "XF211": [headers("content-length", None, "6", request=get(method="HEAD"))],
    "XF212": [headers("vary", "Accept", "Accept, Origin"), headers("etag", '"a"', '"b"')],
    "XF220": [headers("vary", "Accept", None), headers("x-origin", "1", "2")],
    "XF221": [
        headers("vary", "Cookie", None, facts=KNOWN),  # neither the view nor a hook
        headers("vary", "Accept-Language", None),
    ],
    "XF223": [
        headers("location", "/a", "/b"),
        headers("location", "http://one/a", "http://two/a"),
    ],
    "XF224": [headers("location", "/a", None), headers("location", "/a", "http://h/a")],
    "XF225": [
        headers("etag", '"v1"', '"v2"'),  # tags of the application's own
        headers("etag", SHA, None),
        Seen(bare(200, ("etag", '"v1"')), bare(200, ("etag", MD5), MODIFIED), "header.etag"),
        headers("cache-control", "no-cache", None),
    ],
    "XF226": [headers("etag", '"a"', '"b"')],
    "XF227": [headers("content-disposition", "attachment; filename=a", "inline; filename=a")],
    "XF230": [headers("x-authenticate", None, "Bearer")],
    "XF231": [headers("allow", "GET, POST", "GET"), headers("allow", "GET", None)],
    "XF240": [headers("x-total", "1", "2"), headers("x-total", None, "2")],
    "XF301": [set_cookies("a=1; SameSite=Strict", "a=1; SameSite=lax", "a.samesite")],
    "XF310": [set_cookies("session=a.b.c", "session=d.e.f", "session")],
    "XF311": [
        set_cookies("session=a.b.c", "session=opaque", "session"),
        set_cookies("session=a.b.c", "", "session"),  # a flash that is lost, say
        session("{'_flashes': []}", "{}"),
    ],
    "XF312": [set_cookies("theme=a", "", "theme"), set_cookies("", "session=a", "session")],
    "XF320": [set_cookies("a=dark", "a=light", "a"), set_cookies("a=1", "a=2", "a")],
    "XF321": [
        set_cookies("a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT", "a=1", "a.expires"),
    ],
    "XF322": [set_cookies("a=1", "a=2", "a")],
    "XF400": [Seen(bare(200, body=b"\x01\xff"), bare(200, body=b"\x02\xff"), "body")],
    "XF401": [Seen(json(200, '{"a":1}'), json(200, '{"a":2}'), "body.a")],
    "XF403": [
        values('{"a":"Fri, 02 Jan 2026 03:04:05 GMT"}', '{"a":"2026-01-03T03:04:05"}'),
        values('{"a":"2 Jan"}', '{"a":"2026-01-02"}'),
    ],
    "XF404": [values('{"a":"2026-01-02T03:04:05Z"}', '{"a":"2026-01-02T03:04:06Z"}')],
    "XF405": [values('{"a":"1.00"}', '{"a":"1.01"}'), values('{"a":"1.0"}', '{"a":1.0}')],
    "XF406": [
        values('{"a":"1"}', '{"a":1}'),  # not what was sent
        values('{"a":"1"}', '{"a":2}', request=post('{"a":"1"}')),
    ],
    "XF407": [
        values('{"a":"1"}', '{"a":1}', request=post('{"a":"1"}')),
        values('{"a":"1.1"}', '{"a":1.2}'),
    ],
    "XF408": [values('{"a":"NaN"}', '{"a":null}')],
    "XF409": [values('{"null":1}', "{}", "body.null")],  # a member of that name
    "XF410": [values("{}", '{"a":1}'), values('{"a":1}', '{"a":null}')],
    "XF411": [values('{"a":"x"}', '{"a":null}')],
    "XF412": [
        Seen(json(404, '{"error":1}'), json(404, '{"detail":1}'), "body.detail"),
        values('{"a":1}', "{}"),
    ],
    "XF413": [
        values("{}", '{"a":null}'),
        values('{"null":1}', '{"None":1}', "body.None"),
        Seen(json(404, "{}"), json(404, '{"a":1}'), "body.a"),
    ],
    "XF414": [values('{"a":null}', "{}", facts=KNOWN)],
    "XF415": [
        values('{"a":1}', "{}", facts=KNOWN),  # no model does it
        values('{"a":1}', "{}", facts=facts(fields=frozenset({"a"}))),
    ],
    "XF421": [
        Seen(json(200, "[1,2]"), json(200, "[1,3]"), "body[1]"),
        Seen(json(201, "{}"), json(200, "[1,2,3,4]"), "body"),
        Seen(json(201, "{}"), json(200, '[{"n":1},200]'), "body"),
    ],
    "XF422": [Seen(bare(200), bare(200, body=b"{}"), "body")],
    "XF423": [
        Seen(page(302, b"<p>moved</p>", ("location", "/a")), bare(302, ("location", "/a")), "body"),
        Seen(page(302, REDIRECT, ("location", "/a")), bare(302, ("location", "/b")), "body"),
    ],
    "XF424": [
        Seen(page(500), bare(500, body=b"out of order"), "body"),
        Seen(page(503), bare(503, body=b"Internal Server Error"), "body"),
    ],
    "XF425": [Seen(bare(200, body=b"a\n"), bare(200, body=b"b\n"), "body")],
    "XF161": [
        values('{"a":"x"}', '{"a":"y"}', request=TWICE, base=DIFFERS),
        values('{"a":"x"}', '{"a":"y"}', request=TWICE),
        values('[{"n":1},{"n":2}]', '[{"n":1}]', "body[1]", request=get("/?n=1&n=2")),
        values('{"a":"second"}', '{"a":"first"}', request=TWICE),
    ],
    "XF163": [
        values('{"a":"x"}', '{"a":"y"}', request=ODD),
        values('{"a":"é"}', '{"a":"x"}', request=get("/", ("cookie", "theme=plain"))),
    ],
    "XF164": [values('{"a":"x"}', '{"a":"y"}', request=RAW)],
    "XF601": [
        rows("name='a'", None, (None, "name='a'")),
        rows("name='a'", None, None, ("name='a'", None), native=json(400)),
    ],
    "XF602": [
        # It commits, or writes nothing, or refused, or deleted what Flask left alone.
        rows("a", None, (None, "a"), facts=facts(uses=frozenset({"add", "commit"}))),
        rows("a", None, (None, "a"), facts=KNOWN),
        rows("a", None, (None, "a"), native=json(400), facts=facts(uses=frozenset({"add"}))),
        rows("a", None, None, ("a", None), facts=facts(uses=frozenset({"execute"}))),
    ],
    "XF603": [
        rows("a", None, None, ("a", None)),
        rows("a", None, (None, "a"), native=json(400)),
    ],
    "XF604": [rows("a", None, (None, "a")), rows(None, "a", ("a", None))],
    "XF605": [rows(None, "a", None, (None, "a")), rows(None, "a", ("a", None), ("a", "b"))],
    "XF606": [rows(None, "a", ("a", None))],
    "XF607": [rows("1", "2", ("0", "1")), rows("1", None, ("0", "1"), ("0", None))],
}  # fmt: skip

ALSO: list[tuple[str, Seen, str]] = [
    ("XF201", Seen(json(400), page(400), "body", raised=REFUSED), "validation_error(…)"),
    ("XF201", Seen(json(404), page(404), "header.content-type",
                   raised=Raised("NotFound", "", 404, "native.py:9 in read")), "native.py:9"),
    ("XF210", headers("content-length", "1", None), "FastAPI streams"),
    ("XF212", headers("content-encoding", "br", None), "Flask's answer is compressed"),
    ("XF212", headers("content-encoding", None, "gzip"), "FastAPI's answer is compressed"),
    ("XF212", headers("vary", "Accept-Encoding", None), "depends on Accept-Encoding"),
    ("XF220", headers("access-control-allow-origin", "*", None), "by Flask's side only"),
    ("XF220", headers("vary", "Origin", None), "by Flask's side only"),
    ("XF225", Seen(bare(200, ("etag", ADLER), ("cache-control", "no-cache")),
                   bare(200, ("etag", MD5), MODIFIED), "header.cache-control"), "say no-cache"),
    ("XF225", Seen(bare(200), bare(200, ("etag", MD5), MODIFIED, ("accept-ranges", "bytes")),
                   "header.accept-ranges"), "always offers ranges"),
    ("XF240", headers("x-total", "1", None, facts=KNOWN), "Flask's hooks run natively"),
    ("XF310", session("{'_flashes': [('message', 'hi')]}", "{}"), "flask.flash(…)"),
    ("XF407", values('{"a":1}', '{"a":true}'), "another type"),
    ("XF410", values("{}", '{"a":null}', facts=KNOWN), "the handler sends null"),
    ("XF161", values('{"a":5}', '{"a":7}', request=TWICE, base=ONCE), "has it once"),
]  # fmt: skip
