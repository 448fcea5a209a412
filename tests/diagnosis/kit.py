"""Pairs of answers, with what a rule may know of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crossfade.contract.diagnosis import HandlerFacts, View, diagnose
from crossfade.contract.engine.runner import Outcome
from crossfade.messages.compare import Difference, Kind, compare
from crossfade.messages.exchange import Exchange, Headers, Raised, Request, Response
from crossfade.model import Side

TRACEBACK = "Traceback (most recent call last):"
HTML = (("content-type", "text/html; charset=utf-8"),)
PAGE = b"<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n"
ROUTE = "GET /"
KNOWN = HandlerFacts(known=True)


def crash(what: str, place: str = "native.py", line: int = 12) -> str:
    """Return a traceback that ends in the project's code."""
    return f'{TRACEBACK}\n  File "/srv/{place}", line {line}, in create\n    x()\n{what}'


def get(target: str = "/", *headers: tuple[str, str], method: str = "GET") -> Request:
    """Return a request without a body."""
    return Request(method, target.encode(), headers)


def post(body: str | bytes, kind: str = "application/json") -> Request:
    """Return a request with a body."""
    content = body.encode() if isinstance(body, str) else body
    return Request("POST", b"/", (("content-type", kind),) if kind else (), content)


def json(status: int, body: str = "{}", *headers: tuple[str, str]) -> Response:
    """Return an answer as `jsonify` makes it."""
    return Response(status, (("content-type", "application/json"), *headers), body.encode() + b"\n")


def page(status: int, body: bytes = PAGE, *headers: tuple[str, str]) -> Response:
    """Return an answer of HTML."""
    return Response(status, (*HTML, *headers), body)


def bare(status: int, *headers: tuple[str, str], body: bytes = b"") -> Response:
    """Return an answer with these headers only."""
    return Response(status, headers, body)


def cookie(line: str) -> Headers:
    """Return the header that sets a cookie."""
    return (("set-cookie", line),)


@dataclass(frozen=True)
class Seen:
    """What is shown to the rules.

    Attributes:
        legacy: Flask's answer.
        native: FastAPI's.
        where: the place of the difference; for `state` places none of the answers has it.
        request: what was asked.
        facts: what is known of the route.
        base: the request that this one varies, with the answers of both sides to it.
        raised: what the native route raised and answered.
        errors: tracebacks, by side.
        changed: what each side changed, as (place, before, after).
        state: the two values of a difference of what is left.
        by: who answered when FastAPI was asked.
        routes: Flask's and FastAPI's.
        difference: the difference itself, where `compare` alone does not give it.
    """

    legacy: Response
    native: Response
    where: str = "status"
    request: Request = field(default_factory=get)
    facts: HandlerFacts = field(default_factory=HandlerFacts)
    base: tuple[Request, Response, Response] | None = None
    raised: Raised | None = None
    errors: Mapping[Side, str] = field(default_factory=dict)
    changed: Mapping[Side, tuple[tuple[str, str | None, str | None], ...]] = field(
        default_factory=dict
    )
    state: tuple[str | None, str | None] | None = None
    by: Side = Side.NATIVE
    routes: tuple[str | None, str | None] = (ROUTE, ROUTE)
    difference: Difference | None = None

    def view(self) -> View:
        """Return what a rule is shown."""
        legacy = Exchange(
            self.request, self.legacy, Side.LEGACY, self.routes[0], "view",
            self.errors.get(Side.LEGACY),
        )  # fmt: skip
        native = Exchange(
            self.request, self.native, self.by, self.routes[1], "handler",
            self.errors.get(Side.NATIVE), raised=self.raised,
        )  # fmt: skip
        difference = self.difference
        if self.state is not None:
            difference = Difference(Kind.STATE, self.where, *self.state)
        if difference is None:
            found = compare(self.legacy, self.native)
            difference = next((each for each in found if each.where == self.where), None)
            assert difference is not None, [each.where for each in found]
        base = None
        if self.base is not None:
            request, ours, theirs = self.base
            base = Outcome(
                Exchange(request, ours, Side.LEGACY, ROUTE),
                Exchange(request, theirs, Side.NATIVE, ROUTE),
                compare(ours, theirs),
            )
        changed = {
            side: tuple(Difference(Kind.STATE, *each) for each in changes)
            for side, changes in self.changed.items()
        }
        return View(difference, legacy, native, self.facts, base, changed)


def said(seen: Seen) -> dict[str, str]:
    """Return all that is said of a difference, by the code of the rule that says it."""
    return {
        each.rule.code: f"{each.found.cause} | {each.found.evidence} | {each.found.fix}"
        for each in diagnose(seen.view())
    }


def facts(**known: Any) -> HandlerFacts:
    """Return facts of a route that is known."""
    return HandlerFacts(known=True, **known)
