"""Loggers whose records no request has to answer for.

The application's filters see crossfade's records too, once they stand on a handler of the root
logger. One that takes every record to be of a Flask request under way (`record.url = request.url`)
raises for a record that is written outside of one.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter


class Logs(_Adapter):
    """A logger that raises nothing: what a filter raises goes to standard error.

    The standard library does the same with what a handler raises (`logging.Handler.handleError`).
    """

    def __init__(self, name: str) -> None:
        super().__init__(logging.getLogger(name), {})

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Return both as they are."""
        return msg, kwargs

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log, or say on standard error why not, and what."""
        try:
            super().log(level, msg, *args, **kwargs)
        except Exception:  # noqa: BLE001 - see above
            if logging.raiseExceptions and sys.stderr is not None:
                traceback.print_exc()
                sys.stderr.write(f"not logged by {self.logger.name}: {msg} {args}\n")
