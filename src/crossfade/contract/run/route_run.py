"""The run of all routes: which ones, in what order, and what is said of each as it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossfade.contract.cases.http_file import Case, CaseError, cases_below
from crossfade.contract.comparison.ignore_rules import Rule
from crossfade.contract.diagnosis import Doctor, HandlerFacts, facts_of
from crossfade.contract.engine.auth import made_a_difference
from crossfade.contract.engine.pace import Step, slow_word
from crossfade.contract.engine.prover import Prover
from crossfade.contract.engine.route_result import RouteResult
from crossfade.contract.errors import ContractError
from crossfade.contract.generation.probes import ORIGIN
from crossfade.contract.receipts.left_out import matches
from crossfade.contract.receipts.store import Proof, too_weak
from crossfade.contract.receipts.verify import standings
from crossfade.contract.reporting import findings as findings
from crossfade.contract.reporting import terminal as terminal
from crossfade.contract.reporting import text as report
from crossfade.contract.run import results as ledger
from crossfade.errors import Suggester
from crossfade.model import Stage
from crossfade.routing import Target


@dataclass(frozen=True, slots=True)
class Selection:
    """Which routes are run.

    Attributes:
        routes: sets of patterns with `*` for a route (`GET /users*`) or a rule (`/users/*`). A
            route is meant that is in every set; an empty set has all routes.
        stage: `legacy` or `native`, as the map has it; "" for any.
        unproven: whether only native routes without a valid receipt are meant.
        changed: tells the routes that stand on something that changed; None for any.
        shard: the number of this process's share, from 0.
        shards: how many processes share the routes.
    """

    routes: tuple[tuple[str, ...], ...] = ()
    stage: str = ""
    unproven: bool = False
    changed: Callable[[Prover], Collection[str]] | None = None
    shard: int = 0
    shards: int = 1

    def meant(self, prover: Prover) -> list[Target]:
        """Return the routes that are meant, of every share."""
        meant = [target for target in prover.targets() if self._means(target)]
        gateway = prover.runner.gateway
        if self.unproven and gateway is not None:
            doubtful = {s.route for s in standings(gateway) if not s.state.holds}
            meant = [t for t in meant if t.stage is Stage.NATIVE and t.route in doubtful]
        if self.changed is not None:
            changed = self.changed(prover)
            meant = [target for target in meant if target.route in changed]
        return meant

    def share(self, meant: Sequence[Target]) -> Sequence[Target]:
        """Return what of them is this process's share."""
        return meant[self.shard :: self.shards]

    def _means(self, target: Target) -> bool:
        if self.stage and target.stage is not Stage(self.stage):
            return False
        sets = filter(None, self.routes)
        return all(any(matches(target.route, pattern) for pattern in each) for each in sets)


clock = time.perf_counter
"""Measures how long a route takes."""


def matching_nothing(prover: Prover, selection: Selection) -> str:
    """Say which patterns match no route that both sides have; "" where each matches one."""
    known = [target.route for target in prover.targets()]
    lines = []
    for pattern in dict.fromkeys(each for group in selection.routes for each in group):
        if not any(matches(route, pattern) for route in known):
            line = f"the pattern {pattern!r} matches no route that exists in both applications"
            nearest = Suggester().nearest(pattern, [*known, *(r.partition(" ")[2] for r in known)])
            lines.append(f"{line}. {nearest}".rstrip())
    return "\n".join(lines)


@dataclass(slots=True)
class RouteReport:
    """What is said of one route.

    Attributes:
        route: as the gateway spells it.
        outcome: `passed`, `failed`, or `skipped` for one that is not proven.
        text: why it failed or was skipped.
        start: when it began, in seconds since the epoch.
        stop: when it ended.
        account: plain values for the reports.
    """

    route: str
    outcome: str
    text: str
    start: float
    stop: float
    account: dict[str, Any] = field(default_factory=dict)


def run(
    prover: Prover,
    targets: Sequence[Target],
    *,
    receipts: bool,
    examples: int = 0,
    others: bool = False,
    progress: Callable[[Step, str], object] = lambda step, slow: None,
) -> Iterator[RouteReport]:
    """Prove one route after the other.

    Args:
        prover: knows the cases.
        targets: the routes.
        receipts: whether what a receipt would stand on is noted as well.
        examples: how many requests Hypothesis draws for a route; 0 runs the cases that are known.
        others: whether the run has contracts written by hand as well. A rule may then be theirs:
            which of them match nothing is said at the end of the run.
        progress: called after each case with how far the run is, and with a word about the route
            where it takes long.

    Raises:
        ContractError: Hypothesis is asked for and not installed.
    """
    for number, target in enumerate(targets, 1):
        facts = facts_of(prover.runner.gateway, target.route)
        pace = _Pace(facts, number, len(targets), progress)
        if examples:
            # What is drawn need not meet what a rule is for: no rule is stale by it.
            result = _explore(prover, target, examples)
            pace.rate(result)
            yield _reported(result, prover, pace, receipts, stale=[])
        else:
            result = prover.prove(target, pace.at)
            stale = [] if others else prover.stale(result)
            report = _reported(result, prover, pace, receipts, stale=stale)
            report.account["proves"] = True
            report.account["rules"] = [str(r) for r in prover.judge.rules_of(result.route)]
            yield report


class _Pace:
    """The time that one route takes."""

    def __init__(
        self,
        facts: HandlerFacts,
        number: int,
        routes: int,
        progress: Callable[[Step, str], object],
    ) -> None:
        self.facts = facts
        self.start = time.time()
        self.slow = ""
        self._started = clock()
        self._number = number
        self._routes = routes
        self._progress = progress

    def rate(self, result: RouteResult) -> Step:
        """Note whether the route takes long; return how far the run is."""
        seconds = clock() - self._started
        step = Step(self._number, self._routes, result.route, result.asked, result.planned, seconds)
        self.slow = slow_word(step, self.facts.uses | self.facts.view_uses)
        return step

    def at(self, result: RouteResult) -> None:
        """Say how far the run is."""
        self._progress(self.rate(result), self.slow)


def _explore(prover: Prover, target: Target, examples: int) -> RouteResult:
    try:
        from crossfade.contract.run.exploration import explore
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "hypothesis":
            raise
        raise ContractError(
            "contract_routes.explore() needs Hypothesis (the extra `explore`): "
            "python3 -m pip install hypothesis"
        ) from None
    return explore(prover, target, examples)


def _reported(
    result: RouteResult, prover: Prover, pace: _Pace, receipts: bool, stale: Sequence[Rule]
) -> RouteReport:
    exchanges, cannot_fail = _exchanges(result, prover)
    stop = time.time()
    rules = prover.judge.rules
    doctor = findings.doctor_of(result, Doctor(pace.facts))
    found = findings.findings(result.failures, doctor, rules, result.route)
    expired = rules.expired.get(result.route, ())
    strength = _strength(exchanges)
    account = findings.account(
        result,
        found,
        stale,
        expired,
        stop - pace.start,
        strength,
        cannot_fail,
        pace.slow,
    )
    account["unproven"] = account["unproven"] or _too_little(strength, prover)
    outcome, text = "passed", ""
    if result.failures:
        outcome, text = "failed", terminal.full(account)
    elif cannot_fail:
        outcome, text = "failed", cannot_fail
    elif stale:
        listed = "\n".join(f"  {rule}" for rule in stale)
        outcome = "failed"
        text = f"{result.route}: rules of the map that match nothing; remove them:\n\n{listed}"
    elif account["unproven"]:
        outcome, text = "skipped", f"{result.route} is not proven: {account['unproven']}"
    carried: dict[str, Any] = {
        "exchanges": exchanges,
        "remark": prover.runner.state_remark,
        # What is skipped agrees in all that was asked: contracts written by hand may prove it.
        "passed": outcome != "failed",
        "expired": [str(rule) for rule in expired],
        "route": account,
        "logins": made_a_difference(result.verdicts, prover.logins),
    }
    if receipts and prover.runner.gateway is not None:
        carried["receipts"] = ledger.grounds(prover.runner.gateway, [result.route])
    return RouteReport(result.route, outcome, text, pace.start, stop, carried)


def _too_little(strength: findings.Noticed, prover: Prover) -> str:
    """Why cases notice too few broken answers to be a proof; "" where they notice enough."""
    gateway = prover.runner.gateway
    least = 0.0 if gateway is None else gateway.live.snapshot.map.contracts.min_strength
    proof = Proof(mutants=strength.mutants, killed=strength.noticed)
    return too_weak(proof, least) if strength.mutants and proof.strength < least else ""


def _exchanges(result: RouteResult, prover: Prover) -> tuple[list[dict[str, Any]], str]:
    """What each case showed, and why a case could not have failed; "" where all could."""
    exchanges: list[dict[str, Any]] = []
    cannot_fail = ""
    for verdict in result.verdicts:
        outcome = verdict.outcome
        if outcome is None:
            continue
        tried: ledger.Strengths = ()
        if verdict.agrees:
            tried = ledger.strengths_of(outcome, prover.judge)
            cannot_fail = cannot_fail or ledger.too_weak(outcome, tried)
        made = verdict.case.origin == ORIGIN
        exchanges.append(report.summary(outcome) | ledger.facts(outcome, tried, made=made))
    return exchanges, cannot_fail


def _strength(exchanges: Sequence[dict[str, Any]]) -> findings.Noticed:
    """How many broken answers were noticed, and why not the others; each shape counts once."""
    tried = [mutation for each in exchanges for mutation in each["mutations"]]
    shapes = {shape: (count, survivors) for shape, count, survivors in tried}
    passed = [each for _, survivors in shapes.values() for each in survivors]
    mutants = sum(count for count, _ in shapes.values())
    return findings.Noticed(mutants - len(passed), mutants, ledger.blind(passed))


def cases_or_problems(folder: Path) -> tuple[list[Case], str]:
    """Every case below a folder, and what is wrong with its files: "" where they can be read."""
    try:
        return cases_below(folder), ""
    except CaseError as error:
        return [], str(error)
