"""What `contract_routes` shows and writes: text, progress, reports. Imports the rest when asked."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from crossfade.wording import visible

if TYPE_CHECKING:
    from crossfade.contract.engine.pace import Step
    from crossfade.contract.run.route_run import RouteReport

REPORT_KEY = "crossfade"
"""The attribute of pytest's reports in which a test's account stands."""

_HTML = (".html", ".htm")
_MARKDOWN = (".md", ".markdown", ".txt", "")
_JSON = (".json",)
_WHOLE = "contracts.txt"
"""The file in pytest's cache that has what the terminal leaves out."""
_PLAIN_EVERY = 30.0  # seconds between two lines of progress where the output is no terminal,
_LIVE_EVERY = 0.2  # and where it is one
_FIRST_AFTER = 2.0  # seconds of a route before its progress is shown
clock = time.monotonic


def text_of(config: pytest.Config, each: RouteReport) -> str:
    """What the terminal shows of a route: of one that differs the beginning, without -vv."""
    account = each.account["route"]
    if not account["findings"] or config.get_verbosity() > 1:
        return visible(each.text)
    from crossfade.contract.reporting.terminal import short

    folder = _cache_folder(config)
    rest = "-vv shows all, --crossfade-report FILE writes it"
    if folder is not None:
        with suppress(ValueError):
            folder = folder.relative_to(config.rootpath)
        rest = f"all of it: -vv, or {folder / _WHOLE}"
    return visible(short(account, rest))


def _cache_folder(config: pytest.Config) -> Path | None:
    """Our folder in pytest's cache; None where there is no cache."""
    cache = getattr(config, "cache", None)
    return None if cache is None else Path(cache.mkdir("crossfade"))


class Progress:
    """Shows which route is asked, and says that one takes long. Called after each case."""

    def __init__(self, config: pytest.Config) -> None:
        from crossfade.contract.engine.pace import Ticker

        manager = config.pluginmanager
        self._terminal: Any = manager.getplugin("terminalreporter")
        self._capture: Any = manager.getplugin("capturemanager")
        if self._terminal is not None and config.get_verbosity() < 0:
            self._terminal = None  # -q: nobody wants to see more
        self._live = self._terminal is not None and self._terminal.isatty
        self._ticker = Ticker(_LIVE_EVERY if self._live else _PLAIN_EVERY, _FIRST_AFTER)
        self._shown = False

    def __call__(self, step: Step, slow: str) -> None:
        """Show how far the run is, where that is due."""
        if self._terminal is None:
            return
        if self._ticker.slow(step, slow):
            self._write(f"slow: {slow}", stays=True)
        elif self._ticker.due(step, clock()):
            self._write(str(step), stays=not self._live)

    def clear(self) -> None:
        """Take a line away that was to be written over."""
        if self._shown:
            self._write("", stays=False)
            self._shown = False

    def _write(self, text: str, *, stays: bool) -> None:
        capture = self._capture
        with capture.global_and_fixture_disabled() if capture else nullcontext():
            if not self._shown:
                self._terminal.ensure_newline()
            if self._live:
                self._terminal.rewrite(text, erase=True)
                if stays:
                    self._terminal.write_line("")
            else:
                self._terminal.write_line(text)
            self._terminal.flush()
        self._shown = self._live and not stays


class RunReport:
    """Collects what is written to files: the reports that were asked for, and the whole text."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._files = tuple(files)
        self._routes: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a route's report carries."""
        account = getattr(report, REPORT_KEY, None)
        if account is not None and "route" in account:
            self._routes.append(account["route"])

    @pytest.hookimpl(trylast=True)  # the summary has found the rules that match nothing
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the files, after an interrupted run too."""
        folder = _cache_folder(session.config) if self._routes else None
        if not self._files and folder is None:
            return
        unfinished = bool(
            exitstatus == pytest.ExitCode.INTERRUPTED or session.shouldstop or session.shouldfail
        )
        summary = session.config.pluginmanager.getplugin("crossfade-summary")
        for route in self._routes:
            own = (rule for rule in summary.stale if rule.startswith(f"{route['route']}: "))
            route["stale"] += [rule for rule in own if rule not in route["stale"]]
        for file in self._files:
            file.parent.mkdir(parents=True, exist_ok=True)
            _save(file, _rendered(file.suffix.lower(), self._routes, unfinished))
        if folder is not None:
            from crossfade.contract.reporting.findings import worst_first
            from crossfade.contract.reporting.terminal import whole

            _save(folder / _WHOLE, visible(whole(worst_first(self._routes))))


def _rendered(suffix: str, routes: list[dict[str, Any]], unfinished: bool) -> str:
    if suffix in _HTML:
        from crossfade.contract.reporting.html import html_report

        return html_report(routes, unfinished)
    if suffix in _JSON:
        from crossfade.contract.reporting.json import json_report

        return json_report(routes, unfinished)
    from crossfade.contract.reporting.markdown import markdown

    return markdown(routes, unfinished)


def _save(file: Path, text: str) -> None:
    # A body can hold half of a surrogate pair, which no encoding has.
    file.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def check_form(file: Path) -> None:
    """Refuse a report of a form that there is not.

    Raises:
        pytest.UsageError: the file's name ends otherwise.
    """
    if file.suffix.lower() not in _HTML + _MARKDOWN + _JSON:
        raise pytest.UsageError(
            f"--crossfade-report: {file}: there is no report of the form {file.suffix}; "
            "use .html, .md or .json"
        )
