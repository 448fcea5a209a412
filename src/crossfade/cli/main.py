"""The command line: parse, call, exit code. What is said here is decided elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextvars import ContextVar
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

# Flask, FastAPI and what is built on them take a second to import. Each command imports what it
# needs, so that `--help`, `--version` and shell scripts don't wait for the rest.
from crossfade.cli.options import AppOption, HeaderOption, RouteArgument, TokenOption, UrlOption
from crossfade.console import table, terminal_width
from crossfade.errors import CrossfadeError, MapError
from crossfade.gateway.status import (
    follow_lines,
    is_sound,
    live_lines,
    older_code,
    progress,
    route_lines,
)
from crossfade.inspection import inspecting
from crossfade.wording import counted, escaped, visible

if TYPE_CHECKING:
    from crossfade.gateway.dispatch import Gateway

EXIT_PROBLEMS = 1  # the map is bad
EXIT_UNUSABLE = 2  # the question could not be asked: no such application

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # in which `[record]` would be markup, and vanish
)

_starts_first: ContextVar[bool] = ContextVar("starts_first", default=False)
"""Whether the application's lifespan is run before a command looks at it."""


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"crossfade {version('crossfade')}")
        raise typer.Exit


@app.callback()
def before(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
    lifespan: Annotated[
        bool,
        typer.Option(
            "--lifespan",
            help="Start and stop the application first, for routes that its lifespan adds.",
        ),
    ] = False,
) -> None:
    """Move a Flask application to FastAPI one route at a time."""
    _starts_first.set(lifespan)


@app.command()
def status(
    application: AppOption = "gateway:app",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    url: UrlOption = None,
    token: TokenOption = None,
    header: HeaderOption = None,
) -> None:
    """Print every route, who answers it, and the progress.

    With --url of a running server, compared with the code that is here.
    """
    if url is not None:
        _live_status(url, token, header or [], application, as_json)
        return
    gateway = _load(application)
    if as_json:
        print(json.dumps(gateway.status(), indent=2))  # noqa: T201 - what was asked for
        return
    from crossfade.checks.known_extensions import Borrowed

    targets = [gateway.route_status(target) for target in gateway.live.snapshot.table.targets()]
    _print(route_lines(targets, terminal_width()))
    _print(f"\n{doubt.text}" for doubt in gateway.doubts(gateway.live.snapshot))
    seen = gateway.unborrowed.extensions()
    if seen:
        rest = sum(each.borrowed is not Borrowed.YES for each in seen)
        _print(
            [
                f"\n{counted(len(seen), 'extension')} seen, {rest} not wholly borrowed by native "
                "routes: `crossfade extensions`"
            ]
        )
    _print([f"\n{progress(targets)}", f"map {_map_line(gateway)}"])


@app.command()
def extensions(
    application: AppOption = "gateway:app",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print Flask's extensions, and what native routes borrow.

    Where an extension is not wholly borrowed, it says what to do instead.
    """
    seen = _load(application).unborrowed.extensions()
    if as_json:
        print(json.dumps([each.values() for each in seen], indent=2))  # noqa: T201 - was asked for
        return
    rows = []
    for each in seen:
        text = f"{each.instead} (docs/extensions/{each.page})" if each.page else each.instead
        rows.append((each.name, each.version or "-", each.borrowed.value, text))
    headings = ("extension", "version", "borrowed", "what to know")
    _print(table(headings, rows, terminal_width()) if rows else ["no extension is seen"])


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
    _print([f"{name}: no problems, {listed} listed"])
    _print(doubt.text for doubt in gateway.doubts(snapshot))


@app.command()
def schema() -> None:
    """Print the JSON Schema of the migration map, for editors."""
    from crossfade.migration_map.schema import MapDocument

    print(json.dumps(MapDocument.model_json_schema(), indent=2))  # noqa: T201 - what was asked for


@app.command()
def verify(
    application: AppOption = "gateway:app",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say whether every native route has a receipt that still holds.

    Exits with 1 where one has not, and says what has changed since its contract passed.
    """
    from crossfade.cli.explain import verify_lines, verify_values
    from crossfade.contract.receipts.verify import folder_of, standings

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
    url: UrlOption = None,
    token: TokenOption = None,
    header: HeaderOption = None,
) -> None:
    """Prove a route with pytest, then make it native in the map.

    What stands behind `--` goes to pytest. Refuses where the contract is red or proves nothing, and
    with --url where a worker of the running server has no handler for the route yet.
    """
    from crossfade.checks.guards import State
    from crossfade.contract.cutover import History, Refused, find, plan, prove, unproven
    from crossfade.gateway.workers import NotAnswering, OldCode, Server
    from crossfade.model import Waiver

    if (waive is None) != (until is None):
        _unusable("--waive needs --until, a day on which it ends, and --until a reason to --waive")
    waiver = None if waive is None or until is None else Waiver(waive, until.date())
    if waiver is not None and waiver.until < date.today():
        _unusable(f"--until {waiver.until} is in the past: the waiver would never hold")
    with inspecting():
        gateway = _load(application)
    try:
        server = None if url is None else Server(url, header or [], token)
        target, entry = find(gateway, route)
        with inspecting():  # what else is wrong with the map is said before pytest runs
            plan(gateway, target, entry, waiver)
        if server is not None:
            server.require_handler(target.route)
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
            _print([f"{edit.key} is native in {edit.path}; `crossfade rollback` takes it back"])
            asked = None if server is None else server.follow(edit.revision)
            _print(follow_lines(asked, edit.revision))
            if any(worker.problems for worker in asked or ()):
                raise typer.Exit(EXIT_PROBLEMS)
    except MapError as error:
        _fail_with(error)
    except NotAnswering as error:
        _unusable(str(error))
    except (Refused, OldCode) as error:
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
    """Undo the last cut-over, or that of a route.

    Flask answers again. The application is not imported: this works where it can't be.
    """
    from crossfade.contract.cutover import History, Refused, plan_back

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
    """Show both handlers, hooks, cases and the receipt of a route."""
    from crossfade.cli.explain import explain, explain_lines
    from crossfade.contract.cutover import Refused, find

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
    """Turn live traffic or a HAR file into contract cases.

    Secrets are left out. Without an option it says what is recorded. The table [record] of the
    map has the settings.
    """
    from crossfade.cli.record import har_lines, recorded_lines, switch

    gateway = _load(application)
    try:
        if share is not None:
            switch(gateway, share)
        _print(recorded_lines(gateway) if har is None else har_lines(gateway, har, host))
    except MapError as error:
        _fail_with(error)
    except CrossfadeError as error:
        _unusable(str(error))


def _live_status(
    url: str, token: str | None, headers: list[str], application: str, as_json: bool
) -> None:
    from crossfade.application import NoGateway, load_gateway
    from crossfade.gateway.workers import NotAnswering, Server

    try:
        workers = Server(url, headers, token).workers()
    except NotAnswering as error:
        _unusable(str(error))
    older: list[str] = []
    if as_json:
        print(json.dumps([worker.values for worker in workers], indent=2))  # noqa: T201
    else:
        _print(map(escaped, live_lines(workers, terminal_width())))
        try:
            gateway = load_gateway(application, Path.cwd(), start=_starts_first.get())
            older += older_code(workers, gateway.status()["routes"])
        except (MapError, NoGateway) as error:
            _print([f"not compared with the code here: {error}"])
        _print(older)
    if older or not is_sound(workers):
        raise typer.Exit(EXIT_PROBLEMS)


def _print(lines: Iterable[str]) -> None:
    text = "\n".join(map(visible, lines))
    if text:
        typer.echo(text)


def _refuse(message: str) -> NoReturn:
    typer.echo(f"crossfade: {message}", err=True)
    raise typer.Exit(EXIT_PROBLEMS)


def _load(application: str) -> Gateway:
    """Return the gateway of an application; exit with what is wrong otherwise."""
    from crossfade.application import load_gateway

    try:
        return load_gateway(application, Path.cwd(), start=_starts_first.get())
    except MapError as error:
        _fail_with(error)
    except CrossfadeError as error:
        _unusable(str(error))


def _map_line(gateway: Gateway) -> str:
    snapshot = gateway.live.snapshot
    return f"{snapshot.map.file}, revision {snapshot.revision[:12]}"


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
    app(prog_name="crossfade")
