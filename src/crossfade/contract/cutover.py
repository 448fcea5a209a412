"""Moving a route: prove it, edit the map, remember how to go back."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import unified_diff
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from crossfade.contract.receipts.verify import Inspector, State, entry_of, folder_of
from crossfade.errors import CrossfadeError, MapError
from crossfade.files import MOST, read_small, replace_file
from crossfade.gateway.dispatch import Gateway
from crossfade.migration_map.edit import listed, read_file, remove_route, set_stage, write_file
from crossfade.migration_map.parse import RouteEntry, parse_map
from crossfade.migration_map.positions import loads, tomllib
from crossfade.model import Stage, Waiver
from crossfade.routing import Target
from crossfade.routing.shapes import fastapi_shape, flask_shape
from crossfade.wording import from_here, some

_MOST_REMEMBERED: Final = 50


class Refused(CrossfadeError):
    """A route can't be moved, or not yet; the text says why."""


# --- which route -------------------------------------------------------------------------------


def find(gateway: Gateway, spelling: str) -> tuple[Target, RouteEntry | None]:
    """The route that a person means, in either spelling, and the map's line about it.

    Raises:
        Refused: there is no such route; it says which is near.
    """
    table = gateway.live.snapshot.table
    problems: MapError | None = None
    for stage in (Stage.NATIVE, Stage.LEGACY):
        # The map's own look-up: a map of this one line finds a route, or the words that say why.
        line = f'[routes]\n{json.dumps(spelling)} = "{stage.value}"\n'
        try:
            asked = gateway.live.preview(line).table
        except MapError as error:
            problems = problems or error
            continue
        names = {
            target.route
            for target in asked.targets()
            if (entry := entry_of(asked, target)) is not None and entry.key == spelling
        }
        for target in table.targets():
            if target.route in names:
                return target, entry_of(table, target)
        for target in asked.targets():
            if target.route in names:
                return target, None  # a route of FastAPI's own that the map does not list yet
    assert problems is not None  # nothing was found, so one of the two was refused
    problem = problems.problems[0]
    raise Refused(f"{spelling}: {problem.reason}. {problem.remedy}".rstrip())


# --- editing -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of the map that is ready to be saved.

    Attributes:
        path: the map.
        key: the route as the map spells it.
        before: the map's text.
        after: what it shall be.
    """

    path: Path
    key: str
    before: str
    after: str

    @property
    def revision(self) -> str:
        """SHA-256 (hex) of the map once it is saved."""
        return hashlib.sha256(self.after.encode()).hexdigest()

    @property
    def diff(self) -> str:
        """The change as a unified diff; "" where nothing changes."""
        name = str(self.path)
        lines = unified_diff(
            self.before.splitlines(keepends=True), self.after.splitlines(keepends=True), name, name
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)

    def save(self) -> None:
        """Replace the map in one step.

        Raises:
            Refused: it was edited meanwhile.
        """
        if read(self.path) != self.before:
            raise Refused(f"{self.path} was edited meanwhile: nothing is changed")
        write_file(self.path, self.after)


def read(path: Path) -> str:
    """The map's text, line ends as they are.

    Raises:
        Refused: it can't be read.
    """
    try:
        return read_file(path)
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} can't be read: {error}") from error


def plan(gateway: Gateway, target: Target, entry: RouteEntry | None, waiver: Waiver | None) -> Edit:
    """The edit that makes a route native.

    Raises:
        MapError: the map would be bad with it.
    """
    path = from_here(gateway.live.path)
    before = read(path)
    key = target.route if entry is None else entry.key
    after = set_stage(before, key, Stage.NATIVE, waiver)
    gateway.live.preview(after)
    return Edit(path, key, before, after)


# --- proving -----------------------------------------------------------------------------------


_NO_TESTS: Final = 5  # pytest's exit code where none was collected
_NEEDED: Final = ("pytest", "httpx")  # the extra `contract`


def prove(route: str, arguments: Sequence[str]) -> str:
    """Run the contracts in a pytest of their own; say what is missing of one route.

    Args:
        route: as the gateway spells it.
        arguments: further arguments for pytest.

    Returns:
        why the route is not proven; "" where it is.

    Raises:
        Refused: what contracts run with is not installed.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise Refused(
            f"{route} can't be proven here: contracts run with {' and '.join(_NEEDED)} (the extra "
            f"`contract`), which {sys.executable} does not have. Install them: python3 -m pip "
            f"install {' '.join(missing)}"
        )
    with tempfile.TemporaryDirectory(prefix="crossfade-") as folder:
        file = Path(folder) / "verdicts.json"
        command = [sys.executable, "-m", "pytest", "-q", "--crossfade-receipts"]
        command += [f"--crossfade-verdicts={file}", "-p", "crossfade.pytest.only"]
        command += [f"--crossfade-route={route}", *arguments]
        code = subprocess.run(command, check=False).returncode  # noqa: S603 - our own interpreter
        if not file.is_file():
            return f"pytest ended with exit code {code}" if code != _NO_TESTS else "no test met it"
        verdict = json.loads(read_small(file, 16 * MOST)).get(route)
    return "no test met it" if verdict is None else str(verdict["doubt"])


def unproven(gateway: Gateway, target: Target) -> str:
    """Why the receipt of a route does not hold for what this gateway serves; "" where it does."""
    snapshot = gateway.live.snapshot
    folder = folder_of(snapshot.map, gateway.live.path)
    standing = Inspector.of(gateway).standing(snapshot.table, snapshot.map, target, folder)
    if standing.state is State.VALID:
        return ""
    reasons = [str(reason) for reason in standing.reasons]
    return f"its receipt does not hold for this application: {some(reasons, 3)}"


# --- going back --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """A cut-over that was made.

    The file is this machine's and nobody reviews it. So a step only says where a route was, and
    never what is written into the map.

    Attributes:
        route: the route as the map spells it.
        was_listed: whether the map had a line for it before.
    """

    route: str
    was_listed: bool

    @classmethod
    def read(cls, raw: Any) -> Step:
        """Return a step that was read from a file.

        Raises:
            ValueError: it is something else.
        """
        expected = {"route": str, "was_listed": bool}
        if not isinstance(raw, dict) or {k: type(v) for k, v in raw.items()} != expected:
            raise ValueError(f"{str(raw)[:80]} is not a cut-over")
        return cls(**raw)


class History:
    """The cut-overs that were made with this map, for `rollback`: a file of this machine's own."""

    def __init__(self, path: Path) -> None:
        self._folder = path.absolute().parent / ".crossfade"
        self._file = self._folder / f"{path.name}.history.json"

    def steps(self) -> list[Step]:
        """The steps, the last one last."""
        try:
            raw = json.loads(read_small(self._file))
            if not isinstance(raw, list):
                raise ValueError("it is not a list")
            return [Step.read(step) for step in raw]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, RecursionError) as error:
            raise Refused(
                f"{self._file} can't be read: {error}. Delete it: the map alone has what counts"
            ) from error

    def add(self, edit: Edit) -> None:
        """Remember an edit."""
        self._keep([*self.steps(), Step(edit.key, edit.key in listed(edit.before))])

    def forget(self, step: Step) -> None:
        """Forget a step that was undone: the last one that is like it."""
        steps = self.steps()[::-1]
        steps.remove(step)
        self._keep(steps[::-1])

    def _keep(self, steps: list[Step]) -> None:
        self._folder.mkdir(exist_ok=True)
        ignored = self._folder / ".gitignore"
        if not ignored.exists():
            ignored.write_text("*\n", encoding="utf-8")
        kept = [asdict(step) for step in steps[-_MOST_REMEMBERED:]]
        replace_file(self._file, json.dumps(kept, indent=1).encode())


def plan_back(path: Path, spelling: str | None) -> tuple[Edit, Step | None]:
    """The edit that undoes a cut-over. It asks the map's text alone, never the application.

    Whatever the history says, the edit leads back to Flask: the route's stage becomes `legacy`, or
    its line goes, if the cut-over had made it.

    Args:
        path: the map.
        spelling: the route, in either spelling; None for the last cut-over.

    Raises:
        Refused: there is nothing to undo.
        MapError: the map is no TOML, so that no line of it can be told from another.
    """
    text = read(path)
    try:
        loads(text)
    except tomllib.TOMLDecodeError:
        parse_map(text.encode(), str(path))  # raises: with the line, and what is wrong with it
        raise
    steps = History(path).steps()
    if spelling is None:
        if not steps:
            raise Refused("no cut-over is remembered here: name the route")
        step: Step | None = steps[-1]
        key = steps[-1].route
        if key not in listed(text):
            raise Refused(f"{key} was cut over last, and {path} doesn't list it: name the route")
    else:
        key = _key(text, spelling)
        step = next((each for each in reversed(steps) if each.route == key), None)
    if step is None or step.was_listed:
        after = set_stage(text, key, Stage.LEGACY)
    else:
        after = remove_route(text, key)
    if after == text:
        raise Refused(f"{key} is back already: nothing is changed")
    return Edit(path, key, text, after), step


def _key(text: str, spelling: str) -> str:
    keys = listed(text)
    if spelling in keys:
        return spelling
    found = [key for key in keys if _shape(key) == _shape(spelling)]
    if len(found) != 1:
        why = "no such route is listed" if not found else f"several are: {', '.join(found)}"
        raise Refused(f"{spelling}: {why}; what is not listed is Flask's already")
    return found[0]


def _shape(route: str) -> tuple[str, str]:
    method, _, rule = route.partition(" ")
    native = "{" in rule and "<" not in rule
    return method, (fastapi_shape(rule) if native else flask_shape(rule)).skeleton


def last_run(folder: Path, route: str) -> Mapping[str, Any] | None:
    """What pytest's cache remembers of a route's last contract; None where it does not."""
    file = folder / ".pytest_cache" / "v" / "crossfade" / "routes"
    try:
        found = json.loads(read_small(file, 8 * MOST)).get(route)
    except (OSError, ValueError, AttributeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
