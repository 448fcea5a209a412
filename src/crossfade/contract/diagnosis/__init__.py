"""The likely causes of a difference, each with its evidence and the fix, where they are known.

Every rule has a stable code and says which evidence it needs; without that it is silent, for no
cause is better than a wrong one. Causes that both fit are both said. What is said was measured with
the versions that the project tests, and is documented in `docs/causes.md`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from crossfade.contract.diagnosis.body import JSON, WHOLE
from crossfade.contract.diagnosis.consequences import BODIES, crashed
from crossfade.contract.diagnosis.cookies import COOKIE
from crossfade.contract.diagnosis.crash import CRASHES, OF_FLASK, both_by_flask
from crossfade.contract.diagnosis.facts import UNKNOWN, HandlerFacts, facts_of
from crossfade.contract.diagnosis.files import OF_FILES
from crossfade.contract.diagnosis.headers import HEADER
from crossfade.contract.diagnosis.inputs import REFUSED, SENT
from crossfade.contract.diagnosis.protocol import PROTOCOL
from crossfade.contract.diagnosis.rule import (
    Cause,
    CauseRule,
    Diagnosis,
    Severity,
    View,
    place_of,
)
from crossfade.contract.diagnosis.state import STATE
from crossfade.contract.diagnosis.status import STATUS
from crossfade.contract.diagnosis.values import VALUES
from crossfade.contract.engine.exceptions import exception_name, raised_at
from crossfade.contract.engine.runner import Outcome
from crossfade.messages.compare import Difference, Kind
from crossfade.model import Side

__all__ = [
    "RULES",
    "Cause",
    "CauseRule",
    "Diagnosis",
    "Doctor",
    "HandlerFacts",
    "Severity",
    "View",
    "diagnose",
    "facts_of",
    "place_of",
]

RULES: Final[tuple[CauseRule, ...]] = tuple(
    sorted(
        (
            both_by_flask, *CRASHES, *OF_FLASK, *STATUS, *PROTOCOL, *REFUSED, *HEADER, *OF_FILES,
            *COOKIE, *JSON, *VALUES, *WHOLE, *SENT, *STATE,
        ),
        key=lambda each: each.code,
    )
)  # fmt: skip
"""Every cause that is known, by its code."""


def diagnose(view: View) -> tuple[Diagnosis, ...]:
    """Every cause of a difference whose evidence holds; empty where none is known."""
    if view.native.side is Side.LEGACY:
        return tuple(_speaking([both_by_flask], view))
    rules = list(CRASHES) if crashed(view.native) else list(_fitting(view))
    special = tuple(_speaking([each for each in rules if not each.general], view))
    return special or tuple(_speaking([each for each in rules if each.general], view))


def _fitting(view: View) -> Iterator[CauseRule]:
    """The rules for a difference: across statuses only those for which these say nothing."""
    kind = view.difference.kind
    another = kind in BODIES and view.ours != view.theirs
    refusing = kind is Kind.HEADER and (view.ours >= 400) is not (view.theirs >= 400)
    for each in RULES:
        if kind not in each.kinds or each is both_by_flask or each in CRASHES:
            continue
        if each.across or not (another or refusing):
            yield each


def _speaking(rules: list[CauseRule], view: View) -> Iterator[Diagnosis]:
    for each in rules:
        found = each.find(view)
        if found is not None:
            yield Diagnosis(each, found)


@dataclass(frozen=True, slots=True)
class Doctor:
    """Diagnoses what the cases of one route showed.

    Attributes:
        facts: what is known of the route.
        base: the request that the others vary, with what it showed; None where there is none.
    """

    facts: HandlerFacts = UNKNOWN
    base: Outcome | None = None
    _plain: Mapping[object, tuple[Diagnosis, ...]] = field(init=False)

    def __post_init__(self) -> None:
        """Diagnose the base first: what differs there differs for the same reason in the others."""
        plain = {}
        for each in () if self.base is None else self.base.differences:
            assert self.base is not None  # its differences are walked
            plain[_alike(each)] = diagnose(_view(self.base, each, self.facts, None))
        object.__setattr__(self, "_plain", plain)

    def causes(self, outcome: Outcome, difference: Difference) -> tuple[Diagnosis, ...]:
        """Every cause of a difference between the answers to one request."""
        known = self._plain.get(_alike(difference))
        if known is not None and self.base is not None and _raised(outcome) == _raised(self.base):
            return known
        base = None if outcome is self.base else self.base
        return diagnose(_view(outcome, difference, self.facts, base))


def _alike(difference: Difference) -> object:
    """What two differences have in common that have one cause: the place, and who has nothing."""
    return place_of(difference), difference.legacy is None, difference.native is None


def _raised(outcome: Outcome) -> object:
    """What the two sides raised, and where: another exception is a cause of its own."""
    raised, sides = outcome.native.raised, (outcome.legacy, outcome.native)
    return (
        [(exception_name(each.error), raised_at(each.error or "")) for each in sides],
        raised and (raised.name, raised.place, [location for location, _ in raised.refused[:1]]),
    )


def _view(
    outcome: Outcome, difference: Difference, facts: HandlerFacts, base: Outcome | None
) -> View:
    return View(
        difference,
        outcome.legacy,
        outcome.native,
        facts,
        base,
        outcome.changed,
        outcome.login,
    )
