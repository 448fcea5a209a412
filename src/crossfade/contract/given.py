"""What the answers of a sequence gave to later cases of it: cookies and values, each side's own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from crossfade.contract.cases import Case, complete
from crossfade.contract.references import Save, filled, references
from crossfade.contract.request import CookieJar, with_cookies
from crossfade.contract.runner import SIDES, Outcome
from crossfade.exchange import Request
from crossfade.model import Side


class Given:
    """What both sides have given so far.

    Args:
        host: of every request, with its port.
        scheme: `http` or `https`.
    """

    def __init__(self, host: str, scheme: str) -> None:
        self._host = host
        self._scheme = scheme
        self._jars: dict[tuple[str, Side], CookieJar] = defaultdict(CookieJar)
        self._values: dict[Side, dict[str, str]] = {side: {} for side in SIDES}
        self._saves: dict[str, tuple[Save, Case]] = {}

    def missing(self, case: Case) -> dict[Side, str]:
        """What a case refers to and a side's answer did not have, in words; "" where nothing is."""
        used = references(case.request, self._saves)
        return {
            side: ", ".join(
                f"to {self._saves[name][1].request.line} has no {self._saves[name][0].place}"
                for name in sorted(used - self._values[side].keys())
            )
            for side in SIDES
        }

    def request(self, case: Case, side: Side) -> Request:
        """The request of a case as one side is sent it."""
        request = complete(filled(case.request, self._values[side]), self._host)
        jar = self._jars[case.client, side]
        return with_cookies(request, jar.pairs(request.raw_path, self._scheme))

    def note(self, case: Case) -> None:
        """Remember what a case is to give, whether or not it can be sent."""
        for save in case.saves:
            self._saves[save.name] = (save, case)
            for values in self._values.values():
                values.pop(save.name, None)

    def take(self, case: Case, outcome: Outcome, sent: Mapping[Side, Request]) -> Outcome:
        """Take what the answers give.

        Returns:
            the outcome with requests that are the same in every run, whatever they refer to:
            receipts know a case by its request, and reports show it.
        """
        exchanges = {Side.LEGACY: outcome.legacy, Side.NATIVE: outcome.native}
        for side, seen in exchanges.items():
            path = sent[side].raw_path
            self._jars[case.client, side].update(seen.response, path, seen.moment)
            for save in case.saves:
                value = save.value(seen.response)
                if value is not None:
                    self._values[side][save.name] = value
        if not references(case.request, self._saves):
            return outcome
        one, other = (_as_written(case, sent[side]) for side in exchanges)
        return replace(
            outcome,
            legacy=replace(outcome.legacy, request=one),
            native=replace(outcome.native, request=other),
        )


def _as_written(case: Case, sent: Request) -> Request:
    written = dict(case.request.headers)
    headers = tuple((name, written.get(name, value)) for name, value in sent.headers)
    return replace(sent, target=case.request.target, headers=headers, body=case.request.body)
