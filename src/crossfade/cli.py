"""The command line: parse, call, exit code. What is said here is decided elsewhere."""

from __future__ import annotations

import json
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from crossfade.dispatch import Gateway
from crossfade.errors import CrossfadeError, MapError
from crossfade.mapfile import MapDocument

EXIT_PROBLEMS = 1  # the map is bad
EXIT_UNUSABLE = 2  # the question could not be asked: no such application

app = typer.Typer(
    help="Move a Flask application to FastAPI one route at a time.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

AppOption = Annotated[
    str,
    typer.Option(
        "--app",
        metavar="MODULE:NAME",
        help="The FastAPI application on which mount_legacy was called.",
    ),
]


@app.command()
def status(
    application: AppOption = "gateway:app",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Print every route, who answers it, and how far the migration is."""
    gateway = _load(application)
    targets = [gateway.route_status(target) for target in gateway.live.snapshot.table.targets()]
    if as_json:
        print(json.dumps(gateway.status(), indent=2))  # noqa: T201 - what was asked for
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("route", "stage", "served by", "FastAPI handler"):
        table.add_column(heading, overflow="fold")
    for target in targets:
        table.add_row(
            target["route"], target["stage"], target["served_by"], target["fastapi"] or "-"
        )
    console = _console()
    console.print(table)
    for target in targets:
        if target["skipped_hooks"]:
            skipped = ", ".join(target["skipped_hooks"])
            console.print(f"\n{target['route']} borrows nothing from Flask and skips {skipped}")
    console.print(f"\n{_progress(targets)}\nmap {_map_line(gateway)}")


@app.command("check-map")
def check_map(
    file: Annotated[
        Path | None,
        typer.Argument(help="Another file to check as if it were the gateway's map."),
    ] = None,
    application: AppOption = "gateway:app",
) -> None:
    """Validate the migration map against both applications.

    Prints every problem, and exits with 1 if there is one.
    """
    gateway = _load(application)
    if file is not None:
        try:
            checked = gateway.live.check(file)
        except MapError as error:
            _fail_with(error)
        _console().print(f"{file}: no problems, {_count(len(checked.entries), 'route')} listed")
        return
    listed = len(gateway.live.snapshot.map.entries)
    _console().print(f"{_map_line(gateway)}: no problems, {_count(listed, 'route')} listed")


@app.command()
def schema() -> None:
    """Print the JSON Schema of the migration map, for editors that complete and check TOML."""
    print(json.dumps(MapDocument.model_json_schema(), indent=2))  # noqa: T201 - what was asked for


def _load(application: str) -> Gateway:
    """Import the application and return its gateway; exit with what is wrong otherwise."""
    module_name, _, attribute = application.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        module = import_module(module_name)
    except MapError as error:
        _fail_with(error)
    except CrossfadeError as error:
        _unusable(f"{application}: {error}")
    except ModuleNotFoundError as error:
        if error.name is None or not module_name.startswith(error.name):
            raise  # the application's own import is broken: its traceback says where
        _unusable(
            f"there is no module {error.name!r} in {Path.cwd()}. Run the command where "
            "`uvicorn gateway:app` works, or name the application with --app MODULE:NAME"
        )
    found: Any = getattr(module, attribute or "app", None)
    gateway = getattr(getattr(found, "state", None), "crossfade", None)
    if not isinstance(gateway, Gateway):
        _unusable(
            f"{application} is no FastAPI application with a gateway: "
            "call mount_legacy on it, or name another with --app MODULE:NAME"
        )
    return gateway


def _progress(targets: list[dict[str, Any]]) -> str:
    served = Counter(target["served_by"] for target in targets)
    native, total = served["fastapi"], len(targets)
    ready = sum(
        target["fastapi"] is not None and target["served_by"] == "flask" for target in targets
    )
    share = f" ({native / total:.0%})" if total else ""
    return (
        f"{native} of {_count(total, 'route')} served by FastAPI{share}; "
        f"{ready} more have a FastAPI handler and are still served by Flask"
    )


def _map_line(gateway: Gateway) -> str:
    snapshot = gateway.live.snapshot
    return f"{snapshot.map.file}, revision {snapshot.revision[:12]}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _console() -> Console:
    # Plain text for pipes; no line is cut where the terminal is narrow or absent.
    console = Console(highlight=False, markup=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = 1000
    return console


def _fail_with(error: MapError) -> NoReturn:
    for problem in error.problems:
        typer.echo(str(problem), err=True)
    typer.echo(_count(len(error.problems), "problem"), err=True)
    raise typer.Exit(EXIT_PROBLEMS)


def _unusable(message: str) -> NoReturn:
    typer.echo(f"crossfade: {message}", err=True)
    raise typer.Exit(EXIT_UNUSABLE)


def main() -> None:
    """Run the command line."""
    app()
