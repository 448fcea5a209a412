"""One case in which the sides differ: its answers, and what more of them have at each place."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from crossfade.contract.comparison.clock import SessionReader
from crossfade.contract.nondeterminism.evidence import Drawn
from crossfade.contract.nondeterminism.strands import Content, Strand, general, strands, together
from crossfade.contract.nondeterminism.values import ABSENT, Opaque, Value, value_of
from crossfade.contract.state.effects import Effects, compare_effects
from crossfade.messages.codings import decoded
from crossfade.messages.compare import ORDER, Difference, Kind, compare
from crossfade.messages.exchange import Exchange, Response
from crossfade.model import Side

MOST: Final = 48
"""Answers of each side to one request. A coin's other face comes in fewer."""

LATER: Final = 8
"""Answers of each side that may be asked for after a while."""

PATIENCE: Final = 6.0
"""Seconds for which one request is asked again, where its answers are slow."""

_MOST_OTHERS: Final = 8

_BODIES: Final = (Kind.TEXT, Kind.BYTES)

NEVER_NOISE: Final = (Kind.STATUS, Kind.INCOMPLETE, Kind.JSON_FORM)
"""What chance does not excuse."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of one side.

    Attributes:
        exchange: as it came.
        response: with Flask's names for what a sequence has given other names on each side.
        effects: what the request changed.
        name: gives Flask's name for a value in a row.
    """

    exchange: Exchange
    response: Response
    effects: Effects
    name: Callable[[Any], Any] | None = None


SIDES: Final = (Side.LEGACY, Side.NATIVE)

Ask = Callable[[Side], Answer]
"""Sends one side the same request again, from the start that it had."""

_Table = dict[str, Content]


_numbers = count()


@dataclass(slots=True)
class Trial:
    """The answers to one request, compared with the first of Flask's.

    Attributes:
        route: as the gateway names it.
        differences: between the two first answers, without those that a rule overlooks.
        first: the two first answers.
        turned: what a side answered that can't be repeated: the first status and the other one.
        ask: gets another answer.
        session: reads Flask's session cookies.
        native_first: whether FastAPI was asked first.
        most: answers of each side at most, as long as they are asked for at once.
        later: how many more may be asked for after a while.
        asked_at: when it was asked last, by `time.monotonic`.
        seconds: that each answer took.
    """

    route: str
    differences: tuple[Difference, ...]
    first: Mapping[Side, Answer]
    ask: Ask
    session: SessionReader | None
    native_first: bool = False
    most: int = MOST
    later: int = LATER
    turned: dict[Side, tuple[int, int]] = field(default_factory=dict)
    asked_at: float = field(default_factory=time.monotonic)
    seconds: list[float] = field(default_factory=list)
    number: int = field(default_factory=lambda: next(_numbers))
    _base: _Table = field(default_factory=dict)
    _tables: dict[Side, list[tuple[float, _Table]]] = field(default_factory=dict)
    _spent: float = 0.0
    _found: list[tuple[str, list[Strand]]] | None = None

    def __post_init__(self) -> None:
        self._tables = {Side.LEGACY: [(self.asked_at, {})], Side.NATIVE: []}
        self.seconds.append(self.first[Side.LEGACY].exchange.seconds)
        self._take(Side.NATIVE, self.first[Side.NATIVE])

    @property
    def is_head(self) -> bool:
        """Whether the body is not sent."""
        return self.first[Side.LEGACY].exchange.request.method == "HEAD"

    @property
    def asked(self) -> int:
        """How many answers there are of the side of which there are fewer."""
        return min(map(len, self._tables.values()))

    @property
    def exhausted(self) -> bool:
        """Whether asking again would show nothing more."""
        return self.ended or self.asked >= self.most

    @property
    def ended(self) -> bool:
        """Whether it can't be asked again, even later."""
        slow = self._spent > PATIENCE and self.asked > 1
        return bool(self.turned) or slow or self.asked >= self.most + self.later

    def again(self) -> None:
        """Ask both sides once more, the one first that was second before."""
        native_first = self.native_first ^ bool(self.asked % 2)
        for side in reversed(SIDES) if native_first else SIDES:
            started = time.monotonic()
            answer = self.ask(side)
            self._spent += time.monotonic() - started
            before, now = self.first[side].response.status, answer.response.status
            if before // 100 != now // 100:
                self.turned[side] = before, now
            else:
                self._take(side, answer)
        self.asked_at = time.monotonic()
        self._found = None

    def parts(self) -> list[tuple[str, list[Strand]]]:
        """The differences by their places, each with its parts in which answers differ."""
        if self._found is None:
            wheres = dict.fromkeys(
                each.where for each in self.differences if each.kind not in NEVER_NOISE
            )
            found = [(where, list(self._strands(where))) for where in wheres]
            others = [part for where in self._others(wheres) for part in self._strands(where)]
            self._found = together(found, others, self._turns())
        return self._found

    def _others(self, wheres: Collection[str]) -> list[str]:
        """Places at which only later answers differ from the first."""
        tables = (table for side in SIDES for _, table in self._tables[side])
        found = dict.fromkeys(where for table in tables for where in table)
        return [where for where in found if where not in wheres and where != "body"][:_MOST_OTHERS]

    def _turns(self) -> tuple[tuple[float, ...], ...]:
        return tuple(tuple(turn for turn, _ in self._tables[side]) for side in SIDES)

    def twins(self, places: Sequence[str]) -> Iterator[tuple[object, object]]:
        """Flask's and FastAPI's first values at some places, and in the parts of these."""
        _, first = self._tables[Side.NATIVE][0]
        for where, parts in self.parts():
            if where in places:
                yield self._base[where], self._value(first, where)
                for part in parts:
                    if part.ours and part.theirs:
                        yield part.ours[0].value, part.theirs[0].value

    # --- tables --------------------------------------------------------------------------------

    def _take(self, side: Side, answer: Answer) -> None:
        """Note in what an answer differs from Flask's first."""
        first = self.first[Side.LEGACY]
        table: _Table = {}
        seen: dict[str, list[Difference]] = {}
        for difference in (
            *compare(first.response, answer.response),
            *compare_effects(first.effects, answer.effects, answer.name),
        ):
            seen.setdefault(difference.where, []).append(difference)
        for where, found in seen.items():
            base, value = self._values(where, found, first.response, answer.response)
            self._base.setdefault(where, base)
            table[where] = value
        self._tables[side].append((time.monotonic(), table))
        self.seconds.append(answer.exchange.seconds)

    def _values(
        self, where: str, found: Sequence[Difference], legacy: Response, other: Response
    ) -> tuple[Content, Content]:
        difference = found[0]
        if len(found) > 1:  # rows that have no name of their own
            texts = [(each.legacy or "", each.native or "") for each in found]
            ours, theirs = ("; ".join(filter(None, side)) for side in zip(*texts, strict=True))
            return Opaque(ours), Opaque(theirs)
        if difference.kind in _BODIES:
            return _body(legacy), _body(other)
        base = value_of(difference.legacy, difference)
        value = value_of(difference.native, difference)
        if where == self._session_place:
            return self._session_content(base), self._session_content(value)
        return base, value

    @property
    def _session_place(self) -> str | None:
        return None if self.session is None else self.session.where

    def _session_content(self, value: Value) -> Content:
        """What Flask's session holds: the moment of its signature changes with each answer."""
        if self.session is None or not isinstance(value, str):
            return value
        content = self.session.content(value)
        return value if content is None else content

    def _strands(self, where: str) -> Iterator[Strand]:
        own = [table for _, table in self._tables[Side.LEGACY]]
        if not any(where in table for table in own):
            group = general(where)
            if any(general(place) == group for table in own for place in table):
                yield from self._moving(group)  # a list, or rows, in which the places move
                return
        ours, theirs = (
            [Drawn(turn, self._value(table, where)) for turn, table in self._tables[side]]
            for side in SIDES
        )
        yield from strands(where, ours, theirs)

    def _moving(self, group: str) -> Iterator[Strand]:
        """The values at all places that are alike but for their indexes."""
        wheres = [where for where in self._base if general(where) == group]
        ours, theirs = (
            [
                Drawn(turn, table.get(where, self._base[where]))
                for turn, table in self._tables[side]
                for where in wheres
            ]
            for side in SIDES
        )
        yield from strands(group, ours, theirs)

    def _value(self, table: _Table, where: str) -> Content:
        """What an answer has at a place, which may stand inside of one that differs."""
        if where in table:
            return table[where]
        if self._is_order(where):
            inner = [f"{place}: {value!r}" for place, value in table.items() if _in(place, where)]
            return Opaque("; ".join(inner)) if inner else self._base[where]
        missing = any(_in(where, place) and value is ABSENT for place, value in table.items())
        return ABSENT if missing else self._base[where]

    def _is_order(self, where: str) -> bool:
        return any(each.where == where and each.note == ORDER for each in self.differences)


def _in(place: str, outer: str) -> bool:
    return place.startswith((f"{outer}.", f"{outer}["))


def _body(response: Response) -> str | bytes:
    body = decoded(response).body
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body
