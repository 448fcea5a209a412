"""A route moves to native and back a hundred times under load, and no client notices."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live.kit import LEGACY, NATIVE, Workers, replace, serve
from tests.servers import Address, Connection, RawResponse

REQUEST = b"GET /users/1 HTTP/1.1\r\nHost: a\r\n\r\n"
CLOSING = b"GET /users/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

Check = Callable[[RawResponse], str]
"""Returns who answered, or raises if the answer is not one side's alone."""


class Load:
    """Clients that ask without a pause, on connections that they keep and on fresh ones."""

    def __init__(self, address: Address, check: Check) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self._address = address
        self._check = check
        self._stop = threading.Event()
        kinds = (self._keep, self._keep, self._fresh)
        self._threads = [threading.Thread(target=self._run, args=(kind,)) for kind in kinds]

    def _run(self, kind: Callable[[], Iterator[RawResponse]]) -> None:
        try:
            for response in kind():
                assert response.complete, "cut off"
                self.counts[self._check(response)] += 1
                if self._stop.is_set():
                    return
        except Exception as error:  # noqa: BLE001 - reported by the test's own thread
            self.failures.append(repr(error))

    def _keep(self) -> Iterator[RawResponse]:
        with Connection(self._address) as connection:
            while True:
                connection.send(REQUEST)
                yield connection.response()

    def _fresh(self) -> Iterator[RawResponse]:
        while True:
            with Connection(self._address) as connection:
                connection.send(CLOSING)
                yield connection.response()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Ask while the block runs."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()


def one_side(response: RawResponse) -> str:
    """Return who answered, by what the gateway says, the application's header and its body."""
    assert response.status == 200, response
    sides = response.all("x-served-by"), response.all("x-side")
    side = "".join(response.all("x-side"))
    letter = {"flask": b"f", "fastapi": b"n"}[side]
    assert sides == ([side], [side]), sides
    assert b'"side":"%s"' % side.encode() in response.body
    assert response.body.count(letter * 20_000) == 1
    return side


def test_a_hundred_moves_under_load(tmp_path: Path) -> None:
    """Two workers, three clients, two hundred saves: every answer is whole and one side's."""
    path = tmp_path / "map.toml"
    path.write_text(LEGACY)
    with serve(path, "--workers", "2", CROSSFADE_TEST_POLL="0.005") as server:
        workers = Workers(server, 2)
        load = Load(server.address, one_side)
        with load.running():
            for _ in range(100):
                for text in (NATIVE, LEGACY):
                    replace(path, text)
                    workers.follow(text)
        workers.close()
    assert load.failures == []
    assert min(load.counts["flask"], load.counts["fastapi"]) > 200, load.counts
    assert set(load.counts) == {"flask", "fastapi"}


def test_the_examples_users_under_load(tmp_path: Path) -> None:
    """The example's two sides answer with the same bytes, whoever has the route."""
    path = tmp_path / "map.toml"
    path.write_text(LEGACY)
    bodies: set[bytes] = set()

    def same(response: RawResponse) -> str:
        assert response.status == 200, response
        bodies.add(response.body)
        (side,) = response.all("x-served-by")
        return side

    database = f"sqlite:///{tmp_path}/club.db"
    with serve(path, app="example", DATABASE_URL=database) as server:
        workers = Workers(server, 1)
        load = Load(server.address, same)
        with load.running():
            for _, text in zip(range(10), itertools.cycle((NATIVE, LEGACY)), strict=False):
                replace(path, text)
                workers.follow(text)
        workers.close()
    assert load.failures == []
    assert min(load.counts["flask"], load.counts["fastapi"]) > 10, load.counts
    assert len(bodies) == 1
