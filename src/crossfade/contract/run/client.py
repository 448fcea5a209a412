"""The `contract` of a test: an httpx-like client that asks both sides and compares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import httpx

from crossfade.contract.diagnosis import Doctor, facts_of
from crossfade.contract.engine.comparison import Judge
from crossfade.contract.engine.runner import Outcome, Runner
from crossfade.contract.engine.sequence import Build, Course, jars
from crossfade.contract.errors import ContractError, ContractFailed
from crossfade.contract.reporting import text as report
from crossfade.contract.reporting.findings import shown_differences
from crossfade.contract.reporting.names import Names
from crossfade.contract.run import results as ledger
from crossfade.contract.transport.request import CookieJar, HeaderTypes, build_request, with_cookies
from crossfade.messages.exchange import Request, Response
from crossfade.model import Side

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Options(TypedDict, total=False):
    """What a request can be given, as in httpx.

    Attributes:
        params: query parameters, added to those of the path.
        headers: a mapping or pairs; a name given here replaces the default one.
        cookies: sent beside those that the side has set before.
        json: a value, sent as JSON.
        data: form fields.
        files: uploads, as in httpx.
        content: the body as it is; no Content-Type is added.
        timeout: seconds until an answer counts as endless.
        answered_by: who has to answer when FastAPI is asked. By default FastAPI has to, unless
            Flask's URL map owns the request (404, 405, redirects, OPTIONS). "fastapi" allows
            no exception; "flask" says that Flask answers both sides, for a login that has not
            moved yet or for a URL that has to stay Flask's.
    """

    params: Any
    headers: HeaderTypes | None
    cookies: Mapping[str, str] | None
    json: Any
    data: Mapping[str, Any] | None
    files: Any
    content: str | bytes | Iterable[bytes] | None
    timeout: float | None
    answered_by: Literal["flask", "fastapi"] | None


class Contract:
    """Sends each request to Flask and to FastAPI, and fails where the two can be told apart.

    Each call starts both sides from the state that it finds, compares what they leave, and puts
    the state back. Cookies are kept between the calls, each side its own.
    """

    def __init__(self, runner: Runner, *, base_url: str, timeout: float) -> None:
        self._runner = runner
        self._judge_of = Judge(runner, timeout)
        self._base_url = httpx.URL(base_url)
        self._timeout = timeout
        self._jars = jars()
        self._names = Names()
        self._course: Course[CookieJar] | None = None
        self.outcomes: list[Outcome] = []
        """What every call showed, in order."""
        self._strengths: dict[int, ledger.Strengths] = {}
        self.agreed = 0
        """Calls that FastAPI answered, or in which the test said that Flask has to."""

    def get(self, path: str | bytes, **options: Unpack[Options]) -> httpx.Response:
        """Compare a GET; return Flask's response."""
        __tracebackhide__ = True
        return self.request("GET", path, **options)

    def head(self, path: str | bytes, **options: Unpack[Options]) -> httpx.Response:
        """Compare a HEAD; return Flask's response."""
        __tracebackhide__ = True
        return self.request("HEAD", path, **options)

    def options(self, path: str | bytes, **options: Unpack[Options]) -> httpx.Response:
        """Compare an OPTIONS; return Flask's response."""
        __tracebackhide__ = True
        return self.request("OPTIONS", path, **options)

    def post(self, path: str | bytes, **options: Unpack[Options]) -> httpx.Response:
        """Compare a POST; return Flask's response."""
        __tracebackhide__ = True
        return self.request("POST", path, **options)

    def put(self, path: str | bytes, **options: Unpack[Options]) -> httpx.Response:
        """Compare a PUT; return Flask's response."""
        __tracebackhide__ = True
        return self.request("PUT", path, **options)

    def patch(self, path: str | bytes, **options: Unpack[Options]) -> httpx.Response:
        """Compare a PATCH; return Flask's response."""
        __tracebackhide__ = True
        return self.request("PATCH", path, **options)

    def delete(self, path: str | bytes, **options: Unpack[Options]) -> httpx.Response:
        """Compare a DELETE; return Flask's response."""
        __tracebackhide__ = True
        return self.request("DELETE", path, **options)

    def request(self, method: str, path: str | bytes, **options: Unpack[Options]) -> httpx.Response:
        """Send one request to both sides and compare; return Flask's response.

        Raises:
            ContractFailed: the sides differ, or FastAPI did not answer.
            ContractError: the comparison can't be made.
            ValueError: the path has no leading slash or has a fragment.
        """
        __tracebackhide__ = True
        build = self._builder(method, path, options)
        timeout = options.get("timeout") or self._timeout
        answered_by = options.get("answered_by")
        outcome = self._compare(build, timeout)
        outcome = replace(outcome, stays_flasks=self._stays_flasks(outcome, answered_by))
        self.outcomes.append(outcome)
        self._judge(outcome, answered_by)
        self._try_mutants(outcome)
        return self._answer(outcome.legacy.request, outcome.legacy.response)

    def account(self) -> dict[str, Any]:
        """What this contract saw, as plain values for `report.Account`."""
        return {
            "exchanges": [
                report.summary(outcome) | ledger.facts(outcome, self._strengths.get(number, ()))
                for number, outcome in enumerate(self.outcomes)
            ],
            "remark": self._runner.state_remark,
            "rules": self._rules_met(),
            "expired": self._expired(),
        }

    def _expired(self) -> list[str]:
        """Deviations of the map for those routes whose last day is over."""
        met = {ledger.native_route(outcome) for outcome in self.outcomes if outcome.is_native}
        expired = self._judge_of.rules.expired
        return [str(rule) for route in sorted(met) for rule in expired.get(route, ())]

    def _rules_met(self) -> list[str]:
        """The rules of the map for the routes that FastAPI answered."""
        met = {ledger.native_route(outcome) for outcome in self.outcomes if outcome.is_native}
        return [str(rule) for route in sorted(met) for rule in self._judge_of.rules_of(route)]

    def grounds(self, known: set[str]) -> dict[str, Any] | None:
        """What receipts of the routes that it met stand on, but for what is `known` already."""
        met = {ledger.native_route(outcome) for outcome in self.outcomes if outcome.is_native}
        known |= (new := met - known)
        gateway = self._runner.gateway
        return None if gateway is None else ledger.grounds(gateway, new)

    @contextmanager
    def sequence(self) -> Iterator[None]:
        """Let both sides run the calls inside one after the other, each on what it left itself.

        The state is put back at the end. What the test itself changes inside is lost.
        """
        if self._course is not None:
            raise ContractError("a sequence can't stand inside a sequence")
        start = self._runner.capture()
        self._course = Course(self._judge_of, start, self._timeout, self._jars, self._names)
        try:
            yield
        finally:
            self._course = None
            self._runner.restore(start, self._runner.capture())

    def _builder(self, method: str, path: str | bytes, options: Options) -> Build[CookieJar]:
        request = build_request(
            method,
            path,
            base_url=self._base_url,
            params=options.get("params"),
            headers=options.get("headers"),
            json=options.get("json"),
            data=options.get("data"),
            files=options.get("files"),
            content=options.get("content"),
        )
        given = list((options.get("cookies") or {}).items())
        names = {name for name, _ in given}

        def build(jar: CookieJar) -> Request:
            kept = jar.pairs(request.raw_path, self._base_url.scheme)
            return with_cookies(request, [*(pair for pair in kept if pair[0] not in names), *given])

        return build

    def _compare(self, build: Build[CookieJar], timeout: float) -> Outcome:
        __tracebackhide__ = True
        if self._course is not None:
            return self._course.step(build, timeout)
        start = self._runner.capture()
        try:
            return Course(self._judge_of, start, timeout, self._jars, self._names).step(build)
        finally:
            self._runner.restore(start, self._runner.capture())

    def _stays_flasks(self, outcome: Outcome, answered_by: str | None) -> bool:
        if outcome.is_native or answered_by is not None:
            return not outcome.is_native and answered_by == Side.LEGACY.framework
        native = outcome.native
        # A native route that was not asked is one that Flask's own map keeps from being asked.
        kept = self._runner.handler(native.route, Side.NATIVE) is not None
        return native.route is None or native.request.method == "OPTIONS" or kept

    def _judge(self, outcome: Outcome, answered_by: str | None) -> None:
        __tracebackhide__ = True
        native = outcome.native
        if answered_by is not None and native.side.framework != answered_by:
            raise ContractFailed(report.wrong_side(outcome, answered_by))
        if not outcome.is_native and not outcome.stays_flasks:
            raise ContractFailed(report.no_native(outcome))
        if outcome.differences:
            raise ContractFailed(self._failure(outcome))
        if outcome.is_native or answered_by is not None:
            self.agreed += 1

    def _failure(self, outcome: Outcome) -> str:
        shown = shown_differences(outcome)
        rules = (self._judge_of.rules.covered_until(outcome, each) for each in shown)
        return report.failure(
            outcome,
            (outcome.remark, self._runner.state_remark),
            Doctor(facts_of(self._runner.gateway, outcome.native.route)),
            shown,
            dict.fromkeys(rule for rule in rules if rule is not None),
        )

    def _try_mutants(self, outcome: Outcome) -> None:
        """Fail where a broken answer of FastAPI would have passed as well."""
        __tracebackhide__ = True
        if not outcome.is_native:
            return
        tried = ledger.strengths_of(outcome, self._judge_of)
        self._strengths[len(self.outcomes) - 1] = tried
        weak = ledger.too_weak(outcome, tried)
        if weak:
            raise ContractFailed(weak)

    def _answer(self, request: Request, response: Response) -> httpx.Response:
        try:
            url = self._base_url.copy_with(raw_path=request.target)
        except (httpx.InvalidURL, UnicodeError):
            url = self._base_url
        answer = httpx.Response(
            response.status,
            headers=[(k.encode("latin-1"), v.encode("latin-1")) for k, v in response.headers],
            stream=httpx.ByteStream(response.body),
            request=httpx.Request(request.method, url),
        )
        answer.read()
        return answer
