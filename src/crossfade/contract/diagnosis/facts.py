"""What is known of a native handler and of what it stands for, without asking either."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, Final

from fastapi import params
from fastapi.security.base import SecurityBase
from pydantic import BaseModel

from crossfade.checks.guards import dependencies_of, is_borrowed, name_of
from crossfade.contract.generation.view_inspection import reads_of
from crossfade.gateway.dispatch import Gateway
from crossfade.model import Hooks
from crossfade.routing import Target

_MOST_FUNCTIONS: Final = 40
_PLACES: Final = ("path", "query", "header", "cookie")


@dataclass(frozen=True, slots=True)
class HandlerFacts:
    """One route, as its code and the two applications' settings show it.

    Attributes:
        known: whether anything is: without a gateway nothing is.
        hooks: whether Flask's hooks run around the native handler.
        around: what Flask does around the view, by name.
        missing_guards: decorators of the view that have no counterpart in the handler.
        guards: dependencies of the handler that may refuse a request, by name.
        middleware: the names of the FastAPI application's middleware classes.
        inputs: names of what the endpoint declares, by their place in a request: `path`, `query`,
            `header`, `cookie`, `body`, `form` and `file`.
        uses: names in the code of the handler, of what it depends on and calls.
        view_uses: the same of Flask's view.
        reads_json: whether the view reads a JSON body.
        response_model: whether FastAPI passes the answer through a model.
        fields: of that model; None where it is not a model with fields.
        excludes_none: whether the route leaves out what is null.
        status: that the route's decorator names; None where it names none.
        session_cookie: the name of Flask's session cookie.
        max_content_length: Flask's limit of a body; None for none.
    """

    known: bool = False
    hooks: bool = True
    around: tuple[str, ...] = ()
    missing_guards: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    middleware: tuple[str, ...] = ()
    inputs: Mapping[str, frozenset[str]] = field(default_factory=dict)
    uses: frozenset[str] = frozenset()
    view_uses: frozenset[str] = frozenset()
    reads_json: bool = False
    response_model: bool = False
    fields: frozenset[str] | None = None
    excludes_none: bool = False
    status: int | None = None
    session_cookie: str = "session"
    max_content_length: int | None = None


UNKNOWN: Final = HandlerFacts()


def facts_of(gateway: Gateway | None, route: str | None) -> HandlerFacts:
    """Return what is known of a route; nothing where there is no gateway, or no such route."""
    if gateway is None or route is None:
        return UNKNOWN
    target = gateway.live.snapshot.table.by_name.get(route)
    if target is None or target.native is None:
        return UNKNOWN
    native, app = target.native, gateway.flask_app
    calls = list(dependencies_of(native.dependant)) or [native.endpoint]
    view = _view(gateway, target)
    model = getattr(native.route, "response_model", None)
    is_model = isinstance(model, type) and issubclass(model, BaseModel)
    around: Iterable[str] = ()
    if gateway.borrower is not None and target.legacy is not None:
        around = gateway.borrower.hooks_around(target.legacy)
    return HandlerFacts(
        known=True,
        hooks=gateway.borrower is not None and target.hooks is Hooks.FLASK,
        around=tuple(around),
        missing_guards=tuple(each.name for each in gateway.guards(target) if each.opens),
        guards=tuple(name_of(call) for call in calls[1:] if _may_refuse(call)),
        middleware=tuple(
            name for each in gateway.native.app.user_middleware for name in _class_names(each)
        ),
        inputs=_inputs(native.dependant),
        uses=frozenset(_names(calls)),
        view_uses=frozenset(_names([view] if view is not None else [])),
        reads_json=reads_of(view, route.partition(" ")[0]).takes_json,
        response_model=model is not None,
        fields=frozenset(_field_names(model)) if is_model else None,
        excludes_none=bool(getattr(native.route, "response_model_exclude_none", False)),
        status=getattr(native.route, "status_code", None),
        session_cookie="session" if app is None else app.config["SESSION_COOKIE_NAME"],
        max_content_length=None if app is None else app.config["MAX_CONTENT_LENGTH"],
    )


def _view(gateway: Gateway, target: Target) -> Callable[..., Any] | None:
    if gateway.flask_app is None or target.legacy is None:
        return None
    return gateway.flask_app.view_functions.get(target.legacy.endpoint)


def _class_names(middleware: Any) -> list[str]:
    """The names of a middleware's class and of those that it is made of."""
    classes = getattr(middleware.cls, "__mro__", (middleware.cls,))
    return [str(getattr(each, "__name__", each)) for each in classes if each is not object]


def _may_refuse(call: Any) -> bool:
    """Whether a dependency is there to refuse: a security scheme, or one of ours that guards."""
    return isinstance(call, SecurityBase) or (
        is_borrowed(call)
        and name_of(call) in ("LoggedIn", "FreshlyLoggedIn", "allowed", "decorated")
    )


def _inputs(dependant: Any) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {place: set() for place in (*_PLACES, "body", "form", "file")}

    def note(each: Any) -> None:
        for place in _PLACES:
            found[place] |= {field.alias for field in getattr(each, f"{place}_params", ())}
        for declared in getattr(each, "body_params", ()):
            info = declared.field_info
            place = "form" if isinstance(info, params.Form) else "body"
            found["file" if isinstance(info, params.File) else place].add(declared.alias)
        for inner in each.dependencies:
            note(inner)

    if dependant is not None:
        note(dependant)
    return {place: frozenset(names) for place, names in found.items()}


def _field_names(model: Any) -> Iterator[str]:
    for name, info in model.model_fields.items():
        yield info.serialization_alias or info.alias or name


def _names(calls: Iterable[Any]) -> Iterator[str]:
    """Names in the code of functions and of what they call in their own package."""
    waiting = [inspect.unwrap(each) for each in calls if callable(each)]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_FUNCTIONS:
        call = waiting.pop(0)
        call = getattr(call, "__func__", call)
        view_class = getattr(call, "view_class", None)
        if view_class is not None:
            waiting += [each for _, each in inspect.getmembers(view_class, inspect.isfunction)]
        code = getattr(call, "__code__", None)
        if code is None or id(code) in seen:
            continue
        seen.add(id(code))
        home = str(call.__module__).partition(".")[0]
        for name in _names_in(code):
            yield name
            named = getattr(call, "__globals__", {}).get(name)
            if inspect.isfunction(named) and named.__module__.partition(".")[0] == home:
                waiting.append(inspect.unwrap(named))


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)
