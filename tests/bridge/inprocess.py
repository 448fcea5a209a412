"""The server's side of ASGI, in the test's own event loop: for what no client can bring about."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

DISCONNECT = {"type": "http.disconnect"}


def scope(method: str = "GET", target: str = "/", **more: Any) -> dict[str, Any]:
    """Return an `http` scope as uvicorn makes it."""
    path, _, query = target.partition("?")
    headers = [(b"host", b"example.test"), *more.pop("headers", [])]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 40000),
        "scheme": "http",
        "method": method,
        "root_path": "",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers,
        **more,
    }


def body(*parts: bytes, more: bool = False) -> list[dict[str, Any]]:
    """Return the messages of a request's body, the last of them open if `more`."""
    last = len(parts) - 1
    return [
        {"type": "http.request", "body": part, "more_body": more or number < last}
        for number, part in enumerate(parts)
    ]


class Peer:
    """What a server is to an application: it gives messages and takes them.

    Attributes:
        sent: what the application has sent.
        stalled: cleared for a client that takes nothing more.
    """

    def __init__(self, messages: list[dict[str, Any]] | None = None) -> None:
        self._messages = list(messages or [])
        self._more = asyncio.Event()
        self.sent: list[dict[str, Any]] = []
        self.news = asyncio.Event()
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.broken: OSError | None = None

    def give(self, *messages: dict[str, Any]) -> None:
        """Let the application receive messages."""
        self._messages += messages
        self._more.set()

    async def receive(self) -> dict[str, Any]:
        """ASGI's receive."""
        while not self._messages:
            self._more.clear()
            await self._more.wait()
        return self._messages.pop(0)

    async def send(self, message: dict[str, Any]) -> None:
        """ASGI's send."""
        await self.flowing.wait()
        if self.broken is not None:
            raise self.broken
        self.sent.append(message)
        self.news.set()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until what was sent fulfils a condition."""
        while not condition():
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 20)

    @property
    def status(self) -> int:
        """The status that was sent."""
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        """The headers that were sent."""
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        """The body that was sent."""
        return b"".join(message.get("body", b"") for message in self.sent)


App = Callable[[Any, Any, Any], Awaitable[None]]


async def ask(
    app: App, asked: dict[str, Any], messages: list[dict[str, Any]] | None = None
) -> Peer:
    """Have an application answer a scope, and return what it sent."""
    peer = Peer(messages if messages is not None else body(b""))
    await app(asked, peer.receive, peer.send)
    return peer


def run(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a loop of its own."""
    return asyncio.run(asyncio.wait_for(main, 60))


async def eventually(condition: Callable[[], object]) -> None:
    """Wait for what a thread does."""
    deadline = asyncio.get_running_loop().time() + 20
    while not condition():
        assert asyncio.get_running_loop().time() < deadline, "it did not come true"
        await asyncio.sleep(0.001)
