"""What the tests of this folder share: maps, and who answers a running server."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.servers import Server, get, until, uvicorn

SETTINGS = '[gateway]\nserved_by_header = true\nstatus_path = "/_crossfade"\n'
NATIVE = SETTINGS + '[routes]\n"GET /users/<int:user_id>" = "native"\n'
LEGACY = SETTINGS + '[routes]\n"GET /users/<int:user_id>" = "legacy"\n'
BAD = SETTINGS + '[routes]\n"GET /users/<int:user_id>" = "natve"\n"GET /typo" = "native"\n'
SIDES = {NATIVE: "fastapi", LEGACY: "flask"}


def replace(path: Path, text: str) -> None:
    """Save as editors and deployment tools do that never leave half a file: write, then rename."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text)
    temporary.rename(path)


def serve(path: Path, *args: str, http: str = "httptools") -> Server:
    """Start the application of `tests.live.app` with the map at `path`."""
    return uvicorn("tests.live.app:app", *args, http=http, env={"CROSSFADE_TEST_MAP": str(path)})


def status(server: Server) -> dict[str, Any]:
    """Return the live state of one worker: the one that takes this connection."""
    found: dict[str, Any] = json.loads(get(server.address, "/_crossfade").body)
    return found


def side(server: Server) -> str | None:
    """Return who answers the user's route."""
    return get(server.address, "/users/1").get("x-served-by")


def until_side(server: Server, wanted: str) -> None:
    """Wait until the route has moved."""
    until(lambda: side(server) == wanted, 10, f"{wanted} answering")


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    listing = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listing.split()]


def touch_nothing(path: Path) -> tuple[int, int]:
    """Return what tells whether a file was written to."""
    found = os.stat(path)  # noqa: PTH116 - follows links
    return found.st_mtime_ns, found.st_ino
