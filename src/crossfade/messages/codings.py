"""Content codings: a body as it was before it was compressed (RFC 9110, section 8.4.1)."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Any, Final

from crossfade.messages.exchange import Response, with_body

_WINDOWS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 47}
"""Of zlib's `wbits`: a gzip header, and either of the headers that "deflate" is sent with."""

PACKAGES: Final = {"br": ("brotli", "brotlicffi"), "zstd": ("zstandard", "backports.zstd")}
"""Packages that read a coding which Python can't read itself; one of them is enough."""


class _Broken(Exception):
    """A body is not what its coding says."""


def decoded(response: Response) -> Response:
    """Return the response with its body decompressed and its length that of the plain body.

    So that two compressors that spell one body differently are no difference. What says that the
    body is compressed, `Content-Encoding`, stays. A coding that nothing here can read, and a body
    that is broken, are left as they are.
    """
    if not response.body:
        return response
    body = response.body
    try:
        for coding in _codings(response):
            reader = _reader(coding)
            if reader is None:
                return response
            body = reader(body)
    except _Broken:
        return response
    return response if body == response.body else with_body(response, body)


def unread(response: Response) -> str | None:
    """The coding of the body for which a package is missing here; None where none is."""
    codings = _codings(response) if response.body else ()
    return next((each for each in codings if each in PACKAGES and _reader(each) is None), None)


def _codings(response: Response) -> Iterator[str]:
    """The codings of a body but for `identity`, the last one that was applied first."""
    lines = response.values("content-encoding")
    for coding in reversed(",".join(lines).lower().split(",")) if lines else ():
        if coding.strip() not in ("", "identity"):
            yield coding.strip()


@cache
def _reader(coding: str) -> Callable[[bytes], bytes] | None:
    """What reads a coding, or None."""
    if coding in _WINDOWS:
        return _Stream(lambda: zlib.decompressobj(_WINDOWS[coding]), "decompress", zlib.error)
    if coding == "br":
        for name in PACKAGES["br"]:
            with suppress(ImportError):
                module = import_module(name)
                return _Stream(module.Decompressor, "process", module.error)
    if coding == "zstd":
        for name in ("compression.zstd", "backports.zstd"):  # Python's own, from 3.14 on
            with suppress(ImportError):
                module = import_module(name)
                return _Stream(module.ZstdDecompressor, "decompress", module.ZstdError)
        with suppress(ImportError):
            module = import_module("zstandard")
            make = module.ZstdDecompressor()
            return _Stream(make.decompressobj, "decompress", module.ZstdError)
    return None


class _Stream:
    """Reads a whole body by one of the decompressors, which are alike but for their names."""

    def __init__(self, make: Callable[[], Any], method: str, error: type[Exception]) -> None:
        self._make = make
        self._method = method
        self._error = error

    def __call__(self, body: bytes) -> bytes:
        reader = self._make()
        try:
            plain: bytes = getattr(reader, self._method)(body)
        except self._error as error:
            raise _Broken from error
        ended = reader.is_finished() if hasattr(reader, "is_finished") else reader.eof
        if not ended or getattr(reader, "unused_data", None):
            raise _Broken
        return plain
