"""The project's code that a route stands on: its handlers', and what is around every route."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from flask import Flask

from crossfade.contract.receipts.code.entry_points import Applications, place_of
from crossfade.contract.receipts.code.modules import Module, Part
from crossfade.contract.receipts.code.named_files import Found
from crossfade.contract.receipts.code.reachability import Reach
from crossfade.contract.receipts.project import Project
from crossfade.native.context_use import unwrapped
from crossfade.routing import NativeApp, Target

Code = dict[str, dict[str, Found]]
"""Every part that was reached, by whose it is (`flask`, `fastapi`, `application`) and its name."""


@dataclass(frozen=True, slots=True)
class _Looked:
    """Two applications, looked into with one idea of what is the project's own.

    Attributes:
        applications: where code begins.
        reach: where it leads.
        project: whose modules they are.
        loaded: the modules that are imported with the applications.
        around: what runs when they are, and all that this reaches.
        elsewhere: handlers, and hooks of single blueprints: what has a place of its own.
    """

    applications: Applications
    reach: Reach
    project: Project
    loaded: Mapping[str, Module]
    around: Mapping[str, Found]
    elsewhere: frozenset[Part]


class RouteCode:
    """Looks at the code of two applications, and keeps what it has seen.

    Args:
        flask_app: the Flask application; None where the legacy side can't be looked into.
        native: the FastAPI application's routes.
        extra: further callables that stand around every route.
    """

    def __init__(self, flask_app: Flask | None, native: NativeApp, *extra: object) -> None:
        self._flask = flask_app
        self._native = native
        self._extra = extra
        self._looked: dict[tuple[tuple[str, ...], tuple[str, ...]], _Looked] = {}
        self._files: dict[tuple[str, ...], frozenset[str]] = {}
        self._plain = Project()

    def of(
        self, target: Target, packages: tuple[str, ...] = (), entry: tuple[str, ...] = ()
    ) -> Code:
        """Every part of the project's code that a route reaches.

        Args:
            target: the route.
            packages: top-level packages that are the project's own wherever they are installed.
            entry: the modules in which the two applications are put together.
        """
        looked = self._look(packages, entry)
        reach, roots = looked.reach, looked.applications.roots(target)
        flask, fastapi = reach.of(roots.flask), reach.of(roots.fastapi)
        around = {**looked.around, **reach.of(roots.application)}
        # What a handler imports when it is called runs then.
        late = {name.partition(":")[0] for name in (*flask, *fastapi, *around) if ":" in name}
        modules = looked.project.loaded_with(late - looked.loaded.keys())
        if modules:
            around |= reach.of(reach.effects(modules.values()), looked.elsewhere)
        own = flask.keys() | fastapi.keys()
        rest = {name: part for name, part in sorted(around.items()) if name not in own}
        return {"flask": flask, "fastapi": fastapi, "application": rest}

    def loaded(self, entry: tuple[str, ...] = ()) -> Mapping[str, Module]:
        """The modules of the project that are imported with the applications."""
        return self._look((), entry).loaded

    def all_files(self, entry: tuple[str, ...] = ()) -> frozenset[str]:
        """The files of the code that any route stands on."""
        if entry not in self._files:
            looked = self._look((), entry)
            parts = {**looked.around, **looked.reach.of(looked.elsewhere)}.values()
            self._files[entry] = frozenset(part.file for part in parts)
        return self._files[entry]

    def template_folders(self) -> tuple[Path, ...]:
        """The folders in which Flask looks for templates."""
        return tuple(self._look((), ()).applications.templates())

    def handlers(self, target: Target) -> tuple[str | None, str | None]:
        """Where the two handlers stand, as `file:line`."""
        endpoint = None if target.native is None else target.native.endpoint
        project = Project()
        view = self._look((), ()).applications.view(target)
        return place_of(view, project), place_of(endpoint, project)

    def foreign(self, target: Target) -> dict[str, str]:
        """The installed packages that handlers of a route are of, with their versions.

        Such as an extension's own view: its code is not the project's, and counts by its version.
        """
        looked = self._look((), ())
        found: dict[str, str] = {}
        endpoint = None if target.native is None else target.native.endpoint
        for value in (looked.applications.view(target), endpoint):
            inner = unwrapped(value)
            inner = getattr(inner, "view_class", inner)
            top = str(getattr(inner, "__module__", "")).partition(".")[0]
            if top and not looked.project.owns(top):
                found |= _distributions(top)
        return found

    def _look(self, packages: tuple[str, ...], entry: tuple[str, ...]) -> _Looked:
        # What is not installed is the project's anyway.
        packages = tuple(name for name in packages if not self._plain.owns(name))
        key = (packages, entry)
        if key not in self._looked:
            project = Project(packages)
            found = Applications(self._flask, self._native, project, *self._extra)
            handlers = found.handlers()
            elsewhere = frozenset(handlers | found.scoped())
            names = found.modules() | set(entry)
            while True:
                # What runs with these modules may name others, which then run as well.
                loaded = project.loaded_with(names)
                reach = Reach(project, handlers, found.templates())
                reach.loaded = loaded
                around = reach.of(reach.effects(loaded.values()) | found.factories, elsewhere)
                more = {name.partition(":")[0] for name in around if ":" in name}
                if more <= loaded.keys():
                    break
                names |= more
            self._looked[key] = _Looked(found, reach, project, loaded, around, elsewhere)
        return self._looked[key]


@cache
def _distributions(top: str) -> dict[str, str]:
    found = {}
    for name in sorted(set(packages_distributions().get(top, ()))):
        try:
            found[name.lower()] = version(name)
        except PackageNotFoundError:
            continue
    return found
