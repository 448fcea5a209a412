"""Room on the stack for deeply nested values."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


def with_room(call: Callable[[], T]) -> T:
    """Make a call that recurses as deep as a value is nested.

    On the event loop, below the server, middleware and router, less is left of Python's recursion
    limit than under Flask: what Flask still reads or writes would be a `RecursionError`. Then the
    call is made again on a thread of its own, where nothing stands above it. It must not matter
    that it was begun before.
    """
    try:
        return call()
    except RecursionError:
        pass
    results: list[T] = []
    errors: list[BaseException] = []
    context = copy_context()

    def again() -> None:
        try:
            results.append(context.run(call))
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    thread = threading.Thread(target=again, name="crossfade-deep")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]
