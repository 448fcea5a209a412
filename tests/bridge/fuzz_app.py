"""The application that the fuzzer asks: it tells what it was given, in one of several shapes."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

from fastapi import FastAPI

from crossfade import mount_legacy

Start = Callable[..., Callable[[bytes], None]]
_HIDDEN = {"REMOTE_PORT", "REQUEST_URI", "SERVER_PORT"}


def legacy(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    """Tell the environ and the body, in one of several shapes."""
    shape = crc32((environ["PATH_INFO"] + environ["QUERY_STRING"]).encode("latin-1"))
    stream = environ["wsgi.input"]
    if shape % 8 == 7:
        read = b""
    elif shape % 8 == 6:
        read = stream.readline(5) + b"".join(stream)
    elif shape % 8 == 5:
        read = stream.read(3) + b"".join(stream.readlines())
    else:
        read = stream.read()
    told: dict[str, Any] = {
        key: value
        for key, value in environ.items()
        if isinstance(value, str) and key not in _HIDDEN
    }
    told["SERVER_SOFTWARE"] = told["SERVER_SOFTWARE"].partition("/")[0]  # the version varies
    told["body"] = [len(read), hashlib.sha256(read).hexdigest()[:16]]
    answer = json.dumps(told, sort_keys=True).encode()
    return _SHAPES[shape // 8 % len(_SHAPES)](answer, start)


def _of_length(answer: bytes, start: Start) -> Iterable[bytes]:
    start("200 OK", [("Content-Type", "a/b"), ("Content-Length", str(len(answer)))])
    return [answer]


def _a_list(answer: bytes, start: Start) -> Iterable[bytes]:
    start("201 Created", [("X-A", "1"), ("X-A", " 2"), ("Set-Cookie", "a=b")])
    return [answer[:10], b"", answer[10:]]


def _generator(answer: bytes, start: Start) -> Iterator[bytes]:
    start("404 Not Found", [("Connection", "x"), ("Date", "now"), ("X-B", "\xe9")])
    yield answer[:20]
    yield b""
    yield answer[20:]


def _generator_of_length(answer: bytes, start: Start) -> Iterator[bytes]:
    start("200 OK", [("Content-Length", str(len(answer)))])
    yield b""
    for at in range(0, len(answer), 100):
        yield answer[at : at + 100]


def _written(answer: bytes, start: Start) -> Iterable[bytes]:
    write = start("302 Found", [("Location", "/x")])
    write(answer[:30])
    return [answer[30:]]


def _no_content(answer: bytes, start: Start) -> Iterable[bytes]:
    start("204 No Content", [("X-Answer", answer.decode("latin-1")[:200])])
    return [answer]


def _failing(answer: bytes, start: Start) -> Iterable[bytes]:
    raise RuntimeError("as told")


_SHAPES = [
    _of_length,
    _of_length,
    _a_list,
    _generator,
    _generator_of_length,
    _written,
    _no_content,
    _failing,
]


def gateway() -> FastAPI:
    """Return the same behind `mount_legacy`, with an empty map."""
    empty_map = Path(tempfile.mkdtemp(prefix="crossfade-")) / "migration_map.toml"
    empty_map.touch()
    app = FastAPI(openapi_url=None)
    mount_legacy(app, legacy, migration_map=empty_map)  # type: ignore[arg-type]
    return app
