"""What the tests of this folder share: maps, and who answers a running server."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.servers import Connection, Server, until, uvicorn

SETTINGS = '[gateway]\nserved_by_header = true\nstatus_path = "/_crossfade"\n'
NATIVE = SETTINGS + '[routes]\n"GET /users/<int:user_id>" = "native"\n'
LEGACY = SETTINGS + '[routes]\n"GET /users/<int:user_id>" = "legacy"\n'
BAD = SETTINGS + '[routes]\n"GET /users/<int:user_id>" = "natve"\n"GET /typo" = "native"\n'


def replace(path: Path, text: str) -> None:
    """Save as editors and deployment tools do that never leave half a file: write, then rename."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text)
    temporary.rename(path)


def serve(path: Path, *args: str, app: str = "app", **env: str) -> Server:
    """Start `tests.live.app` or another application here with the map at `path`."""
    return uvicorn(
        f"tests.live.{app}:app",
        *args,
        env={"CROSSFADE_TEST_MAP": str(path), **env},
        ready="/_crossfade",
    )


class Workers:
    """A connection to each worker of a server, to ask each by itself."""

    def __init__(self, server: Server, count: int) -> None:
        self.server = server
        self._connections: dict[int, Connection] = {}

        def found_all() -> bool:
            connection = Connection(server.address)
            pid = self._status(connection)["pid"]
            if self._connections.setdefault(pid, connection) is not connection:
                connection.close()
            return len(self._connections) == count

        until(found_all, 30, f"{count} workers")

    def _status(self, connection: Connection) -> dict[str, Any]:
        connection.send(b"GET /_crossfade HTTP/1.1\r\nHost: localhost\r\n\r\n")
        found: dict[str, Any] = json.loads(connection.response().body)
        return found

    def statuses(self) -> list[dict[str, Any]]:
        """Return the live state of every worker."""
        return [self._status(connection) for connection in self._connections.values()]

    def follow(self, text: str, timeout: float = 10) -> None:
        """Wait until every worker has a map of this text in force."""
        revision = hashlib.sha256(text.encode()).hexdigest()
        until(
            lambda: {status["revision"] for status in self.statuses()} == {revision},
            timeout,
            f"every worker at {revision[:12]}",
        )

    def sides(self, target: str = "/users/1") -> set[str | None]:
        """Return who answers in each worker."""
        sides = set()
        for connection in self._connections.values():
            connection.send(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            sides.add(connection.response().get("x-served-by"))
        return sides

    def close(self) -> None:
        """Close the connections."""
        for connection in self._connections.values():
            connection.close()
