"""What the values at one place show: chance on both sides alike, a difference, or nothing yet."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

from crossfade.contract.nondeterminism.evidence import (
    CERTAIN,
    DOUBTFUL,
    Contrast,
    changes,
    contrast,
)
from crossfade.contract.nondeterminism.knowledge import Known
from crossfade.contract.nondeterminism.strands import Strand
from crossfade.contract.nondeterminism.trial import MOST
from crossfade.contract.nondeterminism.values import (
    moment_of,
    number_of,
    of_the_process,
    type_of,
)

STEADY: Final = 12
"""Repeats without a change after which a place is steady, over all its cases."""

SURE: Final = 16
"""Answers of each side after which an odd value is not looked at any longer."""

_FEW: Final = 3
"""Cases in which a place that moves elsewhere has stood still for as long as can be."""

_SELDOM: Final = 0.05
"""The share of answers that change a value, below which asking at once again shows nothing."""

_TOKEN: Final = 6
"""Characters from which a text with digits in it may be drawn by chance."""

_SLACK: Final = 2.0
"""Seconds by which clocks may be apart that are read one after the other, or kept for a moment."""


class Finding(Enum):
    """What the values at one place show so far."""

    NOISE = "noise"
    DIFFERENT = "different"
    OPEN = "open"
    """More answers will tell."""
    STEADY = "steady"
    """Flask has not changed its value yet, and may do so later."""


class Found(NamedTuple):
    """A finding, with the evidence in words where there is any."""

    finding: Finding
    words: str = ""


NOISE: Final = Found(Finding.NOISE)
OPEN: Final = Found(Finding.OPEN)
STANDS_STILL: Final = Found(Finding.STEADY)


def find(part: Strand, known: Known, seconds: Sequence[float], threads: Collection[str]) -> Found:
    """What the values of one case at one place show, by all that is known of the place.

    Args:
        part: the values.
        known: of the place, this case included.
        seconds: that the answers took.
        threads: names and numbers of the threads that live.
    """
    if not part.ours or not part.theirs:
        return OPEN
    if names_the_process(part, threads) or is_duration(part, seconds):
        return NOISE
    away = _far_moments(part)
    found = Contrast(0.0, away) if away else _contrast(part)
    if DOUBTFUL > found.probability > CERTAIN and part.answers >= SURE:
        found = min(found, known.contrast())  # one case alone can't tell
    if found.probability <= CERTAIN:
        known.differs = known.differs or found.words
        return Found(Finding.DIFFERENT, found.words)
    if known.differs and (not part.fastapi_varies or known.has_odd(part)):
        return Found(Finding.DIFFERENT, known.differs)
    if part.flask_varies:
        if not (part.fastapi_varies or known.fastapi_varies):
            return OPEN
        odd = part.answers < SURE and known.has_odd(part)
        return OPEN if odd or found.probability < DOUBTFUL else NOISE
    if part.fastapi_varies:
        return OPEN if part.answers < STEADY // 2 else STANDS_STILL
    if known.flask_varies:
        return OPEN if part.answers < _limit(known) else STANDS_STILL
    if type_of(part.ours[0].value) != type_of(part.theirs[0].value):
        return Found(Finding.DIFFERENT)
    return STANDS_STILL


def conclude(part: Strand, known: Known, found: Found) -> str | None:
    """Why a part is no noise once no more is asked, "" where the values say it; None for noise."""
    if found.finding is Finding.DIFFERENT:
        return found.words
    if found.finding is Finding.NOISE:
        return None
    if part.flask_varies:
        return None if part.theirs else ""  # no question tells the sides apart
    if part.fastapi_varies:
        usual = known.flask_varies and not known.has_odd(part)
        return None if usual else "FastAPI's value changes when asked again, Flask's does not"
    return ""


@lru_cache(maxsize=1024)
def _contrast(part: Strand) -> Contrast:
    return contrast([part.ours], [part.theirs])


def _limit(known: Known) -> int:
    """How often to ask where a place that moves in other cases stands still in this one."""
    stood = sum(len(each.ours) >= MOST and not each.flask_varies for each in known.cases.values())
    moved, could = changes([each.ours for each in known.cases.values()])
    return MOST if stood < _FEW and moved > _SELDOM * could else STEADY


def may_be_kept(part: Strand) -> bool:
    """Whether values may be of a clock, or drawn by chance, and be kept for a while."""
    return part.fastapi_varies or all(
        number_of(value) is not None
        or (isinstance(value, str) and len(value) >= _TOKEN and any(map(str.isdecimal, value)))
        for _, value in (*part.ours, *part.theirs)
    )


def names_the_process(part: Strand, threads: Collection[str]) -> bool:
    """Whether all values name a thread, or a place in memory, of this process."""
    if not part.ours:
        return False
    first = part.ours[0].value
    return all(of_the_process(first, value, threads) for _, value in (*part.ours, *part.theirs))


# --- clocks ------------------------------------------------------------------------------------


def _far_moments(part: Strand) -> str:
    """How far FastAPI's moments are from a clock of Flask's; "" where that is near or no clock.

    A clock that stands for a while, of whole minutes or kept in a cache, is one draw for any test.
    But it goes on as time does, and both sides are asked at the same time.
    """
    ours, theirs = ([moment_of(value) for _, value in side] for side in (part.ours, part.theirs))
    mine, its = ([each for each in side if each is not None] for side in (ours, theirs))
    if len(mine) < max(2, len(ours)) or len(its) < max(2, len(theirs)):
        return ""
    times = [turn for turn, _ in (*part.ours, *part.theirs)]
    slack = _SLACK + max(times) - min(times) + max(each.precision for each in (*mine, *its))
    least, most = min(each.seconds for each in mine), max(each.seconds for each in mine)
    away = max(max(least - each.seconds, each.seconds - most) for each in its)
    if most - least > slack or away <= slack:
        return ""
    return f"FastAPI's moment is {away:.0f} s away from Flask's"


_UNITS: Final = (1.0, 1e-3, 1e-6, 1e-9)
_TAKES_TIME: Final = re.compile(
    r"(^|[^a-z])(t|dt|ms|us|ns|s|secs?|seconds?|millis\w*|micros\w*|time|took|elapsed|duration|dur"
    r"|runtime|latency|timing|in)[^a-z]*$",
    re.IGNORECASE,
)


def is_duration(part: Strand, seconds: Sequence[float]) -> bool:
    """Whether numbers are called, and may be, how long the answers took: nobody's to keep equal."""
    numbers = [number_of(value) for _, value in (*part.ours, *part.theirs)]
    if not _TAKES_TIME.search(part.place) or not seconds:
        return False
    sizes = [number for number in numbers if number is not None]
    if len(sizes) != len(numbers) or min(sizes) < 0:
        return False
    return any(max(sizes) * unit <= 1.2 * max(seconds) and max(sizes) for unit in _UNITS)
