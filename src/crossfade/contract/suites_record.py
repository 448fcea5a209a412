"""The first mode: what a test of a Flask suite sends, as cases."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from flask.testing import FlaskClient

from crossfade.contract.cases import Case, dump_cases, read_cases
from crossfade.contract.redaction import Redactor
from crossfade.exchange import Request, SetCookie

_OF_THE_CLIENT: Final = frozenset({"content-length", "user-agent"})
_BOUNDARY: Final = re.compile(r"-+WerkzeugFormPart_[\w.]+")
_STEADY: Final = "----------crossfade-form-part"


class TestRecording:
    """Keeps the requests of one test.

    A sequence for each client that sends more than one, so that its cookies and what it left come
    back when the cases run.

    Args:
        test: its node id, as pytest prints it.
        redaction: what never reaches the disk.
    """

    __test__ = False  # nothing for pytest to collect

    def __init__(self, test: str, redaction: Redactor) -> None:
        self._test = test
        self._redaction = redaction
        self._clients: list[FlaskClient] = []  # kept, so that no other gets the id of one
        self._given: list[set[str]] = []
        self._kept: list[tuple[int, Case]] = []

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
        code = status.partition(" ")[0]
        case = Case(
            _steady(self._redaction.request(_as_sent(request, given))),
            f"{request.line.partition('?')[0]} → {code}",
            origin=self._test,
        )
        self._kept.append((number, case))
        for name, value in headers:
            if name.lower() == "set-cookie":
                given.add(SetCookie.parse(value).name)

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
