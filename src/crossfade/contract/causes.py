"""The likely cause of a difference, and the fix, where they are known.

Each rule looks at one difference with both exchanges and gives an `Advice` or None; the first that
speaks is believed. What is said was measured with the versions that the project tests.
"""

from __future__ import annotations

from typing import Final

from crossfade.compare import Difference, Kind
from crossfade.contract.advice import Advice, Rule, crashed, what_was_raised
from crossfade.contract.causes_body import BODY, OF_ANOTHER_ANSWER
from crossfade.contract.causes_head import COOKIE, HEADER, content_type
from crossfade.contract.causes_status import STATUS
from crossfade.exchange import Exchange
from crossfade.model import Side

__all__ = ["Advice", "advise", "follows"]

_BODIES: Final = (Kind.JSON_VALUE, Kind.JSON_FORM, Kind.TEXT, Kind.BYTES)

_RULES: Final[dict[Kind, tuple[Rule, ...]]] = {
    Kind.STATUS: STATUS,
    Kind.HEADER: HEADER,
    Kind.COOKIE: COOKIE,
    **BODY,
}


def advise(difference: Difference, legacy: Exchange, native: Exchange) -> Advice | None:
    """The cause and the fix of a difference, or None where nothing is known."""
    if native.side is Side.LEGACY:
        return Advice(
            "Flask answered both times, and not alike: the answer depends on the time, on chance "
            "or on something that was not reset between the two",
            "reset it in `contract_state`, or freeze it in a fixture",
        )
    if native.error is not None and crashed(native):
        return _raised(native.error)
    rules = _RULES.get(difference.kind, ())
    if legacy.response.status != native.response.status and difference.kind in _BODIES:
        rules = OF_ANOTHER_ANSWER
    if difference.kind is Kind.HEADER and _refused(legacy) != _refused(native):
        rules = (content_type,)  # an error has other headers: the status is the cause
    for rule in rules:
        advice = rule(difference, legacy, native)
        if advice is not None:
            return advice
    return None


def follows(difference: Difference, legacy: Exchange, native: Exchange) -> bool:
    """Whether a difference only follows from the statuses: what is served has another body.

    So it is where one side crashed, refuses, redirects or sends nothing or a part of it.
    """
    ours, theirs = legacy.response.status, native.response.status
    if ours == theirs or difference.kind in (Kind.STATUS, Kind.STATE):
        return False
    return crashed(legacy) or crashed(native) or _sort(ours) != _sort(theirs)


def _sort(status: int) -> object:
    """What statuses have in common whose answers can be compared."""
    return status if status in (206, 304) else min(status // 100, 4)


def _refused(exchange: Exchange) -> bool:
    return exchange.response.status >= 400


def _raised(error: str) -> Advice:
    last = what_was_raised(error)
    fix = "the traceback is below"
    if "not JSON serializable" in last or "not JSON compliant" in last:
        fix = "return FlaskJSONResponse(data) of crossfade.compat; the traceback is below"
    if "SQLite objects created in a thread" in last:
        fix = (
            "open the connection with check_same_thread=False: hooks run in other threads than the "
            "native handler, one after the other; the traceback is below"
        )
    return Advice("the native endpoint raised: " + last, fix)
