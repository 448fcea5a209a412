"""`wsgi.input` of a native route: what one has read is there for the next one who reads."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from flask import Request

_MOST: Final = 1000
_CACHED: Final = "_cached_data"  # Werkzeug's own place of what `get_data()` keeps


class Readable(Protocol):
    """Where the bytes are."""

    def all_in_memory(self) -> bytes | None:
        """Return all of them, if they have come and are few; None otherwise."""
        ...

    def read(self, at: int, most: int) -> bytes:
        """Return up to `most` bytes from a position; b"" at the end. It may wait."""


class FlaskInput:
    """Gives Flask's side of one request its body, from the beginning to each of its readers.

    Werkzeug's stream can be read once. Under Flask that holds for all who look at a request: where
    a hook has used up the body, guard and view find nothing. A native handler finds all of it, so a
    guard that finds nothing would let pass what it has not seen. So where the stream was read to
    its end, `request.stream` is another one, which begins anew; and so it is where the hooks are
    done and guard and handler begin, wherever the hooks left off.

    What Werkzeug itself keeps stays as it is: `get_data()` and `get_json()` once they were called,
    `form` and `files`, and `data`, which is empty beside a form. Only that `get_data()` is empty
    beside a form is not kept.

    Args:
        body: where the bytes are.
        environ: of the request; its `wsgi.input` is set here.
    """

    def __init__(self, body: Readable, environ: WSGIEnvironment) -> None:
        self._body = body
        self._environ = environ
        self._request: Request | None = None
        self._times = 0
        self._ended = False
        self._stream: io.BufferedIOBase
        self._begin()

    def read_by(self, request: Request) -> None:
        """Say which object Flask's side reads through."""
        self._request = request

    def begin_anew(self) -> None:
        """Let the next reader begin at the beginning."""
        if not self._ended and not self._stream.tell():
            return  # nobody has read
        if self._request is not None:
            kept = vars(self._request)  # by Werkzeug's `cached_property`
            if self._ended and "form" in kept:
                kept.setdefault("data", self._request.get_data(cache=False, parse_form_data=True))
                if kept.get(_CACHED) == b"":
                    del kept[_CACHED]
            kept.pop("stream", None)
        self._begin()

    def _begin(self) -> None:
        self._ended = False
        data = self._body.all_in_memory()
        stream: Any = _Arriving(_Raw(self._body)) if data is None else _Whole(data)
        stream.owner = self
        self._stream = self._environ["wsgi.input"] = stream

    def at_end(self, stream: object) -> None:
        """A reader was told that there is no more."""
        if self._environ["wsgi.input"] is not stream:
            return
        self._times += 1
        if self._times > _MOST:
            # `while request.stream.read(): …` would go on for ever.
            raise RuntimeError("the body of this request was read to its end a thousand times")
        if self._request is not None:
            vars(self._request).pop("stream", None)
        self._begin()
        self._ended = True


class _Reading(io.BufferedIOBase):
    """One reading of the body: a binary file, which says that somebody has come to its end."""

    owner: FlaskInput

    def read(self, size: int | None = -1, /) -> bytes:
        everything = size is None or size < 0
        return self._checked(super().read(-1 if everything else size), everything, size)

    def read1(self, size: int | None = -1, /) -> bytes:
        return self._checked(super().read1(-1 if size is None else size), False, size)

    def readline(self, size: int | None = -1, /) -> bytes:
        return self._checked(super().readline(-1 if size is None else size), False, size)

    def readlines(self, hint: int | None = -1, /) -> list[bytes]:
        return list(self) if hint is None or hint < 0 else super().readlines(hint)

    def __next__(self) -> bytes:
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    def readinto(self, buffer: Any, /) -> int:
        return self._counted(super().readinto(buffer), buffer)

    def readinto1(self, buffer: Any, /) -> int:
        return self._counted(super().readinto1(buffer), buffer)

    def _checked(self, data: bytes, everything: bool, size: int | None) -> bytes:
        if everything or (not data and size != 0):
            self.owner.at_end(self)
        return data

    def _counted(self, count: int, buffer: Any) -> int:
        if not count and len(buffer):
            self.owner.at_end(self)
        return count


class _Whole(_Reading, io.BytesIO):
    """Of a short body that is there."""


class _Arriving(_Reading, io.BufferedReader):
    """Of any other."""


class _Raw(io.RawIOBase):
    def __init__(self, body: Readable) -> None:
        self._body = body
        self._at = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        data = self._body.read(self._at, len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
