"""Differences that a team overlooks: `ignore` and `[[deviations]]` of the migration map.

A rule covers a difference that stands in its place, in an answer for which its condition holds. One
for the status whose condition names statuses or exceptions covers what only follows from the status
as well: an error has another body. An exception in FastAPI that nothing handled is covered by no
rule but one whose condition speaks of FastAPI's answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache

from crossfade.contract.diagnosis.consequences import crashed, follows, is_of_two_refusals
from crossfade.contract.engine.exceptions import exception_name
from crossfade.contract.engine.runner import Outcome
from crossfade.contract.errors import ContractError
from crossfade.errors import Problem, Suggester
from crossfade.gateway.live_map import Snapshot
from crossfade.messages.compare import Difference, Kind
from crossfade.messages.exchange import Exchange, Response
from crossfade.migration_map.deviations import ALWAYS, Condition, Deviation, Situation, split_rule
from crossfade.model import Side


@dataclass(frozen=True, slots=True)
class Rule:
    """One place in which two answers may differ.

    Attributes:
        route: the route as the gateway spells it.
        what: the place, in the words of `Difference.where`; it covers all that stands below.
            `*` stands for any key, `[*]` for any index or row.
        reason: why a deviation is right; "" for a rule of `ignore`.
        until: the last day of a deviation, or None.
        when: in which answers it counts.
    """

    route: str
    what: str
    reason: str = ""
    until: date | None = None
    when: Condition = ALWAYS

    def covers(self, difference: Difference) -> bool:
        """Whether the difference stands in this place; the condition is not asked.

        >>> from crossfade.messages.compare import Kind
        >>> seen = Difference(Kind.JSON_VALUE, "body.users[3].made_at", "1", "2")
        >>> Rule("GET /users", "body.users[*].made_at").covers(seen)
        True
        """
        return _pattern(self.what).match(difference.where) is not None

    @property
    def place(self) -> str:
        """Place and condition, as `ignore` writes them."""
        return f"{self.what} when {self.when.text}" if self.when.text else self.what

    def __str__(self) -> str:
        """Return `GET /users: body.made_at`, with its condition, a deviation's reason and end."""
        until = f", until {self.until}" if self.until else ""
        return f"{self.route}: {self.place}" + (f" ({self.reason}{until})" if self.reason else "")


@cache
def _pattern(what: str) -> re.Pattern[str]:
    text = re.escape(what.lower() if what.startswith("header.") else what)
    index = r"\[[^\]]*\]" if what.startswith("state.") else r"\[\d+\]"  # a row's key, or a number
    text = text.replace(r"\[\*\]", index).replace(r"\*", r"[^.\[]+")
    return re.compile(text + r"(?=$|[.\[])")


def situation(outcome: Outcome) -> Situation:
    """What conditions are asked about."""
    exchanges = {Side.LEGACY: outcome.legacy, Side.NATIVE: outcome.native}
    return Situation(
        {side: each.response.status for side, each in exchanges.items()},
        {side: exception_name(each.error) for side, each in exchanges.items()},
        outcome.login,
        outcome.case,
    )


@dataclass(slots=True)
class Rules:
    """The rules of one migration map.

    Attributes:
        by_route: those in force.
        expired: deviations whose last day is over, by route: they count no longer, and are named.
    """

    by_route: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    expired: dict[str, tuple[Rule, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: Snapshot, today: date) -> Rules:
        """Read them from the map in force.

        Raises:
            ContractError: a deviation speaks of a route that there is not.
        """
        routes = {target.route: target.route for target in snapshot.table.targets()}
        for listed in snapshot.table.routes:
            method = listed.entry.name.method
            for rule in listed.rules[:1]:
                routes[listed.entry.key] = f"{method} {rule.spelling}"
        found = []
        for entry in snapshot.map.entries:
            for text in entry.ignore:
                place, condition = split_rule(text)
                route = routes.get(entry.key, entry.key)
                found.append(Rule(route, place, when=Condition.parse(condition)))
        problems = []
        for deviation in snapshot.map.deviations:
            known = routes.get(deviation.route)
            if known is None:
                problems.append(_unknown(snapshot.map.file, deviation, list(routes)))
            else:
                when = Condition.parse(deviation.when)
                found.append(Rule(known, deviation.what, deviation.reason, deviation.until, when))
        if problems:
            raise ContractError("\n".join(map(str, problems)))
        rules = cls()
        for one in found:
            over = one.until is not None and one.until < today
            group = rules.expired if over else rules.by_route
            group[one.route] = (*group.get(one.route, ()), one)
        return rules

    def in_force(self, outcome: Outcome) -> tuple[Rule, ...]:
        """The rules of the route whose conditions hold for two answers."""
        rules = self.by_route.get(outcome.native.route or "", ())
        return _holding(rules, outcome)

    def covering(self, outcome: Outcome, difference: Difference) -> Rule | None:
        """The rule that covers a difference of two answers; None where it counts."""
        return _covering(self.in_force(outcome), outcome, difference)

    def covered_until(self, outcome: Outcome, difference: Difference) -> Rule | None:
        """The rule that covered a difference until its last day was over; None where none did."""
        rules = self.expired.get(outcome.native.route or "", ())
        return _covering(_holding(rules, outcome), outcome, difference)

    def split(
        self, outcome: Outcome, differences: Iterable[Difference]
    ) -> tuple[tuple[Difference, ...], dict[Rule, int]]:
        """Return the differences that no rule covers, and how many each rule covers."""
        rules = self.in_force(outcome)
        kept: list[Difference] = []
        used: dict[Rule, int] = {}
        for difference in differences:
            rule = _covering(rules, outcome, difference)
            if rule is None:
                kept.append(difference)
            else:
                used[rule] = used.get(rule, 0) + 1
        return tuple(kept), used

    def asked(self, outcome: Outcome) -> str:
        """What the conditions of the route's rules ask of two answers, as text.

        Left out is FastAPI's answer. "" where no rule has a condition.
        """
        conditions = [rule.when for rule in self.by_route.get(outcome.native.route or "", ())]
        facts = situation(outcome)
        asked = [
            fact
            for kind, fact in (
                ("status", f"flask {facts.statuses[Side.LEGACY]}"),
                ("raises", f"flask raises {facts.raised[Side.LEGACY]}"),
                ("login", f"login {facts.login}"),
                ("case", f"case {facts.case}"),
            )
            if any(condition.about(kind) for condition in conditions)
        ]
        return ", ".join(asked)


def answered_otherwise(outcome: Outcome, response: Response) -> Outcome:
    """The same with another answer of FastAPI's, which nothing raised."""
    native: Exchange = replace(outcome.native, response=response, error=None)
    return replace(outcome, native=native)


def _holding(rules: tuple[Rule, ...], outcome: Outcome) -> tuple[Rule, ...]:
    if not any(rule.when.terms for rule in rules):
        return rules
    facts = situation(outcome)
    return tuple(rule for rule in rules if rule.when.holds(facts))


def _covering(rules: tuple[Rule, ...], outcome: Outcome, difference: Difference) -> Rule | None:
    legacy, native = outcome.legacy, outcome.native
    ours, theirs = legacy.response.status, native.response.status
    if crashed(native):  # is overlooked by nothing but a rule that speaks of it
        rules = tuple(rule for rule in rules if rule.when.asks_of(Side.NATIVE))
    direct = next((rule for rule in rules if rule.covers(difference)), None)
    if direct is not None or ours == theirs or difference.kind is Kind.STATUS:
        return direct
    if follows(difference, legacy, native) or is_of_two_refusals(difference, legacy, native):
        status = Difference(Kind.STATUS, "status", str(ours), str(theirs))
        return next((r for r in rules if r.when.asks_of_answers and r.covers(status)), None)
    return None


def _unknown(file: str, deviation: Deviation, known: list[str]) -> Problem:
    remedy = Suggester().nearest(deviation.route, known)
    return Problem(file, deviation.line, deviation.route, "a deviation of an unknown route", remedy)
