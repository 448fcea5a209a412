"""The report of a run as JSON, for other programs: all of it, nothing cut."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from crossfade.contract.reporting.findings import VERDICTS, verdict, worst_first
from crossfade.contract.reporting.markdown import headline

FORMAT: Final = 1
"""Grows when something that is here is renamed or goes."""


def json_report(routes: Iterable[Mapping[str, Any]], unfinished: bool = False) -> str:
    """Return the report.

    Args:
        routes: what `findings.account` gave for each route.
        unfinished: whether the run ended before every route had its turn.
    """
    found = worst_first(routes)
    words = Counter(verdict(route)[0] for route in found)
    document = {
        "format": FORMAT,
        "headline": headline(found),
        "unfinished": unfinished,
        "verdicts": {word: words[word] for word in VERDICTS},
        "routes": [
            {"verdict": verdict(route)[0], "why": verdict(route)[1], **route} for route in found
        ],
    }
    return json.dumps(document, indent=2) + "\n"
