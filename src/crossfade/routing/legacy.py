"""What the gateway can know of the legacy application: its rules, and which host they are for."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import (
    AnyConverter,
    BaseConverter,
    FloatConverter,
    IntegerConverter,
    Map,
    MapAdapter,
    PathConverter,
    Rule,
    UnicodeConverter,
    UUIDConverter,
)

from crossfade.logs import Logs
from crossfade.routing.shapes import Shape, flask_shape
from crossfade.routing.werkzeug_order import MatchingRule, rules_in_matching_order

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

logger = Logs("crossfade.routing")

_WERKZEUG_CONVERTERS = (
    UnicodeConverter,
    AnyConverter,
    PathConverter,
    IntegerConverter,
    FloatConverter,
    UUIDConverter,
)
_DEEPEST = 50  # of nested middleware; a chain that leads back to itself must end
# Where WSGI middleware keeps the application that it wraps.
_INNER_ATTRIBUTES = ("app", "wsgi_app", "application", "wrapped")


@dataclass(frozen=True, slots=True, eq=False)
class LegacyRule:
    """One rule of the Flask application's URL map.

    Attributes:
        rule: Werkzeug's own object, as Flask holds it.
        domain: the rule's host or subdomain; "" where it has none.
        shape: its path without the dialect.
        methods: None where the rule takes any method.
        endpoint: Flask's name of the view.
        moved_by_flask: Flask itself answers with a redirect (`redirect_to`, `alias`).
        needs_flask: only Flask's own map can say whether a URL is this rule's: a converter of
            the application's own may refuse a value, `defaults` may redirect it, or the rule, the
            map or what binds it is of a class of the application's own.
        own_converters: the variables that a converter of the application's own reads.
    """

    rule: Rule
    domain: str
    shape: Shape
    methods: frozenset[str] | None
    endpoint: Any
    moved_by_flask: bool
    needs_flask: bool
    own_converters: frozenset[str] = frozenset()

    @property
    def spelling(self) -> str:
        """The rule as a migration map spells it, its host or subdomain in front."""
        return self.domain + self.rule.rule

    def allows(self, method: str) -> bool:
        """Whether Flask routes this method to this rule."""
        return self.methods is None or method in self.methods

    @property
    def listed_methods(self) -> list[str]:
        """The methods that a person wrote: without HEAD beside GET and Flask's own OPTIONS."""
        methods = set(self.methods or ())
        if "GET" in methods:
            methods.discard("HEAD")
        if getattr(self.rule, "provide_automatic_options", False):
            methods.discard("OPTIONS")
        return sorted(methods)


class LegacyApp:
    """The Flask application inside a WSGI callable."""

    def __init__(self, flask_app: Flask, wsgi: WSGIApplication) -> None:
        self.flask_app = flask_app
        self._entry = _probe(wsgi, flask_app)
        self.binds_by_itself = type(flask_app).create_url_adapter is not Flask.create_url_adapter
        self._spare_copy: tuple[Map, list[_CopiedRule]] | None = None
        self.rules: tuple[LegacyRule, ...] = ()
        self.read()

    def _rules_now(self) -> list[Rule]:
        order = rules_in_matching_order(self.flask_app.url_map)
        return [rule for rule in order if not rule.websocket]

    def has_changed(self) -> bool:
        """Whether Flask has other rules than those that were read."""
        return list(map(id, self._rules_now())) != [id(known.rule) for known in self.rules]

    def read(self) -> None:
        """Read the rules as they are now."""
        url_map = self.flask_app.url_map
        originals = self._rules_now()
        own_map = type(url_map) is not Map or self.binds_by_itself
        with_defaults = {rule.endpoint for rule in originals if rule.defaults}
        # Compiling thousands of rules takes a while: the first copy serves the first table.
        first_copy = self._copy_map(originals)
        self._spare_copy = first_copy
        self.rules = tuple(
            LegacyRule(
                rule=rule,
                domain=(rule.host if url_map.host_matching else rule.subdomain) or "",
                shape=flask_shape(rule.rule),
                methods=None if rule.methods is None else frozenset(rule.methods),
                endpoint=rule.endpoint,
                moved_by_flask=(
                    rule.redirect_to is not None or (rule.alias and url_map.redirect_defaults)
                ),
                needs_flask=(
                    (rule.endpoint in with_defaults and url_map.redirect_defaults)
                    or bool(copied.own_converters)
                    or own_map
                    or type(rule) is not Rule
                ),
                own_converters=frozenset(copied.own_converters),
            )
            for rule, copied in zip(originals, first_copy[1], strict=True)
        )

    def copy_map(self) -> tuple[Map, dict[int, LegacyRule]]:
        """Return an own copy of the URL map, and its rules by `id`.

        The copy routes alike and runs no code of the application: a converter of its own
        accepts what its pattern accepts, and redirects are left to Flask.
        """
        url_map, copies = self._spare_copy or self._copy_map([r.rule for r in self.rules])
        self._spare_copy = None
        return url_map, {id(copied): rule for copied, rule in zip(copies, self.rules, strict=True)}

    def _copy_map(self, rules: Iterable[Rule]) -> tuple[Map, list[_CopiedRule]]:
        original = self.flask_app.url_map
        url_map = Map(
            default_subdomain=original.default_subdomain,
            strict_slashes=original.strict_slashes,
            merge_slashes=original.merge_slashes,
            redirect_defaults=False,
            converters=original.converters,
            host_matching=original.host_matching,
        )
        copies = [_CopiedRule.of(rule) for rule in rules]
        for copied in copies:
            url_map.add(copied)
        return url_map, copies

    def enter(self, environ: WSGIEnvironment) -> WSGIEnvironment | None:
        """Return the environ as it reaches Flask, or None where another application gets it.

        Only `ProxyFix` and `DispatcherMiddleware` are followed; other middleware is taken to
        leave host and path alone.
        """
        return environ if self._entry is None else self._entry(environ)

    @cached_property
    def follows_middleware(self) -> bool:
        """Whether middleware that routes or rewrites hosts stands before Flask."""
        return self._entry is not None

    def bind(self, environ: WSGIEnvironment) -> MapAdapter | None:
        """Return Flask's own adapter for this host, or None where Flask refuses the host."""
        try:
            with warnings.catch_warnings():
                # Flask warns of an unknown host itself when it gets the request.
                warnings.simplefilter("ignore")
                return self.flask_app.create_url_adapter(self.flask_app.request_class(environ))
        except (HTTPException, ValueError):
            return None

    def values(
        self, rule: LegacyRule, environ: WSGIEnvironment, method: str
    ) -> Mapping[str, Any] | None:
        """Return what Flask's own map reads of a URL; None where it isn't this rule's.

        It runs the application's converters. One that fails as Flask would see it fail leaves the
        request to Flask, which then shows the error as it always did.
        """
        with suppress(Exception):  # a converter may need the context that Flask gives it
            return self._match(rule, environ, method)
        try:
            with self.flask_app.app_context():
                return self._match(rule, environ, method)
        except Exception:
            logger.warning("a converter of %s failed; Flask answers", rule.spelling, exc_info=True)
            return None

    def _match(
        self, rule: LegacyRule, environ: WSGIEnvironment, method: str
    ) -> Mapping[str, Any] | None:
        adapter = self.bind(environ)
        if adapter is None:
            return None
        try:
            matched, values = adapter.match(method=method, return_rule=True)
        except HTTPException:
            return None
        return values if matched is rule.rule else None


class _CopiedRule(MatchingRule):
    """A rule that matches like its original without calling the application's code."""

    def __init__(self, string: str, **options: Any) -> None:
        self.own_converters: set[str] = set()
        super().__init__(string, **options)

    @classmethod
    def of(cls, rule: Rule) -> _CopiedRule:
        # What a class of the application's own adds to these is not for this one.
        kwargs = dict(Rule.get_empty_kwargs(rule))
        kwargs.update(
            merge_slashes=rule.merge_slashes,
            # Flask answers either; here it is only known that nobody else does.
            redirect_to=None,
            alias=False,
        )
        return cls(rule.rule, **kwargs)

    def get_converter(
        self, variable_name: str, converter_name: str, args: tuple[Any, ...], kwargs: Any
    ) -> BaseConverter:
        converter = super().get_converter(variable_name, converter_name, args, kwargs)
        if type(converter) in _WERKZEUG_CONVERTERS:
            return converter
        self.own_converters.add(variable_name)
        return _PatternOnly(converter)


class _PatternOnly(BaseConverter):
    """Takes the place of an application's own converter: its pattern, and text as it stands."""

    def __init__(self, converter: BaseConverter) -> None:
        super().__init__(converter.map)
        self.regex = converter.regex
        self.weight = converter.weight
        self.part_isolating = converter.part_isolating


def _probe(
    wsgi: WSGIApplication, flask_app: Flask
) -> Callable[[WSGIEnvironment], WSGIEnvironment | None] | None:
    """Return what middleware makes of an environ on its way to Flask; None if it is untouched.

    The middleware itself is asked: a copy of each `ProxyFix` and `DispatcherMiddleware`, with an
    application inside that only notes what it was called with.
    """
    reached: list[WSGIEnvironment] = []  # emptied within one synchronous call
    changed = found = False

    def note(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        reached.append(environ)
        return ()

    def other(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return ()

    def opaque(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # Middleware that can't be looked into leads to Flask, if nothing else does.
        return () if found else note(environ, start_response)

    def rebuild(app: Any, depth: int = 0) -> Any:
        nonlocal changed, found
        if getattr(app, "__self__", None) is flask_app:
            found = True
            return note
        if app is flask_app:
            return rebuild(app.wsgi_app, depth + 1)
        if isinstance(app, Flask):
            return other
        if isinstance(app, DispatcherMiddleware):
            changed = True
            mounts = {prefix: rebuild(inner, depth + 1) for prefix, inner in app.mounts.items()}
            return DispatcherMiddleware(rebuild(app.app, depth + 1), mounts)
        if isinstance(app, ProxyFix):
            changed = True
            twin = copy.copy(app)
            twin.app = rebuild(app.app, depth + 1)
            return twin
        inner = next(filter(callable, (getattr(app, n, None) for n in _INNER_ATTRIBUTES)), None)
        return opaque if inner is None or depth > _DEEPEST else rebuild(inner, depth + 1)

    chain = rebuild(wsgi)
    if not changed:
        return None

    def enter(environ: WSGIEnvironment) -> WSGIEnvironment | None:
        reached.clear()
        chain(environ, _ignore_start)
        return reached[0] if reached else None

    return enter


def _ignore_start(*_: Any) -> Callable[[bytes], object]:
    return lambda _data: None
