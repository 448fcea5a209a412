"""A team's own Flask test suite: what `app.test_client()` sends, kept or sent to FastAPI.

Every request of Flask's test client, of its subclasses too, goes through one public method,
`run_wsgi_app`. While a suite runs, `Suite` stands there; nothing else of Flask is touched.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote_to_bytes

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import EnvironHeaders
from werkzeug.test import Client
from werkzeug.wsgi import get_input_stream

from crossfade.contract.suites_record import SuiteRedaction, TestRecording
from crossfade.contract.suites_replay import Answered, Replay
from crossfade.exchange import Request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_METHOD: Final = "run_wsgi_app"


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
        left_out: why a request was not kept at all, for each.
    """

    native: Counter[str] = field(default_factory=Counter)
    legacy: int = 0
    ready: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)
    cases: str = ""
    redacted: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it, for pytest-xdist."""
        return {
            "native": dict(self.native),
            "legacy": self.legacy,
            "ready": sorted(self.ready),
            "left": sorted(self.left),
            "cases": self.cases,
            "redacted": self.redacted,
            "left_out": self.left_out,
        }


class Suite:
    """Stands between Flask's test clients and their applications.

    Args:
        replay: sends what is to be native to FastAPI; None leaves every request to Flask.
        redaction: what never reaches the disk; None where no exchange is kept.
    """

    def __init__(self, replay: Replay | None, redaction: SuiteRedaction | None) -> None:
        self._replay = replay
        self._redaction = redaction
        self._replaced: Any = None
        self._recording: TestRecording | None = None
        self.account = Account()

    def install(self) -> None:
        """Stand in the way of every Flask test client."""
        self._replaced = vars(FlaskClient).get(_METHOD)
        suite = self

        def run_wsgi_app(
            client: FlaskClient, environ: WSGIEnvironment, buffered: bool = False
        ) -> Any:
            return suite.run(client, environ, buffered)

        setattr(FlaskClient, _METHOD, run_wsgi_app)

    def uninstall(self) -> None:
        """Leave Flask's test client as it was, and close what runs."""
        if self._replaced is None:
            delattr(FlaskClient, _METHOD)
        else:
            setattr(FlaskClient, _METHOD, self._replaced)
        if self._replay is not None:
            self._replay.close()

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
            account.left_out = self._recording.left_out
        if self._replay is not None:
            self._replay.end_of_test()
        self._recording = None
        self.account = Account()
        return account

    def run(self, client: FlaskClient, environ: WSGIEnvironment, buffered: bool) -> Any:
        """Send one request of a test client; return what werkzeug's `run_wsgi_app` returns."""
        send: Callable[..., Any] = self._replaced or Client.run_wsgi_app
        application = client.application
        # Not the client itself: a test may use it in several threads.
        through = copy.copy(client)
        through.application = _Through(self, client, application)  # type: ignore[assignment]
        return send(through, environ, buffered)

    def answer(
        self, client: FlaskClient, app: Flask, environ: WSGIEnvironment, start: StartResponse
    ) -> Iterable[bytes]:
        """Have a request answered by the side whose it is."""
        request = request_of(environ)
        recording = self._recording
        status: list[str] = []

        def note(line: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            status[:] = [line]
            if recording is not None:
                recording.answered(client, request, line, headers)
            return start(line, headers, *rest)

        answered: Answered | None = None
        line = f"{request.line} → "
        try:
            if self._replay is not None:
                answered = self._replay.answer(app, request, environ, self.account)
            if answered is None:
                self.account.legacy += 1
                body = app(environ, note)
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
        return body


class _Through:
    """The WSGI application that one request of a client is given."""

    def __init__(self, suite: Suite, client: FlaskClient, app: Flask) -> None:
        self._suite = suite
        self._client = client
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        return self._suite.answer(self._client, self._app, environ, start)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)


_PRINTABLE: Final = "!\"$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def request_of(environ: WSGIEnvironment) -> Request:
    """Return the request of a WSGI environ, whose body can then be read once more."""
    stream = environ["wsgi.input"]
    start = stream.tell() if stream.seekable() else None
    body = get_input_stream(environ).read()
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
    headers = tuple((name.lower(), value) for name, value in EnvironHeaders(environ))
    return Request(environ["REQUEST_METHOD"], target.encode("ascii"), headers, body)


_SAFE: Final = "!$&'()*+,-./:;=@_~"
