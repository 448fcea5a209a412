"""The command line, run as a user runs it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from importlib.metadata import version
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

GATEWAY = """\
from fastapi import FastAPI
from flask import Flask
from crossfade import mount_legacy

legacy = Flask("shop", static_folder=None)
legacy.add_url_rule("/hello", view_func=lambda: "hello", endpoint="hello")
legacy.add_url_rule("/users/<int:user_id>", view_func=lambda user_id: "", endpoint="user")
legacy.add_url_rule("/users", view_func=lambda: "", endpoint="users", methods=["GET", "POST"])

app = FastAPI(openapi_url=None)

@app.get("/hello")
def hello(): return "hello"

@app.get("/users/{user_id}")
def user(user_id: int): return user_id

@app.get("/health")
def health(): return "ok"

mount_legacy(app, legacy)
"""

GOOD_MAP = '[routes]\n"GET /hello" = "native"\n"GET /health" = "native"\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project whose map is good."""
    (tmp_path / "gateway.py").write_text(GATEWAY, encoding="utf-8")
    (tmp_path / "migration_map.toml").write_text(GOOD_MAP, encoding="utf-8")
    return tmp_path


def crossfade(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `crossfade` in the project's folder."""
    command = [sys.executable, "-c", "from crossfade.cli.main import main; main()", *arguments]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def test_status_prints_every_route_and_the_progress(project: Path) -> None:
    """Every route of either side is there, with who answers it."""
    result = crossfade(project, "status")
    assert (result.returncode, result.stderr) == (0, "")
    rows = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert rows[0] == "route stage served by FastAPI handler"
    assert sorted(rows[1:-3]) == [
        "GET /health native fastapi gateway.health",
        "GET /hello native fastapi gateway.hello",
        "GET /users legacy flask -",
        "GET /users/<int:user_id> legacy flask gateway.user",
        "POST /users legacy flask -",
    ]
    assert rows[-2] == (
        "2 of 5 routes served by FastAPI (40%); "
        "1 more have a FastAPI handler and are still served by Flask"
    )


def test_status_as_json(project: Path) -> None:
    """What a script reads is what the live gateway serves."""
    result = crossfade(project, "status", "--json")
    document = json.loads(result.stdout)
    assert document["problems"] == []
    assert {"route": "GET /hello", "stage": "native", "served_by": "fastapi"}.items() <= next(
        route for route in document["routes"] if route["route"] == "GET /hello"
    ).items()


def test_check_map_accepts(project: Path) -> None:
    """A good map exits with 0."""
    result = crossfade(project, "check-map")
    assert (result.returncode, result.stderr) == (0, "")
    assert "no problems, 2 routes listed" in result.stdout


def test_check_map_prints_every_problem(project: Path) -> None:
    """A bad map exits with 1 and says all that is wrong with it."""
    bad = '[routes]\n"GET /helo" = "native"\n"GET /hello" = "natve"\n[gatewey]\n'
    (project / "migration_map.toml").write_text(bad, encoding="utf-8")
    result = crossfade(project, "check-map")
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "migration_map.toml:2: GET /helo: unknown route: neither Flask nor FastAPI has it. "
        'Did you mean "GET /hello"?',
        'migration_map.toml:3: GET /hello: unknown stage \'natve\'; use "legacy" or "native". '
        'Did you mean "native"?',
        'migration_map.toml:4: gatewey: unknown key "gatewey". Did you mean "gateway"?',
        "3 problems",
    ]


def test_check_map_checks_another_file(project: Path) -> None:
    """A map can be checked before it becomes the live one."""
    (project / "next.toml").write_text('[routes]\n"GET /users" = "native"\n', encoding="utf-8")
    result = crossfade(project, "check-map", "next.toml")
    assert result.returncode == 1
    assert result.stderr.startswith("next.toml:2: GET /users: FastAPI has no route for GET /users")
    assert crossfade(project, "check-map", "migration_map.toml").returncode == 0


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_check_map_warns_of_an_empty_map(project: Path, text: str) -> None:
    """It is valid, and a running server would not take it over."""
    (project / "next.toml").write_text(text, encoding="utf-8")
    result = crossfade(project, "check-map", "next.toml")
    assert result.returncode == 0
    assert "next.toml: no problems, 0 routes listed" in result.stdout
    assert "next.toml is empty, so Flask answers every route" in result.stdout
    assert 'write the one line "[routes]"' in result.stdout


LATE = """
@asynccontextmanager
async def lifespan(app):
    app.add_api_route("/users", lambda: [], methods=["GET"])
    print("started")
    yield
    print("stopped")

app = FastAPI(openapi_url=None, lifespan=lifespan)
"""


def test_lifespan_option_looks_at_the_application_once_it_has_started(project: Path) -> None:
    """Without it a route that a lifespan adds is missing, and the way to look again is said."""
    text = GATEWAY.replace("app = FastAPI(openapi_url=None)\n", LATE)
    text = f"from contextlib import asynccontextmanager\n{text}"
    (project / "gateway.py").write_text(text, encoding="utf-8")
    (project / "migration_map.toml").write_text('[routes]\n"GET /users" = "native"\n')
    unstarted = crossfade(project, "check-map")
    assert unstarted.returncode == 1
    assert "GET /users: FastAPI has no route for GET /users." in unstarted.stderr
    assert "run `crossfade --lifespan …`, which starts and stops" in unstarted.stderr
    started = crossfade(project, "--lifespan", "check-map")
    assert (started.returncode, started.stderr) == (0, "started\nstopped\n")
    assert "no problems, 1 route listed" in started.stdout
    (project / "migration_map.toml").write_text('[routes]\n"GET /typo" = "native"\n')
    refused = crossfade(project, "--lifespan", "check-map")
    assert refused.returncode == 1
    assert refused.stderr.endswith("neither Flask nor FastAPI has it\n1 problem\n")


def test_lifespan_option_says_why_an_application_does_not_start(project: Path) -> None:
    """The question can't be asked."""
    text = GATEWAY.replace("app = FastAPI(openapi_url=None)\n", LATE)
    text = f"from contextlib import asynccontextmanager\n{text}"
    text = text.replace('print("started")', 'raise OSError("no database")')
    (project / "gateway.py").write_text(text, encoding="utf-8")
    result = crossfade(project, "--lifespan", "status")
    assert result.returncode == 2
    assert "crossfade: gateway:app: the application under test did not start" in result.stderr
    assert "no database" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--app", "nowhere:app"], "there is no module 'nowhere'"),
        (["--app", "gateway:nothing"], "gateway has no 'nothing'"),
        (["--app", ":app"], "':app' names no module"),
        (["--app", "gateway:app.state()"], "'app.state' of gateway can't be called"),
        (["--app", "gateway:legacy"], "gateway:legacy is no FastAPI application with a gateway"),
    ],
)
def test_an_application_that_is_not_there(
    project: Path, arguments: list[str], message: str
) -> None:
    """The question can't be asked: exit code 2, and what to do."""
    result = crossfade(project, "status", *arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert "--app MODULE:NAME" in result.stderr


def test_an_application_that_a_factory_makes(project: Path) -> None:
    """Named as gunicorn names it. What it prints is not taken for the answer."""
    made = GATEWAY.replace("\n", "\n    ")
    text = f"def make():\n    print('made')\n    {made}\n    return app\n"
    (project / "gateway.py").write_text(text, encoding="utf-8")
    hint = crossfade(project, "status", "--app", "gateway:make")
    assert (hint.returncode, "write --app 'gateway:make()'" in hint.stderr) == (2, True)
    result = crossfade(project, "status", "--json", "--app", "gateway:make()")
    assert (result.returncode, result.stderr) == (0, "made\n")
    assert json.loads(result.stdout)["problems"] == []


def test_a_broken_application_shows_its_own_traceback(project: Path) -> None:
    """An import error inside the application is not called a missing application."""
    (project / "gateway.py").write_text("import no_such_dependency\n", encoding="utf-8")
    result = crossfade(project, "status")
    assert result.returncode == 1
    assert "No module named 'no_such_dependency'" in result.stderr
    assert "gateway.py" in result.stderr


def test_schema_is_json_schema(project: Path) -> None:
    """Editors get the format from the command line."""
    document = json.loads(crossfade(project, "schema").stdout)
    assert set(document["properties"]) >= {"routes", "gateway", "bridge", "contracts"}


def test_version_is_printed_by_the_script_and_the_module(project: Path) -> None:
    """`crossfade --version` and `python -m crossfade --version`."""
    module = [sys.executable, "-m", "crossfade", "--version"]
    result = subprocess.run(module, cwd=project, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, f"crossfade {version('crossfade')}\n")
    assert crossfade(project, "--version").stdout == result.stdout


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["cutover", "--help"]])
def test_commands_that_need_no_application_import_no_framework(
    project: Path, arguments: list[str]
) -> None:
    """Flask and FastAPI take a second; `--help` must not wait for them."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        "from crossfade.cli.main import main; main()"
    )
    command = [sys.executable, "-c", code, *arguments]
    result = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    heavy = {"flask", "fastapi", "starlette", "werkzeug", "tomlkit", "httpx"}
    assert heavy & set(result.stderr.split()) == set()


def test_help_shows_square_brackets(project: Path) -> None:
    """They are tables of the map, not markup; and no line of the overview is cut."""
    words = " ".join(crossfade(project, "record", "--help").stdout.split())
    assert "The table [record] of the map" in words
    overview = crossfade(project, "--help").stdout.partition("Commands:")[2]
    assert "record" in overview
    assert "..." not in overview


def test_messages_show_square_brackets_and_colons_as_they_are(project: Path) -> None:
    """Also where a route's own name looks like markup or an emoji."""
    odd = "/[bold]:smile:[/bold]/<int:user_id>"
    text = GATEWAY.replace("/users/<int:user_id>", odd)
    (project / "gateway.py").write_text(text, encoding="utf-8")
    assert f"GET {odd} " in crossfade(project, "status").stdout
    (project / "migration_map.toml").write_text(f'[routes]\n"GET {odd}x" = "native"\n')
    assert f"GET {odd}x: unknown route" in crossfade(project, "check-map").stderr


def test_status_in_a_narrow_terminal_cuts_nothing(project: Path) -> None:
    """Eighty columns, and a handler's name that is longer."""
    name = "h" * 100
    text = GATEWAY.replace("def hello():", f"def {name}():")
    (project / "gateway.py").write_text(text, encoding="utf-8")
    shown = in_terminal(project, 80, "status")
    assert f"gateway.{name}" in shown
    assert re.search(r"GET /users/<int:user_id> +legacy +flask +gateway.user", shown)


def in_terminal(project: Path, columns: int, *arguments: str) -> str:
    """Run `crossfade` with a terminal of its own for standard output; return what it shows."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-m", "crossfade", *arguments]
    environ = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    with subprocess.Popen(command, cwd=project, stdout=theirs, env=environ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux's way to say that nobody has the other end any more
                break
            if not piece:
                break
            shown += piece
    os.close(ours)
    assert process.returncode == 0
    return shown.decode()


@pytest.mark.parametrize("missing", ["pytest", "httpx"])
def test_cutover_without_what_contracts_need_says_what_to_install(
    project: Path, missing: str
) -> None:
    """The route is not called unproven where nothing could be tried."""
    code = (
        "from crossfade.contract import cutover\n"
        f"cutover.find_spec = lambda name: None if name == {missing!r} else name\n"
        "from crossfade.cli.main import main; main()"
    )
    command = [sys.executable, "-c", code, "cutover", "GET /users/<int:user_id>"]
    result = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr.startswith("crossfade: GET /users/<int:user_id> can't be proven here: ")
    assert result.stderr.endswith(f"python3 -m pip install {missing}\n")
    assert "not proven" not in result.stderr
