"""Hypothesis looks for requests on which the two sides differ, and for the smallest of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice

from hypothesis import HealthCheck, Phase, Verbosity, find, given, settings
from hypothesis.errors import NoSuchExample, Unsatisfiable
from hypothesis.strategies import SearchStrategy

from crossfade.contract.cases.http_file import Case
from crossfade.contract.diagnosis import Doctor
from crossfade.contract.engine.prover import Prover
from crossfade.contract.engine.route_result import RouteResult, Verdict
from crossfade.contract.generation import strategies as drawn
from crossfade.contract.reporting.findings import ways
from crossfade.routing import Target


class _Differs(Exception):
    """Two sides differ; Hypothesis takes each subclass for a failure of its own."""


def explore(prover: Prover, target: Target, examples: int) -> RouteResult:
    """Run requests that Hypothesis draws from what FastAPI says of the route.

    Of each way in which the sides differ the result has one verdict, of the smallest request.

    Args:
        prover: runs each request as it runs any case, from the same state.
        target: from `prover.targets()`.
        examples: how many requests are drawn at most; shrinking takes more.
    """
    result = RouteResult(target.route)
    if not prover.may_try(target):
        result.withheld = examples
        return result
    facts, base = prover.good(target)
    search = _Search(prover, result, examples)
    try:
        if base is not None:
            result.tried(*base)
            search.keep(prover.check_base(result, *base))
        login = base[0].login if base else ""
        brought = {name for name, _ in prover.logins[login].headers}
        asked = {name: schema for name, schema in facts.headers.items() if name not in brought}
        facts = replace(facts, headers=asked)
        search.past_limits(drawn.edges(facts, login))
        # What a sound request shows is smallest as one: faults are looked at for what is left.
        search.run(drawn.sound(facts, login), examples - examples * 2 // 5)
        faulty = drawn.faulty(facts, login)
        if faulty is not None:
            with suppress(Unsatisfiable):  # no URL can say any of them
                search.run(faulty, examples * 2 // 5, but=set(search.smallest))
    finally:
        prover.back()
    result.remarks += prover.remarks(result)
    result.verdicts[:0] = [
        replace(verdict, case=replace(verdict.case, name="smallest request"))
        for verdict in search.smallest.values()
    ]
    return result


def _settings(examples: int) -> settings:
    """The same draws each time, kept nowhere."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        print_blob=False,
    )


class _Search:
    """One search, which keeps the last verdict of each kind: Hypothesis ends on the smallest."""

    def __init__(self, prover: Prover, result: RouteResult, examples: int) -> None:
        self._prover = prover
        self._result = result
        self._examples = examples
        self._kinds: dict[object, type[_Differs]] = {}
        self._broken: Exception | None = None
        self.smallest: dict[object, Verdict] = {}

    def past_limits(self, edges: Iterator[SearchStrategy[Case]]) -> None:
        """Run the simplest request past each limit: chance alone may miss one of many."""
        for edge in islice(edges, self._examples):
            try:
                case = find(edge, lambda _: True, settings=_settings(self._examples))
            except (NoSuchExample, Unsatisfiable):
                continue  # no URL can say it
            self.keep(self._prover.check(case))

    def run(self, cases: SearchStrategy[Case], examples: int, but: Collection[object] = ()) -> None:
        """Draw, run, shrink.

        Args:
            cases: what is drawn from.
            examples: how many at most.
            but: ways to differ that are known well enough.
        """
        if not examples:
            return
        differs = False

        @_settings(examples)
        @given(cases)
        def agrees(case: Case) -> None:
            try:
                verdict = self._prover.check(case)
            except Exception as error:
                self._broken = error
                raise
            self.take(verdict)
            nonlocal differs
            key = self._key(verdict)
            if key is not None and key not in but:
                differs = True
                self.smallest[key] = verdict
                raise self._kinds.setdefault(key, type("_Differs", (_Differs,), {}))

        try:
            agrees()
        except Exception:
            if self._broken is not None:
                raise self._broken from None
            if not differs:
                raise

    def keep(self, verdict: Verdict) -> None:
        """Count the verdict of a request that was not drawn; it stays where no draw differs so."""
        self.take(verdict)
        key = self._key(verdict)
        if key is not None:
            self.smallest.setdefault(key, verdict)

    def take(self, verdict: Verdict) -> None:
        """Count a verdict; keep what agrees, as far as the search and not its end goes."""
        outcome = verdict.outcome
        if outcome is not None and outcome.stays_flasks:
            self._result.flasks += 1
        elif self._is_elsewhere(verdict):
            self._result.others += 1
        elif verdict.agrees and len(self._result.verdicts) <= self._examples:
            self._result.verdicts.append(verdict)

    def _key(self, verdict: Verdict) -> object | None:
        """The way in which the sides differ; None where they agree or others answered."""
        if verdict.agrees or self._is_elsewhere(verdict):
            return None
        return next(ways(verdict, Doctor())).key

    def _is_elsewhere(self, verdict: Verdict) -> bool:
        outcome = verdict.outcome
        return outcome is not None and outcome.native.route != self._result.route
