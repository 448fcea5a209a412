"""The report of a run as one page of HTML, to attach to a pull request or keep beside a build.

The page is one file: no script, nothing loaded from elsewhere. What it shows comes from requests
and answers, and so from anybody: Jinja escapes all of it, and a Content-Security-Policy forbids the
page to run or to load anything should something get through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, StrictUndefined, Template

from crossfade.contract.reporting import markdown as markdown
from crossfade.contract.reporting.findings import VERDICTS, verdict, worst_first
from crossfade.contract.reporting.terminal import blind_lines
from crossfade.wording import visible


def html_report(routes: Iterable[Mapping[str, Any]], unfinished: bool = False) -> str:
    """Return the page. What needs work comes first.

    Args:
        routes: what `findings.account` gave for each route.
        unfinished: whether the run ended before every route had its turn.
    """
    found = [{**route, "verdict": verdict(route)} for route in worst_first(routes)]
    count = Counter(each["verdict"][0] for each in found)
    return _template().render(
        routes=found,
        headline=markdown.headline(found),
        unfinished=markdown.UNFINISHED if unfinished else "",
        counts=[(word, count[word]) for word in VERDICTS if count[word]],
        marks=_MARKS,
        strength=markdown.strength,
        blind_lines=blind_lines,
        made=datetime.now(timezone.utc),
    )


_MARKS: Final = {
    "differs": ("bad", "✗"),
    "can't fail": ("bad", "✗"),
    "rule matches nothing": ("bad", "✗"),
    "not proven": ("open", "?"),
    "proven": ("good", "✓"),
}


def _visible(value: object) -> object:
    """What is shown of a value."""
    return visible(value) if isinstance(value, str) else value


@cache
def _template() -> Template:
    source = (
        files("crossfade.contract.reporting").joinpath("report.html").read_text(encoding="utf-8")
    )
    environment = Environment(
        autoescape=True,
        finalize=_visible,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.from_string(source)
