"""What a person reads: one failed exchange, and the account of a whole run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any, Final

from crossfade.compare import Difference
from crossfade.contract.causes import advise, follows
from crossfade.contract.runner import NAMES, Outcome
from crossfade.exchange import Exchange, Request
from crossfade.model import Side
from crossfade.wording import counted

NONE_SERVED: Final = (
    "all of them errors (4xx, 5xx) or redirects to a login: what the route is for is not proven"
)

SHOWN: Final = 12
"""Differences that are shown at most; the rest is counted."""

_WIDTH: Final = 88
_DIFF_LINES: Final = 30


def failure(outcome: Outcome, *remarks: str) -> str:
    """The text of a contract that failed: who answered what, what differs, why, what to change."""
    lines = [f"Flask and FastAPI answer differently: {outcome.legacy.request.line}", ""]
    lines += [f"  {line}" for line in _request(outcome.legacy.request, outcome.native.request)]
    lines += [f"  {line}" for line in _answers(outcome)]
    lines.append("")
    lines += [f"  {line}" for line in _differences(outcome)]
    for remark in remarks:
        lines += ["", *(line[2:] for line in wrapped("note: ", remark))]
    for exchange in (outcome.legacy, outcome.native):
        if exchange.error is not None:
            lines += ["", f"  {NAMES[exchange.side]} raised:", ""]
            lines += [f"  {line}" for line in exchange.error.splitlines()]
    return "\n".join(lines)


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


def _differences(outcome: Outcome) -> Iterator[str]:
    said = set()
    differences = [
        each for each in outcome.differences if not follows(each, outcome.legacy, outcome.native)
    ]
    for difference in differences[:SHOWN]:
        yield from difference_lines(difference)
        advice = advise(difference, outcome.legacy, outcome.native)
        if advice is not None and advice not in said:
            said.add(advice)
            yield from wrapped("why: ", advice.cause)
            yield from wrapped("fix: ", advice.fix)
    if len(differences) > SHOWN:
        yield f"… and {counted(len(differences) - SHOWN, 'difference')} more"


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
    noise: set[str] = field(default_factory=set)

    def add(self, test: dict[str, Any]) -> None:
        """Count what one test saw, as `Contract.account` wrote it."""
        if test["remark"]:
            self.remarks.add(test["remark"])
        for exchange in test["exchanges"]:
            self.overlooked.update(exchange.get("overlooked", {}))
            self.noise.update(exchange.get("noise", ()))
            if exchange["route"] is None:
                self.flask += 1
                continue
            tally = self.routes.setdefault(exchange["route"], Tally())
            tally.exchanges += 1
            tally.native += exchange["native"]
            tally.differing += exchange["differs"]
            tally.succeeded += exchange["succeeded"]

    def lines(self, verbose: bool = False, limit: int = 30) -> Iterator[tuple[str, bool]]:
        """The account's lines, each with whether it is a warning.

        More than `limit` routes are counted, not listed, unless `verbose` or worth a warning.
        """
        width = max((len(route) for route in self.routes), default=0)
        quiet = 0
        for route, tally in sorted(
            self.routes.items(), key=lambda item: item[0].partition(" ")[::-1]
        ):
            warning = _warning(tally)
            if warning or verbose or len(self.routes) <= limit:
                count = f"{tally.exchanges} exchange{'s' if tally.exchanges != 1 else ''}"
                text = f"{route:<{width}}  {count}"
                yield (f"{text}, {warning}" if warning else text), bool(warning)
            else:
                quiet += 1
        if quiet:
            yield f"and {quiet} routes more without remark", False
        if self.flask:
            yield f"{self.flask} stay Flask's: by its URL map, or because the test says so", False
        for rule, times in sorted(self.overlooked.items()):
            yield f"overlooked {times} times: {rule}", False
        for where in sorted(self.noise):
            yield f"noise, Flask differs from itself: {where}", False
        for remark in sorted(self.remarks):
            yield remark, True


def summary(outcome: Outcome) -> dict[str, Any]:
    """One outcome as plain values, for `Account.add`."""
    return {
        "route": None if outcome.stays_flasks else outcome.native.route,
        "native": outcome.is_native,
        "differs": bool(outcome.differences),
        "succeeded": outcome.served,
        "overlooked": {str(rule): count for rule, count in outcome.overlooked.items()},
        "noise": [f"{outcome.native.route}: {where}" for where in outcome.noise],
    }


def _warning(tally: Tally) -> str:
    if tally.differing:
        return f"{tally.differing} differ"
    if tally.native == 0:
        return "all answered by Flask: nothing is proven"
    if tally.succeeded == 0:
        return NONE_SERVED
    return ""
