"""The migration map, live: load, validate, build, swap; and the last good one when that fails.

A `Snapshot` is everything that one version of the map means. It is frozen and replaced by one
assignment, so a request that reads it once never sees two versions.

The file is polled rather than watched by events: a stat a few times a second costs microseconds,
and it sees what events miss: a ConfigMap's symbolic links swapped, a network file system, a bind
mount of a single file, an editor that replaces the file.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from crossfade.errors import MapError, Problem
from crossfade.files import read_small
from crossfade.logs import Logs
from crossfade.migration_map.parse import MapFormError, MigrationMap, parse_map, read_map
from crossfade.routing import RouteTable

logger = Logs("crossfade.live")

POLL_INTERVAL: Final = 0.2  # seconds; an edit is served within a second
_SETTLE: Final = 0.05  # seconds in which a file must not change to count as saved
_SETTLE_EMPTY: Final = 0.5  # the same for a file that is empty or away: half of a save, mostly
# A file's times may be this coarse (seconds): until they are older, its content is read again.
_COARSEST_CLOCK: Final = 2.0


_BLANK: Final = "the file is empty, or has nothing but comments: most likely a save that broke off"
_BLANK_REMEDY: Final = 'If every route shall go back to Flask, write the one line "[routes]".'
_RESTART: Final = (
    "If the route was written after this server started, deploy or restart the server first: it "
    "runs the code that it started with."
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One version of the map and what was built from it."""

    map: MigrationMap
    table: RouteTable

    @property
    def revision(self) -> str:
        """SHA-256 (hex) of the file's bytes."""
        return self.map.revision


class LiveMap:
    """Holds the current snapshot and follows the file.

    Attributes:
        snapshot: the version in force. Read it once per request.
        rejected: why the file as it is now is not in force; None while it is.
        on_change: called with each version that is taken over, on the thread that looks at the
            file, so that whatever it does holds up no request.
    """

    def __init__(
        self,
        path: str | Path,
        build: Callable[[MigrationMap], RouteTable],
        name: str | None = None,
    ) -> None:
        """Load the file.

        Args:
            path: where it is. A relative path is made absolute here, and stays where it is when
                the process changes its working directory.
            build: makes the table of a map.
            name: how messages call the file; by default as `path` does.

        Raises:
            MapError: the file can't be used; a gateway must not start with it.
        """
        self.path = Path(path).absolute()  # links in it are followed at each look, as is wanted
        self._file = name or str(path)
        self._build = build
        self.snapshot = self._load(lambda: read_map(self.path, self._file))
        self.rejected: MapError | None = None
        self.on_change: Callable[[Snapshot], None] = _ignore
        self._seen: tuple[object, str] = (None, self.snapshot.revision)
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._polling = threading.Lock()

    @property
    def is_followed(self) -> bool:
        """Whether a thread looks at the file."""
        return self._thread is not None and self._thread.is_alive()

    def check(self, path: str | Path) -> Snapshot:
        """Return what another file would mean as this map.

        Raises:
            MapError: with every problem at once.
        """
        return self._load(lambda: read_map(path))

    def preview(self, text: str) -> Snapshot:
        """Return what the map would mean with this text.

        Raises:
            MapError: with every problem at once.
        """
        return self._load(lambda: parse_map(text.encode(), self._file))

    def catch_up(self) -> None:
        """Build the map in force anew where either application got routes after it was built.

        Raises:
            MapError: it does not fit them, or not any more.
        """
        with self._polling:
            if self.snapshot.table.is_outdated():
                in_force = self.snapshot.map
                self.snapshot = Snapshot(in_force, self._build(in_force))

    def start(self) -> None:
        """Follow the file in a thread of this process. Calling it again does nothing.

        Raises:
            MapError: the map does not fit the routes that came after it was built.
        """
        if self.is_followed:
            return
        with self._lock:
            if not self.is_followed:
                self.catch_up()
                self._stop = threading.Event()
                self._thread = threading.Thread(
                    target=self._follow, args=(self._stop,), name="crossfade-map", daemon=True
                )
                self._thread.start()

    def stop(self) -> None:
        """Stop following the file; returns when the thread has ended."""
        thread, self._thread = self._thread, None
        self._stop.set()
        if thread is not None:
            thread.join()

    def poll(self) -> bool:
        """Look at the file once; take it over if it changed and is good.

        Returns:
            whether a new snapshot is in force.
        """
        with self._polling:
            return self._poll()

    def _poll(self) -> bool:
        try:
            changed = self._read_if_changed()
        except OSError:
            # An editor that keeps a backup moves the old file aside before it writes the new one.
            self._stop.wait(_SETTLE_EMPTY)
            try:
                changed = self._read_if_changed()
            except OSError as error:
                self._reject_unreadable(error)
                return False
        if changed is None:
            return False
        data, revision = changed
        if revision == self.snapshot.revision:
            if self.rejected is not None:
                logger.info("migration map %s is back at revision %.12s", self._file, revision)
                self.rejected = None
            return False
        return self._take_over(data, revision)

    def _follow(self, stop: threading.Event) -> None:
        while not stop.wait(POLL_INTERVAL):
            try:
                self.poll()
            except Exception:
                # Nothing may end the watch: the next edit must still be seen.
                logger.exception("migration map %s could not be looked at", self._file)

    def _read_if_changed(self) -> tuple[bytes, str] | None:
        """Return the bytes and their revision if they differ from those looked at last."""
        signature = self._signature()
        if signature == self._seen[0]:
            return None
        data = read_small(self.path)
        revision = hashlib.sha256(data).hexdigest()
        if revision != self._seen[1]:
            # A save may come in two steps, the first of which leaves an empty file.
            while True:
                self._stop.wait(_SETTLE if data else _SETTLE_EMPTY)
                again = read_small(self.path)
                if again == data:
                    break
                data = again
            revision = hashlib.sha256(data).hexdigest()
        changed = revision != self._seen[1]
        self._seen = (signature, revision)
        return (data, revision) if changed else None

    def _signature(self) -> object:
        """Return what changes when the file does; never the same while it is too new to tell."""
        found = os.stat(self.path)  # noqa: PTH116 - follows links at each call, as is wanted
        if stat.S_ISFIFO(found.st_mode):
            raise OSError(errno.EINVAL, "it is a pipe")  # which would be waited for without end
        newest = max(found.st_mtime, found.st_ctime)
        if abs(time.time() - newest) < _COARSEST_CLOCK:
            return object()
        return (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev)

    def _take_over(self, data: bytes, revision: str) -> bool:
        before = self.snapshot
        try:
            after = self._load(lambda: parse_map(data, self._file))
            if after.map.is_blank and not before.map.is_blank:
                raise MapError([Problem(self._file, None, "", _BLANK, _BLANK_REMEDY)])
        except MapError as error:
            self._reject(MapError(map(_on_a_running_server, error.problems)))
            return False
        except Exception as error:
            # A fault that no validation foresaw: it must be as visible as any other problem.
            logger.exception("migration map %s can't be built", self._file)
            reason = f"it can't be built: {type(error).__name__}: {error}"
            self._reject(MapError([Problem(self._file, None, "", reason)]))
            return False
        self.snapshot = after
        self.rejected = None
        logger.info(
            "migration map %s: revision %.12s → %.12s: %s",
            self._file,
            before.revision,
            revision,
            _describe(before.map, after.map),
        )
        if after.map.bridge != before.map.bridge:
            logger.warning("the settings of [bridge] change with the next start of the server")
        self.on_change(after)
        return True

    def _load(self, read: Callable[[], MigrationMap]) -> Snapshot:
        """Return what a map means; where its form is bad, look at its other lines as well."""
        try:
            migration_map = read()
        except MapFormError as error:
            problems = list(error.problems)
            try:
                problems += self._build(error.rest).pending
            except MapError as further:
                problems += further.problems
            raise MapError(problems) from None
        return Snapshot(migration_map, self._build(migration_map))

    def _reject(self, error: MapError) -> None:
        self.rejected = error
        logger.error(
            "migration map %s not taken over, revision %.12s stays in force: %s",
            self._file,
            self.snapshot.revision,
            error,
        )

    def _reject_unreadable(self, error: OSError) -> None:
        reason = f"it can't be read any more: {error.strerror or error}"
        remedy = f"Revision {self.snapshot.revision[:12]} stays in force."
        problems = (Problem(self._file, None, "", reason, remedy),)
        if self.rejected is not None and self.rejected.problems == problems:
            return  # said already
        self._seen = (None, "")
        self.rejected = MapError(problems)
        logger.error("%s", self.rejected)


def _on_a_running_server(problem: Problem) -> Problem:
    """Say of a route that is not there that newer code may have it."""
    if not problem.absent:
        return problem
    return replace(problem, remedy=f"{problem.remedy} {_RESTART}".strip())


def _describe(before: MigrationMap, after: MigrationMap) -> str:
    """Return what moved: `GET /hello legacy → native, …`, at most ten routes."""
    old = {entry.key: entry.stage.value for entry in before.entries}
    new = {entry.key: entry.stage.value for entry in after.entries}
    moves = [
        f"{key} {old.get(key, 'legacy')} → {new.get(key, 'legacy')}"
        for key in sorted({*old, *new})
        if old.get(key, "legacy") != new.get(key, "legacy")
    ]
    if len(moves) > 10:
        moves[10:] = [f"and {len(moves) - 10} more"]
    return ", ".join(moves) or "no route moves"


def _ignore(_: Snapshot) -> None:
    pass
