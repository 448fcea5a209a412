"""What differs between a git revision and the working tree, and which routes that concerns.

Files are compared, not lines: a route is concerned when a file that it stands on differs.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from crossfade.contract.cases.http_file import Case, CaseError, parse_cases, read_cases
from crossfade.contract.engine.prover import Prover
from crossfade.contract.errors import ContractError
from crossfade.contract.receipts.project import is_of_tests
from crossfade.contract.receipts.verify import Inspector, entry_of, rules_of
from crossfade.errors import MapError
from crossfade.gateway.live_map import Snapshot
from crossfade.routing import Target


@dataclass(frozen=True, slots=True)
class Changes:
    """The files that differ from a revision, committed or not.

    Attributes:
        revision: as it was asked for.
        commit: its hash.
        top: the folder of the working tree.
        files: absolute paths. Untracked files are among them, ignored ones are not.
    """

    revision: str
    commit: str
    top: Path
    files: frozenset[Path]

    @classmethod
    def since(cls, revision: str, folder: Path) -> Changes:
        """Ask git.

        Args:
            revision: a commit, branch or tag.
            folder: anywhere in the working tree.

        Raises:
            ContractError: there is no git, no checkout or no such revision.
        """
        found = _git(folder, "rev-parse", "--show-toplevel")
        if found is None:
            raise ContractError(
                f"{folder} is no git checkout, so what has changed since {revision!r} is not "
                "known. Run it in one (`git status` says what git makes of the folder), or leave "
                "the option out."
            )
        top = Path(os.fsdecode(found.removesuffix(b"\n")))
        commit = None
        if not revision.startswith("-"):
            commit = _git(top, "rev-parse", "--verify", "--quiet", revision + "^{commit}")
        if commit is None:
            raise ContractError(
                f"git knows no revision {revision!r} in {top}. Give one commit, branch or tag; "
                "a shallow clone has to fetch it first (git fetch origin REVISION)."
            )
        name = commit.decode().strip()
        # Renames are two files, and the user's settings must not narrow the list.
        differ = ("diff", "--name-only", "--no-renames", "--no-relative", "-z")
        tracked = _git(top, *differ, "--ignore-submodules=none", name, "--")
        untracked = _git(top, "ls-files", "--others", "--exclude-standard", "-z")
        if tracked is None or untracked is None:
            raise ContractError(f"git can't compare {top} with {revision!r}; see `git status`.")
        names = [each for each in (tracked + untracked).split(b"\0") if each]
        return cls(revision, name, top, frozenset(top / os.fsdecode(each) for each in names))

    def has(self, path: Path | str) -> bool:
        """Whether a file differs, or the submodule or repository within that it lies in."""
        file = Path(path).absolute()
        return any(
            not self.files.isdisjoint((each, *each.parents)) for each in {file, file.resolve()}
        )

    def before(self, path: Path) -> str | None:
        """The text of a file at the revision; None where it was not there."""
        for each in (path.absolute(), path.resolve()):
            if each.is_relative_to(self.top):
                name = each.relative_to(self.top).as_posix()
                data = _git(self.top, "cat-file", "blob", f"{self.commit}:{name}")
                if data is not None:
                    return data.decode("utf-8-sig", errors="replace")
        return None


def _git(folder: Path, *arguments: str) -> bytes | None:
    """Return what git prints; None where it fails."""
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    except OSError as error:
        raise ContractError(
            f"git can't be run ({error.strerror}). Install it, or leave the option out."
        ) from None
    return done.stdout if done.returncode == 0 else None


def concerned(changes: Changes, folder: Path, prover: Prover) -> set[str]:
    """The routes that stand on something that differs, as the gateway spells them.

    Args:
        changes: the files that differ.
        folder: where the files of cases are.
        prover: knows the routes.
    """
    targets = prover.targets()
    everything = {target.route for target in targets}
    gateway = prover.runner.gateway
    if gateway is None or not changes.files:
        return set()
    inspector = Inspector.of(gateway)
    if _lost_code(changes, inspector.code.template_folders()):
        return everything  # nobody can say any more who reached it
    has = cache(changes.has)  # most routes share most files
    found = {t.route for t in targets if any(map(has, inspector.files(t)))}
    if changes.has(gateway.live.path):
        text = changes.before(gateway.live.path)
        try:
            before = None if text is None else gateway.live.preview(text)
        except MapError:
            before = None
        if before is None:
            return everything
        found.update(_respelt(before, gateway.live.snapshot, targets))
    try:
        found |= {case.route or prover.route_of(case) for case in _cases(changes, folder)}
    except CaseError:  # what it was can't be read
        return everything
    return found & everything


def _lost_code(changes: Changes, templates: Iterable[Path]) -> bool:
    folders = [folder.resolve() for folder in templates]
    return any(
        (file.suffix == ".py" and not is_of_tests(file))
        or "templates" in file.parts
        or any(file.is_relative_to(folder) for folder in folders)
        for file in changes.files
        if not os.path.lexists(file)
    )


def _respelt(before: Snapshot, now: Snapshot, targets: Iterable[Target]) -> Iterator[str]:
    """The routes for which two maps do not say the same."""
    around = [(each.map.gateway, each.map.bridge) for each in (before, now)]
    old = {target.route: target for target in before.table.targets()}
    for target in targets:
        was = old.get(target.route)
        if (
            around[0] != around[1]
            or was is None
            or was.stage is not target.stage
            or rules_of(before.map, entry_of(before.table, was), was)
            != rules_of(now.map, entry_of(now.table, target), target)
        ):
            yield target.route


def _cases(changes: Changes, folder: Path) -> Iterator[Case]:
    """The cases, then and now, of the files that differ; with all steps of their sequences."""
    present = {path: read_cases(path) for path in folder.rglob("*.http")}
    below = {folder.absolute(), folder.resolve()}
    lost = {
        path
        for path in changes.files
        if path.suffix == ".http" and any(path.is_relative_to(each) for each in below)
    }
    touched: list[Case] = []
    for path in {*lost, *filter(changes.has, present)}:
        touched += present.get(path, ())
        text = changes.before(path)
        if text is not None:
            touched += parse_cases(text, str(path))
    sequences = {case.sequence for case in touched if case.sequence}
    yield from touched
    for cases in present.values():
        yield from (case for case in cases if case.sequence in sequences)
