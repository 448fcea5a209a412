"""Content codings: a body as it was before it was compressed (RFC 9110, section 8.4.1)."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Final

from crossfade.exchange import Response

_WINDOWS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 47}
"""Of zlib's `wbits`: a gzip header, and either of the headers that "deflate" is sent with."""


def decoded(response: Response) -> Response:
    """Return the response with its body decompressed and its length that of the plain body.

    So that two compressors that spell one body differently are no difference. What says that the
    body is compressed, `Content-Encoding`, stays. A coding that Python's standard library can't
    read, and a body that is broken, are left as they are.
    """
    if not response.body:
        return response
    codings = ",".join(response.values("content-encoding")).lower().split(",")
    body = response.body
    for coding in reversed([coding.strip() for coding in codings if coding.strip()]):
        if coding == "identity":
            continue
        if coding not in _WINDOWS:
            return response
        try:
            reader = zlib.decompressobj(_WINDOWS[coding])
            body = reader.decompress(body) + reader.flush()
        except zlib.error:
            return response
        if not reader.eof:
            return response
    if body == response.body:
        return response
    own = ("content-length", str(len(response.body)))
    headers = tuple(
        ("content-length", str(len(body))) if pair == own else pair for pair in response.headers
    )
    return replace(response, headers=headers, body=body)
