"""The command line: parse, call, exit code. What is said here is decided elsewhere."""

from __future__ import annotations

import inspect
import json
import logging
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from crossfade.compat.guards import State
from crossfade.compat.known_extensions import Borrowed
from crossfade.contract.cutover import History, Refused, find, plan, plan_back, prove, unproven
from crossfade.contract.recording_lines import har_lines, recorded_lines, switch
from crossfade.contract.telling import explain, explain_lines, verify_lines, verify_values
from crossfade.contract.validity import folder_of, standings
from crossfade.dispatch import Gateway
from crossfade.errors import CrossfadeError, MapError
from crossfade.inspection import inspecting
from crossfade.loading import NotLoadable, load
from crossfade.mapfile import MapDocument
from crossfade.model import Waiver
from crossfade.wording import counted

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
        help="The FastAPI application on which mount_legacy was called, "
        "or what makes it: 'gateway:create_app()'.",
    ),
]

RouteArgument = Annotated[
    str, typer.Argument(help="The route, in Flask's spelling or FastAPI's: 'GET /users/{id}'.")
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
    for doubt in gateway.doubts(gateway.live.snapshot):
        console.print(f"\n{doubt.text}")
    seen = gateway.unborrowed.extensions()
    if seen:
        rest = sum(each.borrowed is not Borrowed.YES for each in seen)
        console.print(
            f"\n{counted(len(seen), 'extension')} seen, {rest} not wholly borrowed by native "
            "routes: `crossfade extensions`"
        )
    console.print(f"\n{_progress(targets)}\nmap {_map_line(gateway)}")


@app.command()
def extensions(
    application: AppOption = "gateway:app",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print the Flask application's extensions: what native routes borrow, what to do instead."""
    seen = _load(application).unborrowed.extensions()
    if as_json:
        print(json.dumps([each.values() for each in seen], indent=2))  # noqa: T201 - was asked for
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("extension", "version", "borrowed", "what to know"):
        table.add_column(heading, overflow="fold")
    for each in seen:
        text = f"{each.instead} (docs/extensions/{each.page})" if each.page else each.instead
        table.add_row(each.name, each.version or "-", each.borrowed.value, text)
    console = _console()
    console.print(table if seen else "no extension is seen")


@app.command("check-map")
def check_map(
    file: Annotated[
        Path | None,
        typer.Argument(help="Another file to check as if it were the gateway's map."),
    ] = None,
    application: AppOption = "gateway:app",
) -> None:
    """Validate the migration map against both applications.

    Prints every problem, and exits with 1 if there is one; and what native routes do without.
    """
    gateway = _load(application)
    if file is not None:
        try:
            snapshot = gateway.live.check(file)
        except MapError as error:
            _fail_with(error)
    else:
        snapshot = gateway.live.snapshot
    name = _map_line(gateway) if file is None else file
    listed = counted(len(snapshot.map.entries), "route")
    _console().print(f"{name}: no problems, {listed} listed")
    _print(doubt.text for doubt in gateway.doubts(snapshot))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the migration map, for editors that complete and check TOML."""
    print(json.dumps(MapDocument.model_json_schema(), indent=2))  # noqa: T201 - what was asked for


@app.command()
def verify(
    application: AppOption = "gateway:app",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say whether every native route has a receipt that still holds.

    Exits with 1 where one has not, and says what has changed since its contract passed.
    """
    with inspecting():
        gateway = _load(application)
    found = standings(gateway)
    known = [target.route for target in gateway.live.snapshot.table.targets()]
    strays = folder_of(gateway.live.snapshot.map, gateway.live.path).strays(known)
    if as_json:
        print(json.dumps(verify_values(found, strays), indent=2))  # noqa: T201 - was asked for
    else:
        _print(verify_lines(found, strays))
    if not all(each.state.holds for each in found):
        raise typer.Exit(EXIT_PROBLEMS)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def cutover(
    context: typer.Context,
    route: RouteArgument,
    application: AppOption = "gateway:app",
    waive: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Move it unproven. The reason goes into the map."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The last day of --waive."),
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Show the change and save nothing.")] = False,
) -> None:
    """Prove a route with pytest, then make it native in the map.

    What stands behind `--` goes to pytest. Refuses where the contract is red or proves nothing.
    """
    if (waive is None) != (until is None):
        _unusable("--waive needs --until, a day on which it ends, and --until a reason to --waive")
    waiver = None if waive is None or until is None else Waiver(waive, until.date())
    if waiver is not None and waiver.until < date.today():
        _unusable(f"--until {waiver.until} is in the past: the waiver would never hold")
    with inspecting():
        gateway = _load(application)
    try:
        target, entry = find(gateway, route)
        with inspecting():  # what else is wrong with the map is said before pytest runs
            plan(gateway, target, entry, waiver)
        if target.legacy is not None and waiver is None:
            source = context.get_parameter_source("application")
            named = source is not None and source.name == "COMMANDLINE"
            chosen = [f"--override-ini=crossfade_app={application}"] if named else []
            doubt = prove(target.route, [*chosen, *context.args]) or unproven(gateway, target)
            if doubt:
                _refuse(f"{target.route} is not proven: {doubt}. The map stays as it is")
        edit = plan(gateway, target, entry, waiver)
        if not edit.diff:
            _print([f"{target.route} is native already: {edit.path} stays as it is"])
            return
        typer.echo(edit.diff, nl=False)
        missing = [guard for guard in gateway.guards(target) if guard.state is State.MISSING]
        _print(f"Flask's view has {guard}" for guard in missing)
        if not dry_run:
            history = History(edit.path)
            history.steps()  # read before anything is changed: it may be unreadable
            edit.save()
            history.add(edit)
            _print([f"{edit.key} is native; `crossfade rollback` takes it back"])
    except MapError as error:
        _fail_with(error)
    except Refused as error:
        _refuse(str(error))


@app.command()
def rollback(
    route: Annotated[
        str | None, typer.Argument(help="The route, in Flask's spelling or FastAPI's.")
    ] = None,
    file: Annotated[Path, typer.Option("--map", help="The migration map.")] = Path(
        "migration_map.toml"
    ),
    dry_run: Annotated[bool, typer.Option(help="Show the change and save nothing.")] = False,
) -> None:
    """Undo the last cut-over, or that of a route: Flask answers again.

    The application is not imported: this works where it can't be.
    """
    try:
        edit, step = plan_back(file, route)
        typer.echo(edit.diff, nl=False)
        if not dry_run:
            edit.save()
            if step is not None:
                History(file).forget(step)
            _print([f"{edit.key} is back as it was"])
    except MapError as error:
        _fail_with(error)
    except Refused as error:
        _refuse(str(error))


@app.command("explain")
def explain_route(
    route: RouteArgument,
    application: AppOption = "gateway:app",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what is known of a route: both handlers, hooks, cases, differences, receipt."""
    with inspecting():
        gateway = _load(application)
    try:
        target, _ = find(gateway, route)
    except Refused as error:
        _refuse(str(error))
    known = explain(gateway, target, Path.cwd())
    if as_json:
        print(json.dumps(known, indent=2))  # noqa: T201 - was asked for
    else:
        _print(explain_lines(known))


@app.command()
def record(
    application: AppOption = "gateway:app",
    har: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Take the exchanges of a HAR file.")
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(help="The host whose exchanges are meant, if the file has several."),
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Record this share of live requests (0.05), or none (0): edits the map.",
        ),
    ] = None,
) -> None:
    """Turn live traffic or a HAR file into cases for contracts, secrets left out.

    Without an option it says what is recorded. The table [record] of the map has the settings.
    """
    gateway = _load(application)
    try:
        if share is not None:
            switch(gateway, share)
        _print(recorded_lines(gateway) if har is None else har_lines(gateway, har, host))
    except MapError as error:
        _fail_with(error)
    except CrossfadeError as error:
        _unusable(str(error))


def _print(lines: Iterable[str]) -> None:
    console = _console()
    for line in lines:
        console.print(line)


def _refuse(message: str) -> NoReturn:
    typer.echo(f"crossfade: {message}", err=True)
    raise typer.Exit(EXIT_PROBLEMS)


def _load(application: str) -> Gateway:
    """Import the application and return its gateway; exit with what is wrong otherwise.

    What the application prints goes to standard error: standard output is what was asked for.
    """
    try:
        with redirect_stdout(sys.stderr), _without_doubts():
            found = load(application, Path.cwd())
            gateway = getattr(getattr(found, "state", None), "crossfade", None)
            if isinstance(gateway, Gateway):
                gateway.live.catch_up()
    except MapError as error:
        _fail_with(error)
    except NotLoadable as error:
        _unusable(
            f"{error}. Run the command where `uvicorn gateway:app` works, or name the application "
            "with --app MODULE:NAME"
        )
    except CrossfadeError as error:
        _unusable(f"{application}: {error}")
    if not isinstance(gateway, Gateway):
        instead = "call mount_legacy on it, or name another with --app MODULE:NAME"
        if inspect.isroutine(found):
            instead = f"if it makes one, write --app '{application}()'"
        _unusable(f"{application} is no FastAPI application with a gateway: {instead}")
    return gateway


@contextmanager
def _without_doubts() -> Iterator[None]:
    """Keep a gateway from logging what it doubts: the commands that are about it print it."""
    logger = logging.getLogger(Gateway.__module__)
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def _progress(targets: list[dict[str, Any]]) -> str:
    served = Counter(target["served_by"] for target in targets)
    native, total = served["fastapi"], len(targets)
    ready = sum(
        target["fastapi"] is not None and target["served_by"] == "flask" for target in targets
    )
    share = f" ({native / total:.0%})" if total else ""
    return (
        f"{native} of {counted(total, 'route')} served by FastAPI{share}; "
        f"{ready} more have a FastAPI handler and are still served by Flask"
    )


def _map_line(gateway: Gateway) -> str:
    snapshot = gateway.live.snapshot
    return f"{snapshot.map.file}, revision {snapshot.revision[:12]}"


def _console() -> Console:
    # Plain text for pipes; no line is cut where the terminal is narrow or absent.
    console = Console(highlight=False, markup=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = 1000
    return console


def _fail_with(error: MapError) -> NoReturn:
    for problem in error.problems:
        typer.echo(str(problem), err=True)
    typer.echo(counted(len(error.problems), "problem"), err=True)
    raise typer.Exit(EXIT_PROBLEMS)


def _unusable(message: str) -> NoReturn:
    typer.echo(f"crossfade: {message}", err=True)
    raise typer.Exit(EXIT_UNUSABLE)


def main() -> None:
    """Run the command line."""
    app()
