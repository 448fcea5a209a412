"""What a route's cases came to, for people: each finding once, with its cases, cause and fix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, NamedTuple

from crossfade.codings import decoded
from crossfade.compare import Difference, Kind
from crossfade.contract import report
from crossfade.contract.advice import crashed
from crossfade.contract.cases import Case, dump_cases
from crossfade.contract.causes import advise, follows
from crossfade.contract.probes import GOOD_REQUEST
from crossfade.contract.prove import RouteResult, Verdict
from crossfade.contract.runner import NAMES, Outcome
from crossfade.wording import counted, visible

MOST_CASES: Final = 4
"""Cases that are named for one finding."""

MOST_FINDINGS: Final = 12

SHORT_TEXT: Final = 2_000
"""Characters of a request to keep that are shown without being asked for."""

_LONGEST_TEXT: Final = 50_000
_TRACE_LINES: Final = 24


@dataclass(slots=True)
class Finding:
    """One way in which a route differs, however many cases show it.

    Attributes:
        what: the difference as the first case shows it, in lines.
        cause: why, most likely; "" where it is not known.
        fix: what to change.
        cases: the first cases that show it: name and request line.
        count: how many cases show it.
        text: the first case as a file of cases has it; "" where it is far too long.
        trace: the traceback of the side that crashed, in lines.
    """

    what: list[str]
    cause: str
    fix: str
    cases: list[tuple[str, str]] = field(default_factory=list)
    count: int = 0
    text: str = ""
    trace: list[str] = field(default_factory=list)


def findings(verdicts: Iterable[Verdict]) -> list[Finding]:
    """Group what differs by kind, place and cause; what most cases show comes first."""
    found: dict[tuple[object, ...], Finding] = {}
    plain: Advised = {}
    for verdict in verdicts:
        for key, what, cause, fix in causes(verdict, plain):
            finding = found.get(key)
            if finding is None:
                trace = _trace(verdict) if key[0] is Kind.STATUS else []
                finding = found[key] = Finding(
                    what, cause, fix, text=_text(verdict.case), trace=trace
                )
            finding.count += 1
            if len(finding.cases) < MOST_CASES:
                finding.cases.append((verdict.case.name, _shown(verdict.case.request.line)))
    return sorted(found.values(), key=lambda each: ("security hole" not in each.fix, -each.count))


Advised = dict[tuple[Kind, str], tuple[str, str]]
"""The cause and the fix of a place that differs in the request that all probes vary."""


def causes(
    verdict: Verdict, plain: Advised | None = None
) -> Iterator[tuple[tuple[object, ...], list[str], str, str]]:
    """Yield each way in which a verdict differs: what tells it apart, its lines, cause and fix.

    Args:
        verdict: of one case.
        plain: what the good request showed, to be filled by its verdict: what differs there
            differs for the same reason in its variations, whatever is odd about them.
    """
    plain = {} if plain is None else plain
    if verdict.failure or verdict.outcome is None:
        yield (verdict.failure,), verdict.failure.splitlines(), "", ""
        return
    outcome = verdict.outcome
    seen: set[tuple[object, ...]] = set()
    for difference in outcome.differences:
        if follows(difference, outcome.legacy, outcome.native):
            continue
        advice = advise(difference, outcome.legacy, outcome.native)
        if advice is None and _of_two_refusals(difference, outcome):
            continue
        cause, fix = ("", "") if advice is None else (advice.cause, advice.fix)
        place = (difference.kind, _place(difference))
        if verdict.case.name == GOOD_REQUEST:
            plain[place] = (cause, fix)
        cause, fix = plain.get(place, (cause, fix))
        key = (difference.kind, _place(difference), cause)
        if key not in seen:
            seen.add(key)
            what = list(report.difference_lines(difference))
            if difference.kind is Kind.STATUS and not (
                crashed(outcome.legacy) or crashed(outcome.native)
            ):
                what += _said(outcome)
            yield key, what, cause, fix


def _place(difference: Difference) -> str:
    """The place without indexes; of a status the two numbers belong to it."""
    if difference.kind is Kind.STATUS:
        return f"status {difference.legacy} {difference.native}"
    return re.sub(r"\[[^\]]*\]", "[*]", difference.where)


def _of_two_refusals(difference: Difference, outcome: Outcome) -> bool:
    """Whether a member differs because the errors do: their statuses say so in a finding."""
    ours, theirs = outcome.legacy.response.status, outcome.native.response.status
    return difference.kind is Kind.JSON_VALUE and ours != theirs and min(ours, theirs) >= 400


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
    """Broken answers of FastAPI that a route's cases noticed.

    Attributes:
        noticed: how many.
        mutants: how many there were.
        survivors: the others, each with the rule or the noise that lets it pass.
    """

    noticed: int = 0
    mutants: int = 0
    survivors: tuple[str, ...] = ()


def account(
    result: RouteResult,
    stale: Iterable[object],
    seconds: float,
    strength: Noticed,
    too_weak: str,
) -> dict[str, Any]:
    """The result as plain values: for `text`, the reports and pytest-xdist.

    Args:
        result: of all cases.
        stale: rules that covered nothing.
        seconds: that it took.
        strength: broken answers that were noticed.
        too_weak: why a case could not have failed; "" where all could.
    """
    return {
        "route": result.route,
        "cases": len(result.verdicts),
        "failed": len(result.failures),
        "succeeded": result.succeeded,
        "flasks": result.flasks,
        "good": list(result.good) if result.good else None,
        "unproven": result.unproven,
        "findings": [asdict(finding) for finding in findings(result.failures)],
        "noise": list(result.noise),
        "used": {str(rule): count for rule, count in result.used.items()},
        "stale": [str(rule) for rule in stale],
        "remarks": result.remarks,
        "seconds": seconds,
        "strength": [strength.noticed, strength.mutants],
        "survivors": list(strength.survivors),
        "too_weak": too_weak,
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


def text(found: Mapping[str, Any]) -> str:
    """What a failed route shows in pytest's report."""
    lines = [f"{found['route']}: {found['failed']} of {found['cases']} cases differ"]
    if found["good"]:
        lines += ["", f"  varied from {found['good'][0]}, which Flask answers {found['good'][1]}"]
    said: dict[tuple[str, str], int] = {}
    for number, finding in enumerate(found["findings"][:MOST_FINDINGS], 1):
        count = finding["count"]
        lines += ["", f"  {number}. in {counted(count, 'case')}"]
        lines += [f"     {line}" for line in finding["what"]]
        advice = finding["cause"], finding["fix"]
        if advice in said:
            lines.append(f"     why and fix: those of {said[advice]}")
        elif finding["cause"]:
            said[advice] = number
            lines += [f" {line}" for line in report.wrapped("why: ", finding["cause"])]
            lines += [f" {line}" for line in report.wrapped("fix: ", finding["fix"])]
        lines += [f"         {name}: {request}" for name, request in finding["cases"]]
        if count > len(finding["cases"]):
            lines.append(f"         and {count - len(finding['cases'])} more")
        lines += [f"       {_shown(line)}" for line in finding["trace"]]
    hidden = len(found["findings"]) - MOST_FINDINGS
    if hidden > 0:
        lines += ["", f"  … and {counted(hidden, 'finding')} more"]
    first = next((f["text"] for f in found["findings"] if 0 < len(f["text"]) <= SHORT_TEXT), "")
    if first:
        lines += ["", "  To run the first again, keep it in contracts/NAME.http:", ""]
        lines += [f"    {line}".rstrip() for line in first.splitlines()]
    lines += _remarks(found)
    return visible("\n".join(lines))


def _remarks(found: Mapping[str, Any]) -> list[str]:
    lines = [f"  noise: {where}: Flask differs from itself" for where in found["noise"]]
    lines += [f"  overlooked {count} times: {rule}" for rule, count in found["used"].items()]
    lines += [f"  matches nothing, remove it: {rule}" for rule in found["stale"]]
    lines += [f"  note: {remark}" for remark in found["remarks"]]
    return ["", *lines] if lines else []
