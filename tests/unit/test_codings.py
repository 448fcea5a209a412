"""Compressed bodies are compared as what they hold."""

from __future__ import annotations

import gzip
import zlib

import pytest

from crossfade.codings import decoded
from crossfade.compare import compare, form_difference
from crossfade.exchange import Response

PLAIN = b'{"a": 1}' * 50


def sent(body: bytes, coding: str) -> Response:
    """A response with a content coding."""
    length = ("content-length", str(len(body)))
    return Response(200, (("content-encoding", coding), length), body)


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (gzip.compress(PLAIN), "gzip"),
        (zlib.compress(PLAIN), "deflate"),
        (gzip.compress(zlib.compress(PLAIN)), "deflate, GZIP"),
        (PLAIN, "identity"),
    ],
)
def test_decoded(body: bytes, coding: str) -> None:
    """The plain body, with its own length."""
    found = decoded(sent(body, coding))
    assert found.body == PLAIN
    assert found.values("content-length") == (str(len(PLAIN)),)


@pytest.mark.parametrize(
    ("body", "coding"), [(b"no gzip", "gzip"), (gzip.compress(PLAIN)[:-9], "gzip"), (b"x", "br")]
)
def test_left_as_it_is(body: bytes, coding: str) -> None:
    """What can't be read is compared byte for byte."""
    assert decoded(sent(body, coding)) == sent(body, coding)


def test_two_compressors_of_one_body_are_alike() -> None:
    """Another level is no difference; another body is, in its own words."""
    fast, best = gzip.compress(PLAIN, 1), gzip.compress(PLAIN, 9)
    assert fast != best
    assert not compare(sent(fast, "gzip"), sent(best, "gzip"))
    (difference,) = compare(
        sent(gzip.compress(b"plain"), "gzip"), sent(gzip.compress(b"other"), "gzip")
    )
    assert (difference.where, difference.legacy) == ("body", "1 lines")
    found = compare(sent(fast, "gzip"), Response(200, (("content-length", "400"),), PLAIN))
    assert [each.where for each in found] == ["header.content-encoding"]


@pytest.mark.parametrize(
    ("legacy", "native", "reasons"),
    [
        (b'{"a":1,"b":2}\n', b'{"b":3,"a":4}\n', "key order"),
        (b'{"a":1}\n', b'{"a":2}', "newline at the end"),
        (b'{"a":1}\n', b'{"a": 2}\n', "whitespace"),
        (b'{"a":"\\u00e9","b":1}\n', '{"a":"é","b":2}\n'.encode(), "escapes"),
        (b'{"a":1}\n', b'{"a":2}\n', None),
        (b'{"a":1}\n', b'{"b":2}\n', None),
        (b"no JSON", b"{}", None),
    ],
)
def test_the_form_beside_other_values(legacy: bytes, native: bytes, reasons: str | None) -> None:
    """Where a value is overlooked, what it hid is still seen."""
    found = form_difference(Response(200, (), legacy), Response(200, (), native))
    assert (found and found.note.rpartition(": ")[2]) == reasons
