"""The run of all routes: which ones, in what order, and what is said of each as it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

from crossfade.contract import findings, ledger, report
from crossfade.contract.cases import Case, CaseError, cases_below
from crossfade.contract.errors import ContractError
from crossfade.contract.prove import Prover, RouteResult
from crossfade.contract.rules import Rule
from crossfade.contract.validity import standings
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


def matches(route: str, pattern: str) -> bool:
    """Whether a pattern means a route: by its whole spelling or by its rule.

    >>> matches("GET /users/<int:user_id>", "/users/*")
    True
    """
    rule = route.partition(" ")[2]
    return route == pattern or fnmatchcase(route, pattern) or fnmatchcase(rule, pattern)


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
) -> Iterator[RouteReport]:
    """Prove one route after the other.

    Args:
        prover: knows the cases.
        targets: the routes.
        receipts: whether what a receipt would stand on is noted as well.
        examples: how many requests Hypothesis draws for a route; 0 runs the cases that are known.
        others: whether the run has contracts written by hand as well. A rule may then be theirs:
            which of them match nothing is said at the end of the run.

    Raises:
        ContractError: Hypothesis is asked for and not installed.
    """
    for target in targets:
        start = time.time()
        if examples:
            # What is drawn need not meet what a rule is for: no rule is stale by it.
            result = _explore(prover, target, examples)
            yield _reported(result, prover, start, receipts, stale=[])
        else:
            result = prover.prove(target)
            stale = [] if others else prover.stale(result)
            report = _reported(result, prover, start, receipts, stale=stale)
            report.account["rules"] = [str(r) for r in prover.judge.rules_of(result.route)]
            yield report


def _explore(prover: Prover, target: Target, examples: int) -> RouteResult:
    try:
        from crossfade.contract.explore import explore
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "hypothesis":
            raise
        raise ContractError(
            "contract_routes.explore() needs Hypothesis: "
            'python3 -m pip install "crossfade[explore]"'
        ) from None
    return explore(prover, target, examples)


def _reported(
    result: RouteResult, prover: Prover, start: float, receipts: bool, stale: Sequence[Rule]
) -> RouteReport:
    exchanges, too_weak = _exchanges(result, prover)
    stop = time.time()
    account = findings.account(result, stale, stop - start, _strength(exchanges), too_weak)
    outcome, text = "passed", ""
    if result.failures:
        outcome, text = "failed", findings.text(account)
    elif too_weak:
        outcome, text = "failed", too_weak
    elif stale:
        rules = "\n".join(f"  {rule}" for rule in stale)
        outcome = "failed"
        text = f"{result.route}: rules of the map that match nothing; remove them:\n\n{rules}"
    elif result.unproven:
        outcome, text = "skipped", f"{result.route} is not proven: {result.unproven}"
    carried: dict[str, Any] = {
        "exchanges": exchanges,
        "remark": prover.runner.state_remark,
        "passed": outcome == "passed",
        "route": account,
    }
    if receipts and prover.runner.gateway is not None:
        carried["receipts"] = ledger.grounds(prover.runner.gateway, [result.route])
    return RouteReport(result.route, outcome, text, start, stop, carried)


def _exchanges(result: RouteResult, prover: Prover) -> tuple[list[dict[str, Any]], str]:
    """What each case showed, and why a case could not have failed; "" where all could."""
    exchanges: list[dict[str, Any]] = []
    too_weak = ""
    for verdict in result.verdicts:
        outcome = verdict.outcome
        if outcome is None:
            continue
        tried = None
        if verdict.agrees:
            explain = partial(prover.judge.explain, outcome)
            grounds = prover.judge.grounds(outcome)
            tried = ledger.strength_of(outcome, prover.judge.compare_of(outcome), explain, grounds)
            if tried[1].unexplained and not too_weak:
                too_weak = ledger.too_weak(outcome, tried[1])
        exchanges.append(report.summary(outcome) | ledger.facts(outcome, tried))
    return exchanges, too_weak


def _strength(exchanges: Sequence[dict[str, Any]]) -> findings.Noticed:
    """How many broken answers were noticed, and why not the others; each shape counts once."""
    tried = [each["mutation"] for each in exchanges if "mutation" in each]
    shapes = {shape: (count, survivors) for shape, count, survivors in tried}
    passed = [each for _, survivors in shapes.values() for each in survivors]
    mutants = sum(count for count, _ in shapes.values())
    named = {f"{mutant}: {rule or 'no rule says why'}" for mutant, rule in passed}
    return findings.Noticed(mutants - len(passed), mutants, tuple(sorted(named)))


def cases_or_problems(folder: Path) -> tuple[list[Case], str]:
    """Every case below a folder, and what is wrong with its files: "" where they can be read."""
    try:
        return cases_below(folder), ""
    except CaseError as error:
        return [], str(error)
