"""Which differences only follow from another one: of an answer with another status, its body."""

from __future__ import annotations

from typing import Final

from crossfade.messages.compare import Difference, Kind
from crossfade.messages.exchange import Exchange

BODIES: Final = (Kind.JSON_VALUE, Kind.JSON_FORM, Kind.TEXT, Kind.BYTES)

_OF_A_BODY: Final = ("header.content-type", "header.content-length", "header.content-encoding")


def crashed(exchange: Exchange) -> bool:
    """Whether the 500 of a side is an exception that nothing handled."""
    return exchange.error is not None and exchange.response.status >= 500


def follows(difference: Difference, legacy: Exchange, native: Exchange) -> bool:
    """Whether a difference only follows from the statuses: what is served has another body.

    So it is where one side crashed, refuses, redirects or sends nothing or a part of it.
    """
    ours, theirs = legacy.response.status, native.response.status
    if ours == theirs or difference.kind in (Kind.STATUS, Kind.STATE):
        return False
    return crashed(legacy) or crashed(native) or _sort(ours) != _sort(theirs)


def is_of_two_refusals(difference: Difference, legacy: Exchange, native: Exchange) -> bool:
    """Whether two bodies differ in that both refuse, by other statuses."""
    ours, theirs = legacy.response.status, native.response.status
    if ours == theirs or min(ours, theirs) < 400:
        return False
    return difference.kind in BODIES or difference.where in _OF_A_BODY


def _sort(status: int) -> object:
    """What statuses have in common whose answers can be compared."""
    return status if status in (206, 304) else min(status // 100, 4)
