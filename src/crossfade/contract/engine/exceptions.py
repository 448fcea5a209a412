"""What is kept of an exception that a native route raised, and what its traceback says."""

from __future__ import annotations

from pathlib import PurePath
from traceback import extract_tb
from types import TracebackType
from typing import Any, Final

from fastapi.exceptions import RequestValidationError

from crossfade.contract.transport.asgi import is_of_the_project
from crossfade.messages.exchange import Raised

_LONGEST: Final = 300
_TRACEBACK: Final = "Traceback (most recent call last):\n"


def raised_by(noted: tuple[BaseException, TracebackType | None] | None) -> Raised | None:
    """What is kept of an exception and its traceback; None for none."""
    if noted is None:
        return None
    error, traceback = noted
    own = [each for each in extract_tb(traceback) if is_of_the_project(each.filename)]
    place = ""
    if own:
        place = f"{PurePath(own[-1].filename).name}:{own[-1].lineno} in {own[-1].name}"
    status: Any = getattr(error, "status_code", getattr(error, "code", None))
    refused: list[tuple[tuple[str, ...], str]] = []
    if isinstance(error, RequestValidationError):
        for each in error.errors():
            location = tuple(str(part) for part in each.get("loc", ()))
            refused.append((location, str(each.get("msg", ""))[:_LONGEST]))
    text = str(getattr(error, "detail", None) or getattr(error, "description", None) or error)
    return Raised(
        type(error).__name__,
        "" if refused else text[:_LONGEST],
        status if isinstance(status, int) else None,
        place,
        tuple(refused),
    )


def last_traceback(error: str) -> list[str]:
    """The lines of the last traceback of a text: of a chain the one that was not handled."""
    return error.rpartition(_TRACEBACK)[2].splitlines()


def what_was_raised(error: str) -> str:
    """The exception of a traceback, in its first line: a database's message has many."""
    lines = last_traceback(error)
    return next((line for line in lines if line[:1] not in ("", " ")), lines[-1] if lines else "")


def exception_name(error: str | None) -> str:
    """The name of the exception of a traceback, as that has it; "" for none."""
    return what_was_raised(error).partition(":")[0].strip() if error else ""


def raised_at(error: str) -> str:
    """Where a traceback ends, as `native.py:12 in create`; "" where it does not say."""
    frames = [line.strip() for line in last_traceback(error) if line.startswith('  File "')]
    if not frames:
        return ""
    file, _, rest = frames[-1].removeprefix('File "').partition('", line ')
    line, _, name = rest.partition(", in ")
    return f"{PurePath(file).name}:{line} in {name}"
