"""Requests that follow each other, each side on the rows, cookies and values that it left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Generic, Protocol, TypeVar

from crossfade.contract.engine.comparison import Judge
from crossfade.contract.engine.runner import SIDES, Outcome
from crossfade.contract.nondeterminism.trial import Answer, Trial
from crossfade.contract.reporting.names import Names
from crossfade.contract.state.effects import compare_effects, effects
from crossfade.contract.transport.request import CookieJar
from crossfade.messages.compare import compare
from crossfade.messages.exchange import Request, Response
from crossfade.model import Side


class Memory(Protocol):
    """What a side's answers give to the requests after them: a `CookieJar`, or more than that."""

    def copy(self: M) -> M:
        """The same, to go on from it anew."""

    def update(self, response: Response, raw_path: bytes, now: datetime | None = None) -> None:
        """Take what an answer gives: see `CookieJar.update`."""


M = TypeVar("M", bound=Memory)

Build = Callable[[M], Request]
"""Makes a request for a client with these cookies."""


class Course(Generic[M]):
    """One run of requests on both sides."""

    def __init__(
        self,
        judge: Judge,
        start: object,
        timeout: float,
        memories: Mapping[Side, M],
        names: Names | None = None,
    ) -> None:
        """Begin.

        Args:
            judge: compares what the sides answer.
            start: the picture of the state that both sides start from.
            timeout: seconds until an answer counts as endless.
            memories: the cookies of each side, say, which go on with its answers.
            names: what FastAPI has named by chance in answers before.
        """
        self._judge = judge
        self._start = start
        self._timeout = timeout
        self._memories = memories
        self._first = {side: memory.copy() for side, memory in memories.items()}
        self._starts: Mapping[Side, object] = dict.fromkeys(SIDES, start)
        self._steps: list[tuple[Build[M], Answer]] = []
        self._names = Names() if names is None else names

    def step(
        self,
        build: Build[M],
        timeout: float | None = None,
        *,
        login: str | None = None,
        case: str | None = None,
    ) -> Outcome:
        """Send each side the next request and go on from what it leaves.

        Args:
            build: makes the request with the cookies of a side.
            timeout: seconds until an answer counts as endless, where it is another.
            login: who asks, and
            case: the name of the case: for the conditions of rules.

        Raises:
            ContractFailed: a side gave no whole answer.
        """
        outcome, ends = self._judge.pair(
            {
                Side.LEGACY: build(self._memories[Side.LEGACY]),
                Side.NATIVE: self._names.request(build(self._memories[Side.NATIVE])),
            },
            self._starts,
            timeout or self._timeout,
            names=self._names,
            again=partial(self._again, build) if self._judge.runner.resets else None,
            login=login,
            case=case,
        )
        (outcome,) = self._judge.review([outcome])
        self._names.learn(twins_of(outcome))
        for side, exchange in zip(SIDES, (outcome.legacy, outcome.native), strict=True):
            path = exchange.request.raw_path
            self._memories[side].update(exchange.response, path, exchange.moment)
        changed = effects(self._starts[Side.LEGACY], ends[Side.LEGACY])
        self._steps.append((build, Answer(outcome.legacy, outcome.legacy.response, changed)))
        self._starts = ends
        return outcome

    def _again(self, build: Build[M], side: Side) -> Answer:
        """Ask one side for a step after all steps before it anew, as a stranger would.

        What is chance in an earlier step shows in a later one, in whatever form.
        """
        names = Names()
        memory = self._first[side].copy()
        state = self._start
        for step, first in self._steps:
            answer, state = self._ask(names.request(step(memory)), side, state, names)
            path = answer.exchange.request.raw_path
            memory.update(answer.exchange.response, path, answer.exchange.moment)
            names.learn(_renamed(first, answer, names))
        return self._ask(names.request(build(memory)), side, state, names)[0]

    def _ask(
        self, request: Request, side: Side, state: object, names: Names
    ) -> tuple[Answer, object]:
        exchange, end = self._judge.runner.ask(request, side, state, self._timeout)
        changed = effects(state, end)
        return Answer(exchange, names.response(exchange.response), changed, names.value), end


def jars() -> dict[Side, CookieJar]:
    """An empty jar for each side."""
    return {side: CookieJar() for side in SIDES}


def twins_of(outcome: Outcome) -> Iterable[tuple[object, object]]:
    """What each side has named by chance in an answer."""
    return () if outcome.trial is None else outcome.trial.twins(outcome.noise)


def _renamed(first: Answer, again: Answer, names: Names) -> Iterable[tuple[object, object]]:
    """The values in which an answer differs from the first one, all of which are chance."""
    differences = (
        *compare(first.response, again.response),
        *compare_effects(first.effects, again.effects, names.value),
    )
    trial = Trial("", differences, {Side.LEGACY: first, Side.NATIVE: again}, _nobody, None)
    return trial.twins([each.where for each in differences])


def _nobody(side: Side) -> Answer:
    raise AssertionError("nobody is asked here")
