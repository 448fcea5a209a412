"""Where the code of a route begins: its two handlers, and what stands around each."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import Any, Final

from flask import Flask

from crossfade.contract.receipts.code.modules import Part, first_line
from crossfade.contract.receipts.project import Project, is_of_tests
from crossfade.native.context_use import unwrapped
from crossfade.routing import NativeApp, Target

_DEEPEST: Final = 8  # of wrappers around a function
_CODE: Final = (FunctionType, MethodType, type, functools.partial)


def parts_of(value: object, project: Project) -> set[Part]:
    """The parts of the project's code that a function, class or other callable is made of.

    Wrappers are looked into: decorators' closures, `functools.partial`, bound methods, and what a
    callable object holds.
    """
    return {part for part, _, _ in _located(value, project, set(), 0)}


def place_of(value: object, project: Project) -> str | None:
    """Where a callable stands, as `path:line`; of a decorated one the inner function."""
    value = unwrapped(value)
    found = sorted(
        (-depth, file, line) for _, (file, line), depth in _located(value, project, set(), 0)
    )
    return None if not found else f"{relative(found[-1][1])}:{found[-1][2]}"


def relative(file: str) -> str:
    """A path as it is best read: relative to the working directory where it lies below it."""
    try:
        return str(Path(file).resolve().relative_to(Path.cwd()))
    except ValueError:
        return file


_Located = tuple[Part, tuple[str, int], int]


def _located(value: Any, project: Project, seen: set[int], depth: int) -> Iterator[_Located]:
    if id(value) in seen or depth > _DEEPEST:
        return
    seen.add(id(value))
    if isinstance(value, functools.partial):
        inner: Iterable[Any] = [value.func, *value.args, *value.keywords.values()]
    elif isinstance(value, MethodType):
        inner = [value.__func__, type(value.__self__)]
    elif isinstance(value, FunctionType):
        yield from _of_code(value.__code__, project, depth)
        cells = [_content(cell) for cell in value.__closure__ or ()]
        inner = [each for each in cells if callable(each)]
        inner += [getattr(value, name, None) for name in ("__wrapped__", "view_class")]
    elif isinstance(value, type):
        inner = ()
        for base in value.__mro__:
            yield from _of_class(base, project, depth)
    elif callable(value):
        held = _own_attributes(value)
        inner = [type(value), *(each for each in held if issubclass(type(each), _CODE))]
    else:
        return
    for each in inner:
        yield from _located(each, project, seen, depth + 1)


def _own_attributes(value: Any) -> list[Any]:
    try:  # an object may answer every name with something: it is not asked
        return list(object.__getattribute__(value, "__dict__").values())
    except Exception:  # noqa: BLE001 - none; or a proxy, which asks for a request
        return []


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # an empty cell: a name that was never assigned
        return None


def _of_code(code: CodeType, project: Project, depth: int) -> Iterator[_Located]:
    module = project.module_of(code.co_filename)
    name = None if module is None else module.part_at(code.co_firstlineno)
    if module is not None and name is not None:
        yield Part(module.name, name), (code.co_filename, code.co_firstlineno), depth


def _of_class(cls: type, project: Project, depth: int) -> Iterator[_Located]:
    module = project.module(cls.__module__)
    name = cls.__qualname__.partition(".")[0]
    if module is not None and module.statements(name):
        line = first_line(module.statements(name)[0])
        yield Part(module.name, name), (str(module.path), line), depth


@dataclass(frozen=True, slots=True)
class Roots:
    """The parts that one route begins with, by what they are to it."""

    flask: frozenset[Part]
    fastapi: frozenset[Part]
    application: frozenset[Part]


class Applications:
    """The two applications behind a gateway, as far as their code can be found.

    Args:
        flask_app: the Flask application; None where the legacy side can't be looked into.
        native: the FastAPI application's routes.
        project: whose code is looked for.
        extra: further callables that stand around every route.
    """

    def __init__(
        self, flask_app: Flask | None, native: NativeApp, project: Project, *extra: object
    ) -> None:
        self.flask = flask_app
        self._native_app = native
        self._extra = extra
        self._project = project
        self._around_all = self._of_the_application(self._shared())
        self.factories = self._of_the_application(self._factory())
        """The functions that make the Flask application: what they name they may only register."""

    def roots(self, target: Target) -> Roots:
        """What one route begins with."""
        native: set[Part] = set()
        if target.native is not None:
            native |= self._parts(self._native(target.native))
        around = self._of_the_application(self._hooks(_scopes(target)))
        return Roots(
            frozenset(self._parts([self.view(target)])),
            frozenset(native),
            frozenset(self._around_all | around),
        )

    def modules(self) -> set[str]:
        """The modules in which the application's own code begins."""
        parts = {*self.handlers(), *self._around_all, *self.factories, *self.scoped()}
        names = {part.module for part in parts}
        return names if self.flask is None else {*names, self.flask.import_name}

    def view(self, target: Target) -> Any:
        """Flask's view function; None where there is none."""
        if self.flask is None or target.legacy is None:
            return None
        return self.flask.view_functions.get(str(target.legacy.endpoint))

    def handlers(self) -> set[Part]:
        """Every handler of either side."""
        views = [] if self.flask is None else list(self.flask.view_functions.values())
        endpoints = [route.endpoint for route in self._native_app.routes]
        found: set[Part] = set()
        for value in [*views, *endpoints]:
            inner = unwrapped(value)
            if isinstance(inner, FunctionType):
                own = {part for part, _, _ in _of_code(inner.__code__, self._project, 0)}
                # A wrapper without __wrapped__, such as flask_view's, holds the handler.
                found |= own or parts_of(inner, self._project)
        return found

    def scoped(self) -> set[Part]:
        """What runs around the routes of one blueprint only."""
        if self.flask is None:
            return set()
        scopes = tuple(name for name in self.flask.blueprints)
        return self._of_the_application(self._hooks(scopes))

    def templates(self) -> Iterator[Path]:
        """The folders in which Flask looks for templates."""
        if self.flask is None:
            return
        for scaffold in (self.flask, *self.flask.blueprints.values()):
            for folder in getattr(scaffold.jinja_loader, "searchpath", ()):
                if Path(folder).is_dir():
                    yield Path(folder)

    def _parts(self, values: Iterable[object]) -> set[Part]:
        return {part for value in values for part in parts_of(value, self._project)}

    def _of_the_application(self, values: Iterable[object]) -> set[Part]:
        """The same without what a test suite has added to the application: it serves nobody."""
        modules = ((part, self._project.module(part.module)) for part in self._parts(values))
        return {part for part, module in modules if module and not is_of_tests(module.path)}

    def _native(self, native: Any) -> Iterator[Any]:
        yield native.endpoint
        yield getattr(native.endpoint, "__crossfade_validation_error__", None)
        route = native.route
        for name in (
            "response_model",
            "response_class",
            "body_field",
            "generate_unique_id_function",
        ):
            yield getattr(route, name, None)
        if native.dependant is not None:
            yield from _calls(native.dependant)

    def _shared(self) -> Iterator[Any]:
        """What stands around every route."""
        app = self._native_app.app
        yield from self._extra
        yield from app.exception_handlers.values()
        for middleware in _inside_the_gateway(app.user_middleware):
            yield middleware.cls
            yield from [*middleware.args, *middleware.kwargs.values()]
        yield app.router.lifespan_context
        yield app.router.default_response_class
        if self.flask is None:
            return
        flask = self.flask
        yield from (type(flask), type(flask.json), type(flask.session_interface))
        yield from (flask.request_class, flask.response_class)
        yield from flask.url_map.converters.values()
        yield from flask.teardown_appcontext_funcs
        if "jinja_env" in vars(flask):  # it is made when it is asked for, which may be too early
            env = flask.jinja_env
            for callables in (env.filters, env.tests, env.globals):
                yield from callables.values()

    def _factory(self) -> Iterator[Any]:
        """The function that makes the Flask application, where its module has one."""
        if self.flask is None:
            return
        module = self._project.module(self.flask.import_name)
        loaded = sys.modules.get(self.flask.import_name)
        if module is None or loaded is None:
            return
        for name, value in vars(loaded).items():
            if (
                isinstance(value, FunctionType)
                and value.__module__ == module.name
                and name in module.bindings
                and _makes_flask(value.__code__)
            ):
                yield value

    def _hooks(self, scopes: tuple[str | None, ...]) -> Iterator[Any]:
        """What Flask runs around the views of some blueprints, and to show their errors."""
        if self.flask is None:
            return
        flask = self.flask
        for scope in scopes:
            for hooks in (
                flask.before_request_funcs,
                flask.after_request_funcs,
                flask.teardown_request_funcs,
                flask.url_value_preprocessors,
                flask.url_default_functions,
                flask.template_context_processors,
            ):
                yield from hooks.get(scope, ())
            for by_class in flask.error_handler_spec.get(scope, {}).values():
                yield from by_class.values()


def _inside_the_gateway(stack: list[Any]) -> list[Any]:
    """The middleware that wraps native routes only: the gateway's own and later ones wrap both."""
    ours = [n for n, each in enumerate(stack) if each.cls.__module__.startswith("crossfade.")]
    return stack[ours[-1] + 1 :] if ours else stack


def _makes_flask(code: CodeType) -> bool:
    return "Flask" in code.co_names


def _scopes(target: Target) -> tuple[str | None, ...]:
    """The application, and the blueprints that a view belongs to."""
    endpoint = "" if target.legacy is None else str(target.legacy.endpoint)
    blueprint, dot, _ = endpoint.rpartition(".")
    names: list[str | None] = [None]
    while dot:
        names.append(blueprint)
        blueprint, dot = (blueprint.rpartition(".")[0], "." if "." in blueprint else "")
    return tuple(names)


def _calls(dependant: Any) -> Iterator[Callable[..., Any]]:
    if dependant.call is not None:
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)
