"""The gateway of the application that a command names, ready to be looked at."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from crossfade.contract.errors import ContractError
from crossfade.contract.transport.asgi import InProcessApp
from crossfade.errors import CrossfadeError, MapError
from crossfade.gateway import dispatch
from crossfade.gateway.dispatch import Gateway
from crossfade.loading import NotLoadable, load

_BY_LIFESPAN: Final = (
    "If the application adds it in its lifespan, run `crossfade --lifespan …`, which starts and "
    "stops the application first."
)


class NoGateway(CrossfadeError):
    """There is no such application, or no gateway on it; the text says what to do."""


def load_gateway(target: str, root: Path, *, start: bool) -> Gateway:
    """Import an application and return its gateway.

    What the application prints goes to standard error: standard output is what was asked for.

    Args:
        target: `module:attribute`, or `module:attribute()` for what makes it.
        root: is searched for the module before everything else.
        start: run its lifespan first, from start to end.

    Raises:
        MapError: the migration map can't be used.
        NoGateway: there is no such application, it has no gateway, or it does not start.
    """
    try:
        with redirect_stdout(sys.stderr), _without_doubts():
            found = load(target, root)
            gateway = getattr(getattr(found, "state", None), "crossfade", None)
            if isinstance(gateway, Gateway):
                if start:
                    _start_and_stop(found, gateway)
                    gateway.settle()
                else:
                    _settle(gateway)
                return gateway
    except MapError:
        raise
    except NotLoadable as error:
        raise NoGateway(
            f"{error}. Run the command where `uvicorn gateway:app` works, or name the application "
            "with --app MODULE:NAME"
        ) from error
    except CrossfadeError as error:
        raise NoGateway(f"{target}: {error}") from error
    instead = "call mount_legacy on it, or name another with --app MODULE:NAME"
    if inspect.isroutine(found):
        instead = f"if it makes one, write --app '{target}()'"
    raise NoGateway(f"{target} is no FastAPI application with a gateway: {instead}")


def _start_and_stop(application: Any, gateway: Gateway) -> None:
    running = InProcessApp(application)
    try:
        running.start()
    except ContractError:
        gateway.settle()  # which says it in its own words, if the map is the cause
        raise
    running.close()


def _settle(gateway: Gateway) -> None:
    """Check what a start would check; say of what it might add how to have it checked as well."""
    waited_for = gateway.live.snapshot.table.pending
    try:
        gateway.settle()
    except MapError as error:
        raise MapError(
            replace(problem, remedy=f"{problem.remedy} {_BY_LIFESPAN}".strip())
            if problem in waited_for
            else problem
            for problem in error.problems
        ) from None


@contextmanager
def _without_doubts() -> Iterator[None]:
    """Keep a gateway from logging what it doubts: the commands that are about it print it."""
    logger = dispatch.logger.logger
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
