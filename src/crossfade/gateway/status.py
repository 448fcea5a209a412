"""A gateway's routes as lines. They come as the plain values that `Gateway.status` has.

So that what a command found out by itself and what a running server says of itself read alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from crossfade.console import table
from crossfade.gateway.workers import Worker
from crossfade.wording import counted

Route = Mapping[str, Any]
"""One of the `routes` in `Gateway.status`."""


def route_lines(routes: Sequence[Route], width: int | None) -> Iterator[str]:
    """Yield the table of routes: who answers each, and whether FastAPI could."""
    headings = ("route", "stage", "served by", "FastAPI handler")
    rows = (
        (route["route"], route["stage"], route["served_by"], route["fastapi"] or "-")
        for route in routes
    )
    return table(headings, rows, width)


def live_lines(workers: Sequence[Worker], width: int | None) -> Iterator[str]:
    """Yield what the workers of a server say: one's routes, then each one's map and problems."""
    routes = list(workers[0].routes.values())
    yield from route_lines(routes, width)
    yield ""
    yield progress(routes)
    differ = "" if _revisions(workers) == 1 else f", at {_revisions(workers)} revisions of the map"
    yield f"{counted(len(workers), 'worker')} answered{differ}:"
    for worker in workers:
        yield f"  {worker.name}  revision {worker.revision[:12]}"
        yield from (f"    {problem}" for problem in worker.problems)


def is_sound(workers: Sequence[Worker]) -> bool:
    """Whether all workers go by one map, and by the file as it is now."""
    return _revisions(workers) == 1 and not any(worker.problems for worker in workers)


def _revisions(workers: Sequence[Worker]) -> int:
    return len({worker.revision for worker in workers})


def older_code(workers: Sequence[Worker], here: Iterable[Route]) -> Iterator[str]:
    """Yield a line for each route whose FastAPI handler is written here and not in every worker."""
    for route in here:
        lacking = [worker for worker in workers if worker.lacks(route["route"])]
        if route["fastapi"] is not None and lacking:
            yield (
                f"{route['route']}: {route['fastapi']} is written here, and {len(lacking)} of "
                f"{counted(len(workers), 'worker')} {'run' if len(lacking) > 1 else 'runs'} code "
                "without it: deploy, or restart the server, before you list the route"
            )


def follow_lines(workers: Sequence[Worker] | None, revision: str) -> Iterator[str]:
    """Yield what running workers made of a map that was saved; None where nobody was asked."""
    if workers is None:
        yield (
            "A running server moves the route within a second; one that was started before the "
            "handler was written has to be restarted first (--url asks its workers)"
        )
        return
    following = [worker for worker in workers if worker.revision == revision]
    yield f"{len(following)} of {counted(len(workers), 'worker')} took it over"
    for worker in workers:
        if worker.revision != revision:
            why = worker.problems or ("it has not seen it: does it follow this file?",)
            yield from (f"  {worker.name}: {reason}" for reason in why)


def progress(routes: Sequence[Route]) -> str:
    """Return how many routes have moved, and how many could: one sentence."""
    served = Counter(route["served_by"] for route in routes)
    native, total = served["fastapi"], len(routes)
    ready = sum(route["fastapi"] is not None and route["served_by"] == "flask" for route in routes)
    share = f" ({native / total:.0%})" if total else ""
    return (
        f"{native} of {counted(total, 'route')} served by FastAPI{share}; "
        f"{ready} more have a FastAPI handler and are still served by Flask"
    )
