"""Clocks and chance, the same for both sides: what the fixture `contract_frozen` gives."""

from __future__ import annotations

import importlib
import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import datetime
from importlib import metadata
from typing import Any
from unittest import mock

from crossfade.contract.comparison.dates import in_a_zone, iso_moment
from crossfade.contract.errors import ContractError

Frozen = Callable[[], AbstractContextManager[object]]
"""Called before each request; what it returns is entered for the time of that request."""


def frozen(at: datetime | str | None = None, seed: int | None = 0) -> Frozen:
    """Return what freezes the clock and seeds chance anew for each request of each side.

    Args:
        at: the moment at which the clock stands, as a datetime or in ISO 8601; UTC where it names
            no zone; None lets it run, so that only chance stands still. Needs the package
            time-machine, because Python's own clock can't be set. `time.monotonic` goes on, so
            that asyncio's timers end.
        seed: of `random`, `os.urandom` (and so `uuid.uuid4`, `secrets`) and NumPy where it is
            imported; None leaves chance alone.

    Raises:
        ContractError: `at` is given and time-machine is not installed, or too old.
        ValueError: `at` is no moment.
    """
    travel: Callable[..., AbstractContextManager[object]] | None = None
    moment = None if at is None else _moment(at)
    if moment is not None:
        travel = _time_machine().travel

    @contextmanager
    def one_request() -> Iterator[None]:
        with ExitStack() as stack:
            if travel is not None:
                stack.enter_context(travel(moment, tick=False))
            if seed is not None:
                stack.enter_context(_seeded(seed))
            yield

    return one_request


def _moment(at: datetime | str) -> datetime:
    return iso_moment(at) if isinstance(at, str) else in_a_zone(at)


def _time_machine() -> Any:
    try:
        found = importlib.import_module("time_machine")
        version = metadata.version("time-machine")
    except (ModuleNotFoundError, metadata.PackageNotFoundError):
        raise ContractError("frozen(at=…) needs time-machine: pip install time-machine") from None
    if int(version.partition(".")[0]) < 3:
        raise ContractError(
            f"frozen(at=…) needs time-machine 3.0 or later, here is {version}: before 3.0 "
            "time.monotonic stood still as well, and with it every timer of asyncio"
        )
    return found


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    chance = random.Random(seed)  # noqa: S311 - it has to be foreseeable
    before = random.getstate()
    random.seed(seed)
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed(seed)
    with (
        mock.patch.object(os, "urandom", chance.randbytes),
        mock.patch.object(random, "_urandom", chance.randbytes),
    ):
        try:
            yield
        finally:
            random.setstate(before)
