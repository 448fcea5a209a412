"""What the gateway costs a native route, and what it saves: side by side with FastAPI alone.

    python -m benchmarks.gateway            # about three minutes; needs Linux, two cores and wrk
    python -m benchmarks.gateway --quick    # a glance

Servers of one size have the same routes: FastAPI alone, and the same FastAPI application behind
`mount_legacy` with a Flask application of as many rules, every one of them native: once with what
native routes borrow from Flask by default, which here has no hooks, and once with `hooks = "none"`.
The route that was declared last is asked. Server and load have a core each; the rounds of all
servers take turns, so that what else the machine does falls on all of them alike. Processor time
is the server's own, so that it hardly depends on that.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from fastapi import FastAPI
from flask import Flask

from crossfade import Gateway, mount_legacy
from tests.servers import Server, uvicorn

SIZES = (10, 1_000, 5_000)
GOALS = {10: 0.95, 1_000: 6.0, 5_000: 30.0}
ALONE = "FastAPI alone"
VARIANTS = (ALONE, "flask", "none")
SERVER_CORE, LOAD_CORE = "0", "1"
CONNECTIONS = 16


def native(count: int) -> FastAPI:
    """Return a FastAPI application with so many routes."""
    app = FastAPI(openapi_url=None)

    async def read(item_id: int) -> dict[str, int]:
        return {"item": item_id}

    for number in range(count):
        app.add_api_route(f"/group{number}/items/{{item_id}}", read, methods=["GET"])
    return app


def legacy(count: int) -> Flask:
    """Return a Flask application with the same URLs."""
    app = Flask("legacy", static_folder=None)

    def read(item_id: int) -> dict[str, int]:
        return {"item": item_id}

    for number in range(count):
        app.add_url_rule(f"/group{number}/items/<int:item_id>", f"group{number}", read)
    return app


def write_map(folder: Path, count: int, hooks: str = "flask") -> Path:
    """Write a map in which every route is native."""
    entry = f'{{ stage = "native", hooks = "{hooks}" }}'
    routes = (f'"GET /group{number}/items/<int:item_id>" = {entry}' for number in range(count))
    path = folder / f"map-{count}-{hooks}.toml"
    path.write_text("\n".join(["[routes]", *routes]))
    return path


def mounted(count: int, migration_map: str | Path) -> tuple[FastAPI, Gateway]:
    """Return the FastAPI application behind the gateway, and the gateway."""
    app = native(count)
    return app, mount_legacy(app, legacy(count), migration_map=migration_map)


def bare_app() -> FastAPI:
    """Return what uvicorn serves: FastAPI alone."""
    return native(int(os.environ["BENCHMARK_ROUTES"]))


def gateway_app() -> FastAPI:
    """Return what uvicorn serves: the same behind the gateway."""
    return mounted(int(os.environ["BENCHMARK_ROUTES"]), os.environ["BENCHMARK_MAP"])[0]


def serve(variant: str, count: int, folder: Path) -> Server:
    """Start uvicorn on its core with FastAPI alone, or with the gateway and these hooks."""
    factory = "bare_app" if variant == ALONE else "gateway_app"
    migration_map = "" if variant == ALONE else str(write_map(folder, count, variant))
    return uvicorn(
        f"benchmarks.gateway:{factory}",
        factory=True,
        env={"BENCHMARK_ROUTES": str(count), "BENCHMARK_MAP": migration_map},
        prefix=["taskset", "-c", SERVER_CORE],
        ready=last_target(count),
    )


def last_target(count: int) -> str:
    """Return the URL of the route that was declared last."""
    return f"/group{count - 1}/items/7"


@dataclass(frozen=True)
class Round:
    """What one round of load on one server gave.

    Attributes:
        rate: requests a second.
        cost: what one request cost the server: microseconds of processor time.
    """

    rate: float
    cost: float


def load(server: Server, count: int, seconds: float) -> Round:
    """Ask for the last route as fast as it is answered.

    Raises:
        RuntimeError: not every answer was a good one.
    """
    url = f"http://127.0.0.1:{server.port}{last_target(count)}"
    command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", url]
    before = processor_time(server.pid)
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    spent = processor_time(server.pid) - before
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    total = re.search(r"(\d+) requests in", output)
    if rate is None or total is None or "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(output)
    return Round(float(rate.group(1)), spent / int(total.group(1)) * 1e6)


def processor_time(pid: int) -> float:
    """Return the seconds that a process has run so far (proc(5): utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_throughput(folder: Path, rounds: int, seconds: float) -> Iterator[str]:
    """Yield the rows of the table of requests a second."""
    yield (
        "| routes | `hooks` | FastAPI alone, requests/s | through the gateway | ratio (range) "
        "| goal | µs of processor a request: alone, gateway | its ratio |"
    )
    yield "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    with ExitStack() as stack:
        servers = {
            (count, variant): stack.enter_context(serve(variant, count, folder))
            for count in SIZES
            for variant in VARIANTS
        }
        for (count, _), server in servers.items():  # warm up
            load(server, count, 1)
        figures: dict[tuple[int, str], list[Round]] = {key: [] for key in servers}
        for number in range(rounds):
            for count in SIZES:
                for step in range(len(VARIANTS)):  # each goes first as often as the others
                    key = (count, VARIANTS[(number + step) % len(VARIANTS)])
                    figures[key].append(load(servers[key], count, seconds))
    for count in SIZES:
        alone = figures[count, ALONE]
        for hooks in VARIANTS[1:]:
            through = figures[count, hooks]
            ratios = sorted(b.rate / a.rate for a, b in zip(alone, through, strict=True))
            rates = [median(each.rate for each in side) for side in (alone, through)]
            costs = [median(each.cost for each in side) for side in (alone, through)]
            yield (
                f'| {count:,} | `"{hooks}"` | {rates[0]:,.0f} | {rates[1]:,.0f} '
                f"| {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) "
                f"| ≥ {GOALS[count]:g} | {costs[0]:,.0f}, {costs[1]:,.0f} "
                f"| {costs[0] / costs[1]:.2f} |"
            )


def measure_match(folder: Path, rounds: int) -> Iterator[str]:
    """Yield the rows of the table of dispatch times."""
    yield "| routes | `RouteTable.match`, µs | up to the native route's call, µs |"
    yield "| ---: | ---: | ---: |"
    scopes = {}
    tables = {}
    for count in (10, 100, 1_000, 5_000):
        gateway = mounted(count, write_map(folder, count))[1]
        tables[count] = gateway
        scopes[count] = scope_of(last_target(count))
    figures: dict[int, list[tuple[float, float]]] = {count: [] for count in tables}
    for _ in range(rounds):
        for count, gateway in tables.items():
            scope, snapshot = scopes[count], gateway.live.snapshot
            figures[count].append(
                (
                    microseconds(partial(snapshot.table.match, scope)),
                    microseconds(partial(gateway.choose, snapshot, scope)),
                )
            )
    for count, results in figures.items():
        match, choose = (median(side) for side in zip(*results, strict=True))
        yield f"| {count:,} | {match:.2f} | {choose:.2f} |"


def microseconds(call: Callable[[], object], times: int = 20_000) -> float:
    """Return what one call takes."""
    return timeit.timeit(call, number=times) / times * 1e6


def scope_of(target: str) -> dict[str, Any]:
    """Return the scope that uvicorn makes of wrk's request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": target,
        "raw_path": target.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"127.0.0.1:8000")],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }


def describe_machine() -> str:
    """Return what the figures were measured with, without naming the machine."""
    names = ("fastapi", "starlette", "uvicorn", "werkzeug")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    load = os.getloadavg()[0]
    return (
        f"Python {platform.python_version()}, {versions}; uvicorn with httptools and "
        f"{CONNECTIONS} connections; load average at the start {load:.1f}."
    )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one short round instead of six")
    parser.add_argument("--no-load", action="store_true", help="dispatch times only")
    arguments = parser.parse_args()
    for tool in ("wrk", "taskset"):
        if not arguments.no_load and shutil.which(tool) is None:
            sys.exit(f"benchmarks.gateway needs {tool} on the path")
    rounds, seconds = (1, 1.0) if arguments.quick else (6, 2.0)
    print(describe_machine(), end="\n\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for row in measure_match(folder, rounds):
            print(row, flush=True)
        if not arguments.no_load:
            print()
            for row in measure_throughput(folder, rounds, seconds):
                print(row, flush=True)


if __name__ == "__main__":
    main()
