"""One request, judged: differences that neither the map's rules nor Flask's own noise explain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from crossfade.compare import Difference, Kind, form_difference
from crossfade.contract.jitter import Noise, like_flasks_own
from crossfade.contract.rules import Rule, Rules, answered_otherwise
from crossfade.contract.runner import Outcome, Runner
from crossfade.contract.state import compare_states
from crossfade.contract.state_mutation import sample
from crossfade.exchange import Request, Response
from crossfade.model import Side

_BODIES = (Kind.JSON_VALUE, Kind.JSON_FORM, Kind.TEXT, Kind.BYTES)


class Judge:
    """Runs pairs of exchanges and says what they differ in that nobody has approved."""

    def __init__(self, runner: Runner, timeout: float, today: date | None = None) -> None:
        """Read the rules of the map in force.

        Raises:
            ContractError: a deviation speaks of a route that there is not.
        """
        self._runner = runner
        self._noise = Noise(runner, timeout)
        self._samples: dict[str, tuple[bool, Mapping[str, object] | None]] = {}
        gateway = runner.gateway
        self.rules = (
            Rules() if gateway is None else Rules.of(gateway.live.snapshot, today or date.today())
        )

    def pair(
        self,
        requests: Mapping[Side, Request],
        starts: Mapping[Side, object],
        timeout: float,
        *,
        native_first: bool = False,
        login: str | None = None,
        case: str | None = None,
    ) -> tuple[Outcome, dict[Side, object]]:
        """Send each side its request; return the outcome without what is explained.

        Args:
            requests: by side.
            starts: the state that each side starts from.
            timeout: seconds after which an answer counts as endless.
            native_first: as for `Runner.pair`.
            login: who asks, and
            case: the name of the case: for the conditions of rules. None: they have no name.
        """
        outcome, ends = self._runner.pair(requests, starts, timeout, native_first=native_first)
        left = self._sample(outcome, starts[Side.LEGACY], ends[Side.LEGACY])
        outcome = replace(outcome, login=login, case=case, left=left)
        if not outcome.differences:
            return outcome, ends
        kept, used = self._split(outcome)
        noise: tuple[str, ...] = ()
        varies: Mapping[str, Difference] = {}
        if kept:
            kept, noise, varies = self._noise.without(
                kept, outcome, requests[Side.LEGACY], starts[Side.LEGACY], ends[Side.LEGACY]
            )
        if (used or noise) and not any(each.kind in _BODIES for each in kept):
            # What was hidden by the values that differ: one of them overlooked, the form counts.
            hidden = form_difference(outcome.legacy.response, outcome.native.response)
            if hidden is not None and not self._overlooked(outcome, hidden):
                kept = (*kept, hidden)
        outcome = replace(outcome, differences=kept, overlooked=used, noise=noise, varies=varies)
        if any(each.kind is Kind.STATE for each in kept):
            changed = {side: compare_states(starts[side], ends[side]) for side in starts}
            outcome = replace(outcome, changed=changed)
        return outcome, ends

    def _sample(self, outcome: Outcome, start: object, end: object) -> Mapping[str, object] | None:
        """A sample of what a route leaves: of a state that it changed, once there is one."""
        route = outcome.native.route or ""
        known, changes = self._samples.get(route), end is not start
        if known is None or (changes and not known[0]):
            known = self._samples[route] = (changes, sample(end))
        return known[1]

    def _split(self, outcome: Outcome) -> tuple[tuple[Difference, ...], dict[Rule, int]]:
        kept, used = self.rules.split(outcome, outcome.differences)
        if outcome.native.request.method == "HEAD":
            # The length of a body that is not sent follows from what differs in it.
            rules = self.rules.in_force(outcome)
            rule = next((r for r in rules if r.what.startswith("body")), None)
            lengths = [each for each in kept if each.where == "header.content-length"]
            if rule is not None and lengths:
                kept = tuple(each for each in kept if each not in lengths)
                used[rule] = used.get(rule, 0) + 1
        return kept, used

    def _overlooked(self, outcome: Outcome, difference: Difference) -> bool:
        return self.rules.covering(outcome, difference) is not None

    def grounds(self, outcome: Outcome) -> tuple[str, ...]:
        """All that `explain` goes by, as text."""
        rules = map(str, self.rules_of(outcome.native.route or ""))
        return (self.rules.asked(outcome), *rules, *outcome.noise)

    def rules_of(self, route: str) -> tuple[Rule, ...]:
        """The rules in force for a route."""
        return self.rules.by_route.get(route, ())

    def explain(
        self, outcome: Outcome, difference: Difference, response: Response | None = None
    ) -> str | None:
        """Why a difference of this exchange does not count, in words; None where it does.

        Args:
            outcome: of the exchange.
            difference: of Flask's answer and FastAPI's.
            response: what FastAPI answers, where it is another than in the exchange.
        """
        steady_form = difference.where in outcome.varies and difference.kind is not Kind.TEXT
        if difference.where in outcome.noise and (
            not steady_form or like_flasks_own(difference, outcome.varies)
        ):
            return "Flask differs from itself there"
        if response is not None and response is not outcome.native.response:
            outcome = answered_otherwise(outcome, response)
        rule = self.rules.covering(outcome, difference)
        return None if rule is None else str(rule)
