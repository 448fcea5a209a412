"""One request, judged: differences that neither the map's rules nor Flask's own noise explain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from crossfade.contract.comparison.ignore_rules import Rule, Rules, answered_otherwise
from crossfade.contract.comparison.mutation import Compare
from crossfade.contract.comparison.state_mutation import sample
from crossfade.contract.engine.runner import NAMES, SAME_NAMES, SIDES, Outcome, Runner
from crossfade.contract.nondeterminism.page import by_words
from crossfade.contract.nondeterminism.review import Nondeterminism, Verdict
from crossfade.contract.nondeterminism.strands import where_of
from crossfade.contract.nondeterminism.trial import LATER, MOST, NEVER_NOISE, Answer, Ask, Trial
from crossfade.contract.nondeterminism.values import value_of
from crossfade.contract.reporting.names import Names
from crossfade.contract.state.effects import compare_states, effects
from crossfade.messages.compare import Difference, Kind, compare, form_difference
from crossfade.messages.exchange import Exchange, Request, Response
from crossfade.model import Side

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that change nothing, by what HTTP says of them (RFC 9110, section 9.2.1)."""

_BODIES: Final = (Kind.JSON_VALUE, Kind.JSON_FORM, Kind.TEXT, Kind.BYTES)


class Judge:
    """Runs pairs of exchanges and says what they differ in that nobody has approved."""

    def __init__(self, runner: Runner, timeout: float, today: date | None = None) -> None:
        """Read the rules of the map in force.

        Raises:
            ContractError: a deviation speaks of a route that there is not.
        """
        self.runner = runner
        self._timeout = timeout
        self._chance = Nondeterminism()
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
        first: Side = Side.LEGACY,
        once: bool = False,
        names: Names = SAME_NAMES,
        again: Ask | None = None,
        login: str | None = None,
        case: str | None = None,
    ) -> tuple[Outcome, dict[Side, object]]:
        """Send each side its request; return the outcome without what is explained.

        What stands still in a few answers may still be chance: `review` has the last word.

        Args:
            requests: what each side is sent.
            starts: the picture of the state that each starts from.
            timeout: seconds until an answer counts as endless.
            first: the side that is asked first.
            once: whether Flask is asked once where its URL map keeps FastAPI from answering.
            names: what FastAPI has given other names in earlier answers.
            again: asks a side the same once more; by default from the same start.
            login: who asks, and
            case: the name of the case: for the conditions of rules. None: they have no name.
        """
        outcome, ends = self.runner.pair(
            requests, starts, timeout, first=first, once=once, names=names
        )
        left = self._sample(outcome, starts[Side.LEGACY], ends[Side.LEGACY])
        outcome = replace(outcome, login=login, case=case, left=left)
        if not outcome.differences:
            return outcome, ends

        def ask(side: Side) -> Answer:
            exchange, end = self.runner.ask(requests[side], side, starts[side], timeout)
            return self._answer(side, exchange, starts[side], end, names)

        kept, used = self._split(outcome)
        outcome = replace(outcome, differences=kept, overlooked=used)
        if any(each.kind is Kind.STATE for each in kept):
            changed = {side: compare_states(starts[side], ends[side]) for side in SIDES}
            outcome = replace(outcome, changed=changed)
        if not kept:
            return self._with_form(outcome, bool(used)), ends
        exchanges = dict(zip(SIDES, (outcome.legacy, outcome.native), strict=True))
        most, later = (MOST, LATER) if self._may_repeat(requests[Side.LEGACY]) else (2, 0)
        trial = Trial(
            outcome.native.route or "",
            kept,
            {s: self._answer(s, exchanges[s], starts[s], ends[s], names) for s in SIDES},
            again or ask,
            self.runner.session_reader,
            native_first=first is Side.NATIVE,
            most=most,
            later=later,
        )
        outcome = replace(outcome, trial=trial)
        return self._judged(outcome, self._chance.first_look(trial)), ends

    def review(self, outcomes: Sequence[Outcome]) -> list[Outcome]:
        """Judge outcomes once more, by all that is known of their routes now."""
        found = list(outcomes)
        tried = [(i, o, o.trial) for i, o in enumerate(found) if o.trial is not None]
        verdicts = self._chance.review([trial for _, _, trial in tried])
        for (index, outcome, _), verdict in zip(tried, verdicts, strict=True):
            found[index] = self._judged(outcome, verdict)
        return found

    def _answer(
        self, side: Side, exchange: Exchange, start: object, end: object, names: Names
    ) -> Answer:
        changed = effects(start, end)
        if side is Side.LEGACY:
            return Answer(exchange, exchange.response, changed)
        return Answer(exchange, names.response(exchange.response), changed, names.value)

    def _may_repeat(self, request: Request) -> bool:
        """Whether a request may be sent many times: it changes nothing, or all is put back."""
        return request.method in SAFE or self.runner.state_is_given

    def _judged(self, outcome: Outcome, verdict: Verdict) -> Outcome:
        trial = outcome.trial
        assert trial is not None  # there is a verdict of it
        kept = tuple(
            replace(
                each, note="; ".join(filter(None, (each.note, verdict.evidence.get(each.where))))
            )
            for each in trial.differences
            if each.kind in NEVER_NOISE or each.where not in verdict.noise
        )
        judged = replace(
            outcome, differences=kept, noise=verdict.noise, remark=_unrepeatable(trial)
        )
        return self._with_form(judged, bool(outcome.overlooked or verdict.noise))

    def _with_form(self, outcome: Outcome, hidden: bool) -> Outcome:
        """Add what the values that differ have hidden: one of them overlooked, the form counts."""
        if not hidden or any(each.kind in _BODIES for each in outcome.differences):
            return outcome
        found = form_difference(outcome.legacy.response, outcome.native.response)
        if found is None or self._overlooked(outcome, found):
            return outcome
        return replace(outcome, differences=(*outcome.differences, found))

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

    # --- for the mutants -----------------------------------------------------------------------

    def compare_of(self, outcome: Outcome) -> Compare:
        """What compares broken answers with Flask's: a text word by word, where one is noise."""
        return by_words if "body" in outcome.noise else compare

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
        route = outcome.native.route or ""
        noisy = where_of(difference.where) in outcome.noise and difference.kind not in NEVER_NOISE
        happened = response is outcome.native.response  # and passed, whatever its value
        if noisy and (
            happened
            or self._chance.is_usual(
                route, difference.where, value_of(difference.native, difference)
            )
        ):
            return "Flask differs from itself there"
        if response is not None and response is not outcome.native.response:
            outcome = answered_otherwise(outcome, response)
        rule = self.rules.covering(outcome, difference)
        return None if rule is None else str(rule)


def _unrepeatable(trial: Trial) -> str:
    """What a reader has to know where an answer can't be had a second time."""
    if not trial.turned:
        return ""
    side, (first, then) = next(iter(trial.turned.items()))
    line = trial.first[side].exchange.request.line
    return UNREPEATABLE.format(side=NAMES[side], line=line, first=first, then=then)


UNREPEATABLE: Final = (
    "{side} answered {line} with {first}, and with {then} when asked the same again: the first "
    "answer can't be had again, so what is chance in it can't be told. A stub or cassette has to "
    "answer every request; what the view remembers (names that are taken, a limit) goes into "
    "contract_state; a clock or chance is stopped by contract_frozen"
)
