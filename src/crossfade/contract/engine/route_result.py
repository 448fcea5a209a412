"""What the cases of one route came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from crossfade.contract.cases.http_file import Case
from crossfade.contract.comparison.ignore_rules import Rule
from crossfade.contract.engine.runner import Outcome
from crossfade.messages.codings import decoded
from crossfade.messages.exchange import Request, Response


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
        withheld: cases that were not sent, because nobody said what puts back what they change.
        unrepeatable: why what was compared is not what the route is for; "" where it is.
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
    withheld: int = 0
    unrepeatable: str = ""
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
        if not self.verdicts and self.withheld:
            return _NOT_SENT.format(method=self.route.partition(" ")[0])
        if not self.verdicts:
            return "no case reached FastAPI's route"
        if self.unrepeatable:
            return self.unrepeatable
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


_NOT_SENT: Final = (
    "no request was sent: {method} may change data, and nothing says how to put it back. "
    "Override the fixture contract_state: SQLAlchemyState(URL) resets a database, "
    "NoState() says that nothing has to be reset"
)


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
