"""Async truth: a warning for work in an `async def` that holds up the event loop.

A watch looks at the loop's thread while native handlers run on it. A step that lasts too long
is caught in the act: its stack names the line that waits.
"""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from crossfade.logs import Logs

logger = Logs("crossfade.blocking")

THRESHOLD: Final = 0.05
"""Seconds that a step of a handler may take before its line is named."""

_LIBRARIES: Final = ("site-packages", "dist-packages", str(Path(threading.__file__).parent))
_OURS: Final = str(Path(__file__).parent.parent)


class Watch:
    """Watches native handlers; for development, as it costs each of their steps a little.

    Args:
        threshold: seconds that a step may take.
    """

    def __init__(self, threshold: float = THRESHOLD) -> None:
        self._threshold = threshold
        self._since: dict[int, tuple[float, str]] = {}
        self._told: set[str] = set()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def watched(self, app: ASGIApp) -> ASGIApp:
        """Return the application under watch."""

        async def call(scope: Scope, receive: Receive, send: Send) -> None:
            self._start()
            await _Steps(app(scope, receive, send), self, f"{scope['method']} {scope['path']}")

        return call

    def enter(self, name: str) -> None:
        """Note that a handler runs on this thread."""
        self._since[threading.get_ident()] = (time.monotonic(), name)

    def leave(self) -> None:
        """Note that it waits, or is done."""
        self._since.pop(threading.get_ident(), None)

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            with self._lock:
                self._thread = threading.Thread(
                    target=self._look, name="crossfade-watch", daemon=True
                )
                self._thread.start()

    def _look(self) -> None:
        while True:
            time.sleep(self._threshold / 2)
            now = time.monotonic()
            for thread, (since, name) in list(self._since.items()):
                frame = sys._current_frames().get(thread)
                if now - since >= self._threshold and frame is not None:
                    self._tell(name, frame)

    def _tell(self, name: str, frame: FrameType) -> None:
        frames = traceback.extract_stack(frame)
        own = [f for f in frames if not f.filename.startswith((_OURS, "<")) and not _library(f)]
        if not own:
            return
        place = f"{own[-1].filename}:{own[-1].lineno}"
        if place in self._told:
            return
        self._told.add(place)
        logger.warning(
            "%s holds up the event loop, and with it every other request, at %s in %s: %s. "
            "Await it, or make the handler a plain def, which runs in a thread.",
            name,
            place,
            own[-1].name,
            own[-1].line or "?",
        )


def _library(frame: traceback.FrameSummary) -> bool:
    return any(part in frame.filename for part in _LIBRARIES)


class _Steps:
    """Awaits a coroutine and notes when each of its steps begins and ends."""

    def __init__(self, coroutine: Any, watch: Watch, name: str) -> None:
        self._coroutine = coroutine
        self._watch = watch
        self._name = name

    def __await__(self) -> Generator[Any, Any, None]:
        step, argument = self._coroutine.send, None
        while True:
            self._watch.enter(self._name)
            try:
                awaited = step(argument)
            except StopIteration:
                return
            finally:
                self._watch.leave()
            try:
                argument = yield awaited
                step = self._coroutine.send
            except BaseException as error:  # noqa: BLE001 - thrown in where it belongs
                argument, step = error, self._coroutine.throw
