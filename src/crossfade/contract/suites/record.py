"""The first mode: what a test of a Flask suite sends, as cases."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Rule

from crossfade.contract.cases.http_file import Case, dump_cases, read_cases
from crossfade.contract.cases.references import filled, references
from crossfade.contract.recording.redaction import OfEnvironment, Redaction, UnreadableError
from crossfade.contract.suites.references import Answer, Referrer
from crossfade.contract.transport.request import CookieJar
from crossfade.messages.exchange import Request
from crossfade.wording import visible

_OF_THE_CLIENT: Final = frozenset({"content-length", "user-agent"})
_BOUNDARY: Final = re.compile(r"-+WerkzeugFormPart_[\w.]+")
_STEADY: Final = "----------crossfade-form-part"


class SuiteRedaction:
    """What of a test's requests never reaches the disk.

    A test's own password stands in its source, for all to see who have that: it is kept, because
    the cases can't log in without it. Any other value with a secret name comes from elsewhere: from
    an answer that the test got before, to which a case can refer, or from outside.

    Args:
        known: tells values that stand in the project; None: nothing with a secret name is kept.
    """

    def __init__(self, known: Callable[[str], bool] | None = None) -> None:
        self._known = known
        self.known = known or (lambda value: False)
        self._by_name = Redaction(known=self.known, keeps_binary=known is not None)
        self._environment = OfEnvironment()

    def request(self, request: Request, app: Flask, referrer: Referrer | None = None) -> Request:
        """Return a request that this application was sent without its secrets.

        Args:
            request: as it was sent.
            app: that was asked.
            referrer: knows the answers that the test got before.

        Raises:
            UnreadableError: the body may hold a secret that can't be found.
        """
        session = str(app.config["SESSION_COOKIE_NAME"])
        redaction = self._by_name
        if self._forgeable(app):
            redaction = replace(redaction, keep=(session,))
        if referrer is not None:
            redaction = replace(redaction, refer=referrer.refer)
        rule = rule_of(request, app)
        return redaction.request(self._environment.request(request), rule.rule if rule else "")

    def _forgeable(self, app: Flask) -> bool:
        """Whether everybody who has the project can sign a session of this application."""
        key = app.secret_key
        text = key.decode("utf-8", "replace") if isinstance(key, bytes) else key or ""
        return bool(text) and self._known is not None and self._known(text)


def rule_of(request: Request, app: Flask) -> Rule | None:
    """The URL rule that owns a request; None where none does."""
    path = unquote(request.target.decode("latin-1").partition("?")[0])
    try:
        rule, _ = app.url_map.bind(app.config["SERVER_NAME"] or "localhost").match(
            path, request.method, return_rule=True
        )
    except HTTPException:
        return None
    return rule


@dataclass(slots=True)
class _Kept:
    """A request that was kept.

    Attributes:
        client: which client sent it, by its cookies.
        case: as it is written down.
        answer: what the application said.
    """

    client: int
    case: Case
    answer: Answer


class TestRecording:
    """Keeps the requests of one test: a sequence, if there are several.

    Which client sent a request is told by its cookies, whatever library that client is of: it is
    the one that was given those. So rows and cookies come back when the cases run.

    Args:
        test: its node id, as pytest prints it.
        redaction: what never reaches the disk.

    Attributes:
        redacted: request lines of which a secret was not kept.
        referring: how many requests refer to an earlier answer.
        left_out: why a request was not kept at all, for each.
    """

    __test__ = False  # nothing for pytest to collect

    def __init__(self, test: str, redaction: SuiteRedaction) -> None:
        self._test = test
        self._redaction = redaction
        self._referrer = Referrer(redaction.known)
        self._jars: list[CookieJar] = []
        self._kept: list[_Kept] = []
        self._lock = threading.Lock()  # a test may ask in several threads
        self.redacted: list[str] = []
        self.referring = 0
        self.left_out: list[str] = []

    def answered(
        self, app: Flask, request: Request, status: str, headers: Iterable[tuple[str, str]]
    ) -> Answer:
        """Keep a request, and remember what its answer gave.

        Returns:
            the answer, whose body is still to come.
        """
        code = status.partition(" ")[0]
        lines = tuple((str(name).lower(), str(value)) for name, value in headers)
        answer = Answer(request.method, int(code) if code.isdigit() else 0, lines)
        with self._lock:
            client, sent = self._client(request)
            self._jars[client].update(answer.response, request.raw_path)
            self._keep(client, _as_sent(sent), app, code, answer)
        return answer

    def _client(self, request: Request) -> tuple[int, Request]:
        """Which client sent a request, and the request without the cookies that it was given."""
        sent = _cookies(request)
        best = -1
        given: list[tuple[str, str]] = []
        for number, jar in enumerate(self._jars):
            expected = jar.pairs(request.raw_path, "https")
            fits = all(pair in sent for pair in expected)
            if fits and (best < 0 or len(expected) > len(given)):
                best, given = number, expected
        if best < 0:
            best = len(self._jars)
            self._jars.append(CookieJar())
        own = "; ".join(f"{name}={value}" for name, value in sent if (name, value) not in given)
        headers = [pair for pair in request.headers if pair[0] != "cookie"]
        if own:
            headers.append(("cookie", own))
        return best, replace(request, headers=tuple(headers))

    def _keep(self, client: int, sent: Request, app: Flask, code: str, answer: Answer) -> None:
        clash = references(sent, self._referrer.values)
        if clash:
            name = clash.pop()
            self.left_out.append(f"{self._test}: it holds {{{{{name}}}}}, which is a reference")
            return
        try:
            clean = self._redaction.request(sent, app, self._referrer)
        except UnreadableError as error:
            self.left_out.append(f"{self._test}: {error}")
            return
        used = references(clean, self._referrer.values)
        self.referring += bool(used)
        line = visible(clean.line.partition("?")[0])
        if filled(clean, self._referrer.values) != sent:
            self.redacted.append(line)
        route = _route(clean, sent, app) if used else ""
        case = Case(_steady(clean), f"{line} → {code}", route, origin=self._test)
        self._kept.append(_Kept(client, case, answer))
        self._referrer.add(answer)

    def text(self) -> str:
        """Return the cases as text; "" where the test sent nothing."""
        several = len(self._kept) > 1
        cases = [
            replace(
                kept.case,
                sequence=self._test if several else "",
                client=str(kept.client + 1) if several and kept.client else "",
                saves=tuple(kept.answer.saves),
            )
            for kept in self._kept
        ]
        return dump_cases(cases) if cases else ""


def _cookies(request: Request) -> list[tuple[str, str]]:
    pairs = (part.strip() for line in request.values("cookie") for part in line.split(";"))
    return [(name, value) for name, _, value in (pair.partition("=") for pair in pairs) if name]


def _route(clean: Request, sent: Request, app: Flask) -> str:
    """The route of a request whose path holds a reference, which no URL map can match."""
    rule = rule_of(sent, app) if clean.raw_path != sent.raw_path else None
    if rule is None or rule.host or rule.subdomain or sent.method not in (rule.methods or ()):
        return ""
    return f"{'GET' if sent.method == 'HEAD' else sent.method} {rule.rule}"


def _as_sent(request: Request) -> Request:
    """The request without what any client adds."""
    headers = tuple(
        (name, value)
        for name, value in request.headers
        if name not in _OF_THE_CLIENT and (name, value) != ("host", "localhost")
    )
    return replace(request, headers=headers)


def _steady(request: Request) -> Request:
    """The request with a boundary that is the same in every run: Werkzeug's holds the time."""
    for index, (name, value) in enumerate(request.headers):
        found = _BOUNDARY.search(value) if name == "content-type" else None
        if found is not None and _STEADY.encode() not in request.body:
            headers = list(request.headers)
            headers[index] = (name, value.replace(found[0], _STEADY))
            body = request.body.replace(found[0].encode("latin-1"), _STEADY.encode())
            return replace(request, headers=tuple(headers), body=body)
    return request


def write_suite(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write what a run recorded: a file for each module of tests.

    Cases of tests that did not run this time stay in their file.

    Args:
        folder: where the files go, in the modules' own folders.
        texts: the cases of each test that passed, by its node id.

    Returns:
        the files written, sorted.

    Raises:
        CaseError: a file that is there already can't be read.
    """
    from crossfade.contract.cases.files import write_file
    from crossfade.contract.cases.http_file import parse_cases

    by_file: dict[Path, dict[str, list[Case]]] = {}
    for test, text in texts.items():
        module = test.partition("::")[0]
        path = (folder / module).with_suffix(".http")
        by_file.setdefault(path, {})[test] = list(parse_cases(text, test))
    for path, tests in by_file.items():
        kept = read_cases(path) if path.exists() else ()
        cases = [case for case in kept if case.origin not in tests]
        for test in tests:
            cases += tests[test]
        cases.sort(key=lambda case: case.origin)  # stable: the order within a test stays
        if cases:
            write_file(path, dump_cases(cases))
    return sorted(by_file)
