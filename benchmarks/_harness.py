"""Servers on one core, the load on the other, in turns, and medians of the rounds."""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.servers import Server

SERVER_CORE = "0"
LOAD_CORE = "1"
PIN_SERVER = ("taskset", "-c", SERVER_CORE)

_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


@dataclass(frozen=True)
class Load:
    """One round of load on one server.

    Attributes:
        rate: answers per second.
        p50: median latency in milliseconds.
        p99: 99th percentile of the latency in milliseconds.
        cpu: the server's processor time per answer, in microseconds: what is left of the rate on
            a machine that is busy with other things.
        errors: answers that were not 2xx or did not come.
    """

    rate: float
    p50: float
    p99: float
    cpu: float
    errors: int


def wrk(
    server: Server, target: str, connections: int, seconds: int, script: Path | None = None
) -> Load:
    """Load a target of a server with `wrk`, from the load's core."""
    program = shutil.which("wrk")
    assert program, "the benchmark needs wrk (Debian's package of that name)"
    command = ["taskset", "-c", LOAD_CORE, program, "-t1", f"-c{connections}", f"-d{seconds}s"]
    command += ["--latency", "--timeout", "20s"]
    if script is not None:
        command += ["-s", str(script)]
    command.append(f"http://127.0.0.1:{server.port}{target}")
    pids = [server.pid, *children(server.pid)]
    before = sum(map(cpu_seconds, pids))
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    spent = sum(map(cpu_seconds, pids)) - before
    answers = re.search(r"(\d+) requests in", out)
    assert answers is not None, out
    cpu = 1e6 * spent / max(1, int(answers[1]))
    errors = sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", out))
    for line in re.findall(r"Socket errors: (.*)", out):
        errors += sum(map(int, re.findall(r"\d+", line)))
    rate = re.search(r"Requests/sec:\s+([\d.]+)", out)
    assert rate is not None, out
    return Load(float(rate[1]), _latency(out, "50%"), _latency(out, "99%"), cpu, errors)


def _latency(out: str, percentile: str) -> float:
    found = re.search(rf"{percentile}\s+([\d.]+)([a-z]+)", out)
    assert found is not None, out
    return float(found[1]) * _UNITS[found[2]]


@dataclass(frozen=True)
class Median:
    """The medians of several rounds, and the sum of their errors."""

    rate: float
    p50: float
    p99: float
    cpu: float
    errors: int

    @classmethod
    def of(cls, rounds: Sequence[Load]) -> Median:
        """Return the medians."""
        return cls(
            statistics.median(load.rate for load in rounds),
            statistics.median(load.p50 for load in rounds),
            statistics.median(load.p99 for load in rounds),
            statistics.median(load.cpu for load in rounds),
            sum(load.errors for load in rounds),
        )


def in_turns(
    servers: Mapping[str, Server],
    target: str,
    connections: int,
    seconds: int,
    rounds: int,
    script: Path | None = None,
) -> dict[str, Median]:
    """Load each server in each round, so that whatever else the machine does hits all alike."""
    found: dict[str, list[Load]] = {name: [] for name in servers}
    for _ in range(rounds):
        for name, server in servers.items():
            found[name].append(wrk(server, target, connections, seconds, script))
    return {name: Median.of(loads) for name, loads in found.items()}


def memory(pid: int, field: str) -> int:
    """Return a field of a process's status in kB: VmRSS or VmHWM."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    raise LookupError(field)


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has taken, with all of its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def forget_peak(pid: int) -> None:
    """Start the peak of a process's memory afresh."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def children(pid: int) -> list[int]:
    """Return the process ids of a process's children."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
