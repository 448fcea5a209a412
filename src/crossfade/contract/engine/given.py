"""What one side's answers gave to later cases of a sequence: cookies and values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from crossfade.contract.cases.http_file import Case, complete
from crossfade.contract.cases.references import Save, filled, references
from crossfade.contract.engine.runner import Outcome
from crossfade.contract.transport.request import CookieJar, with_cookies
from crossfade.messages.exchange import Request, Response


class Given:
    """What one side has given so far.

    Args:
        host: of every request, with its port.
        scheme: `http` or `https`.
    """

    def __init__(self, host: str, scheme: str) -> None:
        self._host = host
        self._scheme = scheme
        self._jars: dict[str, CookieJar] = defaultdict(CookieJar)
        self._values: dict[str, str] = {}
        self._saves: dict[str, tuple[Save, Case]] = {}
        self._asked: Case | None = None

    def copy(self) -> Given:
        """The same, for another run of the sequence."""
        other = Given(self._host, self._scheme)
        for client, jar in self._jars.items():
            other._jars[client] = jar.copy()
        other._values = self._values.copy()
        other._saves = self._saves.copy()
        return other

    def missing(self, case: Case) -> str:
        """What a case refers to and no answer had, in words; "" where nothing is."""
        used = references(case.request, self._saves)
        return ", ".join(
            f"to {self._saves[name][1].request.line} has no {self._saves[name][0].place}"
            for name in sorted(used - self._values.keys())
        )

    def request(self, case: Case) -> Request:
        """The request of a case as this side is sent it; its answer goes to `update`."""
        request = complete(filled(case.request, self._values), self._host)
        jar = self._jars[case.client]
        self.skip(case)
        self._asked = case
        return with_cookies(request, jar.pairs(request.raw_path, self._scheme))

    def skip(self, case: Case) -> None:
        """Remember what a case is to give, whether or not it can be sent."""
        for save in case.saves:
            self._saves[save.name] = (save, case)
            self._values.pop(save.name, None)

    def update(self, response: Response, raw_path: bytes, now: datetime | None = None) -> None:
        """Take what the answer to the last request gives: see `CookieJar.update`."""
        case = self._asked
        assert case is not None  # it was asked for a request
        self._jars[case.client].update(response, raw_path, now)
        for save in case.saves:
            value = save.value(response)
            if value is not None:
                self._values[save.name] = value


def as_written(outcome: Outcome, case: Case, saves: Mapping[str, object]) -> Outcome:
    """Return an outcome with requests that are the same in every run, whatever they refer to.

    Receipts know a case by its request, and reports show it.

    Args:
        outcome: of a case.
        case: as it was written.
        saves: by the name, what the cases before it keep.
    """
    if not references(case.request, saves):
        return outcome
    return replace(
        outcome,
        legacy=replace(outcome.legacy, request=_written(case, outcome.legacy.request)),
        native=replace(outcome.native, request=_written(case, outcome.native.request)),
    )


def _written(case: Case, sent: Request) -> Request:
    written = dict(case.request.headers)
    headers = tuple((name, written.get(name, value)) for name, value in sent.headers)
    return replace(sent, target=case.request.target, headers=headers, body=case.request.body)
