"""Tokens that were revoked before their time: an empty file for each, in a folder of its own.

Nothing here imports Flask, so both sides ask the same list; all workers on a machine share it. On
several machines its place is taken by Redis, or a table, with the same two methods.
"""

from __future__ import annotations

import time
from hashlib import sha256
from pathlib import Path


class Blocklist:
    """The revoked tokens in `folder`, by their `jti`.

    Args:
        folder: made when the first token is revoked.
        lifetime: seconds after which a token has expired anyway, so that it may be forgotten.
    """

    def __init__(self, folder: str | Path, lifetime: float) -> None:
        self._folder = Path(folder)
        self._lifetime = lifetime

    def add(self, jti: str) -> None:
        """Revoke a token."""
        self._folder.mkdir(parents=True, exist_ok=True)
        oldest = time.time() - self._lifetime
        for path in self._folder.iterdir():
            if path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)
        self._path(jti).touch()

    def __contains__(self, jti: str) -> bool:
        """Tell whether a token was revoked."""
        return self._path(jti).exists()

    def _path(self, jti: str) -> Path:
        return self._folder / sha256(str(jti).encode()).hexdigest()
