"""What Flask-Limiter and Flask-Caching keep, as parts of `contract_state`.

Without them the fifth case of a contract is refused, and an answer that Flask cached is FastAPI's.
With them the sides also have to count alike: a native route that counts nothing is found out.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask_caching import Cache
from flask_limiter import Limiter
from limits.storage import MemoryStorage


@dataclass(frozen=True)
class Counts:
    """What is counted under which key, and until when."""

    counts: dict[str, int]
    until: dict[str, float] = field(compare=False, repr=False)


class Limits:
    """The counters of Flask-Limiter's fixed windows, kept in memory.

    Of a storage elsewhere nobody can tell what it holds: there `capture` returns None, and
    `restore` calls `limiter.reset()`.
    """

    def __init__(self, limiter: Limiter) -> None:
        self._limiter = limiter

    @property
    def _storage(self) -> MemoryStorage:
        storage = self._limiter.storage
        assert isinstance(storage, MemoryStorage)
        return storage

    def capture(self) -> dict[str, Counts]:
        """Return the counters that still count."""
        now = time.time()
        until = {key: end for key, end in list(self._storage.expirations.items()) if end > now}
        return {"limits": Counts({key: self._storage.storage[key] for key in until}, until)}

    def restore(self, captured: Any) -> None:
        """Count on from there."""
        self._storage.reset()
        self._storage.storage.update(captured["limits"].counts)
        self._storage.expirations.update(captured["limits"].until)


@dataclass(frozen=True)
class Kept:
    """Cached answers, and as what a client sees them."""

    seen: dict[str, tuple[int, bytes]]
    answers: dict[str, Any] = field(compare=False, repr=False)


class CachedAnswers:
    """The answers under these keys of Flask-Caching; all else is forgotten, and found again."""

    def __init__(self, app: Flask, cache: Cache, keys: Sequence[str]) -> None:
        self._app = app
        self._cache = cache
        self._keys = keys

    def capture(self) -> dict[str, Kept]:
        """Return what is kept now."""
        with self._app.app_context():
            found = {key: self._cache.get(key) for key in self._keys}
        answers = {key: answer for key, answer in found.items() if answer is not None}
        seen = {key: (answer.status_code, answer.get_data()) for key, answer in answers.items()}
        return {"cached": Kept(seen, answers)}

    def restore(self, captured: Any) -> None:
        """Keep that and no more."""
        with self._app.app_context():
            self._cache.clear()
            self._cache.set_many(captured["cached"].answers)
