"""Strangers who stall, flood or trickle, over sockets: native and legacy routes go on."""

from __future__ import annotations

import json
import select
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.servers import Connection, Server, fetch, get, request_bytes, until, uvicorn

APP = "tests.compat.faults_app:make"
FORM = "Content-Type: application/x-www-form-urlencoded"
JSON = "Content-Type: application/json"
SENT, LENGTH = 263_000, 400_000
START = {"/hook": b"name="}
TYPES = {"/hook": FORM}
ON_THREADS = ["/hook", "/decorated", "/plain"]
"""Where Flask's side reads, which waits for the client on a thread."""
ON_LOOP = ["/json", "/model", "/stream"]
EVERY = [*ON_THREADS, *ON_LOOP, "/bare", "/legacy"]


def start(*args: str, parser: str = "httptools", **settings: Any) -> Server:
    """Start the gateway with keys of `[bridge]`."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    env = {"NATIVE_SETTINGS": "\n".join(["[bridge]", *lines])}
    return uvicorn(APP, *args, http=parser, factory=True, env=env, ready="/stats")


@pytest.fixture(scope="module", params=["httptools", "h11"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A gateway with few threads."""
    with start(parser=request.param, threads=3) as server:
        yield server


@pytest.fixture(scope="module")
def impatient() -> Iterator[Server]:
    """A gateway that gives up a client who is silent for a moment."""
    with start(client_timeout=0.3, request_buffer=65536) as server:
        yield server


@pytest.fixture(scope="module")
def strict() -> Iterator[Server]:
    """A gateway that gives up a client whose whole body takes more than a moment."""
    with start(body_timeout=0.5, min_body_rate=10_000_000, request_buffer=65536) as server:
        yield server


@pytest.fixture(scope="module")
def narrow() -> Iterator[Server]:
    """A gateway that takes no long bodies."""
    with start(max_body=300_000, request_buffer=65536) as server:
        yield server


def stats(server: Server) -> dict[str, int]:
    """Return what the threads of hooks are doing."""
    found: dict[str, int] = json.loads(get(server.address, "/stats").body)
    return found


def stall(server: Server, path: str, *, sent: int = SENT, length: int = LENGTH) -> Connection:
    """Announce a body, send the most of it, and no more."""
    client = Connection(server.address)
    head = request_bytes("POST", path, TYPES.get(path, JSON), f"Content-Length: {length}")
    begin = START.get(path, b'{"name": "')
    client.send(head + begin + b"x" * (sent - len(begin)))
    return client


def goes_on(server: Server, *paths: str) -> None:
    """Check that others are answered: natively with hooks, in threads, with bodies; and legacy."""
    for path in paths or (*ON_THREADS, *ON_LOOP, "/quick"):
        body = b"name=ada" if path == "/hook" else b'{"name": "ada"}'
        request = request_bytes("POST", path, TYPES.get(path, JSON), body=body)
        assert fetch(server.address, request).status == 200
    legacy = request_bytes("POST", "/legacy", body=b"x" * 10)
    assert fetch(server.address, legacy).body == b"legacy 10"
    assert get(server.address, "/legacy").body == b"legacy 0"


@pytest.mark.parametrize("path", [*ON_THREADS, *ON_LOOP])
def test_stalled_uploads_past_every_pool_stop_nobody(server: Server, path: str) -> None:
    """More of them than there are threads for hooks, or for plain `def` handlers."""
    count = 60
    with ExitStack() as stack:
        clients = [stack.enter_context(stall(server, path)) for _ in range(count)]
        if path in ON_THREADS:
            until(lambda: stats(server)["streaming"] == count, what="every upload waited for")
        goes_on(server)
        for client in clients:
            end = b"x" * (LENGTH - SENT)
            client.send(end if path != "/model" else end[:-2] + b'"}')
        assert {client.response("POST").status for client in clients} == {200}
        until(lambda: not stats(server)["streaming"], what="nobody waited for")
        goes_on(server)


def test_uploads_past_the_streams_are_refused() -> None:
    """One too many is answered 503 with Retry-After, and everybody else goes on."""
    with start(threads=2, streams=4, retry_after=7) as server:
        for path in ON_THREADS:
            with ExitStack() as stack:
                for _ in range(4):
                    stack.enter_context(stall(server, path))
                until(lambda: stats(server)["streaming"] == 4, what="every upload waited for")
                refused = stack.enter_context(stall(server, path)).response("POST")
                assert (refused.status, refused.get("retry-after")) == (503, "7")
                goes_on(server, "/quick", "/stream")
            until(lambda: not stats(server)["streaming"], what="every client gone")


def test_small_bodies_that_stall_take_no_thread() -> None:
    """Nothing of Flask's begins before they are there."""
    # One may wait, for a thread is not free yet as its answer arrives; thirty may not.
    with start(threads=1, streams=0, queue=1) as server, ExitStack() as stack:
        for _ in range(30):
            stack.enter_context(stall(server, "/hook", sent=10, length=20))
        goes_on(server)


def test_hooks_past_the_queue_are_refused() -> None:
    """Requests whose hooks find no thread wait, and past the queue are answered 503."""
    with start(threads=1, queue=1, retry_after=3) as server, ExitStack() as stack:
        clients = [stack.enter_context(Connection(server.address)) for _ in range(2)]
        for client in clients:
            client.send(request_bytes("POST", "/slow"))
        until(lambda: stats(server)["queued"] == 1, what="a full queue")
        refused = fetch(server.address, request_bytes("POST", "/quick"))
        assert (refused.status, refused.get("retry-after")) == (503, "3")
        get(server.address, "/open")
        assert [client.response("POST").status for client in clients] == [200, 200]
        goes_on(server)


def test_hooks_too_long_in_the_queue_are_refused() -> None:
    """After `queue_timeout`."""
    with start(threads=1, queue_timeout=0.2) as server, Connection(server.address) as client:
        client.send(request_bytes("POST", "/slow"))
        until(lambda: stats(server)["busy"] == 1, what="a busy thread")
        refused = fetch(server.address, request_bytes("POST", "/quick"))
        assert (refused.status, refused.get("retry-after")) == (503, "1")
        get(server.address, "/open")
        assert client.response("POST").status == 200


def test_sigterm_ends_a_server_with_stalled_uploads() -> None:
    """Within its grace period, whoever waits for them."""
    grace = ("--timeout-graceful-shutdown", "1")
    with start(*grace, shutdown_timeout=0.5, threads=2) as server, ExitStack() as stack:
        for path in ON_THREADS + ON_LOOP:
            for _ in range(5):
                stack.enter_context(stall(server, path))
        until(lambda: stats(server)["streaming"] == 15, what="every upload waited for")
        server.terminate()
        server.wait(30)
        for sign in ("Exception in thread", "Task was destroyed", "never awaited"):
            assert sign not in server.log()


# --- deadlines ------------------------------------------------------------------------------------


def too_slow(path: str, sent: int) -> int:
    """Return what a client that took too long is answered.

    Of a large upload that breaks off while a legacy view reads Flask makes a 500.
    """
    return 500 if path == "/legacy" and sent == SENT else 408


@pytest.mark.parametrize("path", EVERY)
@pytest.mark.parametrize("sent", [10, SENT], ids=["small", "large"])
def test_silent_client_is_given_up(impatient: Server, path: str, sent: int) -> None:
    """After `client_timeout`, on both sides, whatever the size of its body."""
    with stall(impatient, path, sent=sent, length=sent + 10) as client:
        assert client.response("POST").status == too_slow(path, sent)
    goes_on(impatient)


@pytest.mark.parametrize("path", EVERY)
@pytest.mark.parametrize("sent", [10, SENT], ids=["small", "large"])
def test_trickling_client_is_given_up(strict: Server, path: str, sent: int) -> None:
    """It is never silent for long, but the whole body takes too long."""
    with stall(strict, path, sent=sent, length=sent + 1_000_000) as client:
        while not select.select([client.sock], [], [], 0.02)[0]:
            client.send(b"x")
        assert client.response("POST").status == too_slow(path, sent)
    goes_on(strict)


def test_slow_client_at_an_ordinary_pace_is_served() -> None:
    """More than `body_timeout` in all: what has come has earned it the time."""
    with (
        start(body_timeout=0.3, min_body_rate=100) as server,
        stall(server, "/stream", sent=1000, length=3000) as client,
    ):
        for _ in range(20):
            # Not a wait for something to happen: this is a slow client.
            select.select([], [], [], 0.03)
            client.send(b"x" * 100)
        assert client.response("POST").body == b"3000"


EXPECT = "Expect: 100-continue"


@pytest.mark.parametrize("path", EVERY)
def test_client_that_expects_to_be_asked_is_held_to_the_same(impatient: Server, path: str) -> None:
    """It is asked for its body, and sends none."""
    request = request_bytes("POST", path, TYPES.get(path, JSON), EXPECT, "Content-Length: 10")
    answer = fetch(impatient.address, request)
    assert (answer.interim, answer.status) == ((100,), 408)
    goes_on(impatient)


@pytest.mark.parametrize("path", EVERY)
def test_client_is_not_asked_for_a_body_past_max_body(narrow: Server, path: str) -> None:
    """It is refused instead."""
    request = request_bytes("POST", path, TYPES.get(path, JSON), EXPECT, "Content-Length: 300001")
    answer = fetch(narrow.address, request)
    assert (answer.interim, answer.status) == ((), 413)
    goes_on(narrow)


# --- lengths --------------------------------------------------------------------------------------


def chunked(path: str, size: int) -> bytes:
    """Return a body that says nothing of its length."""
    head = request_bytes("POST", path, TYPES.get(path, JSON), "Transfer-Encoding: chunked")
    body = START.get(path, b'{"name": "') + b"x" * size
    pieces = [body[at : at + 50_000] for at in range(0, len(body), 50_000)]
    return head + b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("path", EVERY)
def test_body_past_max_body_is_refused_on_both_sides(narrow: Server, path: str) -> None:
    """By its announced length, and in the middle of one that announces none."""
    announced = request_bytes("POST", path, TYPES.get(path, JSON), "Content-Length: 300001")
    assert fetch(narrow.address, announced).status == 413
    assert fetch(narrow.address, chunked(path, 400_000)).status == 413
    goes_on(narrow)


def test_body_past_max_body_is_refused_before_hook_and_guard() -> None:
    """In the words of the bridge, and the connection ends."""
    with start(max_body=1000) as server:
        for request in (request_bytes("POST", "%s", "Content-Length: 1001"), chunked("%s", 1001)):
            answers = [
                fetch(server.address, request.replace(b"%s", path.encode()))
                for path in ("/legacy", "/hook", "/decorated", "/model")
            ]
            assert {each.status for each in answers} == {413}
            assert len({each.body for each in answers}) == 1
            assert {each.get("connection") for each in answers} == {"close"}
        assert stats(server)["requests"] == 0
