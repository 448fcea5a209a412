"""Differences that a team overlooks: `ignore` and `[[deviations]]` of the migration map."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from crossfade.compare import Difference
from crossfade.contract.errors import ContractError
from crossfade.errors import Problem, Suggester
from crossfade.live import Snapshot
from crossfade.mapfile import Deviation


@dataclass(frozen=True, slots=True)
class Rule:
    """One place in which two answers may differ.

    Attributes:
        route: the route as the gateway spells it.
        what: the place, in the words of `Difference.where`; it covers all that stands below.
            `*` stands for any key, `[*]` for any index.
        reason: why a deviation is right; "" for a rule of `ignore`.
        until: the last day of a deviation, or None.
    """

    route: str
    what: str
    reason: str = ""
    until: date | None = None

    def covers(self, difference: Difference) -> bool:
        """Whether the difference stands in this place.

        >>> from crossfade.compare import Kind
        >>> seen = Difference(Kind.JSON_VALUE, "body.users[3].made_at", "1", "2")
        >>> Rule("GET /users", "body.users[*].made_at").covers(seen)
        True
        """
        return _pattern(self.what).match(difference.where) is not None

    def __str__(self) -> str:
        """Return `GET /users: body.made_at`, with a deviation's reason and end."""
        until = f", until {self.until}" if self.until else ""
        return f"{self.route}: {self.what}" + (f" ({self.reason}{until})" if self.reason else "")


def _pattern(what: str) -> re.Pattern[str]:
    text = re.escape(what.lower() if what.startswith("header.") else what)
    text = text.replace(r"\[\*\]", r"\[\d+\]").replace(r"\*", r"[^.\[]+")
    return re.compile(text + r"(?=$|[.\[])")


@dataclass(slots=True)
class Rules:
    """The rules of one migration map.

    Attributes:
        by_route: those in force.
        expired: deviations whose last day is over: they count no longer.
    """

    by_route: dict[str, tuple[Rule, ...]] = field(default_factory=dict)
    expired: tuple[Rule, ...] = ()

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
        found = [
            Rule(routes.get(entry.key, entry.key), what)
            for entry in snapshot.map.entries
            for what in entry.ignore
        ]
        problems = []
        for deviation in snapshot.map.deviations:
            route = routes.get(deviation.route)
            if route is None:
                problems.append(_unknown(snapshot.map.file, deviation, list(routes)))
            else:
                found.append(Rule(route, deviation.what, deviation.reason, deviation.until))
        if problems:
            raise ContractError("\n".join(map(str, problems)))
        expired = tuple(rule for rule in found if rule.until is not None and rule.until < today)
        rules = cls(expired=expired)
        for one in found:
            if one not in expired:
                rules.by_route[one.route] = (*rules.by_route.get(one.route, ()), one)
        return rules

    def split(
        self, route: str, differences: Iterable[Difference]
    ) -> tuple[tuple[Difference, ...], dict[Rule, int]]:
        """Return the differences that no rule covers, and how many each rule covers."""
        rules = self.by_route.get(route, ())
        kept: list[Difference] = []
        used: dict[Rule, int] = {}
        for difference in differences:
            rule = next((rule for rule in rules if rule.covers(difference)), None)
            if rule is None:
                kept.append(difference)
            else:
                used[rule] = used.get(rule, 0) + 1
        return tuple(kept), used


def _unknown(file: str, deviation: Deviation, known: list[str]) -> Problem:
    remedy = Suggester().nearest(deviation.route, known)
    return Problem(file, deviation.line, deviation.route, "a deviation of an unknown route", remedy)
