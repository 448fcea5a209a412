"""The `contract` fixture for pytest, and the account of a run.

Installed with crossfade and then loaded by every test run, so it imports pytest alone until a test
asks for `contract`.
"""

from __future__ import annotations

import importlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from crossfade.contract.engine.runner import Runner
    from crossfade.contract.run.client import Contract
    from crossfade.contract.transport.asgi import ASGIApp, InProcessApp

pytest_plugins = ["crossfade.pytest.routes", "crossfade.pytest.suites"]

_contract_key = pytest.StashKey["Contract"]()
_unfinished_key = pytest.StashKey[bool]()
_grounds_key = pytest.StashKey["set[str]"]()
_narrowed_key = pytest.StashKey[bool]()
_inspecting_key = pytest.StashKey[ExitStack]()
_REPORT_KEY = "crossfade"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the ini options."""
    parser.addini(
        "crossfade_app",
        "The gateway that contracts test, as module:attribute (default: gateway:app).",
        default="gateway:app",
    )
    parser.addini(
        "crossfade_base_url",
        "Scheme and host of the contracts' requests (default: http://localhost).",
        default="http://localhost",
    )
    parser.addini(
        "crossfade_timeout",
        "Seconds after which a contract's answer counts as endless (default: 30).",
        default="30",
    )
    parser.addini(
        "crossfade_receipts",
        "Write a receipt for each route whose contract passes (default: false).",
        type="bool",
        default=False,
    )
    group = parser.getgroup("crossfade")
    group.addoption(
        "--crossfade-receipts",
        action="store_true",
        help="Write a receipt for each route whose contract passes, for `crossfade verify`.",
    )
    group.addoption(
        "--crossfade-weaker-receipts",
        action="store_true",
        help="Let a receipt be replaced by one that shows less: fewer cases, a lower strength.",
    )
    group.addoption(
        "--crossfade-verdicts",
        metavar="FILE",
        help="Write to FILE, as JSON, what the run showed of each route.",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Let an application be imported whose routes are not proven: they are, by this run."""
    _inspect(early_config)


def _inspect(config: pytest.Config) -> None:
    if _inspecting_key not in config.stash:
        from crossfade.inspection import inspecting

        config.stash[_inspecting_key] = stack = ExitStack()
        stack.enter_context(inspecting())
        config.add_cleanup(stack.close)
        if _writes_receipts(config):
            from crossfade.contract.receipts.code.observed import observer

            observer.start()  # before anything of the project is imported
            stack.callback(observer.stop)


def _writes_receipts(config: pytest.Config) -> bool:
    early = getattr(config.known_args_namespace, "crossfade_receipts", False)
    given = early or config.getoption("crossfade_receipts", False)
    return bool(given or config.getini("crossfade_receipts"))


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Note that some contracts are left out of this run."""
    for item in items:
        if {"contract", "contract_routes"}.intersection(getattr(item, "fixturenames", ())):
            item.config.stash[_narrowed_key] = True


@pytest.fixture(scope="session")
def contract_app(pytestconfig: pytest.Config) -> Any:
    """The ASGI application under test: what `mount_legacy` was called on.

    By default what the ini option `crossfade_app` names, imported from the root directory.
    """
    from crossfade.loading import NotLoadable, load

    target = str(pytestconfig.getini("crossfade_app"))
    try:
        app = load(target, pytestconfig.rootpath)
    except NotLoadable as error:
        pytest.fail(_no_app(target, str(error)), pytrace=False)
    gateway = getattr(getattr(app, "state", None), "crossfade", None)
    if gateway is not None:
        gateway.entry = tuple(sorted({target.partition(":")[0], gateway.mounted_in} - {""}))
    return app


def _no_app(target: str, why: str) -> str:
    return (
        f"crossfade_app = {target!r} can't be imported: {why}.\n"
        "Name the gateway in pytest's configuration (crossfade_app = module:attribute), or "
        "override the fixture `contract_app`."
    )


@pytest.fixture
def contract_state() -> Any:
    """What is reset between the two sides. By default nothing: override it in conftest.py."""
    _need_httpx()
    from crossfade.contract.state.base import NotGiven

    return NotGiven()


@pytest.fixture(scope="session")
def _contract_apps() -> Iterator[dict[int, InProcessApp]]:
    """The application that runs, so that its lifespan runs once for all tests."""
    apps: dict[int, InProcessApp] = {}
    yield apps
    for app in apps.values():
        app.close()


@pytest.fixture
def contract_frozen() -> Any:
    """What stands still during each request, as `crossfade.contract.frozen` makes it: nothing."""
    return nullcontext


@pytest.fixture
def contract_runner(
    pytestconfig: pytest.Config,
    contract_app: ASGIApp,
    contract_state: Any,
    contract_frozen: Any,
    _contract_apps: dict[int, InProcessApp],
) -> Runner:
    """Return what sends requests to the application under test, which is started."""
    _need_httpx()
    from crossfade.contract.engine.runner import Runner
    from crossfade.contract.state.base import State
    from crossfade.contract.transport.asgi import InProcessApp

    if not isinstance(contract_state, State):
        pytest.fail(
            f"the fixture contract_state gave {contract_state!r}; it has to give an object with "
            "the methods capture() and restore(captured)",
            pytrace=False,
        )
    app = _contract_apps.get(id(contract_app))
    if app is None:
        for other in [_contract_apps.pop(key) for key in tuple(_contract_apps)]:
            other.close()  # one application at a time: two could share a database or a port
        app = InProcessApp(contract_app)
        app.start()
        _contract_apps[id(contract_app)] = app
    base_url = str(pytestconfig.getini("crossfade_base_url"))
    return Runner(app, contract_state, base_url.partition(":")[0], contract_frozen)


@pytest.fixture
def contract(request: pytest.FixtureRequest, contract_runner: Runner) -> Contract:
    """Send requests to Flask and FastAPI and fail where they differ: `contract.get("/users/1")`."""
    from crossfade.contract.run.client import Contract

    made = Contract(
        contract_runner,
        base_url=str(request.config.getini("crossfade_base_url")),
        timeout=float(request.config.getini("crossfade_timeout")),
    )
    request.node.stash[_contract_key] = made
    return made


def _need_httpx() -> None:
    try:
        importlib.import_module("httpx")
    except ModuleNotFoundError:
        pytest.fail(
            "the `contract` fixture needs httpx (the extra `contract`): "
            "python3 -m pip install httpx",
            pytrace=False,
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail a test that passed without FastAPI having answered anything."""
    yield
    contract = item.stash.get(_contract_key, None)
    if contract is not None and not contract.agreed:
        from crossfade.contract.reporting.text import unproven

        pytest.fail(unproven(contract.outcomes), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put what the contract saw into the report, which pytest-xdist carries to the controller."""
    report = yield
    if not report.passed:
        item.stash[_unfinished_key] = True
    # A fixture that is taken by `request.getfixturevalue` is in no list of names.
    compares = _contract_key in item.stash or "contract" in getattr(item, "fixturenames", ())
    if report.when == "teardown" and compares:
        setattr(report, _REPORT_KEY, _account(item))
    return report


def _account(item: pytest.Item) -> dict[str, Any]:
    contract = item.stash.get(_contract_key, None)
    account: dict[str, Any] = {"exchanges": [], "remark": ""}
    if contract is not None:
        account = contract.account()
    account["passed"] = not item.stash.get(_unfinished_key, False)
    account["narrowed"] = item.config.stash.get(_narrowed_key, False)
    if contract is not None and _writes_receipts(item.config):
        known = item.config.stash.setdefault(_grounds_key, set())
        account["receipts"] = contract.grounds(known)
    return account


class _Summary:
    """Collects what the contracts of a run saw, from this process or from xdist's workers."""

    def __init__(self, config: pytest.Config) -> None:
        self.tests: list[dict[str, Any]] = []
        self._config = config
        self._lines: list[tuple[str, bool]] = []
        self._errors: list[str] = []
        self.stale: list[str] = []
        """Rules of the map that covered nothing in the whole run, once it is over."""
        self._items: list[pytest.Item] = []
        self._passed: set[str] = set()
        self._routes: list[str] = []  # outcomes of contract_routes' routes
        self._workers: list[Any] = []  # what each of xdist's processes has collected

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Remember a test, which may be left out of the run."""
        if _writes_receipts(self._config):
            self._items.append(item)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test's report carries."""
        if report.when == "call" and report.passed:
            self._passed.add(report.nodeid)
        account = getattr(report, _REPORT_KEY, None)
        if account is not None:
            self.tests.append(account)
            if "route" in account:
                self._routes.append(report.outcome)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take what one of xdist's processes has collected; None of one that crashed."""
        self._workers.append(None if error else getattr(node, "workeroutput", {}).get(_REPORT_KEY))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the receipts, in the process that heard of every test."""
        writes = _writes_receipts(self._config)
        output = getattr(self._config, "workeroutput", None)
        if output is not None:
            if writes:
                output[_REPORT_KEY] = self._collected()
            return
        if self._config.getoption("collectonly"):
            return
        held = proves = False
        if self.tests:
            from crossfade.pytest.session_end import close

            left_out = self._left_out() if writes else []
            closed = close(self._config, self.tests, left_out, write=writes)
            self._lines, held, proves = closed
            self._find_stale_rules(session)
        self._errors += self._nothing_proven(held, proves)
        if self._errors and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _find_stale_rules(self, session: pytest.Session) -> None:
        from crossfade.pytest.session_end import is_selection, stale_rules

        narrowed = bool(session.shouldstop or session.shouldfail)
        narrowed = narrowed or any(test.get("narrowed") for test in self.tests)
        # A test that failed may have stopped before the rule had its difference.
        whole = session.exitstatus == pytest.ExitCode.OK and not is_selection(self._config)
        if whole and not narrowed:
            self.stale = stale_rules(self.tests)
            if self.stale:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _nothing_proven(self, held: bool, proves: bool) -> list[str]:
        """Why a run that is green has proven nothing of what it was asked for."""
        found = []
        if self._routes and set(self._routes) == {"skipped"} and not proves:
            count = len(self._routes)
            found.append(f"contract_routes: nothing is proven, {count} of {count} routes skipped")
        if not held and "--crossfade-receipts" in self._config.invocation_params.args:
            found.append("--crossfade-receipts: no route is proven by this run: no receipt written")
        return found

    def _collected(self) -> list[Any]:
        from crossfade.contract.engine.collected import contracts_of, files_of

        files = files_of(self._items, map(str, self._config.args))
        return [[each.values() for each in contracts_of(self._items)], sorted(files)]

    def _left_out(self) -> list[Any]:
        """Contract tests that did not pass: that failed, were skipped or deselected, never ran."""
        from crossfade.contract.engine.collected import not_collected
        from crossfade.contract.receipts.left_out import UNKNOWN, Contract

        parts = self._workers or [self._collected()]
        files = {file for part in parts if part for file in part[1]}
        known = {each[0]: Contract.of_values(each) for part in parts if part for each in part[0]}
        found = [
            each
            for each in known.values()
            if each.test not in self._passed or (each.patterns and self._selects())
        ]
        found += not_collected(self._config, files)
        return [*found, UNKNOWN] if None in parts else found

    def _selects(self) -> bool:
        return any(self._config.getoption(option, None) for option in _SELECTING)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the account: each route with a contract, and what is not proven."""
        if not self.tests and not self._errors:
            return
        from crossfade.contract.reporting.text import Account
        from crossfade.wording import visible

        account = Account()
        for test in self.tests:
            account.add(test)
        terminalreporter.section("contracts")
        for line, warns in account.lines(terminalreporter.verbosity > 0):
            terminalreporter.line(visible(line), yellow=warns)
        for line, warns in self._lines:
            terminalreporter.line(visible(line), yellow=warns)
        for line in self._errors:
            terminalreporter.line(visible(line), red=True)
        if self.stale:
            terminalreporter.line("rules of the map that match nothing; remove them:", red=True)
        for rule in self.stale:
            terminalreporter.line(visible(f"  {rule}"), red=True)


_SELECTING = ("crossfade_route", "crossfade_stage", "crossfade_unproven", "crossfade_changed_since")
"""Options that leave routes out of `contract_routes`."""


def pytest_configure(config: pytest.Config) -> None:
    """Register the account of this run."""
    _inspect(config)  # where the plugin was named too late for the hook above
    config.pluginmanager.register(_Summary(config), "crossfade-summary")
