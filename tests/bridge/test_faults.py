"""Clients that go away or stall, applications that raise or hang, servers that are told to stop.

After each of them the threads, generators, file descriptors and memory are where they were, and
whoever is left is served. Nothing here measures time: what is waited for is a condition.
"""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.bridge.conftest import BARE, GATEWAY
from tests.bridge.probes import PARSERS
from tests.servers import Connection, Server, get, gunicorn, request_bytes, until, uvicorn

THREADS = 4
STREAMS = 64
SETTINGS = {"threads": THREADS, "streams": STREAMS, "queue": 200, "request_buffer": 65536}
_numbers = itertools.count()


@pytest.fixture(scope="module", params=PARSERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """The bridge alone, with few threads."""
    with start(request.param) as server:
        yield server


@pytest.fixture(scope="module")
def one() -> Iterator[Server]:
    """The same under uvicorn's default parser, where the parser makes no difference."""
    with start("httptools") as server:
        yield server


def start(parser: str = "httptools", *args: str, **settings: Any) -> Server:
    """Start the bridge alone."""
    env = {"BRIDGE_SETTINGS": json.dumps({**SETTINGS, **settings})}
    return uvicorn(BARE, *args, http=parser, factory=True, env=env)


@pytest.fixture
def token() -> str:
    """A name under which a test's events are recorded."""
    return f"t{next(_numbers)}"


def ask(server: Server, what: str, **query: str) -> Any:
    """Return the JSON of a raw application."""
    target = f"/raw/{what}?" + "&".join(f"{key}={value}" for key, value in query.items())
    response = get(server.address, target)
    assert response.status == 200
    return json.loads(response.body)


def until_event(server: Server, token: str, event: str) -> None:
    """Wait until an event of a token is there."""
    until(lambda: f"{token} {event}" in ask(server, "events", token=token), what=event)


def until_idle(server: Server) -> None:
    """Wait until nothing of earlier requests is left: the one that asks is alone."""

    def idle() -> bool:
        now = ask(server, "stats")
        return bool(now["busy"] == 1 and not now["streaming"] and not now["queued"])

    until(idle, what="an idle bridge")


@contextlib.contextmanager
def nothing_leaks(server: Server) -> Iterator[None]:
    """Check threads, file descriptors, generators and memory around a block."""
    for _ in range(2 * THREADS):
        get(server.address, "/")  # so that all ordinary threads exist
    until_idle(server)
    before = ask(server, "usage")
    yield
    until_idle(server)

    def back() -> bool:
        now = ask(server, "usage")
        return bool(
            now["threads"] <= max(before["threads"], THREADS + 2)
            and now["fds"] <= before["fds"]
            and now["generators"] <= before["generators"]
            and now["rss"] <= before["rss"] + 32 * 1024
        )

    until(back, what=f"usage as before: {before}")


def is_served(server: Server) -> None:
    """Check that ordinary requests are answered."""
    assert get(server.address, "/users/1").body == b'{"id":1}\n'


# Clients that go away


@pytest.mark.parametrize("drop", ["close", "reset"])
def test_dropped_event_streams(server: Server, token: str, drop: str) -> None:
    """More of them than there are threads: each generator is closed, in its request's context."""
    with nothing_leaks(server):
        clients = [Connection(server.address) for _ in range(STREAMS - 4)]
        for client in clients:
            client.send(request_bytes("GET", f"/raw/endless?token={token}"))
        for client in clients:
            assert client.read_until(b"tick").startswith(b"HTTP/1.1 200")
        is_served(server)
        for client in clients:
            getattr(client, drop)()
        until(
            lambda: ask(server, "events", token=token).count(f"{token} closed") == len(clients),
            what="every iterable closed",
        )
        assert ask(server, "events", token=token).count(f"{token} generator closed") <= len(clients)


def test_a_thousand_dropped_event_streams(one: Server, token: str) -> None:
    """A thousand clients that come and go leave nothing behind."""
    with nothing_leaks(one):
        for _ in range(20):
            clients = [Connection(one.address) for _ in range(50)]
            for client in clients:
                client.send(request_bytes("GET", f"/raw/endless?token={token}&pause=0.05"))
            for client in clients:
                assert client.read_until(b"tick").startswith(b"HTTP/1.1 200")
            for client in clients:
                client.reset()
            until(lambda: ask(one, "stats")["streaming"] == 0, what="no stream left")
        until(
            lambda: ask(one, "events", token=token).count(f"{token} closed") == 1000,
            what="every iterable closed",
        )


def test_dropped_download(server: Server, token: str) -> None:
    """A client that stops in the middle of a download that waits for it."""
    with nothing_leaks(server):
        for number in range(5):
            client = Connection(server.address, receive_buffer=4096)
            client.send(request_bytes("GET", f"/raw/big?kb=65536&token={token}{number}"))
            client.read(100_000)
            client.reset()
            until_event(server, f"{token}{number}", "closed")
            assert f"{token}{number} ended" not in ask(server, "events", token=f"{token}{number}")


def test_dropped_large_upload(server: Server, token: str) -> None:
    """The application's read raises: a truncated upload is never taken for a whole one."""
    with nothing_leaks(server):
        for number in range(5):
            name = f"{token}{number}"
            client = Connection(server.address)
            client.send(
                request_bytes("POST", f"/raw/reading?token={name}", "Content-Length: 9000000")
                + b"x" * 200_000
            )
            until_event(server, name, "reading")
            client.reset()
            until_event(server, name, "failed ClientDisconnected")


def test_dropped_chunked_upload(server: Server, token: str) -> None:
    """The same of unknown length, ended in good order by a FIN in the middle of a chunk."""
    with nothing_leaks(server):
        client = Connection(server.address)
        client.send(
            request_bytes("POST", f"/raw/reading?token={token}", "Transfer-Encoding: chunked")
            + b"fffff\r\n"
            + b"x" * 200_000
        )
        until_event(server, token, "reading")
        client.close()
        until_event(server, token, "failed ClientDisconnected")


def test_dropped_small_upload(server: Server, token: str) -> None:
    """A body that fits into the buffer costs no thread before it is whole: nobody is called."""
    with nothing_leaks(server):
        before = ask(server, "stats")["disconnected"]
        client = Connection(server.address)
        client.send(
            request_bytes("POST", f"/raw/reading?token={token}", "Content-Length: 10") + b"x" * 5
        )
        client.reset()
        until(lambda: ask(server, "stats")["disconnected"] > before, what="the drop noticed")
        assert ask(server, "events", token=token) == []


def test_dropped_while_the_application_works(server: Server, token: str) -> None:
    """The application runs on; its answer goes nowhere, and its thread is free afterwards."""
    with nothing_leaks(server):
        clients = [Connection(server.address) for _ in range(THREADS - 1)]
        for client in clients:
            client.send(request_bytes("GET", f"/raw/hang?token={token}&name={token}"))
        until(
            lambda: ask(server, "events", token=token).count(f"{token} hanging") == len(clients),
            what="every request at work",
        )
        for client in clients:
            client.reset()
        is_served(server)
        ask(server, "open-gate", name=token)


def test_dropped_between_two_chunks(server: Server, token: str) -> None:
    """The application is told at its next yield."""
    with nothing_leaks(server):
        client = Connection(server.address)
        client.send(request_bytes("GET", f"/raw/gated?token={token}&name={token}"))
        client.read_until(b"before ")
        before = ask(server, "stats")["disconnected"]
        client.reset()
        until(lambda: ask(server, "stats")["disconnected"] > before, what="the drop noticed")
        ask(server, "open-gate", name=token)
        until_event(server, token, "closed")
        assert f"{token} ended" not in ask(server, "events", token=token)


def test_dropped_stream_with_an_unread_body(one: Server, token: str) -> None:
    """A client that sent more than anybody reads is still seen to go away."""
    with nothing_leaks(one):
        client = Connection(one.address)
        client.send(
            request_bytes("POST", f"/raw/endless?token={token}", "Content-Length: 5000000")
            + b"x" * 500_000
        )
        client.read_until(b"tick")
        client.reset()
        until_event(one, token, "closed")


def test_dropped_handshake(one: Server, token: str) -> None:
    """A WebSocket handshake that is answered by a stream, and dropped."""
    with nothing_leaks(one):
        client = Connection(one.address)
        client.send(
            request_bytes(
                "GET",
                f"/raw/endless?token={token}",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Version: 13",
            )
        )
        until(lambda: ask(one, "stats")["streaming"] == 1, what="the stream")
        client.reset()
        until_event(one, token, "closed")


# Clients that stall


def test_stalled_readers_do_not_starve_others(server: Server, token: str) -> None:
    """More clients than threads that take nothing: memory stays, others are served."""
    with nothing_leaks(server):
        clients = [Connection(server.address, receive_buffer=4096) for _ in range(2 * THREADS)]
        for client in clients:
            client.send(request_bytes("GET", f"/raw/big?kb=65536&token={token}"))
        for client in clients:
            client.read_until(b"\r\n\r\n")
        is_served(server)
        assert ask(server, "stats")["streaming"] == len(clients)
        for client in clients:
            client.reset()


def test_a_stalled_reader_gets_all_in_the_end(server: Server) -> None:
    """Backpressure loses nothing."""
    client = Connection(server.address, receive_buffer=4096)
    client.send(request_bytes("GET", "/raw/big?kb=8192"))
    client.read_until(b"\r\n\r\n")
    is_served(server)
    assert len(client.read(8192 * 1024)) == 8192 * 1024
    client.close()


def test_stalled_uploads_do_not_starve_others(server: Server, token: str) -> None:
    """More clients than threads that stop in the middle of a large upload."""
    with nothing_leaks(server):
        clients = [Connection(server.address) for _ in range(2 * THREADS)]
        for client in clients:
            client.send(
                request_bytes("POST", f"/raw/reading?token={token}", "Content-Length: 900000")
                + b"x" * 100_000
            )
        until(
            lambda: ask(server, "events", token=token).count(f"{token} reading") == len(clients),
            what="every upload at work",
        )
        is_served(server)
        for client in clients:
            client.send(b"x" * 800_000)
        for client in clients:
            assert client.response("POST").body == b"900000"
            client.close()


def test_a_stalled_client_is_given_up(token: str) -> None:
    """After `client_timeout` a thread waits no longer, for an upload or for a download."""
    with start(client_timeout=0.2) as server, nothing_leaks(server):
        upload = Connection(server.address)
        upload.send(
            request_bytes("POST", f"/raw/reading?token={token}", "Content-Length: 900000")
            + b"x" * 100_000
        )
        until_event(server, token, "failed ClientDisconnected")
        assert upload.response("POST").status == 408
        upload.close()
        download = Connection(server.address, receive_buffer=4096)
        download.send(request_bytes("GET", f"/raw/big?kb=65536&token={token}-down"))
        until_event(server, f"{token}-down", "closed")
        download.close()


# Applications that raise


@pytest.mark.parametrize(
    ("target", "log"),
    [
        ("/raw/raise-before", "RuntimeError: before"),
        ("/raw/raise-after-start", "RuntimeError: after start_response"),
        ("/raw/raise-at-first", "RuntimeError: at the first chunk"),
        ("/raw/raise-later", "RuntimeError: later"),
        ("/raw/raise-at-end", "RuntimeError: at the end"),
        ("/raw/raise-in-close", "RuntimeError: in close"),
        ("/raw/too-late-exc-info", "RuntimeError: too late"),
        ("/raw/start-twice", "start_response was called twice"),
        ("/raw/never-starts", "before it called start_response"),
        ("/raw/returns-none", "TypeError"),
        ("/raw/yields-str", "must yield bytes, not str"),
        ("/raw/status?name=X-A&value=%00", "invalid value of response header 'X-A'"),
        ("/raw/too-short", "announced 10 bytes and yielded 5"),
        ("/raw/exits", "SystemExit"),
    ],
)
def test_an_application_that_raises(one: Server, token: str, target: str, log: str) -> None:
    """Whenever it does: it is logged with its traceback, its iterable is closed once."""
    with nothing_leaks(one):
        mark = len(one.log())
        joint = "&" if "?" in target else "?"
        with contextlib.suppress(Exception):
            get(one.address, f"{target}{joint}token={token}")
        until(lambda: log in one.log()[mark:], what="the log")
        assert "Traceback" in one.log()[mark:]
        if target in {
            "/raw/raise-at-first",
            "/raw/raise-later",
            "/raw/raise-at-end",
            "/raw/raise-in-close",
        }:
            until_event(one, token, "closed")
            assert ask(one, "events", token=token).count(f"{token} closed") == 1
        else:
            assert f"{token} closed" not in ask(one, "events", token=token)


@pytest.mark.parametrize("target", ["/raw/generator", "/raw/generator-of-length", "/raw/too-long"])
def test_close_is_called_once(server: Server, token: str, target: str) -> None:
    """Also where all goes well: exhausted, then closed once, in the request's context."""
    get(server.address, f"{target}?token={token}")
    until_event(server, token, "closed")
    assert ask(server, "events", token=token) == [f"{token} ended", f"{token} closed"]


def test_all_that_was_yielded_arrives_before_the_cut(server: Server) -> None:
    """A slow client of a response that fails gets every byte up to the failure."""
    client = Connection(server.address, receive_buffer=4096)
    client.send(request_bytes("GET", "/raw/raise-later"))
    client.read_until(b"\r\n\r\n")
    chunks = list(client.chunks())
    assert chunks[-1] is None
    assert b"".join(chunk for chunk in chunks if chunk) == b"a" * 1000 + b"b" * 1000
    client.close()


@pytest.mark.parametrize("target", ["/raw/gated", "/raw/write-gated"])
def test_a_chunk_arrives_as_it_is_yielded(server: Server, token: str, target: str) -> None:
    """Before the application goes on."""
    client = Connection(server.address)
    client.send(request_bytes("GET", f"{target}?name={token}"))
    client.read_until(b"\r\n\r\n")
    chunks = client.chunks()
    assert next(chunks) == b"before "
    ask(server, "open-gate", name=token)
    assert list(chunks) == [b"after"]
    client.close()


# Capacity


def test_past_the_queue_503(token: str) -> None:
    """Past the bound of the queue: 503 with Retry-After, until a thread is free again."""
    with start(threads=2, queue=2) as server:
        clients = [Connection(server.address) for _ in range(4)]
        for client in clients:
            client.send(request_bytes("GET", f"/raw/hang?token={token}&name={token}"))
        until(lambda: get(server.address, "/").status == 503, what="a refusal")
        refused = get(server.address, "/")
        assert (refused.status, refused.get("retry-after")) == (503, "1")
        # Nobody can open the gate through the bridge: go away, and be forgotten in the queue.
        for client in clients:
            client.reset()


def test_native_routes_are_never_held_up(token: str) -> None:
    """With every legacy thread hung and the queue full, native routes and the 503 still come."""
    table = '[routes]\n"GET /native" = "native"\n[bridge]\nthreads = 2\nqueue = 1\n'
    with uvicorn(GATEWAY, env={"BRIDGE_MAP": table}) as server:
        clients = [Connection(server.address) for _ in range(3)]
        for client in clients:
            client.send(request_bytes("GET", f"/raw/hang?token={token}&name={token}"))
        until(lambda: get(server.address, "/").status == 503, what="a refusal")
        assert get(server.address, "/native").body == b'"native"'
        for client in clients:
            client.close()


def test_too_long_in_the_queue_503(token: str) -> None:
    """A request that waits longer than `queue_timeout` for a thread is answered 503."""
    with start(threads=1, queue_timeout=0.2) as server:
        client = Connection(server.address)
        client.send(request_bytes("GET", f"/raw/hang?token={token}&name={token}"))
        assert get(server.address, "/").status == 503
        client.close()


def test_too_many_streams_503(token: str) -> None:
    """One stream too many is refused before its head; the ordinary go on, and so do the others."""
    with start(threads=1, streams=2) as server:
        clients = [Connection(server.address) for _ in range(2)]
        for client in clients:
            client.send(request_bytes("GET", "/raw/endless"))
            client.read_until(b"tick")
        refused = get(server.address, f"/raw/endless?token={token}")
        assert (refused.status, refused.get("retry-after")) == (503, "1")
        until_event(server, token, "closed")
        upload = request_bytes("POST", "/raw/digest", "Content-Length: 9000000") + b"x" * 100_000
        with Connection(server.address) as client:
            client.send(upload)
            assert client.response("POST").status == 503
        is_served(server)
        stats = ask(server, "stats")
        assert (stats["streaming"], stats["refused_streams"]) == (2, 2)
        for client in clients:
            client.read_until(b"tick")
            client.close()


def test_too_long_a_body_413() -> None:
    """Past `max_body`: by its announced length, in the first window, and in the middle."""
    with start(max_body=100_000) as server:
        announced = request_bytes("POST", "/raw/digest", "Content-Length: 100001")
        small = b"%x\r\n%s\r\n0\r\n\r\n" % (100_001, b"x" * 100_001)
        chunked = request_bytes("POST", "/raw/digest", "Transfer-Encoding: chunked")
        for data in (announced, chunked + small):
            with Connection(server.address) as client:
                client.send(data)
                assert client.response("POST").status == 413
        fits = request_bytes("POST", "/raw/digest", body=b"x" * 100_000)
        with Connection(server.address) as client:
            client.send(fits)
            assert client.response("POST").status == 200


# Servers that are told to stop


def _waiting_for(server: Server, phase: str, token: str) -> Connection:
    """Bring a request into a phase and return its connection."""
    client = Connection(server.address)
    target, body = {
        "idle": ("/", b""),
        "hung": (f"/raw/hang?token={token}&name={token}", b""),
        "streaming": (f"/raw/endless?token={token}", b""),
        "stalled download": ("/raw/big?kb=65536", b""),
        "stalled upload": (f"/raw/reading?token={token}", b"x" * 100_000),
    }[phase]
    length = ["Content-Length: 900000"] if body else []
    client.send(request_bytes("POST" if body else "GET", target, *length) + body)
    if phase == "hung":
        until_event(server, token, "hanging")
    elif phase == "stalled upload":
        until_event(server, token, "reading")
    else:
        client.read_until(b"\r\n\r\n")
    return client


@pytest.mark.parametrize(
    "phase", ["idle", "hung", "streaming", "stalled download", "stalled upload"]
)
def test_sigterm_ends_the_server(token: str, phase: str) -> None:
    """Within its grace period, whatever is under way."""
    with start("httptools", "--timeout-graceful-shutdown", "1", shutdown_timeout=0.5) as server:
        client = _waiting_for(server, phase, token)
        server.terminate()
        server.wait(30)
        client.close()
        for sign in ("Exception in thread", "Task was destroyed", "never retrieved", "Fatal"):
            assert sign not in server.log()


def test_sigterm_after_dropped_streams(token: str) -> None:
    """Clients that are gone do not keep the server, though it has no grace period."""
    with start() as server:
        clients = [_waiting_for(server, "streaming", token) for _ in range(2 * THREADS)]
        for client in clients:
            client.reset()
        server.terminate()
        server.wait(30)


def test_sigterm_lets_a_request_finish(token: str) -> None:
    """What is under way when the server is told to stop is answered, and whole."""
    with start() as server:
        client = _waiting_for(server, "stalled upload", token)
        server.terminate()
        until(lambda: _refused(server), what="no more connections")
        client.send(b"x" * 800_000)
        assert client.response("POST").body == b"900000"
        client.close()
        server.wait(30)


def _refused(server: Server) -> bool:
    try:
        Connection(server.address).close()
    except ConnectionError:
        return True
    return False


def test_gunicorn_tells_the_application_too(token: str) -> None:
    """What the bridge is held to: under gunicorn a dropped stream is closed."""
    with gunicorn("tests.bridge.apps:legacy") as server:
        client = Connection(server.address)
        client.send(request_bytes("GET", f"/raw/endless?token={token}"))
        client.read_until(b"tick")
        client.reset()
        until_event(server, token, "closed")
