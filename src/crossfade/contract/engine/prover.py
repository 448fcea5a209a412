"""Every case of a route, both sides, one result: what the automatic contracts run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from typing import Any, Final

import httpx

from crossfade.contract.cases.http_file import Case, complete
from crossfade.contract.cases.references import filled
from crossfade.contract.comparison.ignore_rules import Rule
from crossfade.contract.comparison.login_redirects import sent_to_log_in, to_itself
from crossfade.contract.engine.auth import Login, LoginWay, log_in
from crossfade.contract.engine.comparison import SAFE, UNREPEATABLE, Judge
from crossfade.contract.engine.given import Given, as_written
from crossfade.contract.engine.route_result import RouteResult, Verdict
from crossfade.contract.engine.runner import SIDES, Runner
from crossfade.contract.engine.sequence import Course
from crossfade.contract.errors import ContractError, ContractFailed
from crossfade.contract.generation.operation import FactFinder, RouteFacts
from crossfade.contract.generation.probes import ORIGIN, as_others, candidates, probes
from crossfade.contract.state.effects import effects
from crossfade.messages.exchange import Request, Response
from crossfade.model import Side
from crossfade.routing import Target
from crossfade.wording import counted

MOST_CANDIDATES: Final = 48
"""Requests with which a good one is looked for, for each person who may ask."""


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
        self._turn = False
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
        """Run every case of a route, then judge what differs by all that they have shown.

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
            result.verdicts = self._reviewed(result.verdicts)
        finally:
            self.back()
        result.remarks += self.remarks(result)
        return result

    def check(self, case: Case) -> Verdict:
        """Run one case that stands alone, and judge it for good."""
        return self._reviewed([self._check(case)])[0]

    def remarks(self, result: RouteResult) -> list[str]:
        """What a reader of a route's result has to know."""
        found = [self.runner.state_remark]
        if result.withheld and result.verdicts:
            cases = counted(result.withheld, "case")
            found.append(
                f"{cases} with other methods were not sent: see the fixture contract_state"
            )
        found += [verdict.outcome.remark for verdict in result.verdicts if verdict.outcome]
        return list(dict.fromkeys(filter(None, found)))

    def check_base(self, result: RouteResult, base: Case, answer: Response) -> Verdict:
        """Run the request that the probes vary, which Flask has answered before.

        Args:
            result: takes the note that it is answered differently from then on.
            base: the request.
            answer: Flask's answer when it was looked for.
        """
        verdict = self._check(base)
        if verdict.outcome is not None:
            self._compare_bases(result, base, answer, verdict.outcome.legacy.response)
        return verdict

    def check_base_again(self, result: RouteResult, base: Case, answer: Response) -> None:
        """Note whether Flask answers otherwise after all cases: a limit, a stub that ran out."""
        asked = self._ask_flask(self._dressed(base))
        if asked is not None:
            self._compare_bases(result, base, answer, asked[0])

    def _compare_bases(
        self, result: RouteResult, base: Case, answer: Response, now: Response
    ) -> None:
        first, then = answer.status, now.status
        if first // 100 != then // 100 and not result.unrepeatable:
            result.unrepeatable = UNREPEATABLE.format(
                side="Flask", line=base.request.line, first=first, then=then
            )

    def _check(self, case: Case) -> Verdict:
        starts = dict.fromkeys(SIDES, self.start)
        return self._judge(case, dict.fromkeys(SIDES, self._dressed(case)), starts)[0]

    def _dressed(self, case: Case) -> Request:
        return self.logins[case.login].dress(complete(case.request, self._host))

    def _reviewed(self, verdicts: list[Verdict]) -> list[Verdict]:
        outcomes = [verdict.outcome for verdict in verdicts if verdict.outcome is not None]
        judged = iter(self.judge.review(outcomes))
        return [v if v.outcome is None else replace(v, outcome=next(judged)) for v in verdicts]

    def may_send(self, case: Case) -> bool:
        """Whether a case changes nothing, or what it changes is put back.

        What Flask's URL map refuses reaches no view, whatever the method.
        """
        safe = case.request.method in SAFE or self.runner.state_is_given
        return safe or not self.route_of(case)

    def may_try(self, target: Target) -> bool:
        """Whether requests with the method of a route change nothing, or it is put back."""
        return target.route.partition(" ")[0] in SAFE or self.runner.state_is_given

    def back(self) -> None:
        """Bring back the state that the prover found."""
        self.runner.restore(self.start, self.runner.capture())

    def good(self, target: Target) -> tuple[RouteFacts, tuple[Case, Response] | None]:
        """What is known of a route, and a request that Flask serves with its answer."""
        alone = [case for case in self._cases.get(target.route, ()) if not case.sequence]
        facts = self._facts.of(target)
        tried = [*alone, *islice(candidates(facts), MOST_CANDIDATES)]
        return facts, self._good(list(filter(self.may_send, tried)), target)

    def stale(self, result: RouteResult) -> list[Rule]:
        """Rules of this route that covered nothing."""
        return [rule for rule in self.judge.rules_of(result.route) if rule not in result.used]

    # --- one after the other -------------------------------------------------------------------

    def _verdicts(
        self, target: Target, own: Sequence[Case], result: RouteResult
    ) -> Iterator[Verdict]:
        alone = [case for case in own if not case.sequence]
        for case in self._sent(alone, result):
            yield self._check(case)
        for name in dict.fromkeys(case.sequence for case in own if case.sequence):
            whole = self._sequences[name]  # a login, say, is a case of another route
            last = max(i for i, case in enumerate(whole) if any(case is each for each in own))
            steps = whole[: last + 1]
            if all(map(self.may_send, steps)):
                yield from self._sequence(steps, result)
            else:
                result.withheld += len(steps)
        if not self.options.probes:
            return
        facts, found = self.good(target)
        if found is None:
            result.withheld += not self.may_try(target)
            return
        base, answer = found
        result.tried(base, answer)
        first = [] if base in alone else [base]
        rest = [*self._sent(probes(facts, base, answer), result), *as_others(base, self.logins)]
        result.planned = len(own) + len(first) + len(rest)
        if first:
            yield self.check_base(result, base, answer)
        for case in rest:
            yield self._check(case)
        self.check_base_again(result, base, answer)

    def _sent(self, cases: Iterable[Case], result: RouteResult) -> Iterator[Case]:
        for case in cases:
            if self.may_send(case):
                yield case
            else:
                result.withheld += 1

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
        """Flask's answer, the route that gave it, and whether it has changed anything.

        FastAPI is asked as well: what each side keeps in memory then grows alike.
        """
        timeout = self.options.timeout
        try:
            if self.runner.reaches_native(request):
                with suppress(ContractFailed):
                    self.runner.ask(request, Side.NATIVE, self.start, timeout)
            exchange, end = self.runner.ask(request, Side.LEGACY, self.start, timeout)
        except ContractFailed:
            return None
        changed = 300 <= exchange.response.status < 400 and bool(effects(self.start, end))
        return exchange.response, exchange.route, changed

    def _sequence(self, cases: Sequence[Case], result: RouteResult) -> Iterator[Verdict]:
        """Cases that follow each other, each side on the rows, cookies and answers that it has."""
        given = {side: Given(self._host, self._url.scheme) for side in SIDES}
        course = Course(self.judge, self.start, self.options.timeout, given)
        saves = {save.name: save for case in cases for save in case.saves}
        for case in cases:
            missing = {side: given[side].missing(case) for side in SIDES}
            if any(missing.values()):
                for each in given.values():
                    each.skip(case)
                if not missing[Side.LEGACY]:
                    yield Verdict(case, None, f"FastAPI's answer {missing[Side.NATIVE]}")
                    continue
                remark = f"not replayed: {case.name}: Flask's answer {missing[Side.LEGACY]}"
                result.remarks.append(remark)
                continue
            login = self.logins[case.login]

            def build(side: Given, case: Case = case, login: Login = login) -> Request:
                return login.dress(side.request(case))

            try:
                outcome = course.step(build, login=case.login, case=case.name)
                yield Verdict(case, as_written(outcome, case, saves))
            except ContractFailed as failed:
                yield Verdict(case, None, failure=str(failed))

    # --- one -----------------------------------------------------------------------------------

    def _judge(
        self, case: Case, requests: Mapping[Side, Request], starts: Mapping[Side, object]
    ) -> tuple[Verdict, dict[Side, object]]:
        # In turns: what the first to ask pays for, a cache to be filled, is then paid by both.
        self._turn = not self._turn
        first = Side.NATIVE if self._turn else Side.LEGACY
        try:
            outcome, ends = self.judge.pair(
                requests,
                starts,
                self.options.timeout,
                first=first,
                once=True,
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
        return self.runner.selection(request).route or ""


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
