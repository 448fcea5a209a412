"""What a cause is, the rules that find causes, and what these rules may look at."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from crossfade.contract.diagnosis.consequences import BODIES
from crossfade.contract.diagnosis.facts import UNKNOWN, HandlerFacts
from crossfade.contract.engine.runner import Outcome
from crossfade.messages.compare import Difference, Kind
from crossfade.messages.exchange import Exchange, Request
from crossfade.model import Side

ANY: Final = frozenset(Kind)
BODY: Final = frozenset(BODIES)
PAGE: Final = "docs/causes.md"


class Severity(str, Enum):
    """How much a cause matters, the worst first."""

    SECURITY = "security"
    BEHAVIOUR = "behaviour"
    FORM = "form"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why two answers differ.

    Attributes:
        cause: one sentence.
        fix: what to change.
        evidence: what of these two exchanges shows it.
        group: differences of one group are one finding; "" for the sentence itself.
    """

    cause: str
    fix: str
    evidence: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """All that a rule looks at. Nothing here changes, and nothing is asked of an application.

    Attributes:
        difference: the one to be explained.
        legacy: Flask's exchange.
        native: FastAPI's.
        facts: what is known of the native handler and of what it stands for.
        base: the request that this one varies, with what it showed; None where this one is no
            variation.
        changed: what each side changed in the state that it started from.
        login: who asked; "" for nobody, None where that has no name.
    """

    difference: Difference
    legacy: Exchange
    native: Exchange
    facts: HandlerFacts = UNKNOWN
    base: Outcome | None = None
    changed: Mapping[Side, tuple[Difference, ...]] = field(default_factory=dict)
    login: str | None = None

    @property
    def ours(self) -> int:
        """Flask's status."""
        return self.legacy.response.status

    @property
    def theirs(self) -> int:
        """FastAPI's status."""
        return self.native.response.status

    @property
    def request(self) -> Request:
        """What was asked."""
        return self.native.request

    @property
    def base_agrees(self) -> bool | None:
        """Whether the two sides agree in this place on the request that this one varies.

        None where there is none, so that nothing is known.
        """
        if self.base is None:
            return None
        at = place_of(self.difference)
        return not any(place_of(each) == at for each in self.base.differences)

    def changes(self, side: Side) -> Difference | None:
        """What a side changed in the place of the difference, seen from its start; None: nothing.

        Its `legacy` is what was there before, its `native` what the side left.
        """
        where = self.difference.where
        return next((each for each in self.changed.get(side, ()) if each.where == where), None)

    def compat(self, fix: str) -> str:
        """A fix by `crossfade.compat`, which needs Flask's context."""
        needs = "" if self.facts.hooks else ', which needs hooks = "flask" in the map'
        return f"{fix} (crossfade.compat{needs})"


def place_of(difference: Difference) -> tuple[Kind, str]:
    """The kind and place without indexes; of a status the two numbers belong to it."""
    if difference.kind is Kind.STATUS:
        return difference.kind, f"status {difference.legacy} {difference.native}"
    return difference.kind, re.sub(r"\[[^\]]*\]", "[*]", difference.where)


def header_name(view: View) -> str:
    """The name of the header that differs; "" for another difference."""
    kind = view.difference.kind
    return view.difference.where.partition(".")[2] if kind is Kind.HEADER else ""


Find = Callable[[View], Cause | None]


@dataclass(frozen=True, slots=True)
class CauseRule:
    """One cause that is known.

    Attributes:
        code: stable: `XF110`.
        title: a few words.
        needs: the evidence without which the cause is not named.
        kinds: the kinds of differences that it can explain.
        find: returns the cause of what it is shown, or None.
        severity: how much it matters.
        across: whether it explains bodies and headers of answers with other statuses, too.
        general: whether it only speaks where no other rule does.
    """

    code: str
    title: str
    needs: str
    kinds: frozenset[Kind]
    find: Find
    severity: Severity = Severity.BEHAVIOUR
    across: bool = False
    general: bool = False

    @property
    def anchor(self) -> str:
        """Where the documentation has it."""
        return f"{PAGE}#{self.code.lower()}"


def rule(
    code: str,
    title: str,
    needs: str,
    kinds: frozenset[Kind] | Kind,
    severity: Severity = Severity.BEHAVIOUR,
    *,
    across: bool = False,
    general: bool = False,
) -> Callable[[Find], CauseRule]:
    """Make a function a rule; the arguments are those of `CauseRule`."""
    wanted = frozenset({kinds}) if isinstance(kinds, Kind) else kinds

    def decorate(find: Find) -> CauseRule:
        return CauseRule(code, title, needs, wanted, find, severity, across, general)

    return decorate


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A cause that was found, with the rule that found it."""

    rule: CauseRule
    found: Cause

    @property
    def group(self) -> tuple[str, str]:
        """What differences have in common that are one finding."""
        return self.rule.code, self.found.group or self.found.cause
