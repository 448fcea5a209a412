"""Stores of sessions: a Redis server of this run's own, and one in memory that can be watched."""

from __future__ import annotations

import asyncio
import copy
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cachelib.base import BaseCache


@contextmanager
def redis_server() -> Iterator[str]:
    """Start a Redis server on a socket file and lend its URL; skip where there is no Redis."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("no redis-server here (Debian: apt-get install redis-server)")
    with tempfile.TemporaryDirectory(prefix="redis") as folder:
        path = Path(folder, "s")  # a socket's path has to be short
        options = ["--port", "0", "--unixsocket", str(path), "--save", "", "--dir", folder]
        with subprocess.Popen([binary, *options], stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                for line in server.stdout:
                    if "eady to accept connections" in line:
                        break
                else:
                    pytest.fail("redis-server ended at once")
                yield f"unix://{path}"
            finally:
                server.terminate()


class MemoryStore(BaseCache):
    """Keeps sessions in memory and watches who asks for them.

    Attributes:
        sessions: by their keys.
        on_loop: what was asked on a thread that runs an event loop.
        asked: how many calls there were.
        meeting: where two readers wait for one another, if it is set.
        gate: what readers wait for.
        waiting: set once a reader waits there.
    """

    def __init__(self) -> None:
        super().__init__()
        self.sessions: dict[str, dict[str, Any]] = {}
        self.on_loop: list[str] = []
        self.asked = 0
        self.meeting: threading.Barrier | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.waiting = threading.Event()

    def _note(self, call: str) -> None:
        self.asked += 1
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        self.on_loop.append(call)

    def get(self, key: str) -> Any:
        """Return a session."""
        self._note("get")
        if not self.gate.is_set():
            self.waiting.set()
            assert self.gate.wait(30)
        found = copy.deepcopy(self.sessions.get(key))
        if self.meeting is not None:
            self.meeting.wait(30)
        return found

    def set(self, key: str, value: Any, timeout: Any = None) -> bool:
        """Keep a session."""
        self._note("set")
        self.sessions[key] = copy.deepcopy(value)
        return True

    def delete(self, key: str) -> bool:
        """Forget a session."""
        self._note("delete")
        return self.sessions.pop(key, None) is not None


class StoredSessions:
    """What a contract compares of the sessions on the server, and resets."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store

    def capture(self) -> Mapping[str, object]:
        """Return every session by its key."""
        return {"sessions": copy.deepcopy(self.store.sessions)}

    def restore(self, captured: object) -> None:
        """Bring the sessions back."""
        assert isinstance(captured, Mapping)
        self.store.sessions = copy.deepcopy(captured["sessions"])
