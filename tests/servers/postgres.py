"""A real PostgreSQL server of a test's own, in a temporary folder and on a free port."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.harness import ROOT, free_port, until


def _program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs; skip the test where it isn't installed."""
    found = shutil.which(name)
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if found is None and not debian:
        pytest.skip("PostgreSQL is not installed: there is no initdb")
    return found or str(debian[-1])


@contextmanager
def postgres() -> Iterator[str]:
    """Run a server; yield its URL, without a driver: `postgresql://…/postgres`."""
    initdb, server, ready = _program("initdb"), _program("postgres"), _program("pg_isready")
    # PostgreSQL refuses to run as root.
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    # The path of a socket must be short, which TMPDIR may not be.
    folder = Path(tempfile.mkdtemp(prefix="crossfade-pg-", dir="/tmp"))
    shutil.chown(folder, user)
    port = free_port()
    data = folder / "data"
    process = None
    try:
        subprocess.run(
            [initdb, "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
            user=user,
            check=True,
            capture_output=True,
        )
        process = subprocess.Popen(
            [server, "-D", data, "-p", str(port), "-k", folder, "-h", "127.0.0.1", "-F"],
            user=user,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        probe = [ready, "-q", "-h", "127.0.0.1", "-p", str(port)]
        until(lambda: subprocess.run(probe, check=False).returncode == 0, what="PostgreSQL")
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
    finally:
        if process is not None:
            process.terminate()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def run_on_postgres(*paths: str) -> None:
    """Run tests again with the example on a server of their own; fail if they do."""
    with postgres() as url:
        result = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths],
            cwd=ROOT,
            env={**os.environ, "EXAMPLE_DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
    assert result.returncode == 0, result.stdout[-4000:]
    assert " passed" in result.stdout
