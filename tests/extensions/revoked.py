"""Which tokens were revoked, as a part of `contract_state`."""

from __future__ import annotations

from pathlib import Path


class RevokedTokens:
    """The files of a `Blocklist`."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        self._last: dict[str, list[str]] = {"revoked_tokens": []}

    def capture(self) -> dict[str, list[str]]:
        """Return the files' names; the same object again if nothing has changed."""
        names = sorted(path.name for path in self._folder.glob("*"))
        if names != self._last["revoked_tokens"]:
            self._last = {"revoked_tokens": names}
        return self._last

    def restore(self, captured: object) -> None:
        """Make the folder what `captured` shows."""
        assert isinstance(captured, dict)
        wanted = set(captured["revoked_tokens"])
        for name in wanted ^ set(self.capture()["revoked_tokens"]):
            path = self._folder / name
            if name in wanted:
                path.touch()
            else:
                path.unlink()
