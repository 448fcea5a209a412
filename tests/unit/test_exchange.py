"""The records of an exchange say what a client sees."""

from __future__ import annotations

import pytest

from crossfade.messages.exchange import Request, Response, SetCookie


def test_a_request_keeps_its_target_byte_for_byte() -> None:
    """Escapes, doubled slashes and a second `?` are not normalised."""
    request = Request("GET", b"//x%2Fy%ff?a=1?b")
    assert (request.raw_path, request.query_string) == (b"//x%2Fy%ff", b"a=1?b")
    assert request.line == "GET //x%2Fy%ff?a=1?b"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a=b", SetCookie("a", "b")),
        ('a="b c"; Path=/', SetCookie("a", '"b c"', (("path", "/"),))),
        ("a=; HttpOnly; secure", SetCookie("a", "", (("httponly", ""), ("secure", "")))),
        ("a=b=c; Expires=Thu, 01 Jan 1970 00:00:00 GMT;",
         SetCookie("a", "b=c", (("expires", "Thu, 01 Jan 1970 00:00:00 GMT"),))),
        ("a=b; path=/x; Path=/y", SetCookie("a", "b", (("path", "/y"),))),
        ("flag", SetCookie("", "flag")),
    ],
)  # fmt: skip
def test_set_cookie_is_read_as_browsers_read_it(line: str, expected: SetCookie) -> None:
    """RFC 6265, section 5.2: names without case, the last of two attributes wins."""
    assert SetCookie.parse(line) == expected


def test_the_media_type_has_no_case_and_no_parameters() -> None:
    """`Application/JSON; charset=utf-8` is `application/json`."""
    response = Response(200, (("content-type", "Application/JSON; charset=utf-8"),))
    assert response.media_type == "application/json"
    assert Response(200).media_type == ""
