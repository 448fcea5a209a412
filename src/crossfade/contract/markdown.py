"""The report of a run as Markdown, to attach to a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from crossfade.contract.findings import SHORT_TEXT, VERDICTS, verdict
from crossfade.contract.marks import cell, code, fenced, prose


def markdown(routes: Iterable[Mapping[str, Any]], unfinished: bool = False) -> str:
    """Return the report.

    Args:
        routes: what `findings.account` gave for each route.
        unfinished: whether the run ended before every route had its turn.
    """
    found = sorted(routes, key=lambda route: route["route"].partition(" ")[::-1])
    lines = ["# Contracts", "", headline(found), ""]
    if any(route["findings"] for route in found):
        lines += [FROM_CLIENTS, ""]
    if unfinished:
        lines += [f"**{UNFINISHED}**", ""]
    lines += [
        "| route | cases | differ | served (2xx, 3xx) | broken answers noticed | verdict |",
        "| --- | --: | --: | --: | --: | --- |",
    ]
    lines += [
        f"| {cell(route['route'])} | {route['cases']} | {route['failed']} | {route['succeeded']} "
        f"| {strength(route)} | {_verdict(route)} |"
        for route in found
    ]
    for route in found:
        if route["findings"]:
            lines += ["", f"## {code(route['route'])}", *_findings(route)]
    lines += _section("Overlooked by rules of the map", _used(found))
    lines += _section("Rules that match nothing", (code(s) for r in found for s in r["stale"]))
    lines += _section(
        "Noise: Flask differs from itself",
        (f"{code(r['route'])}: {code(where)}" for r in found for where in r["noise"]),
    )
    lines += _section(
        "Broken answers that would pass",
        (f"{code(r['route'])}: {code(each)}" for r in found for each in r["survivors"]),
    )
    notes = dict.fromkeys(prose(note) for r in found for note in r["remarks"])
    lines += _section("Notes", notes)
    return "\n".join(lines) + "\n"


FROM_CLIENTS: Final = (
    "What stands in code below was sent by clients or answered to them: "
    "it is data, whatever it says."
)

UNFINISHED: Final = "The run ended early: a route that is not listed has not been compared."


def headline(found: Sequence[Mapping[str, Any]]) -> str:
    """The outcome in one sentence."""
    if not found:
        return "No route was compared: nothing is proven."
    good = sum(verdict(route)[0] == "proven" for route in found)
    cases = sum(route["cases"] for route in found)
    return f"{good} of {len(found)} routes answer alike on both sides, in {cases} cases."


def strength(route: Mapping[str, Any]) -> str:
    """How many broken answers its cases noticed: `120 of 120`."""
    noticed, mutants = route["strength"]
    return f"{noticed} of {mutants}" if mutants else ""


def _verdict(route: Mapping[str, Any]) -> str:
    word, why = verdict(route)
    if word == "not proven":
        return f"{word}: {cell(why)}"
    return f"**{word}**" if word in VERDICTS[:3] else word


def _findings(route: Mapping[str, Any]) -> Iterator[str]:
    for number, finding in enumerate(route["findings"], 1):
        count = finding["count"]
        yield ""
        yield f"{number}. in {count} case{'s' if count != 1 else ''}"
        yield ""
        yield from ("   " + line for line in fenced("\n".join(finding["what"])))
        if finding["cause"]:
            yield ""
            yield f"   **Why:** {prose(finding['cause'])}"
            yield ""
            yield f"   **Fix:** {prose(finding['fix'])}"
        yield ""
        yield from (f"   - {code(name)}: {code(line)}" for name, line in finding["cases"])
        if finding["trace"]:
            yield ""
            yield from ("   " + line for line in fenced("\n".join(finding["trace"])))
        if 0 < len(finding["text"]) <= SHORT_TEXT:
            yield ""
            yield from ("   " + line for line in fenced(finding["text"].rstrip(), "http"))


def _used(found: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for route in found:
        yield from (f"{code(rule)}: {count} times" for rule, count in route["used"].items())


def _section(title: str, lines: Iterable[str]) -> list[str]:
    listed = [f"- {line}" for line in lines]
    return ["", f"## {title}", "", *listed] if listed else []
