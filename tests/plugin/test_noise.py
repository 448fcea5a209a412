"""What the clock makes is no difference; nothing else is taken for it."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import TimestampSigner

from crossfade.contract.comparison.clock import (
    SessionReader,
    by_the_clock,
    settle,
    signed_in_another_second,
)
from crossfade.messages.compare import Difference, Kind
from crossfade.messages.exchange import Response


@pytest.fixture
def app() -> Flask:
    """An application with a key."""
    app = Flask(__name__)
    app.secret_key = "k"
    return app


def signed(monkeypatch: pytest.MonkeyPatch, content: object, second: int, key: str = "k") -> str:
    """A session cookie as Flask writes it in a given second."""
    app = Flask(__name__)
    app.secret_key = key
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda self: second)
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    text = serializer.dumps(content)
    return text if isinstance(text, str) else text.decode()


def session(legacy: str | None, native: str | None) -> Difference:
    """Two session cookies."""
    return Difference(Kind.COOKIE, "cookie.session", legacy, native)


def date(legacy: str, native: str, kind: Kind = Kind.COOKIE) -> Difference:
    """Two expiry dates on one morning."""
    day = "Thu, 01 Jan 2026 10:00:{} GMT"
    return Difference(kind, "cookie.session.expires", day.format(legacy), day.format(native))


def test_a_session_is_compared_by_content(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same content signed while the answers were made is the same session."""
    ours, theirs = (signed(monkeypatch, {"user": 1}, second) for second in (1000, 1002))
    assert SessionReader(app).settle(session(ours, theirs), elapsed=1.5) is None
    assert SessionReader(app).settle(session(f'"{ours}"', theirs), elapsed=1.5) is None


@pytest.mark.parametrize(
    ("content", "second", "key", "elapsed", "note"),
    [
        ({"user": 2}, 1000, "k", 1.0, "read with Flask's key"),
        ({"user": True}, 1000, "k", 1.0, "the same content, signed 0 s apart"),
        ({"user": 1}, 1000, "other", 1.0, "FastAPI's is not signed as Flask signs its session"),
        ({"user": 1}, 1010, "k", 1.0, "the same content, signed 10 s apart"),
    ],
)
def test_another_session_is_a_difference(
    app: Flask,
    monkeypatch: pytest.MonkeyPatch,
    content: object,
    second: int,
    key: str,
    elapsed: float,
    note: str,
) -> None:
    """Other content, another key, another time: each says what it is."""
    ours = signed(monkeypatch, {"user": 1}, 1000)
    theirs = signed(monkeypatch, content, second, key)
    settled = SessionReader(app).settle(session(ours, theirs), elapsed)
    assert settled is not None
    assert settled.note == note


def test_what_is_no_pair_of_sessions_stays_as_it_is(app: Flask) -> None:
    """A missing cookie, another cookie, an application without a key."""
    for found in (session(None, "x"), Difference(Kind.COOKIE, "cookie.other", "a", "b")):
        assert SessionReader(app).settle(found, 1.0) is found
    found = session("a", "b")
    assert SessionReader(Flask(__name__)).settle(found, 1.0) is found


def header(name: str, legacy: str | None, native: str | None) -> Difference:
    """Return a difference in a header."""
    return Difference(Kind.HEADER, f"header.{name}", legacy, native)


def test_a_number_of_seconds_stays_a_difference() -> None:
    """Where the sides never fall on one second, one of them counts otherwise."""
    found = header("retry-after", "60", "59")
    assert list(settle([found], None, 0.5, last=True)) == [found]


def test_dates_are_one_date_only_when_nobody_is_asked_again() -> None:
    """Until then the sides may still fall on one second."""
    near, far = date("01", "02"), date("01", "09")
    assert list(settle([near, far], None, 0.5, last=False)) == [near, far]
    assert list(settle([near, far], None, 0.5, last=True)) == [far]
    body = date("01", "02", Kind.JSON_VALUE)
    assert list(settle([body], None, 0.5, last=True)) == [body]


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("<input value=IjEi.awAKBh.{b}>\n<p>", True),
        ("<input value=IjEi.awAKBg.{a}>\n<p>", False),  # the same
        ("<input value=IjIi.awAKBh.{b}>\n<p>", False),  # another content
        ("<input value=IjEi.awAKBh.{b}>\n<q>", False),  # another page
        ("<input value=IjEi>\n<p>", True),  # asked again, and then a difference
    ],
)
def test_tokens_of_another_second_are_asked_again(native: str, expected: bool) -> None:
    """A page with a signed token, and nothing else that differs."""
    signatures = {"a": "a" * 27, "b": "b" * 27}
    legacy = "<input value=IjEi.awAKBg.{a}>\n<p>".format(**signatures).encode()
    other = native.format(**signatures).encode()
    assert (
        signed_in_another_second(Response(200, body=legacy), Response(200, body=other)) == expected
    )


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        (date("01", "59"), True),
        (date("01", "02", Kind.TEXT), False),
        (session("a.aaaaaa.ssssssssssssssssssss", "a.bbbbbb.tttttttttttttttttttt"), True),
        (session("a.aaaaaa.ssssssssssssssssssss", "b.bbbbbb.tttttttttttttttttttt"), False),
        (session("a.aaaaaa.ssssssssssssssssssss", "a.aaaaaa.tttttttttttttttttttt"), False),
        (header("x-ratelimit-reset", "1795168655", "1795168654"), True),
        (header("x-ratelimit-reset", "1795168655", "60"), False),
        (header("x-number", "1795168655", "1795178655"), False),
        (header("retry-after", "60", "59"), True),
        (header("retry-after", "60", None), False),
        (header("x-ratelimit-remaining", "4", "3"), False),
        (session("abc", "abd"), False),
        (session(None, "abd"), False),
    ],
)  # fmt: skip
def test_only_another_second_is_asked_again(difference: Difference, expected: bool) -> None:
    """The same second with another signature is a difference at once."""
    assert by_the_clock(difference) is expected


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("'2026-01-02 10:00:01'", "'2026-01-02 10:00:02'", True),
        ('"2026-01-02T10:00:01Z"', '"2026-01-02T10:00:02Z"', True),
        ('"Fri, 02 Jan 2026 10:00:01 GMT"', '"Fri, 02 Jan 2026 10:00:02 GMT"', True),
        ('"2026-01-02T10:00:01Z"', '"2026-01-02T10:00:02"', False),
        ("'2026-01-02 10:00:01'", "'2026-01-02 11:00:01'", False),
        ("'2026-01-02 10:00:01'", None, False),
    ],
)
@pytest.mark.parametrize("kind", [Kind.STATE, Kind.JSON_VALUE])
def test_a_second_in_a_row_or_a_body(
    ours: str, theirs: str | None, expected: bool, kind: Kind
) -> None:
    """FastAPI may have written the second before: both are asked again."""
    assert by_the_clock(Difference(kind, "state.orders", ours, theirs)) is expected
