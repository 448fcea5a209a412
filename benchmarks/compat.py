"""What borrowing Flask costs a native route, side by side in one run.

    python -m benchmarks.compat                      ~5 minutes
    python -m benchmarks.compat --rounds 3 --only hooks

Servers are pinned to one core, the load (wrk) to another; each round loads every server in turn.
"""

from __future__ import annotations

import argparse
import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks._harness import PIN_SERVER, Median, in_turns, table
from tests.servers import Connection, Server, gunicorn, request_bytes, uvicorn

APPS: Final = "benchmarks._compat_apps"
KINDS: Final = {
    "bare": "an application of one route that does nothing around it",
    "routes": "the same with 50 more routes on each side, which FastAPI tries first",
    "hooks": "a trivial before_request and after_request",
    "session": "a handler that reads the session of a signed cookie",
    "login": "a handler that needs Flask-Login's user",
}

# Kind, one, other, at least so many times its rate.
GOALS: Final = (
    ("bare", "native", "FastAPI alone", 0.95),
    ("bare", "native", "native, hooks none", 0.0),
    ("routes", "native", "FastAPI alone", 0.95),
    ("hooks", "native", "gunicorn", 1.0),
    ("session", "native", "gunicorn", 0.0),
    ("login", "native", "gunicorn", 0.0),
)


def _servers(kind: str) -> dict[str, Server]:
    found = {
        "gunicorn": gunicorn(f"{APPS}:flask_{kind}()", threads=10, prefix=PIN_SERVER),
        "legacy": uvicorn(f"{APPS}:legacy_{kind}", factory=True, prefix=PIN_SERVER),
        "native": uvicorn(f"{APPS}:native_{kind}", factory=True, prefix=PIN_SERVER),
    }
    if kind in ("bare", "routes"):
        for name, app in (("native, hooks none", "alone"), ("FastAPI alone", "fastapi")):
            found[name] = uvicorn(f"{APPS}:{app}_{kind}", factory=True, prefix=PIN_SERVER)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    options = argparse.ArgumentParser(description="What borrowing Flask costs a native route.")
    options.add_argument("--rounds", type=int, default=9, help="rounds of each row")
    options.add_argument("--seconds", type=int, default=2, help="length of each load")
    options.add_argument("--connections", type=int, default=16)
    options.add_argument("--only", action="append", choices=list(KINDS))
    given = options.parse_args(arguments)
    found: dict[str, dict[str, Median]] = {}
    for kind in given.only or KINDS:
        with contextlib.ExitStack() as stack:
            servers = _servers(kind)
            for server in servers.values():
                stack.enter_context(server)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            script = _with_cookie(servers["gunicorn"], folder)
            found[kind] = in_turns(
                servers, "/json", given.connections, given.seconds, given.rounds, script
            )
    _print(found)
    return 0


def _with_cookie(server: Server, folder: Path) -> Path:
    """Log in, and return a script of wrk's that sends the session's cookie, if there is one."""
    with Connection(server.address) as connection:
        connection.send(request_bytes("GET", "/enter"))
        response = connection.response()
    values = [value for name, value in response.headers if name.lower() == "set-cookie"]
    script = folder / "cookie.lua"
    cookie = values[0].partition(";")[0] if values else ""
    script.write_text(f'wrk.headers["Cookie"] = "{cookie}"\n' if cookie else "")
    return script


def _print(found: dict[str, dict[str, Median]]) -> None:
    rows = []
    for kind, medians in found.items():
        for name, m in medians.items():
            figures = [f"{m.rate:,.0f}", f"{m.p50:.1f}", f"{m.p99:.1f}", f"{m.cpu:.0f}"]
            rows.append([f"{kind}: {name}", *figures, str(m.errors)])
    head = ["", "answers/s", "p50 ms", "p99 ms", "CPU µs an answer", "errors"]
    print(table(head, rows), end="\n\n")
    goals = []
    for kind, one, other, goal in GOALS:
        if kind in found:
            mine, theirs = found[kind][one], found[kind][other]
            ratio = mine.rate / theirs.rate
            met = "" if not goal else "met" if ratio >= goal else "**not met**"
            want = f"≥ {goal} x" if goal else "stated"
            cpu = f"{theirs.cpu / mine.cpu:.2f} x"
            goals.append([f"{kind}: {one} / {other}", want, f"{ratio:.2f} x", cpu, met])
    print(table(["goal", "wanted", "found", "by CPU time", ""], goals))


if __name__ == "__main__":
    raise SystemExit(main())
