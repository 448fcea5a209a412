"""What can go wrong, as a tree of exceptions that carry data as well as text.

CrossfadeError
├── MapError      the migration map can't be used; `problems` holds every reason at once
└── MountError    `mount_legacy` can't work with what it was given, or with this process
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class CrossfadeError(Exception):
    """The base of every exception that crossfade raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a migration map can't be used.

    Attributes:
        file: the map's path, as the user gave it.
        line: counted from 1; None where the problem has no place in the file (a missing file).
        subject: what it is about: a route (`GET /hello`), a key (`gateway.served_by`) or "".
        reason: what is wrong.
        remedy: what would be right, or the nearest match; "" where nothing is known.
        absent: it is that a route is not there, which one that is added later would mend.
    """

    file: str
    line: int | None
    subject: str
    reason: str
    remedy: str = ""
    absent: bool = False

    def __str__(self) -> str:
        """Return `file:line: subject: reason. remedy`, as compilers and editors write it."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        parts = [place, self.subject, self.reason] if self.subject else [place, self.reason]
        text = ": ".join(parts)
        return f"{text}. {self.remedy}" if self.remedy else text


class MapError(CrossfadeError):
    """The migration map can't be used. `problems` is never empty and sorted by line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems, key=lambda p: p.line or 0))
        count = len(self.problems)
        heading = f"the migration map has {count} problem{'s' if count != 1 else ''}:"
        super().__init__("\n  ".join([heading, *map(str, self.problems)]))

    @classmethod
    def missing(cls, file: str, looked_for: Iterable[object]) -> MapError:
        """Return what is raised where there is no such file in any of these places."""
        reason = f"there is no such file (looked for {' and '.join(map(str, looked_for))})"
        remedy = 'Create it: a file with the one line "[routes]" leaves every route to Flask.'
        return cls([Problem(file, None, "", reason, remedy)])


class MountError(CrossfadeError):
    """`mount_legacy` can't work with what it was given, with this process, or so late."""


class Suggester:
    """Finds the nearest known word for a misspelt one.

    Only the first `limit` questions are searched: a map written for another application would
    otherwise compare thousands of routes with thousands.
    """

    def __init__(self, limit: int = 10) -> None:
        self._left = limit

    def nearest(self, word: str, known: Sequence[str]) -> str:
        """Return `Did you mean "…"?`, or "" where nothing is near."""
        if self._left <= 0:
            return ""
        self._left -= 1
        matches = difflib.get_close_matches(word, known, n=1, cutoff=0.7)
        return f'Did you mean "{matches[0]}"?' if matches else ""
