"""Answers on their way between the two frameworks: ASGI messages and Flask's `Response`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, Response
from starlette.types import Message
from werkzeug.datastructures import Headers

from crossfade.bridge.head import parse_head

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PASSTHROUGH: Final = "crossfade.direct_passthrough"
"""Key of an answer's first message: Werkzeug's `direct_passthrough`, by which hooks know a file."""

_END: Final = object()
_LENT: Final = "crossfade_lent"
_OF_FILES: Final = ("etag", "last-modified", "content-length")


class NativeStream:
    """The body of a streamed native answer, as the `Response` that hooks see holds it.

    Nobody reads it as a rule: the chunks go past it to the client. A hook that does (an ETag, a
    compression) gets them on its thread as the native handler sends them.

    Args:
        on_wanted: called on the loop when a reader finds no chunk.
        chunks: holds those that nobody has read yet.
    """

    def __init__(self, on_wanted: Callable[[], None], chunks: SimpleQueue[Any]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_wanted = on_wanted
        self._chunks = chunks

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._chunks.empty():
            self._loop.call_soon_threadsafe(self._on_wanted)
        chunk = self._chunks.get()
        if isinstance(chunk, bytes):
            return chunk
        self._chunks.put(chunk)  # it stays at its end
        if chunk is _END:
            raise StopIteration
        raise chunk

    def put(self, chunk: bytes) -> None:
        """Add a chunk. On the loop."""
        if chunk:
            self._chunks.put(chunk)

    def end(self, error: BaseException | None = None) -> None:
        """Say that no more will come, or that it broke off. On the loop."""
        self._chunks.put(_END if error is None else error)

    @property
    def waiting(self) -> int:
        """How many chunks nobody has read yet."""
        return self._chunks.qsize()


class Answer:
    """What Flask has to say, ready to be sent.

    Attributes:
        start: the message of the head.
        body: the whole body; None where it comes in chunks.
        chunks: what a body that is not whole is iterated from.
        source: the iterable that the response was made with, or that a hook put in its place.
    """

    __slots__ = ("_close", "body", "chunks", "source", "start")

    def __init__(self, response: Response, environ: WSGIEnvironment) -> None:
        _without_what_was_lent(response)
        app_iter, status, headers = response.get_wsgi_response(environ)
        head = parse_head(status, headers, is_head=environ["REQUEST_METHOD"] == "HEAD")
        self._close = getattr(app_iter, "close", None)
        self.source: object = response.response
        self.body: bytes | None = None
        self.chunks: Iterator[bytes] = iter(())
        if head.bodiless:
            self.body = b""
        elif response.is_sequence:
            self.body = b"".join(app_iter)
            if not self.body and head.announces_a_file():
                head = head.emptied()
        else:
            self.chunks = iter(app_iter)
        self.start: Message = {
            "type": "http.response.start",
            "status": head.status,
            "headers": head.headers,
        }

    def next(self) -> bytes | None:
        """Return the next chunk; None at the end. On a thread."""
        return next(self.chunks, None)

    def close(self) -> None:
        """Run what was given to `call_on_close`."""
        close, self._close = self._close, None
        if close is not None:
            close()


def is_stream(start: Message) -> bool:
    """Whether an answer with this head comes in chunks: one that has no length.

    Starlette gives a length to whatever is whole. One that has a length and comes in chunks all the
    same, a file, shows itself as a stream later.
    """
    if start["status"] in (204, 304):
        return False
    return not any(name == b"content-length" for name, _ in start["headers"])


def flask_response(app: Flask, start: Message, body: bytes | NativeStream) -> Response:
    """Return a native answer as the application's own `Response`, as hooks expect it.

    Hooks rely on what every response of Flask's has: a Content-Type, the application's default
    where a view names none, and the length of what is whole. FastAPI's redirects, empty answers
    and streams lack the one or the other, so they are lent it, until `Answer` takes it back.
    """
    headers = Headers(
        [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
    )
    has_type = "content-type" in headers
    # In a list, so that Werkzeug leaves the length alone: HEAD has one without a body.
    data = body if isinstance(body, NativeStream) else [body]
    response = app.response_class(data, status=start["status"], headers=headers)
    response.direct_passthrough = start.get(PASSTHROUGH, False) or _is_file(headers)
    if not isinstance(body, NativeStream):
        response.headers.setdefault("Content-Length", str(len(body)))
    if not has_type:
        setattr(response, _LENT, (response.headers.get("Content-Type"), data))
    return response


def _is_file(headers: Headers) -> bool:
    """Whether an answer is one of Starlette's `FileResponse`, which only its headers show."""
    return headers.get("accept-ranges") == "bytes" and all(name in headers for name in _OF_FILES)


def _without_what_was_lent(response: Response) -> None:
    """Take the default type back, unless a hook has another use for it.

    The client gets what the handler gave. To call a stream HTML that says nothing of itself would
    have browsers run it.
    """
    lent, data = getattr(response, _LENT, (None, None))
    untouched = response.response is data and response.headers.get("Content-Type") == lent
    if lent is not None and untouched:
        del response.headers["Content-Type"]
