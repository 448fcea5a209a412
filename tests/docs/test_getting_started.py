"""The page for newcomers, followed literally: each block as it comes, copied or typed."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.docs.test_docs import BLOCK, ROOT
from tests.servers import Server
from tests.servers.harness import free_port, start

PAGE = ROOT / "docs" / "getting-started.md"


@dataclass
class Newcomer:
    """Somebody with an empty folder, the page, and two terminals.

    The page says port 8000, which may be taken here: another one stands for it.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    servers: list[Server] = field(default_factory=list)

    def copy(self, name: str, text: str) -> None:
        """Save a block as the file that its title names."""
        (self.folder / name).write_text(text, encoding="utf-8")

    def type(self, line: str) -> str:
        """Run a command; return what it prints."""
        program, *arguments = shlex.split(line.replace(":8000", f":{self.port}"))
        if program == "uvicorn":
            self.serve(arguments)
            return ""
        if program == "curl":
            with urlopen(arguments[-1], timeout=30) as answer:
                return str(answer.read().decode())
        command = [sys.executable, "-m", program, *arguments]
        ended = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, f"$ {line}\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    def serve(self, arguments: list[str]) -> None:
        """Stop the server that runs, and start one."""
        self.stop()
        command = [sys.executable, "-m", "uvicorn", *arguments, "--port", str(self.port)]
        address = ("127.0.0.1", self.port)
        self.servers.append(start("newcomer", command, address, cwd=self.folder))

    def stop(self) -> None:
        """Stop the server that runs, as Ctrl-C does."""
        for server in self.servers:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(20)
            server.stop()


@pytest.fixture
def newcomer(tmp_path: Path) -> Iterator[Newcomer]:
    """Return a newcomer whose server is stopped in the end."""
    newcomer = Newcomer(tmp_path)
    yield newcomer
    newcomer.stop()


def commands(console: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a block with the lines that it shall print."""
    for entry in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, *shown = entry.splitlines()
        yield command, [line for line in shown if line]


def test_getting_started_followed_literally_moves_a_route_on_a_running_server(
    newcomer: Newcomer,
) -> None:
    """Every block is copied or typed; what the page shows is printed; no step is left out."""
    typed = []
    for _, language, info, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if language == "console":
            for command, shown in commands(text):
                typed.append(command.partition(" ")[0])
                printed = [line.rstrip() for line in newcomer.type(command).splitlines()]
                for line in shown:
                    found = any(each.startswith(line) for each in printed)
                    assert found, f"$ {command}\n{line!r} is not in\n" + "\n".join(printed)
        else:
            title = re.search(r'title="([^"]+)"', info)
            assert title, f"a block without a title: {text[:40]}"
            newcomer.copy(title[1], text)
    assert set(typed) == {"uvicorn", "curl", "crossfade", "pytest"}
    assert typed.count("uvicorn") == 2
    for server in newcomer.servers:
        assert "Traceback" not in server.log()
        assert "ERROR" not in server.log()
