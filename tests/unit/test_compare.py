"""`compare` sees every difference that a client could see, and no other."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from crossfade.messages.compare import Difference, Kind, compare
from crossfade.messages.exchange import Headers, Response

BODY = b'{"age":36,"name":"Ada","tags":["a","b"]}\n'
ANSWER = Response(
    201,
    (
        ("content-type", "application/json"),
        ("content-length", str(len(BODY))),
        ("vary", "Cookie"),
        ("x-plan", "free"),
        ("set-cookie", "session=abc; HttpOnly; Path=/"),
    ),
    BODY,
)


def with_body(body: bytes, content_type: str = "application/json") -> Response:
    """A response whose Content-Length is right."""
    headers = (("content-type", content_type), ("content-length", str(len(body))))
    return Response(200, headers, body)


def changed(name: str, *values: str) -> Response:
    """`ANSWER` with the lines of one header replaced."""
    kept: Headers = tuple(pair for pair in ANSWER.headers if pair[0] != name)
    return replace(ANSWER, headers=(*kept, *((name, value) for value in values)))


def only(differences: tuple[Difference, ...]) -> Difference:
    """The one difference."""
    assert len(differences) == 1, differences
    return differences[0]


def test_equal_responses_do_not_differ() -> None:
    """Nothing is reported where nothing is."""
    assert compare(ANSWER, replace(ANSWER)) == ()


@pytest.mark.parametrize(
    ("mutant", "kind", "where"),
    [
        (replace(ANSWER, status=200), Kind.STATUS, "status"),
        (changed("x-plan"), Kind.HEADER, "header.x-plan"),
        (changed("x-plan", "paid"), Kind.HEADER, "header.x-plan"),
        (changed("x-plan", "free", "free"), Kind.HEADER, "header.x-plan"),
        (changed("x-new", "1"), Kind.HEADER, "header.x-new"),
        (changed("vary", "Origin"), Kind.HEADER, "header.vary"),
        (changed("content-length"), Kind.HEADER, "header.content-length"),
        (changed("content-length", "7"), Kind.HEADER, "header.content-length"),
        (changed("content-type", "text/html"), Kind.HEADER, "header.content-type"),
        (changed("set-cookie"), Kind.COOKIE, "cookie.session"),
        (changed("set-cookie", "session=abd; HttpOnly; Path=/"), Kind.COOKIE, "cookie.session"),
        (changed("set-cookie", "session=abc; HttpOnly; Path=/; SameSite=lax"),
         Kind.COOKIE, "cookie.session.samesite"),
        (changed("set-cookie", "session=abc; Path=/"), Kind.COOKIE, "cookie.session.httponly"),
        (changed("set-cookie", "session=abc; HttpOnly; Path=/x"),
         Kind.COOKIE, "cookie.session.path"),
        (changed("set-cookie", *["session=abc; HttpOnly; Path=/"] * 2),
         Kind.COOKIE, "cookie.session"),
        (changed("set-cookie", "session=abc; HttpOnly; Path=/", "b=1"), Kind.COOKIE, "cookie.b"),
        (replace(ANSWER, body=BODY.replace(b"Ada", b"Eve")), Kind.JSON_VALUE, "body.name"),
        (replace(ANSWER, body=BODY.replace(b"36", b'"36"')), Kind.JSON_VALUE, "body.age"),
        (replace(ANSWER, body=BODY.replace(b'"age":36,', b"")), Kind.JSON_VALUE, "body.age"),
        (replace(ANSWER, body=BODY.replace(b"36", b'36,"x":1')), Kind.JSON_VALUE, "body.x"),
        (replace(ANSWER, body=BODY.replace(b'"a","b"', b'"b","a"')),
         Kind.JSON_VALUE, "body.tags"),
        (replace(ANSWER, body=b'{"name":"Ada","age":36,"tags":["a","b"]}\n'),
         Kind.JSON_FORM, "body"),
        (replace(ANSWER, body=BODY[:-1]), Kind.JSON_FORM, "body"),
        (replace(ANSWER, body=BODY[:-9]), Kind.TEXT, "body"),
        (replace(ANSWER, body=b""), Kind.BYTES, "body"),
        (replace(ANSWER, body=BODY + b"\0"), Kind.BYTES, "body"),
        (replace(ANSWER, complete=False), Kind.INCOMPLETE, "body"),
    ],
)  # fmt: skip
def test_no_mutant_survives(mutant: Response, kind: Kind, where: str) -> None:
    """Each single change is reported once or more, whichever side it is on."""
    differences = compare(ANSWER, mutant)
    assert (kind, where) in {(d.kind, d.where) for d in differences}
    assert (kind, where) in {(d.kind, d.where) for d in compare(mutant, ANSWER)}


@pytest.mark.parametrize(
    ("name", "ours", "theirs"),
    [
        ("allow", ("GET, HEAD, OPTIONS",), ("OPTIONS, GET", "HEAD")),
        ("vary", ("Cookie, Origin",), ("origin, cookie",)),
        ("cache-control", ("no-cache, max-age=0",), ("max-age=0,no-cache",)),
        ("date", ("Thu, 01 Jan 1970 00:00:00 GMT",), ("Fri, 02 Jan 1970 00:00:00 GMT",)),
        ("server", ("a",), ("b",)),
        ("x-list", ("a, b",), ("a", "b")),
    ],
)
def test_what_no_client_may_rely_on_is_no_difference(
    name: str, ours: tuple[str, ...], theirs: tuple[str, ...]
) -> None:
    """Sets have no order, lines of one name are one list, Date and Server only exist."""
    assert compare(changed(name, *ours), changed(name, *theirs)) == ()


@pytest.mark.parametrize(
    ("name", "ours", "theirs"),
    [
        ("allow", ("GET",), ("get",)),
        ("allow", ("GET",), ()),
        ("date", ("Thu, 01 Jan 1970 00:00:00 GMT",), ()),
        ("date", ("x",), ("x", "x")),
        ("x-list", ("a, b",), ("b, a",)),
        ("access-control-allow-origin", ("*",), ("*", "*")),
    ],
)
def test_the_rules_for_headers_hide_nothing_else(
    name: str, ours: tuple[str, ...], theirs: tuple[str, ...]
) -> None:
    """Methods have case, a second `Date` or CORS header is seen, other lists keep their order."""
    found = only(compare(changed(name, *ours), changed(name, *theirs)))
    assert (found.kind, found.where) == (Kind.HEADER, f"header.{name}")


def test_the_order_of_different_cookies_and_attributes_is_free() -> None:
    """A client can't tell them apart."""
    ours = changed("set-cookie", "a=1; Path=/; SameSite=Lax", "b=2")
    theirs = changed("set-cookie", "b=2", "a=1; samesite=lax; path=/")
    assert compare(ours, theirs) == ()


def test_content_length_is_no_second_difference() -> None:
    """Where the bodies differ, the lengths that follow from them are not named."""
    assert [
        d.where for d in compare(with_body(b"ab", "text/plain"), with_body(b"c", "text/plain"))
    ] == ["body"]


def test_content_length_is_a_difference_where_the_bodies_are_equal() -> None:
    """As for HEAD, whose bodies are both empty."""
    head = [Response(200, (("content-length", length),)) for length in ("12", "13")]
    assert only(compare(*head)).where == "header.content-length"


@pytest.mark.parametrize(
    ("legacy", "native", "reasons"),
    [
        ('{"a":1,"b":2}', '{"b":2,"a":1}', "key order"),
        ('{"a":1}', '{"a": 1}', "whitespace"),
        ('{"a":1}\n', '{"a":1}', "newline at the end"),
        ('"\\u00e9"', '"é"', "escapes"),
        ("[1e-07]", "[1e-7]", "spelling of numbers"),
        ('{"a":1,"b":[{"d":1,"c":2}]}', '{"a":1,"b":[{"c":2,"d":1}]}', "key order"),
        ('{"a":"\\u00e9","b":1}\n', '{"b": 1, "a": "é"}',
         "key order, escapes, newline at the end, whitespace"),
        ('{"a": "x  y"}', '{"a":"x  y"}', "whitespace"),
    ],
)  # fmt: skip
def test_json_that_differs_only_in_form_says_how(legacy: str, native: str, reasons: str) -> None:
    """The same value in another spelling is told apart from another value."""
    found = only(compare(with_body(legacy.encode()), with_body(native.encode())))
    assert found.kind is Kind.JSON_FORM
    assert found.note == f"same value, different form: {reasons}"


@pytest.mark.parametrize(
    ("legacy", "native", "where", "shown"),
    [
        ('{"a":1}', '{"a":true}', "body.a", ("1", "true")),
        ('{"a":1}', '{"a":1.0}', "body.a", ("1", "1.0")),
        ('{"a":1.10}', '{"a":"1.10"}', "body.a", ("1.1", '"1.10"')),
        ('{"a":NaN}', '{"a":null}', "body.a", ("NaN", "null")),
        ('{"a":"NaN"}', '{"a":NaN}', "body.a", ('"NaN"', "NaN")),
        ('{"a":null}', "{}", "body.a", ("null", None)),
        ("{}", '{"a b":1}', 'body["a b"]', (None, "1")),
        ("[1,2,3]", "[1,3]", "body[1]", ("2", None)),
        ("[1,3]", "[1,2,3]", "body[1]", (None, "2")),
        ('[{"id":1},{"id":2}]', '[{"id":1},{"id":3}]', "body[1].id", ("2", "3")),
        ("[1,2]", "[2,1]", "body", ("[1, 2]", "[2, 1]")),
        ('"a"', '"b"', "body", ('"a"', '"b"')),
        ("[1.0]", "[1.0000000000000001]", "body[0]", ("1.0", "1.0000000000000001")),
    ],
)
def test_json_values_are_named_by_path(
    legacy: str, native: str, where: str, shown: tuple[str | None, str | None]
) -> None:
    """A type is part of a value; an array is aligned before its items are compared."""
    found = only(compare(with_body(legacy.encode()), with_body(native.encode())))
    assert (found.kind, found.where) == (Kind.JSON_VALUE, where)
    assert (found.legacy, found.native) == shown


def test_json_is_compared_as_json_when_one_side_says_so() -> None:
    """A wrong Content-Type does not hide the difference of the values."""
    differences = compare(with_body(b'{"a":1}'), with_body(b'{"a":2}', "text/html"))
    assert [d.where for d in differences] == ["header.content-type", "body.a"]


def test_duplicate_keys_are_a_difference_of_form() -> None:
    """Parsers keep the last one, so the value is the same."""
    found = only(compare(with_body(b'{"a":1,"a":2}'), with_body(b'{"a":2}')))
    assert found.kind is Kind.JSON_FORM


@pytest.mark.parametrize("depth", [10, 5_000, 200_000])
def test_deep_json_is_compared_nevertheless(depth: int) -> None:
    """What the JSON parser refuses is compared as text."""
    ours = b"[" * depth + b"1" + b"]" * depth
    theirs = b"[" * depth + b"2" + b"]" * depth
    assert compare(with_body(ours), with_body(theirs))


def test_text_differs_by_lines() -> None:
    """A unified diff, with one line of context."""
    found = only(
        compare(with_body(b"a\nb\nc\n", "text/html"), with_body(b"a\nx\nc\n", "text/html"))
    )
    assert found.kind is Kind.TEXT
    assert found.detail == ("@@ -1,3 +1,3 @@", " a", "-b", "+x", " c")


def test_blanks_at_the_end_of_lines_are_made_visible() -> None:
    """A difference that can't be seen is of no use."""
    found = only(compare(with_body(b"a \r\n", "text/plain"), with_body(b"a\n", "text/plain")))
    assert found.note == "blanks or line ends only"
    assert found.detail[1:] == ("-a·\\r\\n", "+a\\n")


def test_a_long_line_is_cut_to_where_it_differs() -> None:
    """Minified HTML is one line of many thousand characters."""
    ours, theirs = b"a" * 5000 + b"b" + b"c" * 5000, b"a" * 5000 + b"B" + b"c" * 5000
    found = only(compare(with_body(ours, "text/html"), with_body(theirs, "text/html")))
    assert found.note == "from character 5000 on"
    assert found.legacy is not None
    assert len(found.legacy) < 200


@pytest.mark.parametrize(
    ("native", "note"),
    [
        (b"\xff\0\1\2", "FastAPI's body ends after 4 of 6 bytes"),
        (b"\xff\0\1\2\3\4\5", "FastAPI's body goes on after Flask's 6 bytes"),
        (b"\xff\0\1\2\3\5", "from byte 5 on; 6 and 6 bytes"),
    ],
)
def test_binary_bodies_differ_at_an_offset(native: bytes, note: str) -> None:
    """Where it differs, and whether it was cut off."""
    found = only(compare(Response(200, body=b"\xff\0\1\2\3\4"), Response(200, body=native)))
    assert (found.kind, found.note) == (Kind.BYTES, note)


def test_a_missing_body_is_named() -> None:
    """An empty body against a long one shows the long one's beginning."""
    found = only(compare(Response(200, body=b"x" * 300), Response(200)))
    assert found.native is None
    assert found.legacy == json.dumps("x" * 100) + "… (300 bytes)"
