"""Files that an application was seen to use: which of them a receipt stands on, and hashes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from crossfade.contract.receipts.code.modules import Module
from crossfade.contract.receipts.code.observed import Seen
from crossfade.contract.receipts.project import digest, is_foreign, is_of_tests
from crossfade.files import read_small

_LARGEST: Final = 64 * 1024 * 1024
"""Bytes past which a file's size stands for its content."""


@dataclass(frozen=True, slots=True)
class Observed:
    """What an application was seen to use, as absolute paths.

    Attributes:
        everywhere: whatever the route: read by the project's code, which may keep it.
        by_route: what a library opened to answer a request, such as a template.
    """

    everywhere: frozenset[str]
    by_route: Mapping[str, frozenset[str]]


def sort_out(seen: Seen, loaded: Mapping[str, Module], own: Iterable[str], base: Path) -> Observed:
    """Tell what the application used from what its tests did.

    Args:
        seen: all that happened in the process.
        loaded: the modules that are known to be imported with the application.
        own: the files in which code stands that receipts of some route hold, part by part.
        base: the map's folder.
    """
    known = {str(module.path) for module in loaded.values()}
    known.update(own)
    files = set(known)
    grown = True
    while grown:  # what was imported by the application imports for it
        more = {file for file, importer in seen.ran.items() if importer in files} - files
        files |= more
        grown = bool(more)
    read = {path for path, by in seen.read.items() if by & files}
    listed = {f"{path}{os.sep}" for path, by in seen.listed.items() if by & files}
    everywhere = {path for path in read if not path.endswith(".py") or path not in known}
    everywhere.update(files - known, listed)
    roots = {base.resolve(), Path.cwd().resolve()}

    def kept(paths: Iterable[str]) -> frozenset[str]:
        return frozenset(each for each in paths if _counts(each, roots, seen))

    by_route = {route: kept(paths - known) for route, paths in seen.by_route.items()}
    return Observed(kept(everywhere), {route: paths for route, paths in by_route.items() if paths})


def _counts(path: str, roots: Collection[Path], seen: Seen) -> bool:
    """Whether a file is the project's: in its folders, not hidden, and not made by the run."""
    file = Path(path)
    if path in seen.written or is_foreign(file):
        return False
    if file.is_file() and file.stat().st_mtime > seen.since > 0:
        return False
    if not any(file.is_relative_to(root) for root in roots):
        return False
    root = max((each for each in roots if file.is_relative_to(each)), key=lambda p: len(p.parts))
    inside = file.relative_to(root).parts
    if any((part.startswith(".") and part != ".env") or part == "__pycache__" for part in inside):
        return False
    return digest_of(file) is not None


def digest_of(path: Path) -> str | None:
    """The hash of a file, of code without its comments, of a folder the names of its modules.

    None where there is nothing, or nothing that counts.
    """
    try:
        if path.is_dir():
            names = sorted(_modules_in(path))
            return digest("\n".join(names)) if names else None
        if not path.is_file():
            return None
        if path.stat().st_size > _LARGEST:
            return digest(str(path.stat().st_size))
        data = read_small(path, _LARGEST)
    except OSError:
        return None
    if path.suffix == ".py":
        try:
            return digest(Module.read(path.stem, path).code)
        except (OSError, SyntaxError, ValueError, RecursionError):
            return digest(data)
    return digest(data)


def _modules_in(folder: Path) -> Iterator[str]:
    for each in folder.iterdir():
        if each.suffix == ".py" and not is_of_tests(each):
            yield each.name
        elif (each / "__init__.py").is_file():
            yield f"{each.name}/"


def ignored_by_git(paths: Iterable[str], folder: Path) -> set[str]:
    """Those of some paths that git ignores: this machine's own. None where there is no git."""
    text = b"\0".join(os.fsencode(path) for path in paths)
    if not text:
        return set()
    command = ["git", "-C", str(folder), "check-ignore", "-z", "--stdin"]
    try:
        done = subprocess.run(command, input=text, capture_output=True, check=False)  # noqa: S603
    except OSError:
        return set()
    return {os.fsdecode(each) for each in done.stdout.split(b"\0") if each}
