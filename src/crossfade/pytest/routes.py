"""Every route of the gateway as a test: the fixture `contract_routes`.

Loaded by `crossfade.pytest.plugin`.

The routes are known only once the fixture `contract_app` has made the application, which is after
pytest has collected its tests. So one test runs them all and reports each as a test of its own.
"""

from __future__ import annotations

import gc
import logging
import warnings
from collections.abc import Generator, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crossfade.pytest.reports import REPORT_KEY, Progress, RunReport, check_form, text_of

if TYPE_CHECKING:
    from crossfade.contract.engine.runner import Runner
    from crossfade.contract.run.route_run import RouteReport

_NAME_KEY = "crossfade_name"
_NONE_SELECTED = "no selected route exists in both applications"
_NOTHING = "nothing that these routes stand on has changed since "
_changes_key = pytest.StashKey[Any]()  # what git told


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("crossfade", "contracts between Flask and FastAPI")
    group.addoption(
        "--crossfade-route",
        action="append",
        default=[],
        metavar="PATTERN",
        help="Of contract_routes run those that are spelt so: 'GET /users*' or '/users/*'.",
    )
    group.addoption(
        "--crossfade-stage",
        choices=("legacy", "native"),
        default="",
        help="Of contract_routes run those of this stage in the map.",
    )
    group.addoption(
        "--crossfade-unproven",
        action="store_true",
        help="Of contract_routes run those that are native and have no valid receipt.",
    )
    group.addoption(
        "--crossfade-changed-since",
        metavar="REV",
        help="Of contract_routes run those that stand on a file that differs from git's REV.",
    )
    group.addoption(
        "--crossfade-report",
        action="append",
        default=[],
        metavar="FILE",
        help=(
            "Write what contract_routes found, to attach to a pull request: a page of HTML where "
            "FILE ends in .html, JSON for .json, else Markdown of at most 60 kB. May be given "
            "several times."
        ),
    )
    parser.addini(
        "crossfade_cases",
        "The folder of the .http files with recorded and hand-written cases (default: contracts).",
        default="contracts",
    )


@pytest.fixture
def contract_logins() -> Mapping[str, Any]:
    """Who may ask, by name: a function that logs a client in, or headers. By default nobody."""
    return {}


@pytest.fixture
def contract_values() -> Mapping[str, Any]:
    """Good values by the name of a URL variable, parameter or field. By default none."""
    return {}


@pytest.fixture
def contract_routes(
    request: pytest.FixtureRequest,
    contract_runner: Runner,
    contract_logins: Mapping[str, Any],
    contract_values: Mapping[str, Any],
) -> Routes:
    """Compare both sides of every route in all cases that can be made: `contract_routes.prove()`.

    Each route is reported as a test of its own.
    """
    return Routes(request, contract_runner, contract_logins, contract_values)


class Routes:
    """All routes that both sides have, with the cases that are known of them."""

    def __init__(
        self,
        request: pytest.FixtureRequest,
        runner: Runner,
        logins: Mapping[str, Any],
        values: Mapping[str, Any],
    ) -> None:
        self._request = request
        self._runner = runner
        self._logins = logins
        self._values = values

    def prove(self, *routes: str, probes: bool = True) -> None:
        """Run every case and report each route.

        Args:
            routes: patterns with `*` for a route (`GET /users*`) or a rule (`/users/*`). None: all.
            probes: whether cases are made from the URL map, beside those of the `.http` files.

        Raises:
            ContractError: a case, a login or a rule of the map can't be used.
        """
        __tracebackhide__ = True
        self._run(routes, probes=probes)

    def explore(self, *routes: str, examples: int = 50) -> None:
        """Let Hypothesis draw requests of each route, and shrink one on which the sides differ.

        They are made from the route's operation in FastAPI's own OpenAPI document.

        Args:
            routes: patterns as those of `prove`.
            examples: how many requests are drawn for a route at most; shrinking takes more.

        Raises:
            ContractError: Hypothesis is not installed, or as for `prove`.
        """
        __tracebackhide__ = True
        if examples < 1:
            raise ValueError(f"examples has to be 1 or more, not {examples}")
        self._run(routes, examples=examples)

    def _run(self, routes: tuple[str, ...], *, probes: bool = True, examples: int = 0) -> None:
        __tracebackhide__ = True
        from crossfade.contract.engine.collected import contracts_of
        from crossfade.contract.engine.prover import Options, Prover
        from crossfade.contract.run import route_run as autorun

        config, session = self._request.config, self._request.session
        options = Options(
            base_url=str(config.getini("crossfade_base_url")),
            timeout=float(config.getini("crossfade_timeout")),
            logins=self._logins,
            values=self._values,
            probes=probes,
        )
        folder = config.rootpath / str(config.getini("crossfade_cases"))
        cases, wrong = autorun.cases_or_problems(folder)
        if wrong:
            pytest.fail(wrong, pytrace=False)
        prover = Prover(self._runner, options, cases)
        selection = autorun.Selection(
            (routes, tuple(config.getoption("crossfade_route"))),
            str(config.getoption("crossfade_stage")),
            bool(config.getoption("crossfade_unproven")),
            _changed(config, folder),
            getattr(self._request, "param", 0),
            _workers(config),
        )
        wrong = autorun.matching_nothing(prover, selection)
        if wrong:
            pytest.fail(wrong, pytrace=False)
        meant = selection.meant(prover)
        if not meant:
            since = config.getoption("crossfade_changed_since")
            pytest.skip(f"{_NOTHING}{since}" if since else _NONE_SELECTED)
        chosen = selection.share(meant)
        if not _in_worker(config):
            session.testscollected += len(chosen)  # the progress counts them
        failed = 0
        progress = Progress(config)
        by_hand = any(each.requests for each in contracts_of(session.items))
        receipts = bool(
            config.getoption("crossfade_receipts") or config.getini("crossfade_receipts")
        )
        with warnings.catch_warnings():
            # A broken form leaves a temporary file to the garbage collector, on either side.
            warnings.simplefilter("ignore", ResourceWarning)
            for each in autorun.run(
                prover,
                chosen,
                receipts=receipts and not examples,
                examples=examples,
                others=by_hand,
                progress=progress,
            ):
                progress.clear()
                failed += each.outcome == "failed"
                self._report(each)
                self._forget_log()
                if session.shouldfail or session.shouldstop:
                    break
            gc.collect()
        if failed:
            pytest.fail(f"{failed} of {len(chosen)} routes differ", pytrace=False)

    def _forget_log(self) -> None:
        """Drop what a route's cases logged: each error is in its finding, whole, not in thousands.

        Kept to the end, the records would hold every frame of every exception that a probe caused.
        """
        if not self._request.config.pluginmanager.hasplugin("logging-plugin"):
            return
        caplog: pytest.LogCaptureFixture = self._request.getfixturevalue("caplog")
        for handler in logging.getLogger().handlers:
            if isinstance(handler, type(caplog.handler)):
                handler.reset()

    def _report(self, each: RouteReport) -> None:
        item = self._request.node
        name = item.nodeid.partition("[")[0] + f"[{each.route}]"
        path, line, domain = item.location
        longrepr: Any = text_of(item.config, each) or None
        if each.outcome == "skipped":
            longrepr = (str(item.path), (line or 0) + 1, f"Skipped: {each.text}")
        report = pytest.TestReport(
            # pytest-xdist sends only reports that bear the name of the running test.
            nodeid=item.nodeid if _in_worker(item.config) else name,
            location=(path, line, domain.partition("[")[0] + f"[{each.route}]"),
            keywords={},
            outcome=each.outcome,  # type: ignore[arg-type]
            longrepr=longrepr,
            when="call",
            duration=each.stop - each.start,
            start=each.start,
            stop=each.stop,
            **{REPORT_KEY: each.account, _NAME_KEY: name},
        )
        capture = item.config.pluginmanager.getplugin("capturemanager")
        shown = capture.global_and_fixture_disabled() if capture else nullcontext()
        with shown:  # the progress goes to the terminal, not to what the test prints
            item.ihook.pytest_runtest_logreport(report=report)


def _changed(config: pytest.Config, folder: Path) -> Any:
    """What tells the routes that changed; None where that was not asked for."""
    changes = config.stash.get(_changes_key, None)
    if changes is None:
        return None
    from crossfade.contract.run.changed_since import concerned

    return partial(concerned, changes, folder)


def _workers(config: pytest.Config) -> int:
    """The number of pytest-xdist's processes, which share the routes."""
    return int(getattr(config, "workerinput", {}).get("workercount", 1))


def _in_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each of pytest-xdist's processes its share of the routes."""
    workers = _workers(metafunc.config)
    if "contract_routes" in metafunc.fixturenames and workers > 1:
        ids = [f"share {number + 1} of {workers}" for number in range(workers)]
        metafunc.parametrize("contract_routes", range(workers), indirect=True, ids=ids)


@pytest.hookimpl(wrapper=True)
def pytest_report_from_serializable() -> Generator[None, Any, Any]:
    """Give a route's report from a process of pytest-xdist its own name."""
    report = yield
    name = getattr(report, _NAME_KEY, None)
    if name is not None:
        report.nodeid = name
    return report


def pytest_configure(config: pytest.Config) -> None:
    """Register the report of this run, and ask git what has changed."""
    revision = config.getoption("crossfade_changed_since")
    if revision is not None:
        from crossfade.contract.errors import ContractError
        from crossfade.contract.run.changed_since import Changes

        try:
            config.stash[_changes_key] = Changes.since(revision, config.rootpath)
        except ContractError as error:
            raise pytest.UsageError(f"--crossfade-changed-since: {error}") from None
    files = [Path(file) for file in config.getoption("crossfade_report")]
    for file in files:
        check_form(file)
    if not _in_worker(config):
        config.pluginmanager.register(RunReport(files), "crossfade-report")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say that nothing was proven where nothing has changed."""
    skipped = terminalreporter.stats.get("skipped", ())
    texts = (each.longrepr[2] for each in skipped if isinstance(each.longrepr, tuple))
    for text in dict.fromkeys(text for text in texts if _NOTHING in text):
        line = f"{text.removeprefix('Skipped: ')}: nothing is proven by this run"
        terminalreporter.line(line, yellow=True)
