"""What a person reads: one failed exchange, and the account of a whole run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any, Final

from crossfade.contract.comparison.approval import approval
from crossfade.contract.diagnosis import Diagnosis, Doctor, Severity
from crossfade.contract.engine.runner import NAMES, Outcome
from crossfade.messages.compare import Difference
from crossfade.messages.exchange import Exchange, Request
from crossfade.model import Side
from crossfade.wording import counted, some, visible

NONE_SERVED: Final = (
    "all of them errors (4xx, 5xx) or redirects to a login: what the route is for is not proven"
)

SHOWN: Final = 12
"""Differences that are shown at most; the rest is counted."""

_WIDTH: Final = 88
_DIFF_LINES: Final = 30


def failure(
    outcome: Outcome,
    remarks: Iterable[str] = (),
    doctor: Doctor | None = None,
    differences: Iterable[Difference] | None = None,
    expired: Iterable[object] = (),
) -> str:
    """The text of a contract that failed: who answered what, what differs, why, what to change.

    Args:
        outcome: both exchanges.
        remarks: what a reader has to know, of the state and of answers that can't be repeated;
            empty ones are left out.
        doctor: knows the causes.
        differences: those to be shown; None for all.
        expired: deviations that would cover one of them, had their last day not passed.
    """
    lines = [f"Flask and FastAPI answer differently: {outcome.legacy.request.line}", ""]
    lines += [f"  {line}" for line in _request(outcome.legacy.request, outcome.native.request)]
    lines += [f"  {line}" for line in _answers(outcome)]
    lines.append("")
    shown = outcome.differences if differences is None else tuple(differences)
    lines += [f"  {line}" for line in _differences(outcome, shown, doctor or Doctor())]
    notes = [f"a deviation that has expired: {rule}" for rule in expired]
    notes += filter(None, remarks)
    for note in notes:
        lines += ["", *(line[2:] for line in wrapped("note: ", note))]
    offered = _approval(outcome, shown, doctor or Doctor())
    if offered:
        lines += ["", "  If this is right, these lines of the map approve it:", ""]
        lines += [f"    {line}".rstrip() for line in offered.splitlines()]
    for exchange in (outcome.legacy, outcome.native):
        if exchange.error is not None:
            lines += ["", f"  {NAMES[exchange.side]} raised:", ""]
            lines += [f"  {line}" for line in exchange.error.splitlines()]
    return visible("\n".join(lines))


def no_native(outcome: Outcome) -> str:
    """The text where Flask had to answer for FastAPI."""
    native = outcome.native
    return (
        f"no native implementation answered: {native.request.line}\n\n"
        f"  The route {native.route} has no native counterpart, so Flask answered both times, and "
        "nothing was\n  compared. Add the route to the FastAPI app. If the request only prepares "
        'the test (a login),\n  say so: answered_by="flask".'
    )


def wrong_side(outcome: Outcome, expected: str) -> str:
    """The text where the side that the test names did not answer."""
    native = outcome.native
    other = NAMES[native.side]
    return (
        f"answered by {other}: {native.request.line}\n\n"
        f"  The test says answered_by={expected!r}, but {other} answered "
        f"({native.route or _URL_MAP})."
    )


def unproven(outcomes: Iterable[Outcome]) -> str:
    """The text of a test in which FastAPI was never heard."""
    lines = [f"  {o.legacy.request.line} → {o.legacy.response.status}" for o in outcomes]
    if not lines:
        return "the test asks for `contract` and sends no request: nothing was compared"
    return "\n".join(
        [
            "nothing was proven: Flask answered both sides of every exchange of this test",
            "",
            *lines[:SHOWN],
            "",
            "  Flask's URL map owns these requests (no rule, a wrong method, a redirect, OPTIONS),",
            "  whoever serves the route. If that is what the test is to hold, say so:",
            '  contract.get(..., answered_by="flask"). If not, send a request that the native',
            "  route answers.",
        ]
    )


_URL_MAP: Final = "Flask's URL map: no rule, a wrong method, a redirect or OPTIONS"


def _request(legacy: Request, native: Request) -> Iterator[str]:
    shown = [v for name in ("content-type", "authorization") for v in legacy.values(name)]
    if shown:
        yield f"sent     {', '.join(shown)}"
    if legacy.body:
        body = legacy.body[:200].decode("utf-8", "backslashreplace")
        more = f"… ({len(legacy.body)} bytes)" if len(legacy.body) > 200 else ""
        yield f"body     {body!r}{more}"
    ours, theirs = ("; ".join(r.values("cookie")) for r in (legacy, native))
    if ours != theirs:
        yield f"cookies  Flask {ours or 'none'}"
        yield f"         FastAPI {theirs or 'none'}"
    elif ours:
        yield f"cookies  {ours}"


def _answers(outcome: Outcome) -> Iterator[str]:
    for label, exchange in (("Flask", outcome.legacy), ("FastAPI", outcome.native)):
        response = exchange.response
        kind = response.media_type or "no content type"
        yield (
            f"{label:<8} {response.status} {kind}, {len(response.body)} bytes "
            f"· {_implementation(exchange)}"
        )


def _implementation(exchange: Exchange) -> str:
    if exchange.route is None and exchange.side is Side.LEGACY:
        return _URL_MAP
    if exchange.endpoint is None:
        return f"{exchange.route}"
    kind = "endpoint " if exchange.side is Side.LEGACY else ""
    return f"{kind}{exchange.endpoint} ({exchange.route})"


def _differences(
    outcome: Outcome, differences: Sequence[Difference], doctor: Doctor
) -> Iterator[str]:
    said: set[tuple[str, str]] = set()
    for difference in differences[:SHOWN]:
        yield from difference_lines(difference)
        for found in doctor.causes(outcome, difference):
            if found.group not in said:
                said.add(found.group)
                yield from cause_lines(found)
    if len(differences) > SHOWN:
        yield f"… and {counted(len(differences) - SHOWN, 'difference')} more"


def _approval(outcome: Outcome, differences: Sequence[Difference], doctor: Doctor) -> str:
    """What would approve all differences of an exchange; "" where that is no matter of the map."""
    route = outcome.native.route
    causes = (found for each in differences for found in doctor.causes(outcome, each))
    if route is None or any(each.rule.severity is Severity.SECURITY for each in causes):
        return ""
    return approval(route, [(outcome, each) for each in differences])


def cause_lines(diagnosis: Diagnosis) -> Iterator[str]:
    """A cause with its code, the evidence and the fix, in lines."""
    yield from wrapped("why: ", f"[{diagnosis.rule.code}] {diagnosis.found.cause}")
    yield from wrapped("seen: ", diagnosis.found.evidence)
    yield from wrapped("fix: ", diagnosis.found.fix)


def wrapped(label: str, text: str) -> list[str]:
    """A labelled text in lines of a readable length."""
    indent = " " * (4 + len(label))
    return wrap(text, _WIDTH + 8, initial_indent=f"    {label}", subsequent_indent=indent)


def difference_lines(difference: Difference) -> Iterator[str]:
    """One difference in a line or a few."""
    note = f" ({difference.note})" if difference.note else ""
    ours, theirs = difference.legacy, difference.native
    if difference.detail:
        yield f"{difference.where}: - Flask, + FastAPI{note}"
        yield from (f"    {line}" for line in difference.detail[:_DIFF_LINES])
        if len(difference.detail) > _DIFF_LINES:
            yield f"    … {len(difference.detail) - _DIFF_LINES} lines more"
    elif ours is None or theirs is None:
        side = "only FastAPI" if ours is None else "only Flask"
        yield f"{difference.where}: {side}: {_cut(ours or theirs or '')}{note}"
    elif len(ours) + len(theirs) + len(difference.where) + len(note) < _WIDTH - 20:
        yield f"{difference.where}: Flask {ours}, FastAPI {theirs}{note}"
    else:
        yield f"{difference.where}: {difference.note}".rstrip()
        yield f"    Flask    {_cut(ours)}"
        yield f"    FastAPI  {_cut(theirs)}"


def _cut(text: str, limit: int = 300) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


# --- the account of a run ----------------------------------------------------------------------


@dataclass(slots=True)
class Tally:
    """What the contracts of one route came to."""

    exchanges: int = 0
    native: int = 0
    differing: int = 0
    succeeded: int = 0


@dataclass(slots=True)
class Account:
    """All contracts of a run, fed from plain values that cross process borders."""

    routes: dict[str, Tally] = field(default_factory=dict)
    flask: int = 0
    remarks: set[str] = field(default_factory=set)
    overlooked: Counter[str] = field(default_factory=Counter)
    noise: dict[str, dict[str, None]] = field(default_factory=dict)
    expired: set[str] = field(default_factory=set)
    slow: list[tuple[float, str]] = field(default_factory=list)

    def add(self, test: dict[str, Any]) -> None:
        """Count what one test saw, as `Contract.account` wrote it."""
        if test["remark"]:
            self.remarks.add(test["remark"])
        self.expired.update(test.get("expired", ()))
        route = test.get("route")
        if route is not None and route["slow"]:
            self.slow.append((route["seconds"], route["slow"]))
        for exchange in test["exchanges"]:
            self.overlooked.update(exchange.get("overlooked", {}))
            if exchange.get("noise"):
                found = self.noise.setdefault(exchange["route"] or "", {})
                found.update(dict.fromkeys(exchange["noise"]))
            if exchange["route"] is None:
                self.flask += 1
                continue
            tally = self.routes.setdefault(exchange["route"], Tally())
            tally.exchanges += 1
            tally.native += exchange["native"]
            tally.differing += exchange["differs"]
            tally.succeeded += exchange["succeeded"]

    def lines(self, verbose: bool = False, limit: int = 30) -> Iterator[tuple[str, bool]]:
        """The account's lines, each with whether it is a warning; routes that differ come first.

        More than `limit` lines of one sort are counted, not listed, unless `verbose` or a warning.
        """
        width = max((len(route) for route in self.routes), default=0)
        tallies = [
            (route, tally, _warning(tally))
            for route, tally in sorted(
                self.routes.items(), key=lambda item: item[0].partition(" ")[::-1]
            )
        ]
        worst_first = sorted(tallies, key=lambda each: (not each[1].differing, not each[2]))
        for route, tally, warning in worst_first:
            if warning or verbose or len(self.routes) <= limit:
                text = f"{route:<{width}}  {counted(tally.exchanges, 'exchange')}"
                yield (f"{text}, {warning}" if warning else text), bool(warning)
        quiet = sum(not warning for _, _, warning in tallies)
        if quiet and not verbose and len(self.routes) > limit:
            yield f"and {quiet} routes more without remark", False
        if self.flask:
            yield f"{self.flask} stay Flask's: by its URL map, or because the test says so", False
        for rule in sorted(self.expired):
            yield f"a deviation has expired and counts no longer: {rule}", True
        overlooked = [
            f"overlooked {n} times: {rule}" for rule, n in sorted(self.overlooked.items())
        ]
        noise = [
            visible(f"noise, Flask differs from itself: {route}: {some(list(places), 8)}")
            for route, places in sorted(self.noise.items())
        ]
        for group, what in ((overlooked, "rule"), (noise, "route")):
            most = len(group) if verbose else limit
            yield from ((line, False) for line in group[:most])
            if len(group) > most:
                yield f"and {counted(len(group) - most, what)} more", False
        for _, text in sorted(self.slow, reverse=True)[:_MOST_SLOW]:
            yield f"slow: {text}", False
        for remark in sorted(self.remarks):
            yield remark, True


_MOST_SLOW: Final = 3


def summary(outcome: Outcome) -> dict[str, Any]:
    """One outcome as plain values, for `Account.add`."""
    return {
        "route": None if outcome.stays_flasks else outcome.native.route,
        "native": outcome.is_native,
        "differs": bool(outcome.differences),
        "succeeded": outcome.served,
        "overlooked": {str(rule): count for rule, count in outcome.overlooked.items()},
        "noise": list(outcome.noise),
    }


def _warning(tally: Tally) -> str:
    if tally.differing:
        return f"{tally.differing} differ"
    if tally.native == 0:
        return "all answered by Flask: nothing is proven"
    if tally.succeeded == 0:
        return NONE_SERVED
    return ""
