"""What an application opens, runs and lists while it is loaded and while cases run.

Names in source code lead to most of what a route stands on. What only a running program knows (a
plugin whose name is in a table, a file of prices, a template that is chosen by the request) is seen
here, by an audit hook, in the process in which the cases run. It is on while a run writes receipts.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Final

import jinja2

from crossfade.contract.receipts.project import is_foreign

_STDLIB: Final = tuple({sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")})
_OURS: Final = str(Path(__file__).parents[3]) + os.sep
_READERS: Final = (
    *(f"{os.sep}{name}.py" for name in ("linecache", "tokenize", "inspect", "traceback")),
    f"{os.sep}jinja2{os.sep}loaders.py",  # templates are noted by the route that shows them
)
"""Who reads sources and templates for another purpose than to use what stands in them."""

_MACHINERY: Final = ("<frozen importlib", "<frozen zipimport")
_WRITES: Final = os.O_WRONLY | os.O_RDWR


@dataclass(slots=True)
class Seen:
    """What was seen, by the file of the project whose code was nearest.

    Attributes:
        read: paths that were opened, each with the project's files that did it.
        listed: folders whose content was asked for, likewise.
        ran: files that ran as modules, each with the file whose code had them run first.
        by_route: paths that a library opened for a request, and templates, by the route.
        written: paths that were opened to be written.
        since: when that began, in seconds since the epoch.
        told: what the process that writes receipts has heard of, by the route; "" for every one.
    """

    read: dict[str, set[str]] = field(default_factory=dict)
    listed: dict[str, set[str]] = field(default_factory=dict)
    ran: dict[str, str] = field(default_factory=dict)
    by_route: dict[str, set[str]] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    since: float = 0.0
    told: dict[str, set[str]] = field(default_factory=dict)


@dataclass(slots=True)
class _Window:
    """One request: what was opened for it by nobody of the project."""

    paths: set[str] = field(default_factory=set)


class Observer:
    """Watches this process from `start` to `stop`. An audit hook can't be removed, only idle."""

    def __init__(self) -> None:
        self.seen = Seen()
        self._active = 0  # how often it was started and not stopped
        self._hooked = False
        self._windows: list[_Window] = []
        self._kinds: dict[str, str] = {}
        self._undo: list[Callable[[], None]] = []

    def start(self) -> None:
        """Begin to watch; anew, if it has been stopped as often as it was started."""
        self._active += 1
        if self._active > 1:
            return
        self.seen = Seen(since=time.time())
        if not self._hooked:
            sys.addaudithook(self._hook)
            self._hooked = True
        self._watch_templates()

    def stop(self) -> None:
        """Watch no longer."""
        self._active -= 1
        while self._undo and not self._active:
            self._undo.pop()()

    @contextmanager
    def request(self) -> Iterator[Callable[[str | None], None]]:
        """Watch one request; what is yielded is called with its route once that is known."""
        if not self._active:
            yield lambda route: None
            return
        window = _Window()
        self._windows.append(window)

        def belongs_to(route: str | None) -> None:
            if route is not None:
                self.seen.by_route.setdefault(route, set()).update(window.paths)

        try:
            yield belongs_to
        finally:
            self._windows.remove(window)

    # --- the hook --------------------------------------------------------------------------------

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if not self._active or event not in _EVENTS:
            return
        try:
            if event == "exec":
                self._on_exec(args[0])
            elif event == "open":
                self._on_open(*args[:3])
            else:
                self._on_listing(args[0])
        except Exception:  # noqa: BLE001, S110 - whoever opens a file must not hear of it
            pass

    def _on_open(self, path: Any, mode: str | None, flags: int) -> None:
        name = _path(path)
        if name is None or name.endswith(".pyc"):
            return
        if isinstance(flags, int) and flags & _WRITES:
            self.seen.written.add(os.path.abspath(name))  # noqa: PTH100 - no object for each file
            return
        nearest = self._nearest(sys._getframe(2))
        if nearest is None:
            return
        absolute = os.path.abspath(name)  # noqa: PTH100
        if nearest:
            self.seen.read.setdefault(absolute, set()).add(nearest)
        elif self._windows:
            self._windows[-1].paths.add(absolute)

    def _on_listing(self, path: Any) -> None:
        name = "." if path is None else _path(path)
        nearest = None if name is None else self._nearest(sys._getframe(2))
        if nearest and name is not None:
            absolute = os.path.abspath(name)  # noqa: PTH100
            self.seen.listed.setdefault(absolute, set()).add(nearest)

    def _on_exec(self, code: Any) -> None:
        # An "import" event is only raised by the statement, and not by `importlib`.
        if getattr(code, "co_name", "") != "<module>" or self._kind(code.co_filename) != "project":
            return
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            file = frame.f_code.co_filename
            if self._kind(file) == "project":
                self.seen.ran.setdefault(code.co_filename, file)
                return
            frame = frame.f_back

    def _nearest(self, frame: FrameType | None) -> str | None:
        """The nearest file of the project; "" where there is none; None for what doesn't count.

        Files of tests are the project's as well: whose they are is told apart later.
        """
        first = True
        while frame is not None:
            file = frame.f_code.co_filename
            kind = self._kind(file)
            if kind == "reader" or (first and kind in ("ours", "pytest")):
                return None
            if kind == "project":
                return file
            first = first and kind == "stdlib"
            frame = frame.f_back
        return ""

    def _kind(self, file: str) -> str:
        if file not in self._kinds:
            self._kinds[file] = _kind_of(file)
        return self._kinds[file]

    # --- templates -------------------------------------------------------------------------------

    def _watch_templates(self) -> None:
        """Note each template that is asked for: loaders keep those that they have read."""
        for name in ("get_template", "select_template"):
            original = getattr(jinja2.Environment, name)
            setattr(jinja2.Environment, name, self._noting(original))
            self._undo.append(partial(setattr, jinja2.Environment, name, original))

    def _noting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*args: Any, **kwargs: Any) -> Any:
            template = original(*args, **kwargs)
            if self._windows and isinstance(template.filename, str):
                absolute = os.path.abspath(template.filename)  # noqa: PTH100
                self._windows[-1].paths.add(absolute)
            return template

        return noting


_EVENTS: Final = frozenset({"open", "exec", "os.listdir", "os.scandir"})


def _path(path: Any) -> str | None:
    if isinstance(path, os.PathLike):
        path = os.fspath(path)
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    return path if isinstance(path, str) else None


def _kind_of(file: str) -> str:
    if file.startswith(_MACHINERY) or file.endswith(_READERS):
        return "reader"
    if file.startswith("<"):
        return "stdlib"
    if file.startswith(_OURS):
        return "ours"
    parts = Path(file).parts
    if {"_pytest", "pluggy", "coverage", "xdist"} & set(parts):
        return "pytest"
    if is_foreign(Path(file)):
        return "stdlib" if file.startswith(_STDLIB) and "site-packages" not in parts else "foreign"
    return "project"


observer: Final = Observer()
"""The one of this process: audit hooks are the process's."""
