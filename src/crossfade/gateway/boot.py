"""Who calls `mount_legacy`: the module that names the map, and the server that is starting."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from crossfade.errors import MapError

_SERVERS: Final = frozenset({"uvicorn", "uvicorn_worker", "gunicorn", "granian", "hypercorn"})
"""Packages that import an application in order to serve it."""


class StartRefused(MapError, SystemExit):
    """A `MapError` that ends the server process, its text printed, without a traceback.

    The traceback would be that of the server's own import: fifty lines before the few that say what
    to mend. Whoever catches a `MapError` catches this one.
    """

    code = 3  # uvicorn's and gunicorn's own for "can't start": gunicorn then starts no new worker


def locate_map(given: str | Path, caller: FrameType) -> tuple[Path, str]:
    """Return where a map is, for good, and how messages call it.

    A relative path is looked for beside the module that calls `mount_legacy`, then in the working
    directory. It is made absolute once: the process may change its directory later.

    Args:
        given: the argument of `mount_legacy`.
        caller: the frame that called it.

    Raises:
        MapError: there is no such file in either place.
    """
    path = Path(given)
    places = list(dict.fromkeys(folder / path for folder in _folders(caller)))
    found = next((place for place in places if place.exists()), None)
    if found is None:
        raise MapError.missing(str(given), places)
    here = Path.cwd() / path
    return found, str(given) if here.exists() and here.samefile(found) else str(found)


def _folders(caller: FrameType) -> Iterator[Path]:
    file = caller.f_globals.get("__file__")  # none where the code was typed in
    if file is not None:
        yield Path(file).absolute().parent
    yield Path.cwd()


def refuse_to_start(error: MapError) -> NoReturn:
    """Raise the error; where a server imports the application, end the process with its text.

    Raises:
        StartRefused: a server is on the stack.
        MapError: otherwise.
    """
    if not any(name in _SERVERS for name in _packages_on_stack()):
        raise error
    sys.stderr.write(f"crossfade can't start: {error}\n")
    raise StartRefused(error.problems) from None


def _packages_on_stack() -> Iterator[str]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield str(frame.f_globals.get("__name__", "")).partition(".")[0]
        frame = frame.f_back
