"""Flask-Caching's entries, read and written by native handlers: without any of Flask's context.

The backends block, so each call is made on a thread.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask
from fastapi import Response
from starlette.concurrency import run_in_threadpool

from legacy_flask.extensions import cache

in_thread = run_in_threadpool


async def get(key: str) -> Any:
    """Return what is kept under `key`, or None."""
    return await in_thread(cache.get, key)


async def put(key: str, value: object, timeout: int) -> None:
    """Keep `value` for so many seconds."""
    await in_thread(cache.set, key, value, timeout=timeout)


async def memoized_key(function: Any, *args: object) -> str:
    """Return the key of a function's result that `cache.memoize` has kept, or would keep."""
    make: Callable[..., str] = function.make_cache_key
    return await in_thread(make, function.uncached, *args)


async def answer(key: str) -> Response | None:
    """Return the answer that `cache.cached` has kept for a view, or `keep_answer` for a handler."""
    kept = await get(key)
    if kept is None:
        return None
    # A view may return other things than a response. Ours returns what jsonify makes.
    assert isinstance(kept, flask.Response)
    response = Response(kept.get_data(), kept.status_code)
    response.raw_headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in kept.headers
    ]
    response.headers["hit_cache"] = "True"  # response_hit_indication=True
    return response


async def keep_answer(key: str, response: Response, timeout: int) -> None:
    """Keep an answer in the form in which a Flask view would have returned it."""
    headers = [(name, value) for name, value in response.headers.items()]
    await put(key, flask.Response(bytes(response.body), response.status_code, headers), timeout)
