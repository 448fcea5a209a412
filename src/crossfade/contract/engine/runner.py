"""One request to both sides, from the same state; what each answered and left behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from types import TracebackType
from typing import Any, Final

from flask import got_request_exception

from crossfade.contract.comparison.clock import (
    SessionReader,
    by_the_clock,
    settle,
    signed_in_another_second,
)
from crossfade.contract.comparison.login_redirects import sent_to_log_in
from crossfade.contract.engine.exceptions import raised_by
from crossfade.contract.errors import ContractError, ContractFailed
from crossfade.contract.nondeterminism.trial import Trial
from crossfade.contract.receipts.code.observed import observer
from crossfade.contract.reporting.names import Names
from crossfade.contract.state.base import NoState, NotGiven, SameAs, State, comparable
from crossfade.contract.state.effects import compare_effects, effects
from crossfade.contract.state.frozen import Frozen
from crossfade.contract.transport.asgi import InProcessApp, Reply, Scope, release, traceback_of
from crossfade.gateway.dispatch import Gateway
from crossfade.messages.compare import Difference, compare
from crossfade.messages.exchange import Exchange, Headers, Request, Response
from crossfade.model import FORCE_SIDE, RAISED, SELECTION, Selection, Side

ATTEMPTS: Final = 3
"""Runs after which a difference that the clock could have made is believed."""

SAME_NAMES: Final = Names()
"""Where nothing has been named by chance."""

SIDES: Final = (Side.LEGACY, Side.NATIVE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call of a contract showed.

    Attributes:
        legacy: the exchange in which Flask was asked.
        native: the exchange in which FastAPI was asked; `native.side` says who answered it.
        differences: what a client, or the next request, could tell apart.
        stays_flasks: whether Flask has to answer both, because its URL map owns the request
            or because the test says so.
        overlooked: how many differences each rule of the map covered, by the rule.
        noise: places in which Flask differs from itself, and FastAPI alike.
        trial: what both sides answered when they were asked again; None where they were not.
        remark: why asking again showed nothing, and what would make it repeatable.
        turned_away: whether Flask sent the client to log in, and did nothing else.
        login: who asked, by the name in `contract_logins`; None in a test written by hand.
        case: the name of the case; None in a test written by hand.
        changed: what each side changed in the state that it started from, where the two differ.
        left: a sample of what Flask left, in which a broken state is tried; None without a state.
        took_effect: whether Flask's answer to an unsafe request that it served left another state;
            None of any other request, and where nothing is known of the state.
    """

    legacy: Exchange
    native: Exchange
    differences: tuple[Difference, ...]
    stays_flasks: bool = False
    overlooked: Mapping[Any, int] = field(default_factory=dict)
    noise: tuple[str, ...] = ()
    trial: Trial | None = field(default=None, repr=False, compare=False)
    remark: str = ""
    turned_away: bool = False
    login: str | None = None
    case: str | None = None
    changed: Mapping[Side, tuple[Difference, ...]] = field(default_factory=dict)
    left: Mapping[str, object] | None = None
    took_effect: bool | None = None

    @property
    def served(self) -> bool:
        """Whether Flask did what was asked: 2xx, or 3xx that leads to no login."""
        return self.legacy.response.status < 400 and not self.turned_away

    @property
    def is_native(self) -> bool:
        """Whether FastAPI answered one of the two."""
        return self.native.side is Side.NATIVE


class Runner:
    """Sends requests to a gateway in this process, to the side that is asked for."""

    def __init__(
        self, app: InProcessApp, state: State, scheme: str, frozen: Frozen = nullcontext
    ) -> None:
        """Look at the application under test.

        Args:
            app: started.
            state: what is reset between the sides.
            scheme: `http` or `https`.
            frozen: gives what is entered for the time of each request.
        """
        self._frozen = frozen
        self.app = app.app
        self._app = app
        self._state = state
        self._scheme = scheme
        gateway = getattr(getattr(app.app, "state", None), "crossfade", None)
        self.gateway = gateway if isinstance(gateway, Gateway) else None
        self.flask_app = None if self.gateway is None else self.gateway.flask_app
        self._incomparable = False
        self._tried = self._unrestored = False

    def handler(self, route: str | None, side: Side) -> str | None:
        """The name of what one side has for a route: a Flask endpoint, a native function."""
        if self.gateway is None or route is None:
            return None
        target = self.gateway.live.snapshot.table.by_name.get(route)
        return None if target is None else target.handler(side)

    @property
    def state_is_given(self) -> bool:
        """Whether somebody has said what is reset, or that nothing has to be."""
        return not isinstance(self._state, NotGiven)

    @property
    def resets(self) -> bool:
        """Whether each request starts from the state that it is to start from."""
        return not isinstance(self._state, NoState)

    @property
    def state_remark(self) -> str:
        """What the state does not do, for people; empty where it does all."""
        if isinstance(self._state, NoState):
            return "nothing is reset between the two sides: see the fixture `contract_state`"
        if self._incomparable:
            return (
                f"what the sides leave is not compared: {type(self._state).__name__}.capture() "
                "returns objects without __eq__"
            )
        if self._unrestored:
            return (
                f"{type(self._state).__name__}.restore() does not bring back what its capture() "
                "showed: each side starts from what the other one has left"
            )
        return ""

    def capture(self) -> object:
        """A picture of the present state."""
        captured = self._state.capture()
        self._incomparable = not comparable(captured)
        return captured

    def restore(self, captured: object, present: object = None) -> None:
        """Bring back `captured`, unless it is the present state already."""
        if captured is present:
            return
        self._state.restore(captured)
        if not self._tried and effects(captured, present):
            # The first time that there was something to restore: is it, indeed?
            self._tried = True
            self._unrestored = bool(effects(captured, self._state.capture()))

    def pair(
        self,
        requests: Mapping[Side, Request],
        starts: Mapping[Side, object],
        timeout: float,
        *,
        first: Side = Side.LEGACY,
        once: bool = False,
        names: Names = SAME_NAMES,
    ) -> tuple[Outcome, dict[Side, object]]:
        """Send each side its request from its start; return the outcome and what each left.

        Where an answer holds the second in which it was made (signed cookies and tokens,
        `Expires`), both sides are asked again from the same start, until they fall on one second.

        Args:
            requests: what each side is sent.
            starts: the picture of the state that each starts from.
            timeout: seconds until an answer counts as endless.
            first: the side that is asked first.
            once: whether Flask is asked once where its URL map keeps FastAPI from answering: the
                answer is then compared with itself.
            names: what FastAPI has given other names in earlier answers.
        """
        if once and not self.reaches_native(requests[Side.NATIVE]):
            first = Side.NATIVE  # who answers it decides
        before: tuple[Outcome, dict[Side, object]] | None = None
        for attempt in range(1, ATTEMPTS + 1):
            exchanges, ends = {}, {}
            started = time.monotonic()
            for side in SIDES if first is Side.LEGACY else reversed(SIDES):
                exchanges[side], ends[side] = self.ask(requests[side], side, starts[side], timeout)
                kept = side is Side.NATIVE and exchanges[side].side is Side.LEGACY
                if once and kept and len(exchanges) == 1:
                    own = exchanges[side]
                    return Outcome(own, own, (), stays_flasks=True), dict.fromkeys(
                        SIDES, ends[side]
                    )
            legacy, native = exchanges[Side.LEGACY], exchanges[Side.NATIVE]
            if before is not None and _turned(before[0], legacy, native):
                return before  # the first answers count: a second one is of another kind
            elapsed = time.monotonic() - started
            seen = compare(legacy.response, names.response(native.response))
            found = (
                *settle(seen, self.session_reader, elapsed, last=attempt == ATTEMPTS),
                *_left(starts, ends, names),
            )
            signed = signed_in_another_second(legacy.response, native.response)
            away = _turned_away(legacy, starts[Side.LEGACY], ends[Side.LEGACY])
            effect = self._took_effect(legacy, starts[Side.LEGACY], ends[Side.LEGACY])
            before = Outcome(legacy, native, found, turned_away=away, took_effect=effect), ends
            if not (signed or any(map(by_the_clock, found))):
                break
        assert before is not None  # there is a first attempt
        return before

    def reaches_native(self, request: Request) -> bool:
        """Whether FastAPI answers a request that it is asked for, as far as the URL map tells."""
        return self.gateway is None or self.selection(request).side is Side.NATIVE

    def selection(self, request: Request) -> Selection:
        """Who answers a request that FastAPI is asked for, and by which rule.

        Raises:
            ContractError: the application under test has no gateway.
        """
        if self.gateway is None:
            raise ContractError(
                "the application under test is none that was given to mount_legacy, so its "
                "routes are not known"
            )
        scope = self.scope(request)
        scope[FORCE_SIDE] = Side.NATIVE
        return self.gateway.choose(self.gateway.live.snapshot, scope)[0]

    def _took_effect(self, exchange: Exchange, start: object, end: object) -> bool | None:
        unsafe = exchange.request.method not in ("GET", "HEAD", "OPTIONS", "TRACE")
        if not unsafe or exchange.response.status >= 400 or isinstance(self._state, NoState):
            return None
        return bool(effects(start, end))

    def ask(
        self, request: Request, side: Side, start: object, timeout: float
    ) -> tuple[Exchange, object]:
        """Ask one side from a start; return its answer and what it left."""
        self.restore(start, self.capture())
        exchange = self.send(request, side, timeout)
        return exchange, self.capture()

    def scope(self, request: Request) -> Scope:
        """Return the ASGI scope of a request."""
        return self._app.scope(request, self._scheme)

    @property
    def session_reader(self) -> SessionReader | None:
        """What reads Flask's session cookies; None where there is no Flask."""
        return None if self.flask_app is None else SessionReader(self.flask_app)

    @contextmanager
    def _raised(self) -> Iterator[list[str]]:
        """The tracebacks of what Flask turns into a 500 meanwhile, and no server would see."""
        found: list[str] = []
        raised: list[BaseException] = []

        def note(sender: object, exception: BaseException, **extra: object) -> None:
            found.append(traceback_of(exception))
            raised.append(exception)

        if self.flask_app is None:
            yield found
            return
        try:
            with got_request_exception.connected_to(note, sender=self.flask_app):
                yield found
        finally:
            for exception in raised:
                release(exception)

    def send(self, request: Request, side: Side, timeout: float) -> Exchange:
        """Ask one side; raise where it gives no whole answer, or where another side answered."""
        caught: list[tuple[BaseException, TracebackType | None]] = []
        extra: dict[str, object] = {FORCE_SIDE: side, RAISED: caught}
        started = time.perf_counter()
        with self._raised() as raised, self._frozen(), observer.request() as belongs_to:
            reply = self._app.send(request, scheme=self._scheme, extra=extra, timeout=timeout)
            moment = datetime.now(timezone.utc)
        selection = reply.scope.get(SELECTION)
        belongs_to(getattr(selection, "route", None))
        if not isinstance(selection, Selection):
            raise ContractError(_no_gateway(request, reply))
        if side is Side.LEGACY and selection.side is not Side.LEGACY:
            raise ContractError(
                f"{request.line}: Flask was asked, but FastAPI answered ({selection.route}); "
                "there is nothing to compare with"
            )
        if reply.gave_up:
            raise ContractFailed(_gave_up(request, selection.side, reply))
        return Exchange(
            request,
            _as_served(reply, selection.side),
            selection.side,
            selection.route,
            _endpoint(reply) or self.handler(selection.route, selection.side),
            reply.error or next(iter(raised), None),
            moment,
            time.perf_counter() - started,
            raised_by(next(iter(caught), None)),
        )


def _turned(before: Outcome, legacy: Exchange, native: Exchange) -> bool:
    """Whether a side answers with a status of another class than it did before."""
    pairs = ((before.legacy, legacy), (before.native, native))
    return any(old.response.status // 100 != new.response.status // 100 for old, new in pairs)


def _left(
    starts: Mapping[Side, object], ends: Mapping[Side, object], names: Names
) -> tuple[Difference, ...]:
    """In what the sides differ that they left, by what each has changed."""
    ours, theirs = ends[Side.LEGACY], ends[Side.NATIVE]
    alike = ours is theirs or (isinstance(ours, SameAs) and ours.same_as(theirs))
    if alike and starts[Side.LEGACY] is starts[Side.NATIVE]:
        return ()
    changed, also = (effects(starts[side], ends[side]) for side in SIDES)
    return compare_effects(changed, also, names.value)


def _turned_away(exchange: Exchange, start: object, end: object) -> bool:
    """Whether Flask sent the client to log in; who registers gets there as well, and is stored."""
    sent = sent_to_log_in(exchange.request, exchange.response)
    return sent and not effects(start, end)


def _no_gateway(request: Request, reply: Reply) -> str:
    text = (
        f"{request.line}: the application under test did not say who answered. "
        "`contract_app` (or the ini option `crossfade_app`) has to be the application that was "
        "given to `mount_legacy`, and no middleware may copy the scope before the router."
    )
    return f"{text}\n\n{reply.error}" if reply.error else text


def _gave_up(request: Request, side: Side, reply: Reply) -> str:
    got = reply.response
    return (
        f"{request.line}: {NAMES[side]}'s answer had {reply.gave_up} "
        f"(status {got.status}, {len(got.body)} bytes so far). "
        "An answer that never ends can't be compared; `timeout=` waits longer for a slow one."
    )


NAMES: Final = {Side.LEGACY: "Flask", Side.NATIVE: "FastAPI"}


def _endpoint(reply: Reply) -> str | None:
    endpoint: Callable[..., object] | None = reply.scope.get("endpoint")
    if endpoint is None:
        return None
    name = getattr(endpoint, "__qualname__", type(endpoint).__qualname__)
    return f"{getattr(endpoint, '__module__', '?')}.{name}"


_SERVED_BY: Final = "x-served-by"


def _as_served(reply: Reply, side: Side) -> Response:
    """The response without the line by which the gateway itself names the side that answered."""
    response = reply.response
    own = (_SERVED_BY, side.framework)
    if own not in response.headers:
        return response
    headers: Headers = tuple(pair for pair in response.headers if pair != own)
    return replace(response, headers=headers)
