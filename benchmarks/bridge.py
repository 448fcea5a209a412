"""What the bridge costs and saves, side by side in one run.

    python -m benchmarks.bridge                      all of it, ~12 minutes
    python -m benchmarks.bridge --rounds 3 --only small --only memory

Servers are pinned to one core, the load (wrk) to another; each round loads every server in turn;
the table shows the medians of the rounds, and what each goal came to.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from benchmarks._harness import (
    PIN_SERVER,
    Median,
    children,
    forget_peak,
    in_turns,
    memory,
    table,
)
from tests.servers import (
    Closed,
    Connection,
    Server,
    granian,
    gunicorn,
    request_bytes,
    until,
    uvicorn,
)

APPS: Final = "benchmarks._bridge_apps"
THREADS: Final = 10
GIGABYTE: Final = 1 << 30

UPLOAD: Final = """\
wrk.method = "POST"
wrk.body = string.rep("x", 1048576)
wrk.headers["Content-Type"] = "application/octet-stream"
"""


def _uvicorn(name: str) -> Server:
    return uvicorn(f"{APPS}:{name}", factory=True, prefix=PIN_SERVER)


def _gunicorn() -> Server:
    return gunicorn(f"{APPS}:flask_app", threads=THREADS, prefix=PIN_SERVER)


def _granian(name: str) -> Server:
    return granian(f"{APPS}:{name}", "--factory", prefix=PIN_SERVER)


SERVERS: Final[dict[str, Callable[[], Server]]] = {
    "a2wsgi mount": lambda: _uvicorn("mount"),
    "gunicorn": _gunicorn,
    "no thread": lambda: _uvicorn("ceiling"),
    "bridge": lambda: _uvicorn("bridge"),
    "bridge mount": lambda: _uvicorn("mounted_bridge"),
    "gateway": lambda: _uvicorn("gateway"),
    "granian, a2wsgi": lambda: _granian("mount"),
    "granian, gateway": lambda: _granian("gateway"),
}

# Row → target, connections.
ROWS: Final = {
    "small JSON, 16 connections": ("small", "/json", 16),
    "small JSON, 256 connections": ("small", "/json", 256),
    "1 MB down": ("bodies", "/down", 16),
    "1 MB up": ("bodies", "/up", 16),
    "16 chunks of 64 kB": ("bodies", "/chunks/16", 16),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = argparse.ArgumentParser(description="What the bridge costs and saves.")
    options.add_argument("--rounds", type=int, default=7, help="rounds of each row")
    options.add_argument("--seconds", type=int, default=2, help="length of each load")
    options.add_argument("--only", action="append", choices=["small", "bodies", "memory"])
    options.add_argument("--server", action="append", choices=list(SERVERS), help="these alone")
    given = options.parse_args(arguments)
    wanted = given.only or ["small", "bodies", "memory"]
    names = given.server or list(SERVERS)
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(SERVERS[name]()) for name in names}
        script = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "upload.lua"
        script.write_text(UPLOAD)
        found: dict[str, dict[str, Median]] = {}
        for row, (group, target, connections) in ROWS.items():
            if group in wanted:
                lua = script if target == "/up" else None
                found[row] = in_turns(
                    servers, target, connections, given.seconds, given.rounds, lua
                )
        _print(names, found)
    if "memory" in wanted:
        _print_memory(names)
    return 0


def _print(names: Sequence[str], found: dict[str, dict[str, Median]]) -> None:
    rows = []
    for row, medians in found.items():
        rows.append([f"{row}, answers/s", *(f"{medians[name].rate:,.0f}" for name in names)])
        rows.append([f"{row}, p99 ms", *(f"{medians[name].p99:.1f}" for name in names)])
        rows.append([f"{row}, CPU µs an answer", *(f"{medians[name].cpu:.0f}" for name in names)])
        if any(medians[name].errors for name in names):
            rows.append([f"{row}, errors", *(f"{medians[name].errors}" for name in names)])
    if rows:
        print(table(["", *names], rows), end="\n\n")
    goals = list(_goals(found))
    if goals:
        print(table(["goal", "wanted", "found", "by CPU time", ""], goals), end="\n\n")


def _goals(found: dict[str, dict[str, Median]]) -> Iterator[list[str]]:
    """Compare what was found with the goals; those whose servers did not run are left out."""
    small, large = "small JSON, 16 connections", "small JSON, 256 connections"
    wanted = [
        (small, "bridge mount", "a2wsgi mount", 2.5),
        (small, "gateway", "a2wsgi mount", 2.5),
        (small, "bridge", "gunicorn", 1.7),
        (small, "gateway", "gunicorn", 1.7),
        (small, "bridge", "no thread", 0.95),
        *((row, "gateway", "a2wsgi mount", 1.0) for row in list(ROWS)[2:]),
        *((row, "gateway", "gunicorn", 0.0) for row in list(ROWS)[2:]),
    ]
    for row, one, other, goal in wanted:
        medians = found.get(row, {})
        if one in medians and other in medians:
            ratio = medians[one].rate / medians[other].rate
            want = f"≥ {goal} x" if goal else "stated"
            cpu = medians[other].cpu / medians[one].cpu
            met = "" if not goal else "met" if ratio >= goal else "**not met**"
            yield [f"{row}: {one} / {other}", want, f"{ratio:.2f} x", f"{cpu:.2f} x", met]
    for row in (small, large):
        medians = found.get(row, {})
        if "gateway" in medians and "gunicorn" in medians:
            mine, theirs = medians["gateway"].p99, medians["gunicorn"].p99
            met = "met" if mine <= theirs else "**not met**"
            yield [f"{row}: p99", "≤ gunicorn's", f"{mine:.1f} ≤ {theirs:.1f} ms", "", met]


# Memory


def _print_memory(names: Sequence[str]) -> None:
    rows = []
    for name in names:
        if name == "no thread":
            continue  # it holds every body as a whole
        rows.append([name, *(_growth(name, load) for load in (_upload, _download, _stalled))])
    head = ["peak memory growth, MB", "1 GB up", "1 GB down", "stalled reader of 1 GB"]
    print(table(head, rows))


def _growth(name: str, load: Callable[[Server, int], None]) -> str:
    """Return by how many MB a fresh server's peak grows under a load, or how it failed."""
    with SERVERS[name]() as server:
        workers = children(server.pid) or [server.pid]
        pid = workers[-1]
        for _ in range(20):
            _once(server, request_bytes("GET", "/chunks/4"))
        forget_peak(pid)
        before = memory(pid, "VmRSS")
        try:
            load(server, pid)
        except (OSError, Closed) as exc:
            return type(exc).__name__
        return f"{(memory(pid, 'VmHWM') - before) / 1024:.1f}"


def _once(server: Server, request: bytes) -> None:
    with Connection(server.address) as connection:
        connection.send(request)
        connection.response()


def _upload(server: Server, pid: int) -> None:
    with Connection(server.address, timeout=300) as connection:
        connection.send(request_bytes("POST", "/up", f"Content-Length: {GIGABYTE}"))
        block = b"x" * 1_048_576
        for _ in range(GIGABYTE // len(block)):
            connection.send(block)
        assert connection.response("POST").body == str(GIGABYTE).encode()


def _download(server: Server, pid: int) -> None:
    with Connection(server.address, timeout=300) as connection:
        connection.send(request_bytes("GET", f"/chunks/{GIGABYTE // 65536}", "Connection: close"))
        connection.read_head()
        size = 0
        while data := connection.sock.recv(1 << 20):
            size += len(data)
        assert size > 0.99 * GIGABYTE


def _stalled(server: Server, pid: int) -> None:
    """Read nothing, until the server's memory has stood still for a while."""
    with Connection(server.address, receive_buffer=4096) as connection:
        connection.send(request_bytes("GET", f"/chunks/{GIGABYTE // 65536}"))
        connection.read(1)
        seen: list[int] = []

        def stands_still() -> bool:
            seen.append(memory(pid, "VmRSS"))
            return len(seen) > 40 and len(set(seen[-40:])) == 1

        until(stands_still, 60, "memory standing still")


if __name__ == "__main__":
    sys.exit(main())
