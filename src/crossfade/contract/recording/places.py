"""Which recorded cases have a place in the folder, where there are more shapes than places.

Whoever sends requests chooses their names, and so their shapes. Junk must not keep out what users
send: a request is as usual as the rarest of its names, and one that is more usual takes the place
of one that is less. So does a status that has fewer cases than another.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crossfade.contract.cases.http_file import Case, CaseError, read_cases
from crossfade.contract.recording.shapes import shape_of
from crossfade.model import RecordSettings

_OURS: Final = re.compile(r"(?P<status>\d+)-[0-9a-f]{12}\.http")
_MOST_NAMES: Final = 10_000
_ALWAYS: Final = 1 << 30

FULL: Final = "folder is full"
ENOUGH: Final = "enough of this route"


@dataclass(frozen=True, slots=True)
class Room:
    """Whether a case may be written.

    Attributes:
        reason: why not; "" where it may.
        instead_of: the file whose place it takes; None where there is room.
    """

    reason: str = ""
    instead_of: Path | None = None


@dataclass(slots=True)
class _Refusal:
    """What the last look at the folder of a route told.

    Attributes:
        least: how usual the least usual of its cases was.
        statuses: of its cases.
        times: how often it was relied on.
    """

    least: int
    statuses: Counter[str]
    times: int = 0


_TAKEN_ON_TRUST: Final = 100


class Places:
    """Gives the places of one folder.

    Args:
        folder: which other workers fill as well.
        settings: how many there are.
        known: names that the application itself asks for, by the route.
    """

    def __init__(
        self, folder: Path, settings: RecordSettings, known: Callable[[str], Iterable[str]]
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._known = known
        self._seen: Counter[tuple[str, str]] = Counter()
        self._refused: dict[Path, _Refusal] = {}

    def note(self, route: str, names: Iterable[str]) -> None:
        """Remember the names of one request."""
        self._seen.update({(route, name) for name in names})
        if len(self._seen) > _MOST_NAMES:  # names that came once are as likely junk as not
            half = {key: count // 2 for key, count in self._seen.items() if count > 1}
            self._seen = Counter(half) if len(half) <= _MOST_NAMES else Counter()

    def is_hopeless(self, path: Path, route: str, names: Iterable[str]) -> bool:
        """Whether a case would have no place, as far as the last look at the folder told.

        So that a flood of junk costs next to nothing; now and then the folder is looked at again.
        """
        refusal = self._refused.get(path.parent)
        if refusal is None or refusal.statuses[_status(path)] < refusal.statuses.total() // 2:
            return False
        if _outranks(self._usual(route, names), refusal.least) or refusal.times >= _TAKEN_ON_TRUST:
            del self._refused[path.parent]
            return False
        refusal.times += 1
        return True

    def room(self, path: Path, size: int, route: str, names: Iterable[str]) -> Room:
        """Say whether a case may be written.

        Args:
            path: where it would be, in the folder of its route.
            size: in bytes.
            route: as the gateway spells it.
            names: those of its request.
        """
        files = {file: _size(file) for file in self._folder.rglob("*.http")}
        own = [file for file in files if file.parent == path.parent]
        usual = self._usual(route, names)
        if len(own) >= self._settings.per_route:
            victim = self._less_usual(own, path, route, usual)
            return Room(instead_of=victim) if victim else self._no_room(ENOUGH, own, route)
        spare = self._settings.max_disk - sum(files.values())
        if len(files) < self._settings.count and size <= spare:
            return Room()
        victim = self._of_the_fullest(files, own) or self._less_usual(own, path, route, usual)
        if victim is None or size > spare + files[victim]:
            return self._no_room(FULL, own, route)
        return Room(instead_of=victim)

    def _no_room(self, reason: str, own: Iterable[Path], route: str) -> Room:
        ranks = {file: self._rank(file, route) for file in own}
        statuses = Counter(map(_status, ranks))
        if ranks:
            parent = next(iter(ranks)).parent
            self._refused[parent] = _Refusal(min(ranks.values()), statuses)
        return Room(reason)

    def _usual(self, route: str, names: Iterable[str]) -> int:
        known = set(self._known(route))
        counts = (_ALWAYS if name in known else self._seen[route, name] for name in names)
        return min(counts, default=_ALWAYS)

    def _less_usual(self, files: list[Path], path: Path, route: str, usual: int) -> Path | None:
        """The file of a route whose place a case takes; None where every one is as usual."""
        ranked = sorted((self._rank(file, route), file) for file in files if _status(file))
        statuses = Counter(_status(file) for _, file in ranked)
        most = max(statuses.values(), default=0)
        if most > statuses[_status(path)] + 1:
            return next(file for _, file in ranked if statuses[_status(file)] == most)
        return ranked[0][1] if ranked and _outranks(usual, ranked[0][0]) else None

    def _of_the_fullest(self, files: Iterable[Path], own: list[Path]) -> Path | None:
        """A file of the route that has most; None where that has hardly more than this one."""
        routes: dict[Path, list[Path]] = {}
        for file in files:
            if _status(file):
                routes.setdefault(file.parent, []).append(file)
        fullest = max(routes.values(), key=len, default=[])
        if len(fullest) <= len(own) + 1:
            return None
        route = next((case.route for file in fullest for case in _cases(file)), "")
        return min(fullest, key=lambda file: (self._rank(file, route), file))

    def _rank(self, file: Path, route: str) -> int:
        """How usual the request of a file is; one that somebody has edited keeps its place."""
        cases = _cases(file)
        if len(cases) != 1 or not cases[0].origin:
            return _ALWAYS
        return self._usual(route, shape_of(cases[0].request).names)


def _outranks(usual: int, other: int) -> bool:
    """Twice as usual, so that two of a kind don't take each other's place for ever."""
    return usual >= 2 * max(other, 1)


def _cases(file: Path) -> tuple[Case, ...]:
    try:
        return read_cases(file)
    except CaseError:
        return ()


def _status(file: Path) -> str:
    """The status in the name of a file that was recorded; "" for any other file."""
    found = _OURS.fullmatch(file.name)
    return found["status"] if found else ""


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0  # another worker has just replaced it
