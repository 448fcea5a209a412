"""What FastAPI is shown of a request: cases that nobody wrote."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import Request, cookie_parser

from crossfade.model import BridgeSettings
from crossfade.scope.environ import build_environ
from crossfade.scope.framing import RequestRefused, read_framing
from crossfade.scope.reading import is_plain, one_reading

NAMES = st.sampled_from(["x-user", "host", "cookie", "authorization", "x-a", "upgrade", "expect"])
VALUES = st.text(alphabet="ab,; \t=\"'\\1", max_size=8)
COOKIES = st.text(alphabet="ab=\";, \\\t1'%\xe9\xc3\xa9", max_size=16)
HEADERS = st.lists(st.tuples(NAMES, VALUES | COOKIES), max_size=5)
PATHS = st.text(alphabet="/a#?;.%2fé\\", max_size=10)

often = settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)


def scope_of(path: str, headers: list[tuple[str, str]], query: str = "") -> dict[str, Any]:
    """Return the scope that uvicorn makes of a target and headers."""
    raw = path.encode("ascii", "ignore").partition(b"?")[0]
    return {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "path": unquote(raw.decode()),
        "raw_path": raw,
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
        "server": ("127.0.0.1", 80),
        "client": None,
    }


@often
@given(st.just("/") | PATHS.map(lambda path: f"/{path}"), HEADERS, st.text("a=#&", max_size=5))
def test_a_plain_request_needs_no_look(
    path: str, headers: list[tuple[str, str]], query: str
) -> None:
    """What the cheap test lets pass is not read in another way."""
    scope = scope_of(path, headers, query)
    if is_plain(scope):
        assert one_reading(scope) == {}


@often
@given(PATHS.map(lambda path: f"/{path}"), HEADERS, st.text("a=#&", max_size=5))
def test_both_sides_read_alike(path: str, headers: list[tuple[str, str]], query: str) -> None:
    """Path, query, headers and cookies, of whatever isn't refused; and there is nothing to add."""
    scope = scope_of(path, headers, query)
    try:
        read_framing(scope, BridgeSettings())
    except RequestRefused:
        return
    shown = {**scope, **one_reading(scope)}
    ours, theirs = Request(shown), flask.Request(build_environ(scope, None))
    assert shown["path"] == theirs.path
    assert unquote(shown["raw_path"].decode()) == shown["path"]
    assert shown["query_string"] == theirs.query_string
    names = {name for name, _ in headers} - {"cookie", "host"}
    for name in names:
        assert ours.headers.getlist(name) == [theirs.headers[name]]
    assert {**shown, **one_reading(shown)} == shown


@often
@given(st.lists(COOKIES, min_size=1, max_size=3))
def test_both_sides_read_the_same_cookies(cookies: list[str]) -> None:
    """But for values with letters outside of Latin-1, which Starlette never decodes."""
    scope = scope_of("/", [("cookie", cookie) for cookie in cookies])
    shown = {**scope, **one_reading(scope)}
    expected = dict(flask.Request(build_environ(scope, None)).cookies)
    expected = {name: text for name, text in expected.items() if name == name.strip()}
    hooks = dict(flask.Request(build_environ(shown, None)).cookies)
    assert hooks == expected
    read = cookie_parser(Request(shown).headers.get("cookie", ""))
    assert read.keys() == expected.keys()
    for name, value in expected.items():
        assert read[name] == value or not value.isascii()
