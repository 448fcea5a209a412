"""Rate limits by slowapi, which counts where Flask-Limiter counts, and says what it says."""

from __future__ import annotations

import time

from limits.strategies import RateLimiter
from slowapi import Limiter
from slowapi.util import get_remote_address
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from legacy_flask import extensions


class SharedLimiter(Limiter):
    """slowapi with Flask-Limiter's counters, in memory or wherever they are.

    Once Flask is gone `Limiter(storage_uri=…, key_func=…)` takes its place.
    """

    @property
    def limiter(self) -> RateLimiter:
        """Return what counts."""
        return extensions.limiter.limiter


limiter = SharedLimiter(key_func=get_remote_address)


class RateLimitHeaders:
    """Middleware that tells what is left of a limit, as Flask-Limiter does.

    slowapi's own headers differ: its moment of reset is no whole number.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and the answer back with the headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                # What slowapi has left there: the limit, and the parts of its key.
                current = getattr(Request(scope).state, "view_rate_limit", None)
                if current is not None:
                    limit, key = current
                    stats = limiter.limiter.get_window_stats  # may ask Redis: not on the loop
                    reset, remaining = await run_in_threadpool(stats, limit, *key)
                    reset_at = int(reset + 1)
                    headers = MutableHeaders(scope=message)
                    headers["X-RateLimit-Limit"] = str(limit.amount)
                    headers["X-RateLimit-Remaining"] = str(remaining)
                    headers["X-RateLimit-Reset"] = str(reset_at)
                    headers["Retry-After"] = str(int(reset_at - time.time()))
            await send(message)

        if scope["type"] == "http":
            await self.app(scope, receive, send_with_headers)
        else:
            await self.app(scope, receive, send)
