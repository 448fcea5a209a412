"""What clients that stall cost in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

from crossfade.bridge import Bridge
from crossfade.model import BridgeSettings
from tests.bridge.inprocess import Peer, body, eventually, run, scope
from tests.bridge.test_faults import ask, start
from tests.servers import Connection, request_bytes, until

CHUNK = b"x" * 16_384
STALLED = 100


def test_a_stalled_client_is_given_small_messages() -> None:
    """A server holds all of a message: what has gathered meanwhile goes out in pieces."""
    yielded = 0

    def app(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        start("200 OK", [])

        def chunks() -> Iterator[bytes]:
            nonlocal yielded
            for _ in range(200):
                yielded += len(CHUNK)
                yield CHUNK

        return chunks()

    async def main() -> None:
        peer = Peer(body(b""))
        peer.flowing.clear()
        bridge = Bridge(app, BridgeSettings(response_buffer=262_144))
        task = asyncio.ensure_future(bridge(scope(), peer.receive, peer.send))
        await eventually(lambda: yielded >= 262_144)
        peer.flowing.set()
        await task
        sizes = [len(message.get("body", b"")) for message in peer.sent]
        assert sum(sizes) == 200 * len(CHUNK)
        assert max(sizes) <= 65_536

    run(main())


def test_a_hundred_stalled_readers_hold_little() -> None:
    """Downloads that nobody takes: about 0.2 MB each, the thread included."""
    with start(threads=10, streams=256) as server, ExitStack() as stack:
        for _ in range(20):
            before = ask(server, "usage")["rss"]
        for _ in range(STALLED):
            client = stack.enter_context(Connection(server.address, receive_buffer=4096))
            client.send(request_bytes("GET", "/raw/big?kb=65536"))
        until(lambda: ask(server, "stats")["streaming"] == STALLED, what="a hundred streams")
        held: list[int] = []

        def settled() -> bool:
            held.append(ask(server, "usage")["rss"] - before)
            return len(held) > 20 and max(held[-10:]) - min(held[-10:]) < 256

        until(settled, what="what is held no longer grows")
        assert held[-1] < 36 * 1024
