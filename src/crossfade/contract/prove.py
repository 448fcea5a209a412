"""Every case of a route, both sides, one result: what the automatic contracts run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from typing import Any, Final

import httpx

from crossfade.codings import decoded
from crossfade.contract.cases import Case, complete
from crossfade.contract.errors import ContractError, ContractFailed
from crossfade.contract.facts import FactFinder, RouteFacts
from crossfade.contract.given import Given
from crossfade.contract.judge import Judge
from crossfade.contract.logins import Login, LoginWay, log_in
from crossfade.contract.probes import ORIGIN, as_others, candidates, probes
from crossfade.contract.references import filled
from crossfade.contract.rules import Rule
from crossfade.contract.runner import SIDES, Outcome, Runner
from crossfade.contract.state import compare_states
from crossfade.contract.turned_away import sent_to_log_in, to_itself
from crossfade.exchange import Request, Response
from crossfade.model import FORCE_SIDE, Side
from crossfade.routing import Target

MOST_CANDIDATES: Final = 48
"""Requests with which a good one is looked for, for each person who may ask."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one case showed.

    Attributes:
        case: what was asked.
        outcome: both exchanges; None where a side gave no whole answer.
        failure: why no comparison could be made; "" where one was.
    """

    case: Case
    outcome: Outcome | None
    failure: str = ""

    @property
    def agrees(self) -> bool:
        """Whether nothing is left to explain."""
        return self.outcome is not None and not self.outcome.differences


@dataclass(slots=True)
class RouteResult:
    """What all cases of one route came to.

    Attributes:
        route: as the gateway spells it.
        verdicts: of the cases that FastAPI's route answered.
        flasks: cases that Flask's URL map kept from FastAPI, as it has to be.
        others: cases that belong to another route.
        good: the request that the probes vary, and the status of Flask's answer to it.
        refusal: the login and the beginning of Flask's answer, where that is no success.
        remarks: what a reader has to know.
        base: the request that the probes vary, and
        base_login: who asks it; None where there is none.
        planned: cases that there are; 0 where that is not known.
    """

    route: str
    verdicts: list[Verdict] = field(default_factory=list)
    flasks: int = 0
    others: int = 0
    good: tuple[str, int] | None = None
    refusal: tuple[str, str] = ("", "")
    remarks: list[str] = field(default_factory=list)
    base: Request | None = None
    base_login: str = ""
    planned: int = 0

    def tried(self, case: Case, answer: Response) -> None:
        """Note the request that the probes vary, with Flask's answer to it."""
        self.good = (case.request.line, answer.status)
        self.base, self.base_login = case.request, case.login
        if answer.status >= 300:
            self.refusal = (case.login, _beginning(answer))

    @property
    def asked(self) -> int:
        """Cases that were asked."""
        return len(self.verdicts) + self.flasks + self.others

    @property
    def failures(self) -> list[Verdict]:
        """Verdicts that do not agree."""
        return [verdict for verdict in self.verdicts if not verdict.agrees]

    @property
    def succeeded(self) -> int:
        """Cases that Flask answered with 2xx or 3xx, but for those that were sent to log in."""
        outcomes = (verdict.outcome for verdict in self.verdicts)
        return sum(outcome is not None and outcome.served for outcome in outcomes)

    @property
    def unproven(self) -> str:
        """Why the result proves nothing of what the route is for; "" where it does."""
        if not self.verdicts:
            return "no case reached FastAPI's route"
        if not self.succeeded:
            return f"every answer was an error (4xx, 5xx) or a redirect to a login: {self._tried()}"
        return ""

    def _tried(self) -> str:
        """The request that came closest, what Flask said to it, and what would help."""
        if self.good is None:
            return ""
        (line, status), (login, said) = self.good, self.refusal
        person = f" as {login}" if login else ""
        answer = f" ({said})" if said else ""
        return f"Flask answered {line}{person} with {status}{answer}; {_help(status)}"

    @property
    def used(self) -> dict[Rule, int]:
        """How many differences each rule covered."""
        total: dict[Rule, int] = {}
        for verdict in self.verdicts:
            for rule, count in verdict.outcome.overlooked.items() if verdict.outcome else ():
                total[rule] = total.get(rule, 0) + count
        return total

    @property
    def noise(self) -> tuple[str, ...]:
        """Places in which Flask differs from itself."""
        found = (where for v in self.verdicts if v.outcome for where in v.outcome.noise)
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Options:
    """What a team gives.

    Attributes:
        base_url: scheme and host of every request.
        timeout: seconds after which an answer counts as endless.
        logins: by name, how a client is logged in.
        values: good values by the name of a variable, parameter or field.
        probes: whether cases are made from the URL map.
        today: the day on which deviations count.
    """

    base_url: str = "http://localhost"
    timeout: float = 30.0
    logins: Mapping[str, LoginWay] = field(default_factory=dict)
    values: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    probes: bool = True
    today: date = field(default_factory=date.today)


class Prover:
    """Runs cases against one gateway. Each starts from the state that the prover found."""

    def __init__(self, runner: Runner, options: Options, cases: Iterable[Case] = ()) -> None:
        """Log everybody in and note the state to start from.

        Args:
            runner: sends the requests.
            options: what the team gives.
            cases: recorded and written by hand; those without a route go to the one that the
                URL map names.

        Raises:
            ContractError: the application under test has no gateway, or a login fails.
        """
        if runner.gateway is None:
            raise ContractError(
                "the application under test is none that was given to mount_legacy, so its "
                "routes are not known"
            )
        self.runner = runner
        self.options = options
        self._gateway = runner.gateway
        self._url = httpx.URL(options.base_url)
        self._host = self._url.netloc.decode("ascii")
        self.judge = Judge(runner, options.timeout, options.today)
        self.logins = {
            "": Login(),
            **log_in(options.logins, runner, self._url, options.timeout),
        }
        self.start = runner.capture()
        values = {
            name: value if isinstance(value, (list, tuple)) else [value]
            for name, value in options.values.items()
        }
        self._facts = FactFinder(runner.flask_app, runner.app, values, self.start)
        self._cases: dict[str, list[Case]] = {}
        self._sequences: dict[str, list[Case]] = {}
        for case in cases:
            if case.sequence:
                self._sequences.setdefault(case.sequence, []).append(case)
            if case.login not in self.logins:
                known = ", ".join(repr(name) for name in self.logins if name) or "none"
                raise ContractError(
                    f"{case.name}: the login {case.login!r} is not in the fixture "
                    f"contract_logins, which has {known}"
                )
            self._cases.setdefault(case.route or self.route_of(case), []).append(case)

    def targets(self) -> list[Target]:
        """Every route that both sides have."""
        return [
            target
            for target in self._gateway.live.snapshot.table.targets()
            if target.native is not None and target.legacy is not None
        ]

    def prove(
        self, target: Target, seen: Callable[[RouteResult], object] = lambda result: None
    ) -> RouteResult:
        """Run every case of a route.

        Args:
            target: from `targets()`.
            seen: called after each case with the result as far as it has come.
        """
        result = RouteResult(target.route)
        own = self._cases.get(target.route, [])
        try:
            for verdict in self._verdicts(target, own, result):
                outcome = verdict.outcome
                if outcome is not None and outcome.stays_flasks:
                    result.flasks += 1
                elif outcome is not None and outcome.native.route != target.route:
                    result.others += 1
                else:
                    result.verdicts.append(verdict)
                seen(result)
        finally:
            self.back()
        if self.runner.state_remark:
            result.remarks.append(self.runner.state_remark)
        return result

    def check(self, case: Case) -> Verdict:
        """Run one case that stands alone."""
        request = self.logins[case.login].dress(complete(case.request, self._host))
        starts = dict.fromkeys(SIDES, self.start)
        return self._judge(case, dict.fromkeys(SIDES, request), starts)[0]

    def back(self) -> None:
        """Bring back the state that the prover found."""
        self.runner.restore(self.start, self.runner.capture())

    def good(self, target: Target) -> tuple[RouteFacts, tuple[Case, Response] | None]:
        """What is known of a route, and a request that Flask serves with its answer."""
        alone = [case for case in self._cases.get(target.route, ()) if not case.sequence]
        facts = self._facts.of(target)
        return facts, self._good([*alone, *islice(candidates(facts), MOST_CANDIDATES)], target)

    def stale(self, result: RouteResult) -> list[Rule]:
        """Rules of this route that covered nothing."""
        return [rule for rule in self.judge.rules_of(result.route) if rule not in result.used]

    # --- one after the other -------------------------------------------------------------------

    def _verdicts(
        self, target: Target, own: Sequence[Case], result: RouteResult
    ) -> Iterator[Verdict]:
        alone = [case for case in own if not case.sequence]
        for case in alone:
            yield self.check(case)
        for name in dict.fromkeys(case.sequence for case in own if case.sequence):
            whole = self._sequences[name]  # a login, say, is a case of another route
            last = max(i for i, case in enumerate(whole) if any(case is each for each in own))
            yield from self._sequence(whole[: last + 1], result)
        if not self.options.probes:
            return
        facts, found = self.good(target)
        if found is None:
            return
        base, answer = found
        result.tried(base, answer)
        rest = [] if base in alone else [base]
        rest += [*probes(facts, base, answer), *as_others(base, self.logins)]
        result.planned = len(own) + len(rest)
        for case in rest:
            yield self.check(case)

    def _good(self, tried: Sequence[Case], target: Target) -> tuple[Case, Response] | None:
        """The first request that Flask serves (2xx, else 3xx), and its answer."""
        best: tuple[int, Case, Response] | None = None
        for case in tried:
            for login in (case.login, *(name for name in self.logins if name != case.login)):
                if "(" in login and login not in self.options.logins:
                    continue  # a spoilt session is no way in
                asked = _undressed(case, self.logins[login])
                request = self.logins[login].dress(complete(asked.request, self._host))
                exchange = self._ask_flask(request)
                if exchange is None or exchange[1] not in (None, target.route):
                    continue
                answer = exchange[0]
                away = sent_to_log_in(request, answer) and not (
                    exchange[2] or to_itself(request, answer)
                )
                rank = _REFUSED if away else _rank(answer.status)
                if best is None or rank < best[0]:
                    best = (rank, replace(asked, login=login), answer)
                if rank == 0:
                    return best[1:]
        return None if best is None else best[1:]

    def _ask_flask(self, request: Request) -> tuple[Response, str | None, bool] | None:
        """Flask's answer, the route that gave it, and whether it has changed anything."""
        try:
            exchange, end = self.runner.ask(request, Side.LEGACY, self.start, self.options.timeout)
        except ContractFailed:
            return None
        changed = 300 <= exchange.response.status < 400 and bool(compare_states(self.start, end))
        return exchange.response, exchange.route, changed

    def _sequence(self, cases: Sequence[Case], result: RouteResult) -> Iterator[Verdict]:
        """Cases that follow each other, each side on the rows, cookies and answers that it has."""
        ends: dict[Side, object] = dict.fromkeys(SIDES, self.start)
        given = Given(self._host, self._url.scheme)
        for case in cases:
            missing = given.missing(case)
            given.note(case)
            if missing[Side.LEGACY]:
                remark = f"not replayed: {case.name}: Flask's answer {missing[Side.LEGACY]}"
                result.remarks.append(remark)
                continue
            if missing[Side.NATIVE]:
                yield Verdict(case, None, f"FastAPI's answer {missing[Side.NATIVE]}")
                continue
            login = self.logins[case.login]
            requests = {side: login.dress(given.request(case, side)) for side in SIDES}
            verdict, ends = self._judge(case, requests, ends)
            if verdict.outcome is not None:
                verdict = replace(verdict, outcome=given.take(case, verdict.outcome, requests))
            yield verdict

    # --- one -----------------------------------------------------------------------------------

    def _judge(
        self, case: Case, requests: Mapping[Side, Request], starts: Mapping[Side, object]
    ) -> tuple[Verdict, dict[Side, object]]:
        try:
            outcome, ends = self.judge.pair(
                requests,
                starts,
                self.options.timeout,
                native_first=True,
                login=case.login,
                case=case.name,
            )
        except ContractFailed as failed:
            return Verdict(case, None, failure=str(failed)), dict(starts)
        return Verdict(case, outcome), ends

    def route_of(self, case: Case) -> str:
        """The route that a case belongs to, by the URL map; "" where none does."""
        login = self.logins.get(case.login, self.logins[""])  # one of an older file may be gone
        saves = (save for each in self._sequences.get(case.sequence, ()) for save in each.saves)
        some = filled(case.request, {save.name: "1" for save in saves})
        request = login.dress(complete(some, self._host))
        scope = self.runner.scope(request)
        scope[FORCE_SIDE] = Side.NATIVE
        selection, _ = self._gateway.choose(self._gateway.live.snapshot, scope)
        return selection.route or ""


_MOST_SAID: Final = 120


def _beginning(answer: Response) -> str:
    """What an answer says, in one line; "" for a page."""
    if answer.status < 400:
        return f"to {next(iter(answer.values('location')), 'nowhere')}"
    if answer.media_type == "text/html":
        return ""
    text = " ".join(decoded(answer).body[: 4 * _MOST_SAID].decode(errors="replace").split())
    return text if len(text) <= _MOST_SAID else f"{text[:_MOST_SAID]}…"


def _help(status: int) -> str:
    """What makes a request that Flask refuses one that it serves."""
    if status < 400:
        return "contract_logins says who may ask, contract_values what a login takes"
    if status in (401, 403):
        return "contract_logins says who may ask"
    if status == 404:
        return "contract_values names what is there"
    return "contract_values gives good values, a file below contracts/ a whole request"


_REFUSED: Final = 4


def _rank(status: int) -> int:
    """How near a status is to success: a refused person is the furthest, input comes after it."""
    if status in (401, 403):
        return _REFUSED
    return {2: 0, 3: 1, 4: 2}.get(status // 100, 3)


def _undressed(case: Case, login: Login) -> Case:
    """A made case without the headers that the login brings; a file's own headers stay."""
    names = {name for name, _ in login.headers} if case.origin == ORIGIN else set()
    headers = tuple(pair for pair in case.request.headers if pair[0] not in names)
    return replace(case, request=replace(case.request, headers=headers))
