"""The report of a run as Markdown, to attach to a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def markdown(routes: Iterable[Mapping[str, Any]]) -> str:
    """Return the report.

    Args:
        routes: what `findings.account` gave for each route.
    """
    found = sorted(routes, key=lambda route: route["route"].partition(" ")[::-1])
    lines = ["# Contracts", "", _headline(found), ""]
    lines += [
        "| route | cases | differ | served (2xx, 3xx) | verdict |",
        "| --- | --: | --: | --: | --- |",
    ]
    lines += [
        f"| `{route['route']}` | {route['cases']} | {route['failed']} | {route['succeeded']} "
        f"| {_verdict(route)} |"
        for route in found
    ]
    for route in found:
        if route["findings"]:
            lines += ["", f"## `{route['route']}`", *_findings(route)]
    lines += _section("Overlooked by rules of the map", _used(found))
    lines += _section("Rules that match nothing", (s for r in found for s in r["stale"]))
    lines += _section(
        "Noise: Flask differs from itself",
        (f"`{r['route']}`: `{where}`" for r in found for where in r["noise"]),
    )
    lines += _section("Notes", dict.fromkeys(note for r in found for note in r["remarks"]))
    return "\n".join(lines) + "\n"


def _headline(found: list[Mapping[str, Any]]) -> str:
    good = sum(_verdict(route) == "alike" for route in found)
    cases = sum(route["cases"] for route in found)
    return f"{good} of {len(found)} routes answer alike on both sides, in {cases} cases."


def _verdict(route: Mapping[str, Any]) -> str:
    if route["failed"]:
        return "**differs**"
    return (
        "**rule matches nothing**"
        if route["stale"]
        else "not proven"
        if route["unproven"]
        else "alike"
    )


def _findings(route: Mapping[str, Any]) -> Iterator[str]:
    for number, finding in enumerate(route["findings"], 1):
        count = finding["count"]
        yield ""
        yield f"{number}. in {count} case{'s' if count != 1 else ''}"
        yield ""
        yield from ("   " + line for line in _fenced("\n".join(finding["what"])))
        if finding["cause"]:
            yield ""
            yield f"   **Why:** {finding['cause']}"
            yield ""
            yield f"   **Fix:** {finding['fix']}"
        yield ""
        yield from (f"   - {name}: {_code(line)}" for name, line in finding["cases"])
        if finding["text"]:
            yield ""
            yield from ("   " + line for line in _fenced(finding["text"].rstrip(), "http"))


def _fenced(text: str, info: str = "") -> list[str]:
    fence = "```" if "```" not in text else "~~~~"
    return [fence + info, *text.splitlines(), fence]


def _code(text: str) -> str:
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _used(found: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for route in found:
        yield from (f"{rule}: {count} times" for rule, count in route["used"].items())


def _section(title: str, lines: Iterable[str]) -> list[str]:
    listed = [f"- {line}" for line in lines]
    return ["", f"## {title}", "", *listed] if listed else []
