"""What a route's cases came to: each finding once, with its cases, causes and fixes.

Here is decided what is a finding, and in what order; the reports only show it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, NamedTuple

from crossfade.contract.cases.http_file import Case, dump_cases
from crossfade.contract.comparison.approval import approval
from crossfade.contract.comparison.ignore_rules import Rules
from crossfade.contract.diagnosis import Diagnosis, Doctor, Severity, place_of
from crossfade.contract.diagnosis.consequences import BODIES, crashed, follows, is_of_two_refusals
from crossfade.contract.engine.route_result import RouteResult, Verdict
from crossfade.contract.engine.runner import NAMES, Outcome
from crossfade.contract.reporting import text as report
from crossfade.messages.codings import decoded
from crossfade.messages.compare import Difference, Kind

MOST_CASES: Final = 4
"""Cases that are named for one finding."""

MOST_PLACES: Final = 6
"""Places that are named for one finding, beside the first."""

_LONGEST_TEXT: Final = 50_000
_TRACE_LINES: Final = 24
_SHADOWED: Final = "XF601"  # says itself that the status is the difference


@dataclass(slots=True)
class Finding:
    """One way in which a route differs, however many cases show it and in however many places.

    Attributes:
        what: the difference as the first case shows it, in lines.
        also: the other places that differ for the same reason, a line each; the first of them.
        places: how many places there are.
        causes: why, most likely: plain values with code, title, severity, cause, evidence, fix and
            anchor of each; empty where nothing is known.
        approve: what approves it in the map, and nothing else; "" where nothing does.
        expired: deviations that would cover it, had their last day not passed.
        cases: the first cases that show it: name and request line.
        count: how many cases show it.
        text: the first case as a file of cases has it; "" where it is far too long.
        trace: the traceback of the side that crashed, in lines.
    """

    what: list[str]
    also: list[str] = field(default_factory=list)
    places: int = 1
    causes: list[dict[str, str]] = field(default_factory=list)
    approve: str = ""
    expired: list[str] = field(default_factory=list)
    cases: list[tuple[str, str]] = field(default_factory=list)
    count: int = 0
    text: str = ""
    trace: list[str] = field(default_factory=list)


class Way(NamedTuple):
    """One way in which a verdict differs.

    Attributes:
        difference: what differs; None where no comparison could be made.
        causes: why.
        group: what it has in common with the other differences of one finding.
        key: what tells it apart: place and cause.
        what: the difference in lines.
    """

    difference: Difference | None
    causes: tuple[Diagnosis, ...]
    group: tuple[object, ...]
    key: tuple[object, ...]
    what: list[str]


def ways(verdict: Verdict, doctor: Doctor) -> Iterator[Way]:
    """Yield each way in which a verdict differs, the status first."""
    outcome = verdict.outcome
    if verdict.failure or outcome is None:
        yield Way(None, (), (verdict.failure,), (verdict.failure,), verdict.failure.splitlines())
        return
    seen: set[tuple[object, ...]] = set()
    of_status: tuple[object, ...] | None = None
    for difference in shown_differences(outcome):
        about = _of_the_body(outcome, difference, doctor) or (outcome, difference)
        causes = doctor.causes(*about)
        if (
            not causes
            and of_status
            and is_of_two_refusals(difference, outcome.legacy, outcome.native)
        ):
            continue
        place = place_of(about[1])
        group: tuple[object, ...] = tuple(each.group for each in causes) or place
        if difference.kind is Kind.STATUS:
            of_status = group
        elif of_status and any(each.rule.code == _SHADOWED for each in causes):
            group = of_status
        key = (place, *group)
        if key not in seen:
            seen.add(key)
            yield Way(difference, causes, group, key, _lines(about[1], about[0]))


def _of_the_body(
    outcome: Outcome, difference: Difference, doctor: Doctor
) -> tuple[Outcome, Difference] | None:
    """Of a HEAD's length the body of the GET that differs; None where it says something else."""
    base = doctor.base
    if base is None or outcome.native.request.method != "HEAD":
        return None
    if difference.where != "header.content-length":
        return None
    body = next((each for each in base.differences if each.kind in BODIES), None)
    return None if body is None else (base, body)


def shown_differences(outcome: Outcome) -> list[Difference]:
    """The differences of two answers without those that only follow from a status that is shown."""
    if not any(each.kind is Kind.STATUS for each in outcome.differences):
        return list(outcome.differences)
    return [
        each for each in outcome.differences if not follows(each, outcome.legacy, outcome.native)
    ]


class _Group:
    """The differences of one finding while they are collected."""

    def __init__(self, way: Way, verdict: Verdict) -> None:
        self.finding = Finding(
            way.what,
            causes=_plain(way.causes),
            text=_text(verdict.case),
            trace=_trace(verdict) if way.difference and way.difference.kind is Kind.STATUS else [],
        )
        self.severity = min(
            (_ORDER.index(each.rule.severity) for each in way.causes), default=_UNKNOWN
        )
        self.seen: list[tuple[Outcome, Difference]] = []
        self._places = {way.what[0] if way.what else ""}
        self._last: Verdict | None = None

    def take(self, way: Way, verdict: Verdict, rules: Rules) -> None:
        """Add what one verdict shows."""
        finding = self.finding
        if way.difference is not None and verdict.outcome is not None:
            self.seen.append((verdict.outcome, way.difference))
            expired = rules.covered_until(verdict.outcome, way.difference)
            if expired is not None and str(expired) not in finding.expired:
                finding.expired.append(str(expired))
        place = way.what[0] if way.what else ""
        if place not in self._places:
            self._places.add(place)
            finding.places += 1
            if len(finding.also) < MOST_PLACES:
                finding.also.append(place)
        if verdict is self._last:
            return
        self._last = verdict
        finding.count += 1
        if len(finding.cases) < MOST_CASES:
            finding.cases.append((verdict.case.name, _shown(verdict.case.request.line)))


_ORDER: Final = list(Severity)
_UNKNOWN: Final = 1  # as what changes behaviour


def findings(
    verdicts: Iterable[Verdict],
    doctor: Doctor | None = None,
    rules: Rules | None = None,
    route: str = "",
) -> list[Finding]:
    """Group what differs by its cause, or else by its place.

    What is a matter of security comes first, then what most cases show.

    Args:
        verdicts: those that differ.
        doctor: knows the causes.
        rules: the map's, for those that have expired.
        route: for what approves a finding; "" for no such lines.
    """
    doctor, rules = doctor or Doctor(), rules or Rules()
    groups: dict[tuple[object, ...], _Group] = {}
    for verdict in verdicts:
        for way in ways(verdict, doctor):
            if way.group not in groups:
                groups[way.group] = _Group(way, verdict)
            groups[way.group].take(way, verdict, rules)
    for group in groups.values():
        if route and group.severity > _ORDER.index(Severity.SECURITY):
            group.finding.approve = approval(route, group.seen)
    ordered = sorted(groups.values(), key=lambda each: (each.severity, -each.finding.count))
    return [group.finding for group in ordered]


def doctor_of(result: RouteResult, doctor: Doctor) -> Doctor:
    """Return one that knows the request that the route's cases vary, too."""
    base = result.base
    for verdict in result.verdicts if base is not None else ():
        if verdict.case.request == base and verdict.case.login == result.base_login:
            return Doctor(doctor.facts, verdict.outcome)
    return doctor


def _plain(causes: Iterable[Diagnosis]) -> list[dict[str, str]]:
    found = sorted(causes, key=lambda each: (_ORDER.index(each.rule.severity), each.rule.code))
    return [
        {
            "code": each.rule.code,
            "title": each.rule.title,
            "severity": each.rule.severity.value,
            "cause": each.found.cause,
            "evidence": each.found.evidence,
            "fix": each.found.fix,
            "anchor": each.rule.anchor,
        }
        for each in found
    ]


def _lines(difference: Difference, outcome: Outcome) -> list[str]:
    lines = list(report.difference_lines(difference))
    if difference.kind is Kind.STATUS and not (crashed(outcome.legacy) or crashed(outcome.native)):
        lines += _said(outcome)
    return lines


def _said(outcome: Outcome) -> Iterator[str]:
    """What the side that refuses says, where the other one does not."""
    ours, theirs = outcome.legacy, outcome.native
    if (ours.response.status < 400) is (theirs.response.status < 400):
        return
    refused = ours if ours.response.status >= 400 else theirs
    text = decoded(refused.response).body.decode(errors="replace")
    if refused.response.media_type == "text/html":
        text = re.sub(r"<[^>]*>", " ", text)
    text = " ".join(text.split())
    if text:
        yield f"    {NAMES[refused.side]} says: {_shown(text)}"


def _trace(verdict: Verdict) -> list[str]:
    """The traceback of what a side's 500 is, its end where it is long."""
    outcome = verdict.outcome
    sides = () if outcome is None else (outcome.native, outcome.legacy)
    lines = next(((side.error or "").splitlines() for side in sides if crashed(side)), [])
    return lines if len(lines) <= _TRACE_LINES else ["…", *lines[-_TRACE_LINES:]]


def _text(case: Case) -> str:
    text = dump_cases([case])
    return text if len(text) <= _LONGEST_TEXT else ""


def _shown(line: str) -> str:
    return line if len(line) <= 90 else line[:89] + "…"


# --- plain values, which cross process borders -------------------------------------------------


class Noticed(NamedTuple):
    """Broken answers and states of FastAPI that a route's cases noticed.

    Attributes:
        noticed: how many.
        mutants: how many there were.
        blind: what was not noticed, by the rule or the noise because of which it was not: as
            `ledger.blind` returns it.
    """

    noticed: int = 0
    mutants: int = 0
    blind: Sequence[Mapping[str, Any]] = ()


def account(
    result: RouteResult,
    found: Iterable[Finding],
    stale: Iterable[object],
    expired: Iterable[object],
    seconds: float,
    strength: Noticed,
    too_weak: str,
    slow: str,
) -> dict[str, Any]:
    """The result as plain values: for the reports and pytest-xdist.

    Args:
        result: of all cases.
        found: what differs.
        stale: rules that covered nothing.
        expired: deviations whose last day is over.
        seconds: that it took.
        strength: broken answers and states that were noticed.
        too_weak: why a case could not have failed; "" where all could.
        slow: a word about a route that takes long; "" where it does not.
    """
    return {
        "route": result.route,
        "cases": len(result.verdicts),
        "failed": len(result.failures),
        "succeeded": result.succeeded,
        "flasks": result.flasks,
        "good": list(result.good) if result.good else None,
        "unproven": result.unproven,
        "findings": [asdict(finding) for finding in found],
        "noise": list(result.noise),
        "used": {str(rule): count for rule, count in result.used.items()},
        "stale": [str(rule) for rule in stale],
        "expired": [str(rule) for rule in expired],
        "remarks": result.remarks,
        "seconds": seconds,
        "strength": [strength.noticed, strength.mutants],
        "blind": list(strength.blind),
        "too_weak": too_weak,
        "slow": slow,
    }


def verdict(found: Mapping[str, Any]) -> tuple[str, str]:
    """What a route's account comes to, in a word or a few, and why; "" where it says all.

    The words are, the worst first, those of `VERDICTS`.
    """
    if found["failed"]:
        return "differs", f"{found['failed']} of {found['cases']} cases"
    if found["too_weak"]:
        return "can't fail", "broken answers would pass, and no rule says why"
    if found["stale"]:
        return "rule matches nothing", "; ".join(found["stale"])
    if found["unproven"]:
        return "not proven", found["unproven"]
    return "proven", ""


VERDICTS: Final = ("differs", "can't fail", "rule matches nothing", "not proven", "proven")


def worst_first(routes: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Routes in the order in which a reader needs them: what differs most comes first."""

    def order(each: Mapping[str, Any]) -> tuple[object, ...]:
        secure = [
            cause["severity"] != Severity.SECURITY.value
            for finding in each["findings"]
            for cause in finding["causes"]
        ]
        at = VERDICTS.index(verdict(each)[0])
        return at, all(secure), each["route"].partition(" ")[::-1]

    return sorted(routes, key=order)
