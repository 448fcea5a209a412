"""Bytes that come once and are read from their beginning as often as wanted."""

from __future__ import annotations

import tempfile
import threading
from typing import IO, Final

IN_MEMORY: Final = 1_048_576
"""Bytes that are held in memory. More goes to a temporary file."""


class NotKeptError(RuntimeError):
    """Somebody asks for bytes that were let go of."""


class Spool:
    """Bytes in their order: the latest in memory, what came before them in a temporary file.

    Written on the event loop, read from any thread.

    Attributes:
        size: how many bytes have come.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        self._start = 0  # the bytes before it were let go of
        self._memory_start = 0  # the bytes before it are in the file
        self._memory = bytearray()
        self.size = 0

    def append(self, data: bytes) -> None:
        """Add bytes."""
        with self._lock:
            self._memory += data
            self.size += len(data)

    @property
    def is_full(self) -> bool:
        """Whether so much is held in memory that `write_out` should be called."""
        return len(self._memory) > IN_MEMORY

    def write_out(self) -> None:
        """Move what is held in memory to the file. It may block."""
        with self._lock:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="crossfade-body-")  # noqa: SIM115
            self._file.seek(self._memory_start - self._start)
            self._file.write(self._memory)
            self._memory_start += len(self._memory)
            self._memory = bytearray()

    def read(self, at: int, most: int) -> bytes:
        """Return up to `most` bytes from a position; b"" where none have come.

        Raises:
            NotKeptError: they were let go of.
        """
        with self._lock:
            if at < self._start:
                raise NotKeptError
            if at < self._memory_start:
                assert self._file is not None  # what is not in memory is there
                self._file.seek(at - self._start)
                return self._file.read(min(most, self._memory_start - at))
            begin = at - self._memory_start
            return bytes(memoryview(self._memory)[begin : begin + most])

    def is_in_memory(self, at: int) -> bool:
        """Whether to read from a position takes no file."""
        return at >= self._memory_start

    def forget(self, before: int) -> None:
        """Let go of the bytes before a position, if they are in the file."""
        with self._lock:
            if self._file is not None and before >= self._memory_start:
                self._file.close()
                self._file = None
                self._start = self._memory_start
            if self._file is None and before > self._start:
                del self._memory[: before - self._memory_start]
                self._start = self._memory_start = before

    def close(self) -> None:
        """Let go of the file. What was never moved there can still be read."""
        self.forget(self._memory_start)
