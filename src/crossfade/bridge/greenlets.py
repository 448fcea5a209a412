"""Threads that aren't any: what gevent and eventlet put in the place of Python's."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from crossfade.errors import MountError


def refuse_greenlets() -> None:
    """Refuse a process whose threads were replaced by greenlets.

    They get a turn only where something that gevent or eventlet replaced waits. An event loop waits
    in a call of its own, uvloop in C, so whatever it handed to a thread would never begin.

    Raises:
        MountError: it names the call that replaced them, and the way out.
    """
    for call, example in _patched():
        raise MountError(
            f"{call} has replaced this process's threads by greenlets. An asyncio server never "
            "gives them a turn: every request would hang. Remove the call from what the server "
            f"imports: the bridge has threads of its own. gunicorn's {example} worker and Celery's "
            f"{example} pool make the call themselves; another program that needs it makes it in a "
            'module that only it imports. With Flask-SocketIO, choose async_mode="threading".'
        )


def threads_are_greenlets() -> bool:
    """Whether what is handed to a thread would never begin."""
    return any(_patched())


def _patched() -> Iterator[tuple[str, str]]:
    """Only what is imported can have patched; neither is a dependency of ours."""
    gevent = sys.modules.get("gevent.monkey")
    if gevent is not None and any(map(gevent.is_module_patched, ("threading", "queue"))):
        yield "gevent.monkey", "gevent"
    eventlet = sys.modules.get("eventlet.patcher")
    if eventlet is not None and eventlet.is_monkey_patched("thread"):
        yield "eventlet.monkey_patch()", "eventlet"
