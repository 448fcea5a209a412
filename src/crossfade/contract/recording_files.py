"""Files of cases, written so that nobody ever reads half of one."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path


def write_file(path: Path, text: str) -> None:
    """Write a file as a whole or not at all, its folders included."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def folder_of(route: str) -> str:
    """A folder's name for a route: `GET /users/<int:user_id>` → `get-users-user_id`."""
    names = re.sub(r"<(?:[^<>:]*:)?([^<>:]*)>", r"\1", route)
    return re.sub(r"[^\w.-]+", "-", names).strip("-.").lower() or "other"
