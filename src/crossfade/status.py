"""A gateway's routes as lines. They come as the plain values that `Gateway.status` has.

So that what a command found out by itself and what a running server says of itself read alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crossfade.console import table
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
