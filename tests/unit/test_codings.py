"""Compressed bodies are compared as what they hold."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from functools import partial

import brotli
import pytest
import zstandard

from crossfade.contract.diagnosis import View, diagnose
from crossfade.messages import codings as codings
from crossfade.messages.codings import decoded, unread
from crossfade.messages.compare import compare, form_difference
from crossfade.messages.exchange import Exchange, Request, Response
from crossfade.model import Side

PLAIN = b'{"a": 1}' * 50
zipped = partial(gzip.compress, mtime=0)  # no second in the bytes, and so in the names of tests


def sent(body: bytes, coding: str) -> Response:
    """A response with a content coding."""
    length = ("content-length", str(len(body)))
    return Response(200, (("content-encoding", coding), length), body)


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (zipped(PLAIN), "gzip"),
        (zlib.compress(PLAIN), "deflate"),
        (zipped(zlib.compress(PLAIN)), "deflate, GZIP"),
        (PLAIN, "identity"),
        (brotli.compress(PLAIN), "br"),
        (zstandard.compress(PLAIN), "zstd"),
        (zstandard.compress(brotli.compress(PLAIN)), "br, zstd"),
    ],
)
def test_decoded(body: bytes, coding: str) -> None:
    """The plain body, with its own length."""
    found = decoded(sent(body, coding))
    assert found.body == PLAIN
    assert found.values("content-length") == (str(len(PLAIN)),)


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (b"no gzip", "gzip"),
        (zipped(PLAIN)[:-9], "gzip"),
        (zipped(PLAIN) + b"more", "gzip"),
        (b"x", "br"),
        (brotli.compress(PLAIN)[:-2], "br"),
        (brotli.compress(PLAIN) + b"more", "br"),
        (b"no zstd", "zstd"),
        (zstandard.compress(PLAIN)[:-3], "zstd"),
        (zstandard.compress(PLAIN) + b"more", "zstd"),
        (PLAIN, "compress"),
    ],
)
def test_left_as_it_is(body: bytes, coding: str) -> None:
    """What can't be read is compared byte for byte."""
    assert decoded(sent(body, coding)) == sent(body, coding)


@pytest.fixture
def no_packages(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if nothing were installed that Python lacks."""
    for name in ("brotli", "brotlicffi", "zstandard", "backports.zstd", "compression.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    codings._reader.cache_clear()
    yield
    codings._reader.cache_clear()


@pytest.mark.parametrize("module", ["backports.zstd", "zstandard"])
def test_either_package_of_zstd(
    no_packages: None, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    """Flask-Compress brings one, others the other."""
    body = zstandard.compress(PLAIN)
    monkeypatch.delitem(sys.modules, module)
    pytest.importorskip(module)
    assert decoded(sent(body, "zstd")).body == PLAIN
    assert decoded(sent(body[:-3], "zstd")).body == body[:-3]
    assert decoded(sent(body + b"x", "zstd")).body == body + b"x"


@pytest.mark.parametrize(
    ("coding", "package", "compress"),
    [
        ("br", "brotli", lambda body, level: brotli.compress(body, quality=level)),
        ("zstd", "zstandard", zstandard.compress),
    ],
)
def test_without_a_package(
    no_packages: None, coding: str, package: str, compress: Callable[[bytes, int], bytes]
) -> None:
    """Bytes are compared, and the report says what to install."""
    body = b" ".join(str(number * number % 997).encode() for number in range(5000))
    legacy, native = (sent(compress(body, level), coding) for level in (1, 11))
    assert unread(legacy) == coding
    assert unread(sent(b"x", "gzip")) is None
    found = compare(legacy, native)
    request = Request("GET", b"/")
    sides = Exchange(request, legacy, Side.LEGACY), Exchange(request, native, Side.NATIVE)
    causes = [diagnose(View(each, *sides)) for each in found if each.where == "body"]
    assert [[each.found.fix.partition(",")[0] for each in found] for found in causes] == [
        [f"python3 -m pip install {package}"]
    ]


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
