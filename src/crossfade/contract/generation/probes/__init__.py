"""Probes: the requests that nobody writes by hand, made from what is known of a route. Pure.

First come candidates, of which the caller picks the one that Flask serves. Around that good request
stand the probes, each of which changes one thing:

| module | changes |
| --- | --- |
| `probes_url` | method, path, converters' edges, query |
| `probes_body` | JSON, forms, uploads, content types |
| `probes_head` | headers, cookies, conditions, ranges, origins, who asks |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice, product

from crossfade.contract.cases.http_file import Case
from crossfade.contract.generation.operation import RouteFacts
from crossfade.contract.generation.probes import body as probes_body
from crossfade.contract.generation.probes import headers as probes_head
from crossfade.contract.generation.probes import request_line as probes_url
from crossfade.contract.generation.schema_examples import example
from crossfade.messages.exchange import Request, Response

ORIGIN = "probe"
"""The origin of a case that was made here."""

GOOD_REQUEST = "good request"
"""The name of the case that all others vary."""

_MOST_PATHS = 8
_MOST_BODIES = 8


def candidates(facts: RouteFacts) -> Iterator[Case]:
    """Requests that the route may be there for, the likeliest first."""
    paths = [
        facts.path(values)
        for values in islice(product(*(v.values for v in facts.variables)), _MOST_PATHS)
    ]
    queries = dict.fromkeys(("", probes_url.good_query(facts), probes_url.required_query(facts)))
    bodies = list(islice(probes_body.good_bodies(facts), _MOST_BODIES)) or [((), b"")]
    for (headers, body), query, path in product(bodies, queries, paths):
        target = path + (f"?{query}" if query else "")
        own = tuple(
            (name, str(example(schema, name, facts.known)))
            for name, schema in facts.headers.items()
            if schema.get("required")
        )
        host = (("host", facts.host),) if facts.host else ()
        request = Request(facts.method, target.encode(), (*host, *own, *headers), body)
        yield Case(request, GOOD_REQUEST, facts.route, origin=ORIGIN)


def probes(facts: RouteFacts, base: Case, answer: Response | None = None) -> Iterator[Case]:
    """Every probe of a route, each once.

    Args:
        facts: what is known of the route.
        base: a request that the route is there for; probes ask as the same person.
        answer: Flask's answer to it, for its ETag and the like.
    """
    made: Iterable[tuple[str, Request]] = (
        *probes_url.methods(facts, base.request),
        *probes_url.paths(facts, base.request),
        *probes_url.converters(facts, base.request),
        *probes_url.queries(facts, base.request),
        *probes_body.bodies(facts, base.request),
        *probes_head.headers(facts, base.request),
        *probes_head.conditions(base.request, answer),
        *probes_head.cookies(facts, base.request),
    )
    seen = {base.request}
    for name, request in made:
        if request not in seen:
            seen.add(request)
            yield Case(request, name, facts.route, base.login, origin=ORIGIN)


def as_others(base: Case, logins: Iterable[str]) -> Iterator[Case]:
    """The same request by everybody else: nobody, each login, and sessions that no longer count."""
    for login in dict.fromkeys(("", *logins)):
        if login != base.login:
            yield replace(base, login=login, name=f"asked by {login or 'nobody'}")
