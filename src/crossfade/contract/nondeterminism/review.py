"""The verdict on each difference: chance, or not. Asks again as often as it takes, and no more."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Final

from crossfade.contract.nondeterminism.evidence import CERTAIN, DOUBTFUL, Contrast, contrast
from crossfade.contract.nondeterminism.knowledge import Known, RouteKnowledge
from crossfade.contract.nondeterminism.strands import Strand, general
from crossfade.contract.nondeterminism.trial import MOST, NEVER_NOISE, Trial
from crossfade.contract.nondeterminism.values import (
    Value,
    number_of,
    of_the_process,
    thread_names,
    type_of,
)

DISTANCE: Final = 1.1
"""Seconds from the first answer to the last, after which what has not changed is steady."""

_STEADY: Final = 12
"""Repeats without a change after which a place is steady, over all its cases."""

_SURE: Final = 16
"""Answers of each side after which an odd value is not looked at any longer."""

_FEW: Final = 3
"""Cases in which a place that moves elsewhere has stood still for as long as can be."""

_LATER: Final = 4
"""Times that one case is asked again from a distance at most."""

_FAR: Final = 8
"""Cases that are asked again from a distance, for one place."""


_TOKEN: Final = 6
"""Characters from which a text with digits in it may be drawn by chance."""


class Finding(Enum):
    """What the values at one place show so far."""

    NOISE = "noise"
    DIFFERENT = "different"
    OPEN = "open"
    """More answers will tell."""
    STEADY = "steady"
    """Neither side has changed its value yet."""


@dataclass(slots=True)
class Verdict:
    """What a trial has come to.

    Attributes:
        noise: places of differences that chance makes, on both sides alike.
        evidence: by the place, why a difference is none of chance's.
    """

    noise: tuple[str, ...] = ()
    evidence: dict[str, str] = field(default_factory=dict)


class Nondeterminism:
    """Judges the trials of all routes, and remembers what they show."""

    def __init__(self, sleep: Callable[[float], object] = time.sleep) -> None:
        self._routes: dict[str, RouteKnowledge] = {}
        self._sleep = sleep

    def first_look(self, trial: Trial) -> Verdict:
        """What a few answers show. `review` has the last word."""
        self._settle(trial)
        return self._verdict(trial)

    def review(self, trials: Sequence[Trial]) -> list[Verdict]:
        """The last word on the trials of one route, by what all of them have shown.

        What stood still in all answers is asked for again later: a clock's second, a value that is
        kept for a while.
        """
        for trial in trials:
            self._settle(trial)  # by what later cases have shown
        self._top_up(trials)
        self._from_a_distance(trials)
        self._weigh(trials)
        return [self._verdict(trial) for trial in trials]

    def is_usual(self, route: str, place: str, value: Value) -> bool:
        """Whether a value at a noisy place is like those that Flask gave there."""
        return not self.knowledge(route).of(place).usual.is_odd(value)

    def knowledge(self, route: str) -> RouteKnowledge:
        """What is known of a route's places."""
        return self._routes.setdefault(route, RouteKnowledge())

    # --- asking --------------------------------------------------------------------------------

    def _settle(self, trial: Trial) -> None:
        """Ask again until every part is decided, or stands still."""
        if not trial.parts():
            return
        while not trial.exhausted:
            self._learn(trial)
            if trial.asked > 1 and Finding.OPEN not in self._findings(trial):
                return
            trial.again()
        self._learn(trial)

    def _top_up(self, trials: Sequence[Trial]) -> None:
        """Ask again where too few answers show that a place is steady."""
        for trial in trials:
            while self._is_thin(trial):
                trial.again()
                self._settle(trial)

    def _is_thin(self, trial: Trial) -> bool:
        if trial.exhausted or _is_hopeless(trial):
            return False
        return any(self._known(trial, part).repeats < _STEADY for part in self._steady(trial))

    def _from_a_distance(self, trials: Sequence[Trial]) -> None:
        """Ask a second later where places stood still; where one has moved, in all of its cases."""
        waiting = [t for t in trials if not _is_hopeless(t) and any(self._steady(t))]
        asked: Counter[str] = Counter()
        rest = []
        for trial in waiting:
            places = {general(part.place) for part in self._steady(trial)}
            if places and all(asked[place] >= _FAR for place in places):
                rest.append(trial)
                continue
            asked.update(places)
            self._later(trial)
        for trial in rest:
            if any(
                self._known(trial, part).flask_varies and not part.flask_varies
                for _, parts in trial.parts()
                for part in parts
            ):
                self._later(trial)
        for trial in waiting:
            self._settle(trial)

    def _later(self, trial: Trial) -> None:
        """Ask again a second after the last answer; more often where only FastAPI has changed."""
        for _ in range(_LATER):
            left = trial.asked_at + DISTANCE - time.monotonic()
            steady = list(self._steady(trial))
            if trial.exhausted or (left > 0 and not any(map(_may_be_kept, steady))):
                return
            self._sleep(max(0.0, left))
            trial.again()
            self._settle(trial)
            if not any(part.fastapi_varies for part in self._steady(trial)):
                return

    def _weigh(self, trials: Sequence[Trial]) -> None:
        """Find the places at which the sides have two sources, by all cases of the route."""
        for route in {trial.route for trial in trials}:
            for known in self.knowledge(route).places.values():
                if known.flask_varies and not known.differs:
                    found = known.contrast(sizes=not _are_durations(known.cases.values(), trials))
                    if found.probability < CERTAIN:
                        known.differs = found.words

    # --- judging -------------------------------------------------------------------------------

    def _known(self, trial: Trial, part: Strand) -> Known:
        return self.knowledge(trial.route).of(part.place)

    def _learn(self, trial: Trial) -> None:
        for _, parts in trial.parts():
            for part in parts:
                self._known(trial, part).take(trial.number, part)

    def _findings(self, trial: Trial) -> list[Finding]:
        threads = thread_names()
        return [
            self._finding(trial, part, threads)[0] for _, parts in trial.parts() for part in parts
        ]

    def _steady(self, trial: Trial) -> Iterator[Strand]:
        threads = thread_names()
        for _, parts in trial.parts():
            for part in parts:
                if self._finding(trial, part, threads)[0] is Finding.STEADY:
                    yield part

    def _finding(self, trial: Trial, part: Strand, threads: Collection[str]) -> tuple[Finding, str]:
        if not part.ours or not part.theirs:
            return Finding.OPEN, ""
        if _names_the_process(part, threads):
            return Finding.NOISE, ""
        known = self._known(trial, part)
        sizes = not _are_durations([part], [trial])
        found = _contrast(part, sizes)
        if found.probability < CERTAIN:
            known.differs = known.differs or found.words
            return Finding.DIFFERENT, found.words
        if known.differs and (not part.fastapi_varies or known.has_odd(part)):
            return Finding.DIFFERENT, known.differs
        if part.flask_varies:
            if not (part.fastapi_varies or known.fastapi_varies):
                return Finding.OPEN, ""
            odd = part.answers < _SURE and known.has_odd(part)
            return Finding.OPEN if odd or found.probability < DOUBTFUL else Finding.NOISE, ""
        if part.fastapi_varies:
            return (Finding.OPEN if part.answers < _STEADY // 2 else Finding.STEADY), ""
        if known.flask_varies:
            return (Finding.OPEN if part.answers < _limit(known) else Finding.STEADY), ""
        if type_of(part.ours[0].value) != type_of(part.theirs[0].value):
            return Finding.DIFFERENT, ""
        return Finding.STEADY, ""

    def _verdict(self, trial: Trial) -> Verdict:
        """What is noise now; what more answers can't tell any more is decided by what is known."""
        threads = thread_names()
        noise, evidence = [], {}
        for where, parts in trial.parts():
            reasons = [self._reason(trial, part, threads) for part in parts]
            if parts and all(reason is None for reason in reasons):
                noise.append(where)
            else:
                evidence[where] = next(filter(None, reasons), "")
        return Verdict(tuple(noise), evidence)

    def _reason(self, trial: Trial, part: Strand, threads: Collection[str]) -> str | None:
        """Why a part is no noise, "" where there is nothing to say; None where it is noise."""
        known = self._known(trial, part)
        finding, words = self._finding(trial, part, threads)
        if finding is Finding.DIFFERENT:
            return words
        if known.differs and not _names_the_process(part, threads):
            return known.differs
        if finding is Finding.NOISE:
            return None
        if part.flask_varies:
            return None if part.theirs else ""  # no question tells the sides apart
        if part.fastapi_varies:
            usual = known.flask_varies and not known.has_odd(part)
            return None if usual else "FastAPI's value changes when asked again, Flask's does not"
        return ""


@lru_cache(maxsize=1024)
def _contrast(part: Strand, sizes: bool) -> Contrast:
    return contrast([part.ours], [part.theirs], sizes=sizes)


def _limit(known: Known) -> int:
    """How often to ask where a place that moves in other cases stands still in this one."""
    stood = sum(len(each.ours) >= MOST and not each.flask_varies for each in known.cases.values())
    return MOST if stood < _FEW else _STEADY


def _is_hopeless(trial: Trial) -> bool:
    """Whether the case differs, whatever may be noise in it."""
    return any(
        each.kind in NEVER_NOISE or each.where == "header.content-type"
        for each in trial.differences
    )


def _may_be_kept(part: Strand) -> bool:
    """Whether the values may be of a clock or drawn by chance, and be kept for a while."""
    return part.fastapi_varies or all(
        number_of(value) is not None
        or (isinstance(value, str) and len(value) >= _TOKEN and any(map(str.isdecimal, value)))
        for _, value in (*part.ours, *part.theirs)
    )


def _names_the_process(part: Strand, threads: Collection[str]) -> bool:
    if not part.ours:
        return False
    first = part.ours[0].value
    return all(of_the_process(first, value, threads) for _, value in (*part.ours, *part.theirs))


_UNITS: Final = (1.0, 1e-3, 1e-6, 1e-9)


def _are_durations(parts: Iterable[Strand], trials: Iterable[Trial]) -> bool:
    """Whether numbers may be how long the answers took, which is nobody's to keep equal."""
    values = [value for part in parts for _, value in (*part.ours, *part.theirs)]
    numbers = [number for number in map(number_of, values) if number is not None]
    seconds = [each for trial in trials for each in trial.seconds]
    if len(numbers) != len(values) or not numbers or not seconds:
        return False
    most, least = 1.2 * max(seconds), min(seconds) / 500
    return any(least <= min(numbers) * u and max(numbers) * u <= most for u in _UNITS)
