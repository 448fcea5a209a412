"""A blocking client of an ASGI application, with its lifespan."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from functools import partial

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI


class NativeClient:
    """Sends requests to the application on the event loop of `portal`."""

    def __init__(self, portal: BlockingPortal, client: httpx.AsyncClient) -> None:
        self._portal = portal
        self._client = client

    def request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Return the application's answer; an exception that it raises is its 500."""
        send = partial(self._client.request, method, path, content=body, headers=headers)
        return self._portal.call(send)

    def post_chunked(
        self, path: str, chunks: list[bytes], headers: dict[str, str]
    ) -> httpx.Response:
        """Return the answer to a POST that does not declare its length."""

        async def content() -> AsyncIterator[bytes]:
            for chunk in chunks:
                yield chunk

        return self._portal.call(
            partial(self._client.post, path, content=content(), headers=headers)
        )

    def get(self, path: str) -> httpx.Response:
        """Return the answer to a GET."""
        return self.request("GET", path)


@contextmanager
def serve(app: FastAPI, root_path: str = "") -> Iterator[NativeClient]:
    """Start `app`, lend a client of it, stop it."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, root_path=root_path)
    client = httpx.AsyncClient(transport=transport, base_url="http://localhost")
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(app.router.lifespan_context(app)),
        portal.wrap_async_context_manager(client),
    ):
        yield NativeClient(portal, client)
