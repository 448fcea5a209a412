"""Servers as real processes on free ports, each ready to be asked when it is handed out."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from uvicorn.config import HTTP_PROTOCOLS

from tests.servers.rawhttp import Address, Closed, Connection

ROOT = Path(__file__).resolve().parents[2]
START_TIMEOUT = 60.0


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def until(condition: Callable[[], object], timeout: float = 20.0, what: str = "condition") -> None:
    """Return once the condition holds.

    Raises:
        TimeoutError: it did not hold in time.
    """
    deadline = time.monotonic() + timeout
    pause = 0.001
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come true within {timeout} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


@dataclass
class Server:
    """A server under test.

    Attributes:
        name: what tests call it.
        address: where it listens.
        process: the process that was started; its group is ended with it.
        log_path: what it wrote to standard output and error.
    """

    name: str
    address: Address
    process: subprocess.Popen[bytes]
    log_path: Path

    @property
    def pid(self) -> int:
        """The process that was started: uvicorn's only one, gunicorn's arbiter."""
        return self.process.pid

    @property
    def port(self) -> int:
        """The TCP port."""
        assert isinstance(self.address, tuple)
        return self.address[1]

    def log(self) -> str:
        """Return what the server has written so far."""
        return self.log_path.read_text(errors="replace")

    def terminate(self) -> None:
        """Send SIGTERM, once."""
        self.process.send_signal(signal.SIGTERM)

    def wait(self, timeout: float) -> int:
        """Return the exit code once the process has ended."""
        return self.process.wait(timeout)

    def stop(self) -> None:
        """End the process and whatever it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(
    name: str,
    command: Sequence[str],
    address: Address,
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    ready: str = "/",
) -> Server:
    """Start a command and return once it answers a GET of `ready`.

    Raises:
        RuntimeError: it ended instead; its output is in the message.
    """
    handle, path = tempfile.mkstemp(prefix=f"crossfade-{name}-", suffix=".log")
    full_env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **(env or {})}
    full_env.pop("PYTHONWARNINGS", None)
    with os.fdopen(handle, "wb") as log:
        process = subprocess.Popen(
            list(command),
            cwd=cwd,
            env=full_env,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = Server(name, address, process, Path(path))

    def answers() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended with {process.returncode}:\n{server.log()}")
        try:
            with Connection(address, timeout=START_TIMEOUT) as connection:
                connection.send(f"GET {ready} HTTP/1.1\r\nHost: ready\r\n\r\n".encode())
                connection.read_head()
        except (OSError, Closed):
            return False
        return True

    try:
        until(answers, START_TIMEOUT, f"{name} answering")
    except BaseException:
        server.stop()
        raise
    return server


def uvicorn(
    app: str,
    *args: str,
    http: str = "httptools",
    ws: str = "auto",
    factory: bool = False,
    uds: str | None = None,
    env: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
    ready: str = "/",
) -> Server:
    """Start uvicorn with an application (`package.module:name`).

    Args:
        app: what to serve.
        args: more of uvicorn's options.
        http: its HTTP parser: httptools, h11 or zttp.
        ws: its WebSocket implementation: auto, none, …
        factory: whether `app` is called to make the application.
        uds: the path of a unix socket to listen on instead of a port.
        env: more environment variables.
        prefix: a command to run it under, like `taskset`.
        ready: the target that is asked until it is answered.
    """
    if http not in HTTP_PROTOCOLS:
        pytest.skip(f"this version of uvicorn does not offer --http {http}")
    pytest.importorskip(http)
    port = free_port()
    address: Address = uds or ("127.0.0.1", port)
    where = ["--uds", uds] if uds else ["--host", "127.0.0.1", "--port", str(port)]
    command = [*prefix, sys.executable, "-m", "uvicorn", app, *where]
    command += ["--http", http, "--ws", ws, "--log-level", "warning", "--no-access-log"]
    command += (["--factory"] if factory else []) + list(args)
    return start(f"uvicorn-{http}", command, address, env=env, ready=ready)


def gunicorn(
    app: str,
    *args: str,
    threads: int = 10,
    uds: str | None = None,
    env: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
    ready: str = "/",
) -> Server:
    """Start gunicorn with a WSGI application, one gthread worker.

    Args:
        app: what to serve (`package.module:name` or `package.module:factory()`).
        args: more of gunicorn's options.
        threads: how many threads.
        uds: the path of a unix socket to listen on instead of a port.
        env: more environment variables.
        prefix: a command to run it under.
        ready: the target that is asked until it is answered.
    """
    port = free_port()
    address: Address = uds or ("127.0.0.1", port)
    bind = f"unix:{uds}" if uds else f"127.0.0.1:{port}"
    command = [*prefix, sys.executable, "-m", "gunicorn", app, "--bind", bind]
    command += ["--workers", "1", "--worker-class", "gthread", "--threads", str(threads)]
    command += ["--log-level", "warning", "--no-control-socket", *args]
    return start("gunicorn", command, address, env=env, ready=ready)


def granian(
    app: str,
    *args: str,
    interface: str = "asgi",
    env: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
    ready: str = "/",
) -> Server:
    """Start granian with an application, one worker."""
    port = free_port()
    command = [*prefix, sys.executable, "-m", "granian", "--interface", interface]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--log-level", "warning", *args, app]
    return start("granian", command, ("127.0.0.1", port), env=env, ready=ready)
