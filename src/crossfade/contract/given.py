"""What the answers of a sequence gave to later cases of it, for each side its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from crossfade.contract.cases import Case
from crossfade.contract.references import Save, filled, references
from crossfade.contract.runner import SIDES, Outcome
from crossfade.exchange import Request, Response
from crossfade.model import Side


class Given:
    """The values that both sides have given so far."""

    def __init__(self) -> None:
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

    def filled(self, case: Case, side: Side) -> Request:
        """The request of a case as one side is sent it."""
        return filled(case.request, self._values[side])

    def note(self, case: Case) -> None:
        """Remember what a case is to give, whether or not it can be sent."""
        for save in case.saves:
            self._saves[save.name] = (save, case)
            for values in self._values.values():
                values.pop(save.name, None)

    def take(self, case: Case, side: Side, answer: Response) -> None:
        """Take what one side's answer gives."""
        for save in case.saves:
            value = save.value(answer)
            if value is not None:
                self._values[side][save.name] = value

    def as_written(self, case: Case, outcome: Outcome, sent: Mapping[Side, Request]) -> Outcome:
        """The outcome with requests that are the same in every run, whatever they refer to.

        Receipts know a case by its request, and reports show it.
        """
        if not references(case.request, self._saves):
            return outcome
        one, other = (self._unfilled(case, sent[side]) for side in SIDES)
        return replace(
            outcome,
            legacy=replace(outcome.legacy, request=one),
            native=replace(outcome.native, request=other),
        )

    def _unfilled(self, case: Case, sent: Request) -> Request:
        written = dict(case.request.headers)
        headers = tuple((name, written.get(name, value)) for name, value in sent.headers)
        return replace(sent, target=case.request.target, headers=headers, body=case.request.body)
