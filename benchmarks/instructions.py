"""What the gateway costs a native route, in instructions: the same figure on a busy machine.

`python -m benchmarks.instructions` needs valgrind. Each application is called in process, 100 and
then 600 times, under callgrind; the difference is what 500 requests take, without the start.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from typing import Any, Final

_FEW: Final = 100
_MANY: Final = 600
_SCOPE: Final[dict[str, Any]] = {
    "type": "http",
    "asgi": {"version": "3.0"},
    "http_version": "1.1",
    "method": "GET",
    "path": "/json",
    "raw_path": b"/json",
    "query_string": b"",
    "root_path": "",
    "scheme": "http",
    "headers": [(b"host", b"127.0.0.1:8000")],
    "client": ("127.0.0.1", 1234),
    "server": ("127.0.0.1", 8000),
    "state": {},
}


def ask(name: str, count: int) -> None:
    """Call one of the applications of `_compat_apps` so many times."""
    from benchmarks import _compat_apps

    app = getattr(_compat_apps, name)()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        assert message.get("status", 200) == 200

    async def run() -> None:
        for _ in range(count):
            await app(dict(_SCOPE), receive, send)

    asyncio.run(run())


def instructions(name: str, count: int) -> int:
    """Return what a process that asks so many times takes in all."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
    command += [sys.executable, "-m", "benchmarks.instructions", name, str(count)]
    environ = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert found, done.stderr
    return int(found[1])


def main() -> None:
    """Print the table."""
    print('| instructions a request | FastAPI alone | native | ratio | `hooks = "none"` | ratio |')
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for kind, text in (("bare", "one route"), ("routes", "50 routes more")):
        alone, native, none = (
            (instructions(f"{side}_{kind}", _MANY) - instructions(f"{side}_{kind}", _FEW))
            // (_MANY - _FEW)
            for side in ("fastapi", "native", "alone")
        )
        print(
            f"| {text} | {alone:,} | {native:,} | {alone / native:.2f} | {none:,} |"
            f" {alone / none:.2f} |"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        ask(sys.argv[1], int(sys.argv[2]))
    else:
        main()
