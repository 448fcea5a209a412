"""A process that looks at applications and serves nobody: a run of pytest, `crossfade verify`.

There `require_receipts` keeps no application from being imported: it is imported to be proven, or
to say what is missing. Nothing but an open `inspecting()` makes a process one of those: no import,
no variable of the environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_open = 0


@contextmanager
def inspecting() -> Iterator[None]:
    """Let applications be imported although routes are not proven."""
    global _open
    _open += 1
    try:
        yield
    finally:
        _open -= 1


def is_inspecting() -> bool:
    """Whether this process only looks."""
    return _open > 0
