"""How a run gets on: which route, how many cases, and a word about those that take long. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

SLOW_REQUEST: Final = 0.2
"""Seconds that a request takes from which a route is called slow."""

SLOW_ROUTE: Final = 20.0
"""Seconds that all cases of a route take, below which nothing is said."""

_REQUESTS: Final = 2  # for a case: both sides
_HASHING: Final = frozenset(
    {
        "CryptContext",
        "PasswordHasher",
        "argon2",
        "bcrypt",
        "check_password",
        "check_password_hash",
        "checkpw",
        "generate_password_hash",
        "hash_password",
        "hashpw",
        "pbkdf2_hmac",
        "scrypt",
        "set_password",
        "verify_password",
    }
)
"""Names in the code of views and handlers that hash passwords, which is slow on purpose."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a run is.

    Attributes:
        number: of the route that is being asked, from 1.
        routes: how many there are.
        route: as the gateway spells it.
        cases: of it that were asked.
        planned: that there are; 0 where that is not known.
        seconds: since its first one.
    """

    number: int
    routes: int
    route: str
    cases: int
    planned: int
    seconds: float

    def __str__(self) -> str:
        """Return `route 3 of 120: GET /users, 45 of 96 cases`."""
        cases = f"{self.cases} of {self.planned}" if self.planned else f"{self.cases}"
        return f"route {self.number} of {self.routes}: {self.route}, {cases} cases"


def slow_word(step: Step, names: Iterable[str]) -> str:
    """A word about a route that takes long, and what to do; "" where it does not.

    Args:
        step: of which some cases were asked.
        names: names in the code of the view and of the handler.
    """
    if not step.cases:
        return ""
    each = step.seconds / step.cases / _REQUESTS
    cases = max(step.planned, step.cases)
    total = each * _REQUESTS * cases
    if each < SLOW_REQUEST or total < SLOW_ROUTE:
        return ""
    hashing = sorted(_HASHING.intersection(names))
    if hashing:
        remedy = (
            f"it hashes passwords ({', '.join(hashing[:3])}): lower the cost in tests, of the "
            "stored passwords as well, by BCRYPT_LOG_ROUNDS = 4 or "
            'generate_password_hash(…, method="pbkdf2:sha256:1")'
        )
    else:
        remedy = "look for what waits in it, or leave it out meanwhile by --crossfade-route"
    return (
        f"{step.route} takes {each:.1f} s a request; {_duration(total)} for {cases} cases: {remedy}"
    )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} minutes"


class Ticker:
    """Decides when a line about a run's progress is due.

    Args:
        every: seconds between two lines.
        first: seconds of a route before its first line.
    """

    def __init__(self, every: float, first: float) -> None:
        self._every = every
        self._first = first
        self._said_at = float("-inf")
        self._slow: set[str] = set()

    def due(self, step: Step, now: float) -> bool:
        """Whether a line is due; then the next one is counted from here."""
        if step.seconds < self._first or now - self._said_at < self._every:
            return False
        self._said_at = now
        return True

    def slow(self, step: Step, word: str) -> bool:
        """Whether this is the first time that a route is called slow."""
        if not word or step.route in self._slow:
            return False
        self._slow.add(step.route)
        return True
