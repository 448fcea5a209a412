"""Loggers whose records no request has to answer for, and in which no client writes.

The application's filters see crossfade's records too, once they stand on a handler of the root
logger. One that takes every record to be of a Flask request under way (`record.url = request.url`)
raises for a record that is written outside of one. And the application's configuration of logging
may switch off every logger that it doesn't name.
"""

from __future__ import annotations

import logging
import sys
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from crossfade.errors import CrossfadeError
from crossfade.wording import escaped

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    _Adapter = logging.LoggerAdapter[logging.Logger]
else:
    _Adapter = logging.LoggerAdapter


class Logs(_Adapter):
    """A logger that raises nothing, can't be silenced by accident, and writes one line a record.

    What a filter raises goes to standard error; the standard library does the same with what a
    handler raises (`logging.Handler.handleError`).

    Arguments are written with their control characters escaped, since a client may have chosen
    them: a line feed would begin a record of its own, an escape sequence would be the terminal's.
    The message itself is ours, and so is the text of a `CrossfadeError`.
    """

    def __init__(self, name: str) -> None:
        super().__init__(logging.getLogger(name), {})

    def process(
        self, msg: Any, kwargs: MutableMapping[str, Any]
    ) -> tuple[Any, MutableMapping[str, Any]]:
        """Return both as they are."""
        return msg, kwargs

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the standard library's name
        """Return whether a record of this level is wanted.

        `logging.config` disables the loggers that exist and are not named, unless it is told
        otherwise. Nobody means to silence "this route may be open" by that. A level does.
        """
        self.logger.disabled = False
        return super().isEnabledFor(level)

    def asks_for(self, level: int) -> bool:
        """Return whether this very logger was given such a level, not one above it."""
        own = self.logger.level
        return logging.NOTSET < own <= level and self.isEnabledFor(level)

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log, or say on standard error why not, and what."""
        try:
            if self.isEnabledFor(level):
                super().log(level, msg, *map(_readable, args), **kwargs)
        except Exception:  # noqa: BLE001 - see above
            if logging.raiseExceptions and sys.stderr is not None:
                with suppress(Exception):  # standard error may be closed: nobody can be told
                    self._say(f"{msg} {args}", kwargs.get("exc_info"))

    def _say(self, text: str, error: object) -> None:
        traceback.print_exc()
        sys.stderr.write(f"not logged by {self.logger.name}: {escaped(text)}\n")
        if isinstance(error, BaseException):
            traceback.print_exception(error)


def _readable(value: object) -> object:
    if isinstance(value, int | float | CrossfadeError):
        return value
    return escaped(str(value))
