"""A team's own Flask test suite: what its clients send to the application, kept or sent to FastAPI.

Every request of a WSGI client, Flask's, Werkzeug's, WebTest's or a bare call, enters a Flask
application by `Flask.__call__` or `Flask.wsgi_app`. While a suite runs, `Suite` stands at both;
nothing else of Flask is touched. Where an application kept its own `wsgi_app` before that, as what
`ProxyFix(app.wsgi_app)` wraps, Flask's signals still tell of a request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote_to_bytes

import flask
from flask import Flask, request_finished, request_started
from werkzeug.datastructures import EnvironHeaders
from werkzeug.wsgi import get_input_stream

from crossfade.contract.suites.record import SuiteRedaction, TestRecording
from crossfade.contract.suites.references import Answer
from crossfade.contract.suites.replay import Answered, Replay
from crossfade.messages.exchange import Request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_ENTRIES: Final = ("__call__", "wsgi_app")
_SEEN: Final = "crossfade.suite"
"""Key of an environ that has passed an entry: its request is another's to follow."""

_OF_A_SERVER: Final = "asgi.scope"
"""Key of an environ that an ASGI server or gateway made, and no client of a suite."""


@dataclass
class Account:
    """What one test sent.

    Attributes:
        native: requests that FastAPI answered, by route.
        legacy: how many requests Flask answered.
        ready: routes with a native counterpart that were to be native in an application of the
            test.
        left: why an application of the test was left to Flask alone.
        lines: each request and who answered it, for people.
        cases: the exchanges as a text of cases; "" where none are kept.
        redacted: requests of which a secret was not kept.
        referring: how many requests refer to an earlier answer of the test.
        left_out: why a request was not kept at all, for each.
        elsewhere: how many requests came by way of an ASGI server or gateway.
    """

    native: Counter[str] = field(default_factory=Counter)
    legacy: int = 0
    ready: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)
    cases: str = ""
    redacted: list[str] = field(default_factory=list)
    referring: int = 0
    left_out: list[str] = field(default_factory=list)
    elsewhere: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it, for pytest-xdist."""
        return {
            "native": dict(self.native),
            "legacy": self.legacy,
            "ready": sorted(self.ready),
            "left": sorted(self.left),
            "cases": self.cases,
            "redacted": self.redacted,
            "referring": self.referring,
            "left_out": self.left_out,
            "elsewhere": self.elsewhere,
        }


class Suite:
    """Stands between a suite's clients and their applications.

    Args:
        replay: sends what is to be native to FastAPI; None leaves every request to Flask.
        redaction: what never reaches the disk; None where no exchange is kept.
    """

    def __init__(self, replay: Replay | None, redaction: SuiteRedaction | None) -> None:
        self._replay = replay
        self._redaction = redaction
        self._replaced: dict[str, Any] = {}
        self._recording: TestRecording | None = None
        self.account = Account()

    def install(self) -> None:
        """Stand at the entries of every Flask application."""
        for name in _ENTRIES:
            self._replaced[name] = vars(Flask)[name]
            setattr(Flask, name, self._entry(self._replaced[name]))
        request_started.connect(self._started)
        request_finished.connect(self._finished)

    def uninstall(self) -> None:
        """Leave Flask as it was, and close what runs."""
        for name, replaced in self._replaced.items():
            setattr(Flask, name, replaced)
        request_started.disconnect(self._started)
        request_finished.disconnect(self._finished)
        if self._replay is not None:
            self._replay.close()

    def _entry(self, entry: Any) -> Callable[..., Iterable[bytes]]:
        suite = self

        def call(app: Flask, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
            through = entry.__get__(app, type(app))
            if _SEEN in environ:
                return through(environ, start)  # type: ignore[no-any-return]
            if _OF_A_SERVER in environ:
                environ[_SEEN] = None
                suite.account.elsewhere += 1
                return through(environ, start)  # type: ignore[no-any-return]
            environ[_SEEN] = None
            return suite.answer(app, environ, start, through)

        return call

    def begin(self, test: str) -> None:
        """A test begins; `test` is its node id."""
        self.account = Account()
        self._recording = None if self._redaction is None else TestRecording(test, self._redaction)

    def end(self) -> Account:
        """The test is over, with its fixtures. Returns what it sent."""
        account = self.account
        if self._recording is not None:
            account.cases = self._recording.text()
            account.redacted = self._recording.redacted
            account.referring = self._recording.referring
            account.left_out = self._recording.left_out
        if self._replay is not None:
            self._replay.end_of_test()
        self._recording = None
        self.account = Account()
        return account

    def answer(
        self,
        app: Flask,
        environ: WSGIEnvironment,
        start: StartResponse,
        through: Callable[..., Iterable[bytes]],
    ) -> Iterable[bytes]:
        """Have a request answered by the side whose it is."""
        request = request_of(environ)
        recording = self._recording
        status: list[str] = []
        kept: list[Answer] = []

        def note(line: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            status[:] = [line]
            if recording is not None and not kept:
                kept.append(recording.answered(app, request, line, headers))
            write = start(line, headers, *rest)
            return _Noting(write, kept) if kept else write

        answered: Answered | None = None
        line = f"{request.line} → "
        try:
            if self._replay is not None:
                answered = self._replay.answer(app, request, environ, self.account)
            if answered is None:
                self.account.legacy += 1
                body = through(environ, note)
                who = "Flask"
            else:
                self.account.native[answered.route] += 1
                who = f"FastAPI ({answered.route})"
                if answered.error is not None:
                    raise answered.error
                body = answered.start(note)
        except BaseException as error:
            self.account.lines.append(f"{line}{type(error).__name__}: {error}")
            raise
        self.account.lines.append(f"{line}{who}: {(status or ['no answer yet'])[0]}")
        return body if recording is None else _Read(body, kept)

    # --- requests that came past the entries ---------------------------------------------------

    def _started(self, sender: Flask, **extra: object) -> None:
        environ = flask.request.environ
        if self._recording is not None and _SEEN not in environ and _OF_A_SERVER not in environ:
            environ[_SEEN] = request_of(environ)

    def _finished(self, sender: Flask, response: Any, **extra: object) -> None:
        seen = flask.request.environ.get(_SEEN)
        if self._recording is None or not isinstance(seen, Request):
            return
        app = flask.current_app._get_current_object()  # type: ignore[attr-defined]
        answer = self._recording.answered(app, seen, response.status, list(response.headers))
        if response.is_sequence:
            answer.take(response.get_data())
        self.account.legacy += 1


class _Noting:
    """`write` of PEP 3333, whose bytes belong to the answer too."""

    def __init__(self, write: Callable[[bytes], object], kept: list[Answer]) -> None:
        self._write = write
        self._kept = kept

    def __call__(self, chunk: bytes) -> object:
        self._kept[0].take(chunk)
        return self._write(chunk)


class _Read:
    """The body of an answer, noted while the test reads it."""

    def __init__(self, body: Iterable[bytes], kept: list[Answer]) -> None:
        self._body = body
        self._kept = kept
        self._iterator: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._iterator is None:
            self._iterator = iter(self._body)
        chunk = next(self._iterator)
        if self._kept:
            self._kept[0].take(chunk)
        return chunk

    def close(self) -> None:
        """Close the body, as servers and clients do."""
        close = getattr(self._body, "close", None)
        if close is not None:
            close()


_PRINTABLE: Final = "!\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def request_of(environ: WSGIEnvironment) -> Request:
    """Return the request of a WSGI environ, whose body can then be read once more."""
    stream = environ["wsgi.input"]
    seekable = getattr(stream, "seekable", None)
    start = stream.tell() if seekable is not None and seekable() else None
    length = environ.get("CONTENT_LENGTH")
    # Some clients give a number, which Werkzeug does not read.
    readable = (
        environ if isinstance(length, str | None) else {**environ, "CONTENT_LENGTH": str(length)}
    )
    body = get_input_stream(readable).read()
    if start is None:
        environ["wsgi.input"] = BytesIO(body)
    else:
        stream.seek(start)  # werkzeug sends the very stream again where a redirect keeps the body
    prefix = quote(environ.get("SCRIPT_NAME", "").encode("latin-1"), safe=_SAFE)
    path = environ.get("PATH_INFO", "").encode("latin-1")
    # What the test wrote, where werkzeug has kept it: `%2F` stays `%2F`.
    written = environ.get("REQUEST_URI", "").partition("?")[0].encode("latin-1")
    raw = quote(written, safe=_PRINTABLE)
    if not raw.startswith("/") or unquote_to_bytes(raw) != path:
        raw = quote(path, safe=_SAFE)
    query = quote(environ.get("QUERY_STRING", "").encode("latin-1"), safe=_PRINTABLE)
    target = f"{prefix}{raw or '/'}" + (f"?{query}" if query else "")
    headers = tuple((name.lower(), str(value)) for name, value in EnvironHeaders(environ))
    return Request(environ["REQUEST_METHOD"], target.encode("ascii"), headers, body)


_SAFE: Final = "!$&'()*+,-./:;=@_~"
