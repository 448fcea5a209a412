"""The verdict on each case: asks again as often as it takes to tell chance, and no more."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from crossfade.contract.nondeterminism.decide import (
    STEADY,
    SURE,
    Finding,
    Found,
    conclude,
    find,
    is_duration,
    may_be_kept,
    names_the_process,
)
from crossfade.contract.nondeterminism.evidence import CERTAIN
from crossfade.contract.nondeterminism.knowledge import Known, RouteKnowledge
from crossfade.contract.nondeterminism.strands import Strand, general
from crossfade.contract.nondeterminism.trial import NEVER_NOISE, Trial
from crossfade.contract.nondeterminism.values import Value, number_of, thread_names

DISTANCE: Final = 1.1
"""Seconds after which a value that is kept for a second, or is a clock's, is another one."""

_LATER: Final = 4
"""Times that one case is asked again from a distance, where only FastAPI's value has moved."""

_FAR: Final = 8
"""Cases that are asked again from a distance, for one place; the first of them are waited for."""

_WAITED: Final = 2

_PATIENCE: Final = 5.0
"""Seconds that are waited for one route at most."""

_SUSPICIOUS: Final = 1e-3
"""Below this probability more answers are asked for, at a place that is weighed over all cases."""

_WEIGHED: Final = 8
"""Cases that are asked for them at most."""

_ENOUGH: Final = 4
"""Answers of each side to a case that differs, where others have shown what is noise in it."""


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
        self._patience: dict[str, float] = {}
        self._far: Counter[tuple[str, str]] = Counter()

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
        if not any(parts for _, parts in trial.parts()):
            return
        while not trial.exhausted:
            self._learn(trial)
            if trial.asked > 1:
                found = [each.finding for _, each in self._found(trial)]
                if Finding.OPEN not in found:
                    return
                if Finding.DIFFERENT in found and trial.asked >= self._red_limit(trial):
                    return
            trial.again()
        self._learn(trial)

    def _red_limit(self, trial: Trial) -> int:
        """How often to ask for the sake of what else is noise in a case that differs anyway."""
        known = (self._known(trial, part) for part, _ in self._found(trial))
        return SURE if all(len(each.cases) <= _ENOUGH for each in known) else _ENOUGH

    def _top_up(self, trials: Sequence[Trial]) -> None:
        """Ask again where too few answers show that a place is steady."""
        for trial in trials:
            while self._is_thin(trial):
                trial.again()
                self._settle(trial)

    def _is_thin(self, trial: Trial) -> bool:
        if trial.exhausted or _is_hopeless(trial):
            return False
        return any(
            not part.fastapi_varies and self._known(trial, part).repeats < STEADY
            for part in self._steady(trial)
        )

    def _from_a_distance(self, trials: Sequence[Trial]) -> None:
        """Ask a second later where places stood still; where one has moved, in all of its cases."""
        waiting = [t for t in trials if not _is_hopeless(t) and any(self._steady(t))]
        rest = []
        for trial in waiting:
            places = {(trial.route, general(part.place)) for part in self._steady(trial)}
            if all(self._far[place] >= _FAR for place in places):
                rest.append(trial)
                continue
            self._later(trial, wait=any(self._far[place] < _WAITED for place in places))
            self._far.update(places)
        for trial in rest:
            if any(
                self._known(trial, part).flask_varies and not part.flask_varies
                for part, _ in self._found(trial)
            ):
                self._later(trial, wait=True)
        for trial in waiting:
            self._settle(trial)

    def _later(self, trial: Trial, *, wait: bool) -> None:
        """Ask again a second after the last answer; more often where only FastAPI has changed."""
        for _ in range(_LATER):
            steady = list(self._steady(trial))
            left = trial.asked_at + DISTANCE - time.monotonic()
            if not steady or trial.ended:
                return
            if left > 0:
                patience = self._patience.get(trial.route, _PATIENCE)
                if not (wait and left <= patience and any(map(may_be_kept, steady))):
                    return
                self._patience[trial.route] = patience - left
                self._sleep(left)
            trial.again()
            self._settle(trial)
            if not any(part.fastapi_varies for part in self._steady(trial)):
                return

    def _weigh(self, trials: Sequence[Trial]) -> None:
        """Find the places at which the sides have two sources, by all cases of the route."""
        threads = thread_names()
        places: dict[tuple[str, str], list[Trial]] = {}
        for trial in trials:
            for part, _ in self._found(trial):
                if not (names_the_process(part, threads) or is_duration(part, trial.seconds)):
                    places.setdefault((trial.route, general(part.place)), []).append(trial)
        for (route, place), concerned in places.items():
            known = self.knowledge(route).of(place)
            if not known.flask_varies or known.differs:
                continue
            contrast = known.contrast()
            for trial in concerned[:_WEIGHED]:
                if not CERTAIN < contrast.probability < _SUSPICIOUS:
                    break
                while not trial.exhausted and trial.asked < SURE:
                    trial.again()
                self._learn(trial)
                contrast = known.contrast()
            if contrast.probability <= CERTAIN:
                known.differs = contrast.words

    # --- judging -------------------------------------------------------------------------------

    def _known(self, trial: Trial, part: Strand) -> Known:
        return self.knowledge(trial.route).of(part.place)

    def _learn(self, trial: Trial) -> None:
        for _, parts in trial.parts():
            for part in parts:
                self._known(trial, part).take(trial.number, part)

    def _found(self, trial: Trial) -> Iterator[tuple[Strand, Found]]:
        threads = thread_names()
        for _, parts in trial.parts():
            for part in parts:
                yield part, find(part, self._known(trial, part), trial.seconds, threads)

    def _steady(self, trial: Trial) -> Iterator[Strand]:
        return (part for part, found in self._found(trial) if found.finding is Finding.STEADY)

    def _verdict(self, trial: Trial) -> Verdict:
        verdict = Verdict()
        threads = thread_names()
        for where, parts in trial.parts():
            reasons = [self._reason(trial, part, threads) for part in parts]
            if self._follows_from_body(trial, where, parts):
                reasons = [None]
            if parts and all(reason is None for reason in reasons):
                verdict.noise += (where,)
            else:
                verdict.evidence[where] = next(filter(None, reasons), "")
        return verdict

    def _reason(self, trial: Trial, part: Strand, threads: frozenset[str]) -> str | None:
        known = self._known(trial, part)
        if names_the_process(part, threads) or is_duration(part, trial.seconds):
            return None
        reason = conclude(part, known, find(part, known, trial.seconds, threads))
        return known.differs if reason is None and known.differs else reason

    def _follows_from_body(self, trial: Trial, where: str, parts: Sequence[Strand]) -> bool:
        """Whether HEAD tells the length of a body that is noise, which it does not send."""
        if where != "header.content-length" or not trial.is_head:
            return False
        lengths = [number_of(value) or 0 for part in parts for _, value in part.ours + part.theirs]
        body_varies = any(
            known.flask_varies and not known.differs
            for place, known in self.knowledge(trial.route).places.items()
            if place.startswith("body")
        )
        return body_varies and max(lengths) - min(lengths) <= max(16, max(lengths) / 4)


def _is_hopeless(trial: Trial) -> bool:
    """Whether the case differs, whatever may be noise in it."""
    return any(
        each.kind in NEVER_NOISE or each.where == "header.content-type"
        for each in trial.differences
    )
