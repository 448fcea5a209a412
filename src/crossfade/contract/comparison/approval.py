"""What a team writes into the map where a difference is right: as narrow as the finding allows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

from crossfade.contract.diagnosis import place_of
from crossfade.contract.diagnosis.consequences import crashed
from crossfade.contract.engine.exceptions import exception_name
from crossfade.contract.engine.runner import Outcome
from crossfade.messages.compare import Difference, Kind

MOST_BLOCKS: Final = 4
"""Deviations that are shown; a finding that needs more is not a matter of a line or two."""

_MOST_PAIRS: Final = 3


def approval(route: str, seen: Iterable[tuple[Outcome, Difference]]) -> str:
    """Return the deviations that cover what a finding shows, and nothing else; "" for none.

    An exception of FastAPI's that nothing handled is nothing to approve.

    Args:
        route: as the gateway spells it.
        seen: every difference of the finding with the outcome that shows it.
    """
    shown = list(seen)
    if not shown or any(crashed(outcome.native) for outcome, _ in shown):
        return ""
    by_place: dict[str, list[Outcome]] = {}
    for outcome, difference in shown:
        by_place.setdefault(_place(difference), []).append(outcome)
    blocks = [
        _block(route, place, when)
        for place, outcomes in by_place.items()
        for when in _conditions(outcomes)
    ]
    return "\n\n".join(blocks) if len(blocks) <= MOST_BLOCKS else ""


def _block(route: str, place: str, when: str) -> str:
    lines = ["[[deviations]]", f"route = {_text(route)}", f"what = {_text(place)}"]
    lines += [f"when = {_text(when)}"] if when else []
    return "\n".join([*lines, 'reason = "…"'])


def _conditions(outcomes: list[Outcome]) -> list[str]:
    """A condition for each pair of answers, or one for all of them where there are many."""
    each = list(dict.fromkeys(condition([outcome]) for outcome in outcomes))
    return each if len(each) <= _MOST_PAIRS else [condition(outcomes)]


def condition(outcomes: Iterable[Outcome]) -> str:
    """Return the narrowest condition that holds for all of some answers; "" where none does."""
    found = list(outcomes)
    raised = {exception_name(each.legacy.error) for each in found if crashed(each.legacy)}
    ours = _statuses(each.legacy.response.status for each in found)
    if len(raised) == 1 and all(crashed(each.legacy) for each in found):
        ours = f"raises {raised.pop().rpartition('.')[2]}"
    theirs = _statuses(each.native.response.status for each in found)
    terms = [f"flask {ours}" if ours else "", f"fastapi {theirs}" if theirs else ""]
    return " and ".join(filter(None, terms))


def _statuses(statuses: Iterable[int]) -> str:
    found = set(statuses)
    if len(found) == 1:
        return str(found.pop())
    classes = {status // 100 for status in found}
    return f"{classes.pop()}xx" if len(classes) == 1 else ""


def _place(difference: Difference) -> str:
    if difference.kind is Kind.STATUS:
        return "status"
    return place_of(difference)[1]


def _text(value: str) -> str:
    """A TOML string."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
