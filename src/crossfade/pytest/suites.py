"""A team's own Flask test suite: kept as cases, or run on FastAPI.

Loaded by `crossfade.pytest.plugin`.

pytest --crossfade-record contracts          # the suite as before; each exchange is a case
pytest --crossfade-native all                # the suite, its routes answered by FastAPI
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crossfade.wording import counted, visible

if TYPE_CHECKING:
    from crossfade.contract.suites.test_client import Account, Suite

_REPORT_KEY = "crossfade_suite"
_MOST_LINES = 30


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    group = parser.getgroup("crossfade", "contracts between Flask and FastAPI")
    group.addoption(
        "--crossfade-record",
        metavar="FOLDER",
        help="Keep what the tests' WSGI clients send as cases, .http files below FOLDER.",
    )
    group.addoption(
        "--crossfade-native",
        action="append",
        default=[],
        metavar="ROUTE",
        help=(
            "Let FastAPI answer what the tests' clients ask of this route ('GET /users/<id>'); "
            "'all' for each route that has a native counterpart, 'map' for what the migration map "
            "says. May be given several times."
        ),
    )
    parser.addini(
        "crossfade_native_app",
        "module:attribute of the FastAPI application for --crossfade-native, or of a function that "
        "returns one for a Flask application (default: the application of crossfade_app).",
        default="",
    )
    parser.addini(
        "crossfade_record_redact",
        "Redact passwords and the like in what --crossfade-record keeps, those that stand in the "
        "project's own files as well (default: false).",
        type="bool",
        default=False,
    )


def pytest_configure(config: pytest.Config) -> None:
    """Stand at the entries of Flask applications, if one of the options is given."""
    folder = config.getoption("crossfade_record")
    chosen = config.getoption("crossfade_native")
    if folder or chosen:
        config.pluginmanager.register(_Plugin(config, folder, chosen), "crossfade-suite")


class _Plugin:
    """What happens around the tests, and what is said at the end.

    With pytest-xdist the workers run tests and the controller hears of them.
    """

    def __init__(self, config: pytest.Config, folder: str | None, chosen: list[str]) -> None:
        self._config = config
        self._folder = folder
        self._chosen = chosen
        self._tests: dict[str, dict[str, Any]] = {}
        self._failed: set[str] = set()
        self._suite: Suite | None = None
        self._written: list[Path] = []

    # --- in the process that runs tests -------------------------------------------------------

    def pytest_sessionstart(self) -> None:
        """Begin."""
        self._suite = self._make()
        self._suite.install()

    def pytest_unconfigure(self) -> None:
        """Leave Flask as it was."""
        if self._suite is not None:
            self._suite.uninstall()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Tell the tests apart."""
        assert self._suite is not None  # the session has started
        self._suite.begin(item.nodeid)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put what the test sent into its report."""
        report = yield
        assert self._suite is not None  # the session has started
        if report.when == "call" and report.failed and self._chosen:
            lines = self._suite.account.lines
            shown = lines[-_MOST_LINES:]
            if len(lines) > len(shown):
                shown.insert(0, f"… {len(lines) - len(shown)} before")
            report.sections.append(("who answered", "\n".join(shown) or "no request"))
        if report.when == "teardown":
            account: Account = self._suite.end()
            setattr(report, _REPORT_KEY, account.as_dict())
        return report

    def _make(self) -> Suite:
        from crossfade.contract.suites.project_files import ProjectText
        from crossfade.contract.suites.record import SuiteRedaction
        from crossfade.contract.suites.test_client import Suite

        redaction = None
        if self._folder:
            root = self._config.rootpath
            project = ProjectText(root, without=root / self._folder)
            strict = self._config.getini("crossfade_record_redact")
            redaction = SuiteRedaction(None if strict else project.has)
        if not self._chosen:
            return Suite(None, redaction)
        from crossfade.contract.suites.replay import Replay
        from crossfade.mounting import mount_legacy

        native, map_file = _native_source(self._config)
        timeout = float(self._config.getini("crossfade_timeout"))
        try:
            replay = Replay(mount_legacy, native, self._chosen, map_file, timeout)
        except ValueError as error:
            raise pytest.UsageError(str(error)) from None
        return Suite(replay, redaction)

    # --- in the process that hears of all tests -----------------------------------------------

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a test's report carries."""
        if report.failed:
            self._failed.add(report.nodeid)
        account = getattr(report, _REPORT_KEY, None)
        if account is not None:
            self._tests[report.nodeid] = account

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the cases; a run in which FastAPI answered nothing has proved nothing."""
        if hasattr(self._config, "workerinput"):
            return
        if self._folder:
            from crossfade.contract.suites.record import write_suite

            texts = {
                test: account["cases"]
                for test, account in self._tests.items()
                if account["cases"] and test not in self._failed
            }
            self._written = write_suite(self._config.rootpath / self._folder, texts)
            in_vain = not self._kept and not self._config.getoption("collectonly")
            if in_vain and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        asked = bool(self._chosen and self._tests) and session.exitstatus == pytest.ExitCode.OK
        if asked and any(red for _, red in self._native_lines()):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was kept, and who answered what."""
        if self._folder:
            terminalreporter.section("crossfade: cases of this suite")
            kept = self._kept
            files = counted(len(self._written), "file")
            if not kept:
                terminalreporter.line(self._nothing_kept(), red=True)
            else:
                terminalreporter.line(f"{counted(kept, 'exchange')} kept in {files}:")
            for path in self._written:
                terminalreporter.line(f"  {self._relative(path)}")
            for line in self._withheld():
                terminalreporter.line(visible(line), yellow=True)
            if self._failed:
                terminalreporter.line(f"{len(self._failed)} failed tests are not kept", yellow=True)
        if self._chosen:
            terminalreporter.section("crossfade: this suite on FastAPI")
            for line, red in self._native_lines():
                terminalreporter.line(line, red=red)

    @property
    def _passed(self) -> list[dict[str, Any]]:
        """What the tests sent that did not fail."""
        return [account for test, account in self._tests.items() if test not in self._failed]

    @property
    def _kept(self) -> int:
        """How many exchanges became cases."""
        texts = (account["cases"] for account in self._passed)
        return sum(text.count("\n### ") + text.startswith("### ") for text in texts)

    def _nothing_kept(self) -> str:
        """Why a run is in vain."""
        elsewhere = sum(account["elsewhere"] for account in self._tests.values())
        why = (
            f"{counted(elsewhere, 'request')} reached Flask by way of an ASGI server or gateway, "
            "which is not recorded: test the Flask application itself"
            if elsewhere
            else "no test that passed sent a request to a Flask application in this process "
            "(by Flask's or Werkzeug's test client, WebTest, or a WSGI call)"
        )
        return f"0 exchanges kept, so this run records nothing: {why}"

    def _withheld(self) -> Iterator[str]:
        """What was not kept because it is secret."""
        tests = self._passed
        referring = sum(account["referring"] for account in tests)
        if referring:
            yield f"{counted(referring, 'request')} refer to an earlier answer of the same test"
        redacted = Counter(line for account in tests for line in account["redacted"])
        if redacted:
            yield (
                f"{counted(sum(redacted.values()), 'request')} kept without a secret, so both "
                "sides may refuse them alike:"
            )
            yield from (f"  {line} ({times}x)" for line, times in redacted.most_common(_MOST_LINES))
        left_out = Counter(line for account in tests for line in account["left_out"])
        if left_out:
            yield f"{counted(sum(left_out.values()), 'request')} not kept, for a secret:"
            yield from (f"  {line} ({times}x)" for line, times in left_out.most_common(_MOST_LINES))

    def _relative(self, path: Path) -> Path:
        root = self._config.rootpath
        return path.relative_to(root) if path.is_relative_to(root) else path

    def _native_lines(self) -> Iterator[tuple[str, bool]]:
        """Lines, each with whether it makes the run fail."""
        native: Counter[str] = Counter()
        ready: set[str] = set()
        left: set[str] = set()
        for account in self._tests.values():
            native.update(account["native"])
            ready |= set(account["ready"])
            left |= set(account["left"])
        legacy = sum(account["legacy"] for account in self._tests.values())
        width = max(map(len, native), default=0)
        for route, count in sorted(native.items()):
            yield f"{route:{width}}  {counted(count, 'request')} answered by FastAPI", False
        yield f"{counted(legacy, 'request')} answered by Flask", False
        for route in sorted(ready - set(native)):
            yield f"{route} is not asked for by any test", self._chosen not in (["all"], ["map"])
        for reason in sorted(left):
            yield f"left to Flask: {reason}", False
        if self._chosen not in (["all"], ["map"]) and len(ready) < len(self._chosen):
            known = ", ".join(sorted(ready)) or "none"
            yield f"of the {len(self._chosen)} routes named both sides have only: {known}", True
        if not native:
            yield "FastAPI answered nothing, so nothing is proved", True


def _native_source(config: pytest.Config) -> tuple[Callable[[Any], Any], Path | None]:
    """Return what gives the FastAPI application, and the map's path."""
    target = str(config.getini("crossfade_native_app"))
    found = _load(config, target or str(config.getini("crossfade_app")))
    default = config.rootpath / "migration_map.toml"
    path = default if default.exists() else None
    gateway = getattr(getattr(found, "state", None), "crossfade", None)
    if gateway is not None:
        path = gateway.live.path
    from fastapi import FastAPI

    if isinstance(found, FastAPI):
        moves = getattr(gateway, "flask_app", None)

        def same(app: Any) -> FastAPI | None:
            """Routes of another Flask application may be spelt alike by chance."""
            return found if moves is None or app.import_name == moves.import_name else None

        return same, path
    if not callable(found):
        raise pytest.UsageError(
            f"{target!r} is {found!r}; it has to be a FastAPI application, or a function that "
            "returns one for a Flask application"
        )
    return found, path


def _load(config: pytest.Config, target: str) -> Any:
    from crossfade.loading import NotLoadable, load

    try:
        return load(target, config.rootpath)
    except NotLoadable as error:
        raise pytest.UsageError(_no_app(target, str(error))) from None


def _no_app(target: str, why: str) -> str:
    return (
        f"--crossfade-native: {target!r} can't be imported: {why}. Name the FastAPI application "
        "in pytest's configuration: crossfade_native_app = module:attribute"
    )
