"""Live traffic becomes cases: listened to while it passes, taken apart and written by a thread.

A request pays for a few list operations if it is in the sample, and for nothing else. Whatever
fails in here is counted and logged once; the request never hears of it.
"""

from __future__ import annotations

import queue
import random
import threading
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from flask import Flask
from starlette.types import Message, Receive, Scope, Send

from crossfade.contract.recording.keeper import Exchanged, Keeper
from crossfade.gateway.live_map import Snapshot
from crossfade.logs import Logs
from crossfade.messages.exchange import Request
from crossfade.model import FORCE_SIDE, SELECTION, RecordSettings, Selection
from crossfade.scope.framing import FRAMING

if TYPE_CHECKING:
    from crossfade.gateway.dispatch import Tap

logger = Logs("crossfade.recording")

_MOST_WAITING: Final = 256
_PATIENCE: Final = 5.0  # seconds that a stop waits for what is still to be written


@dataclass(frozen=True, slots=True)
class _Waiting:
    """One exchange on its way to the thread."""

    keeper: Keeper
    scope: Scope
    selection: Selection
    status: int
    body: bytes


class TrafficRecorder:
    """Keeps requests that pass through a gateway, as the map's table `[record]` says.

    Args:
        flask_app: the Flask application; None where the legacy side can't be looked into.
        map_path: where the map is.
    """

    def __init__(self, flask_app: Flask | None, map_path: Path) -> None:
        self._flask_app = flask_app
        self._map_path = map_path
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue(_MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._keeper: Keeper | None = None
        self._said = False
        self._said_of: Keeper | None = None
        self._folder: str | None = None  # as at the start: an edit of the map can't move it
        self.skipped: Counter[str] = Counter()
        # Not the module's own generator, whose numbers may be the application's to foresee.
        self.chance = random.Random().random  # noqa: S311

    def tap(self, snapshot: Snapshot) -> Tap | None:
        """Return what listens, or None where this version of the map records nothing."""
        settings = self._of_the_start(snapshot.map.record)
        if not settings.share:
            self._keeper = None
            return None
        keeper = self._keeper
        if keeper is None or keeper.settings != settings:
            keeper = Keeper.beside(self._map_path, settings, self._flask_app)
        self._keeper = keeper
        return _Tap(self, keeper, settings)

    def _of_the_start(self, settings: RecordSettings) -> RecordSettings:
        """The settings, with the folder that the map had when the server started."""
        if self._folder is None:
            self._folder = settings.folder
        if settings.folder != self._folder:
            logger.warning(
                "record.folder %r counts from the next start of the server on; until then requests "
                "are recorded into %r",
                settings.folder,
                self._folder,
            )
        return replace(settings, folder=self._folder)

    def status(self) -> dict[str, Any]:
        """Return what this process kept and what it did not, and why."""
        keeper = self._keeper
        if keeper is None:
            return {}
        return {
            "share": keeper.settings.share,
            "folder": str(keeper.folder),
            "kept": keeper.kept,
            "full": keeper.full,
            "skipped": dict(self.skipped + keeper.skipped),
        }

    def close(self) -> None:
        """Write what is still to be written."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._waiting.put(None)
            thread.join(_PATIENCE)

    def add(self, waiting: _Waiting) -> None:
        """Hand an exchange to the thread, unless too many wait for it."""
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._work, name="crossfade-recording", daemon=True
                    )
                    self._thread.start()
        if self._said_of is not waiting.keeper:
            self._said_of = keeper = waiting.keeper
            percent = 100 * keeper.settings.share
            logger.warning("recording %.4g%% of the requests into %s", percent, keeper.folder)
        try:
            self._waiting.put_nowait(waiting)
        except queue.Full:
            self.skipped["too many at a time"] += 1

    def failed(self) -> None:
        """Count what failed, and say why the first time. Called while the exception is handled."""
        self.skipped["failed"] += 1
        if not self._said:
            self._said = True
            logger.exception("a request could not be recorded; its answer is not affected")

    def _work(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            try:
                waiting.keeper.keep(_exchanged(waiting))
            except Exception:  # noqa: BLE001 - counted and logged; the next one may go well
                self.failed()


def _exchanged(waiting: _Waiting) -> Exchanged:
    scope = waiting.scope
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode("ascii")
    query: bytes = scope.get("query_string", b"")
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
    )
    target = raw + b"?" + query if query else raw
    request = Request(scope["method"], target, headers, waiting.body)
    return Exchanged(request, waiting.selection.route or "", waiting.status, "traffic")


class _Tap:
    """Listens to the traffic under one version of the map."""

    __slots__ = ("_keeper", "_recorder", "_settings")

    def __init__(self, recorder: TrafficRecorder, keeper: Keeper, settings: RecordSettings) -> None:
        self._recorder = recorder
        self._keeper = keeper
        self._settings = settings

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> tuple[Receive, Send]:
        try:
            if self._recorder.chance() >= self._settings.share:
                return receive, send
            selection: Selection = scope[SELECTION]
            if FORCE_SIDE in scope or selection.route is None:
                return receive, send
            # What the application does to its scope is not what the client sent.
            kept = {key: scope[key] for key in _KEPT if key in scope}
            seen = _Seen(self, self._recorder, kept, selection, receive, send)
        except Exception:  # noqa: BLE001 - the request goes on without
            self._recorder.failed()
            return receive, send
        return seen.receive, seen.send

    @property
    def max_body(self) -> int:
        return self._settings.max_body

    def end(self, seen: _Seen) -> None:
        """An answer is complete."""
        body = b"".join(seen.chunks)
        reason = ""
        if seen.size > self.max_body:
            reason = "body too long"
        elif not seen.whole and seen.scope[FRAMING].may_follow:
            reason = "body not read"
        if reason:
            self._recorder.skipped[reason] += 1
            return
        self._recorder.add(_Waiting(self._keeper, seen.scope, seen.selection, seen.status, body))


_KEPT: Final = ("method", "path", "raw_path", "query_string", "headers", FRAMING)


class _Seen:
    """One request in the sample, as it passes."""

    __slots__ = (
        "_done",
        "_receive",
        "_recorder",
        "_send",
        "_tap",
        "chunks",
        "scope",
        "selection",
        "size",
        "status",
        "whole",
    )

    def __init__(
        self,
        tap: _Tap,
        recorder: TrafficRecorder,
        scope: Scope,
        selection: Selection,
        receive: Receive,
        send: Send,
    ) -> None:
        self._tap = tap
        self._recorder = recorder
        self._receive = receive
        self._send = send
        self._done = False
        self.scope = scope
        self.selection = selection
        self.chunks: list[bytes] = []
        self.size = 0
        self.status = 0
        self.whole = False

    async def receive(self) -> Message:
        message = await self._receive()
        if not self._done and message["type"] == "http.request":
            try:
                self._note(message)
            except Exception:  # noqa: BLE001 - the request goes on without
                self._failed()
        return message

    def send(self, message: Message) -> Awaitable[None]:
        if not self._done:
            try:
                self._note_answer(message)
            except Exception:  # noqa: BLE001 - the request goes on without
                self._failed()
        return self._send(message)

    def _note(self, message: Message) -> None:
        chunk: bytes = message.get("body", b"")
        self.size += len(chunk)
        if self.size > self._tap.max_body:
            self.chunks.clear()
        elif chunk:
            self.chunks.append(chunk)
        self.whole = not message.get("more_body", False)

    def _note_answer(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            self._done = True
            self._tap.end(self)

    def _failed(self) -> None:
        self._done = True
        self._recorder.failed()
