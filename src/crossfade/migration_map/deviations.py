"""The rules of the migration map that let two answers differ: a place, and when it counts. Pure.

    ignore = ["body.made_at", "status when flask raises KeyError and fastapi 422"]

    [[deviations]]
    what = "status"
    when = "flask 5xx and fastapi 422"

A condition is one term or several that are joined by `and`; it holds where each term holds:

    flask 500        fastapi 422       the status with which a side answered
    flask 5xx        fastapi 4xx       its class
    flask raises KeyError              a side's view raised this, and nothing handled it
    login ada        login nobody      who asked, by the name in `contract_logins`
    case JSON: *                       the name of the case; `*` is any text

"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from crossfade.model import Side

WHERE: Final = r"^(status|body([.\[].+)?|(header|cookie|state)\..+)$"
"""The places of a `Difference`, as `ignore` and `[[deviations]]` write them."""

WHERE_AND_WHEN: Final = r"^(status|body([.\[].+)?|(header|cookie|state)\..+)( when .+)?$"
"""The same with a condition, as `ignore` writes it."""

NOBODY: Final = "nobody"
"""How a condition calls who asks without a login."""

_TERM: Final = re.compile(
    r"(?P<side>flask|fastapi) (?:(?P<status>[1-5](?:\d\d|xx))|raises (?P<raised>[A-Za-z_][\w.]*))"
    r"|login (?P<login>\S.*)"
    r"|case (?P<case>\S.*)"
)
_AND: Final = re.compile(r" and (?=(?:flask|fastapi|login|case) )")
_BRACKETS: Final = re.compile(r'\["(?:[^"\\]|\\.)*"\]|\[[^\]]*\]')
"""What may hold any text in a place: a member's name, a row's key."""

_FORMS: Final = (
    'write "flask 500", "fastapi 4xx", "flask raises KeyError", "login ada", "case JSON: *", '
    'or several joined by "and"'
)


@dataclass(frozen=True, slots=True)
class Situation:
    """One pair of answers, as far as a condition can ask.

    Attributes:
        statuses: by side.
        raised: the name of the exception that nothing handled, by side, with its module where a
            traceback has it; "" for none.
        login: who asked, by the name in `contract_logins`; "" for nobody. None in a test that was
            written by hand, which has no names for those who ask: no term about a login holds.
        case: the name of the case; None in a test that was written by hand.
    """

    statuses: dict[Side, int]
    raised: dict[Side, str]
    login: str | None = None
    case: str | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a condition.

    Attributes:
        kind: `status`, `raises`, `login` or `case`.
        value: what is asked for.
        side: whose status or exception.
    """

    kind: str
    value: str
    side: Side = Side.LEGACY

    def holds(self, situation: Situation) -> bool:
        """Whether it holds for a pair of answers."""
        if self.kind == "status":
            status = str(situation.statuses[self.side])
            return status == self.value or status[:1] + "xx" == self.value
        if self.kind == "raises":
            raised = situation.raised[self.side]
            return self.value in (raised, raised.rpartition(".")[2])
        if self.kind == "login":
            asked = situation.login
            return asked is not None and (asked or NOBODY) == self.value
        if situation.case is None:
            return False
        pattern = ".*".join(map(re.escape, self.value.split("*")))
        return re.fullmatch(pattern, situation.case, re.DOTALL) is not None


@dataclass(frozen=True, slots=True)
class Condition:
    """When a rule of the map counts.

    Attributes:
        text: as the map has it; "" for always.
        terms: all of them have to hold.
    """

    text: str = ""
    terms: tuple[Term, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Condition:
        """Read a condition.

        Raises:
            ValueError: a term is not one of those that there are; the text says which there are.

        >>> Condition.parse("flask 5xx and fastapi 422").terms[1].value
        '422'
        """
        if not text:
            return cls()
        return cls(text, tuple(_term(part) for part in _AND.split(text)))

    def holds(self, situation: Situation) -> bool:
        """Whether every term holds for a pair of answers."""
        return all(term.holds(situation) for term in self.terms)

    def about(self, kind: str) -> bool:
        """Whether a term of this kind is part of it."""
        return any(term.kind == kind for term in self.terms)

    @property
    def asks_of_answers(self) -> bool:
        """Whether a term names what a side answered or raised."""
        return self.about("status") or self.about("raises")

    def asks_of(self, side: Side) -> bool:
        """Whether a term names what this side answered or raised."""
        return any(t.kind in ("status", "raises") and t.side is side for t in self.terms)


ALWAYS: Final = Condition()


def _term(text: str) -> Term:
    match = _TERM.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a condition; {_FORMS}")
    if match["login"] is not None or match["case"] is not None:
        kind = "login" if match["login"] is not None else "case"
        return Term(kind, match[kind])
    side = Side.LEGACY if match["side"] == "flask" else Side.NATIVE
    kind = "status" if match["status"] is not None else "raises"
    return Term(kind, match["status"] or match["raised"], side)


def split_rule(text: str) -> tuple[str, str]:
    """Return place and condition of an entry of `ignore`; the condition is "" where it has none.

    A place may hold any text in brackets, ` when ` included.

    >>> split_rule('body["now when"] when flask 200')
    ('body["now when"]', 'flask 200')
    """
    shadow = _BRACKETS.sub(lambda match: "x" * len(match[0]), text)
    at = shadow.find(" when ")
    return (text, "") if at < 0 else (text[:at], text[at + len(" when ") :])


def checked_place(text: str) -> str:
    """Return a deviation's `what` as it is.

    Raises:
        ValueError: it has a condition, which a deviation has in a key of its own.
    """
    place, when = split_rule(text)
    if when:
        raise ValueError(f"a condition inside of what; write what = {place!r} and when = {when!r}")
    return text


def checked_rule(text: str) -> str:
    """Return an entry of `ignore` as it is.

    Raises:
        ValueError: its condition can't be read.
    """
    Condition.parse(split_rule(text)[1])
    return text


def checked_condition(text: str) -> str:
    """Return a deviation's `when` as it is.

    Raises:
        ValueError: it can't be read.
    """
    if not text:
        raise ValueError(f"an empty condition; {_FORMS}, or leave the key out")
    Condition.parse(text)
    return text


class DeviationDocument(BaseModel):
    """A difference that the team has approved."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    route: str = Field(description="The route, spelt as in the table of routes.")
    what: Annotated[str, Field(pattern=WHERE), AfterValidator(checked_place)] = Field(
        description="Where the sides differ: status, body.error."
    )
    when: Annotated[str, AfterValidator(checked_condition)] | None = Field(
        default=None,
        description="In which answers it counts. By default in all.",
        examples=[
            "flask 5xx",
            "flask raises KeyError and fastapi 422",
            "login ada",
            "case JSON: *",
        ],
    )
    reason: str = Field(min_length=1, description="Why that is right. Shown in every report.")
    until: date | None = Field(
        default=None, description="The last day on which it counts. By default it has no end."
    )


@dataclass(frozen=True, slots=True)
class Deviation:
    """One table `[[deviations]]`: a difference that the team has approved.

    Attributes:
        route: as the file spells it.
        what: where the sides differ, in the words of `Difference.where`.
        reason: why that is right.
        until: the last day on which it counts; None for no end.
        line: where it stands in the file, counted from 1.
        when: in which answers it counts, as `conditions` reads it; "" for all.
    """

    route: str
    what: str
    reason: str
    until: date | None = None
    line: int | None = None
    when: str = ""
