"""Files of cases, written so that nobody ever reads half of one."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path


def write_file(path: Path, text: str) -> None:
    """Write a file as a whole or not at all, its folders included, for nobody but its owner.

    What is recorded comes from users; whoever else may read it, the owner says afterwards.
    """
    _make_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(name).replace(path)  # its mode is 0600, less what the umask takes
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _make_folder(path: Path) -> None:
    """Make a folder and those above it. `Path.mkdir` gives its mode to the last one only."""
    if not path.is_dir():
        _make_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def folder_of(route: str) -> str:
    """A folder's name for a route: `GET /users/<int:user_id>` → `get-users-user_id`."""
    names = re.sub(r"<(?:[^<>:]*:)?([^<>:]*)>", r"\1", route)
    return re.sub(r"[^\w.-]+", "-", names).strip("-.").lower() or "other"
