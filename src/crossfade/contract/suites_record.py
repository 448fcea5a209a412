"""The first mode: what a test of a Flask suite sends, as cases."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

from crossfade.contract.cases import Case, dump_cases, read_cases
from crossfade.contract.redaction import OfEnvironment, Redaction, UnreadableError
from crossfade.exchange import Request, SetCookie

_OF_THE_CLIENT: Final = frozenset({"content-length", "user-agent"})
_BOUNDARY: Final = re.compile(r"-+WerkzeugFormPart_[\w.]+")
_STEADY: Final = "----------crossfade-form-part"


class SuiteRedaction:
    """What of a test's requests never reaches the disk.

    A test's own password stands in its source, for all to see who have that: it is kept, because
    the cases can't log in without it. Any other value with a secret name comes from elsewhere.

    Args:
        known: tells values that stand in the project; None: nothing with a secret name is kept.
    """

    def __init__(self, known: Callable[[str], bool] | None = None) -> None:
        self._known = known
        self._by_name = Redaction(
            known=known or (lambda value: False), keeps_binary=known is not None
        )
        self._environment = OfEnvironment()

    def request(self, request: Request, app: Flask) -> Request:
        """Return a request that this application was sent without its secrets.

        Raises:
            UnreadableError: the body may hold a secret that can't be found.
        """
        session = str(app.config["SESSION_COOKIE_NAME"])
        kept = replace(self._by_name, keep=(session,)) if self._forgeable(app) else self._by_name
        return kept.request(self._environment.request(request), _rule_of(request, app))

    def _forgeable(self, app: Flask) -> bool:
        """Whether everybody who has the project can sign a session of this application."""
        key = app.secret_key
        text = key.decode("utf-8", "replace") if isinstance(key, bytes) else key or ""
        return bool(text) and self._known is not None and self._known(text)


def _rule_of(request: Request, app: Flask) -> str:
    """The URL rule that owns a request; "" where none does."""
    path = unquote(request.target.decode("latin-1").partition("?")[0])
    try:
        rule, _ = app.url_map.bind(app.config["SERVER_NAME"] or "localhost").match(
            path, request.method, return_rule=True
        )
    except HTTPException:
        return ""
    return rule.rule


class TestRecording:
    """Keeps the requests of one test.

    A sequence for each client that sends more than one, so that its cookies and what it left come
    back when the cases run.

    Args:
        test: its node id, as pytest prints it.
        redaction: what never reaches the disk.

    Attributes:
        redacted: request lines of which a secret was not kept.
        left_out: why a request was not kept at all, for each.
    """

    __test__ = False  # nothing for pytest to collect

    def __init__(self, test: str, redaction: SuiteRedaction) -> None:
        self._test = test
        self._redaction = redaction
        self._clients: list[FlaskClient] = []  # kept, so that no other gets the id of one
        self._given: list[set[str]] = []
        self._kept: list[tuple[int, Case]] = []
        self.redacted: list[str] = []
        self.left_out: list[str] = []

    def answered(
        self, client: FlaskClient, request: Request, status: str, headers: Iterable[tuple[str, str]]
    ) -> None:
        """Keep a request, and remember the cookies that its answer gave."""
        number = next((i for i, known in enumerate(self._clients) if known is client), None)
        if number is None:
            number = len(self._clients)
            self._clients.append(client)
            self._given.append(set())
        given = self._given[number]
        self._keep(number, _as_sent(request, given), client.application, status.partition(" ")[0])
        for name, value in headers:
            if name.lower() == "set-cookie":
                given.add(SetCookie.parse(value).name)

    def _keep(self, number: int, sent: Request, app: Flask, code: str) -> None:
        try:
            clean = self._redaction.request(sent, app)
        except UnreadableError as error:
            self.left_out.append(f"{self._test}: {error}")
            return
        line = clean.line.partition("?")[0]
        if clean != sent:
            self.redacted.append(line)
        case = Case(_steady(clean), f"{line} → {code}", origin=self._test)
        self._kept.append((number, case))

    def text(self) -> str:
        """Return the cases as text; "" where the test sent nothing."""
        sent = [number for number, _ in self._kept]
        cases = []
        for number, case in self._kept:
            several = sent.count(number) > 1
            name = self._test if number == 0 else f"{self._test} ({number + 1})"
            cases.append(replace(case, sequence=name if several else ""))
        return dump_cases(cases) if cases else ""


def _as_sent(request: Request, given: set[str]) -> Request:
    """The request without what any client adds, and without cookies that the answers gave."""
    headers = []
    for name, value in request.headers:
        if name in _OF_THE_CLIENT or (name, value) == ("host", "localhost"):
            continue
        if name == "cookie":
            pairs = [part.strip() for part in value.split(";")]
            value = "; ".join(p for p in pairs if p.partition("=")[0] not in given)
            if not value:
                continue
        headers.append((name, value))
    return replace(request, headers=tuple(headers))


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
    from crossfade.contract.cases import parse_cases
    from crossfade.contract.recording_files import write_file

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
