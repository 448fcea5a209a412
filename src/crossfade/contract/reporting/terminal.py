"""A route's account as text: a few lines for the terminal, or all of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from crossfade.contract.reporting.findings import verdict
from crossfade.contract.reporting.text import wrapped
from crossfade.wording import counted, some, visible

SHORT_TEXT: Final = 2_000
"""Characters of a request to keep that are shown without being asked for."""

_WIDTH: Final = 100
_LONGEST: Final = 150
_MOST_BLIND: Final = 6


def short(found: Mapping[str, Any], rest: str) -> str:
    """What a failed route shows in the terminal: five lines at most.

    Args:
        found: what `findings.account` gave.
        rest: where the rest is, in words.
    """
    first, *others = found["findings"]
    lines = [headline(found), f"  {counted(first['count'], 'case')}: {_cut(_first(first['what']))}"]
    if first["causes"]:
        cause = first["causes"][0]
        more = [each["code"] for each in first["causes"][1:]]
        also = f" (or {', '.join(more)})" if more else ""
        lines.append(f"    why: [{cause['code']}] {_cut(cause['cause'])}{also}")
        lines.append(f"    fix: {_cut(cause['fix'])}")
    elif first["cases"]:
        name, request = first["cases"][0]
        lines.append(f"    {_cut(f'{name}: {request}')}")
    if others:
        places = [_first(each["what"]).partition(":")[0] for each in others]
        also = f"and {counted(len(others), 'other finding')} ({some(places, 3)}); "
    else:
        also = ""
    lines.append(f"  {also}{rest}")
    return visible("\n".join(lines))


def headline(found: Mapping[str, Any]) -> str:
    """The route, and how many of its cases differ."""
    return f"{found['route']}: {found['failed']} of {found['cases']} cases differ"


def full(found: Mapping[str, Any]) -> str:
    """All that is known of a route that differs."""
    lines = [headline(found)]
    if found["good"]:
        lines += ["", f"  varied from {found['good'][0]}, which Flask answers {found['good'][1]}"]
    for number, finding in enumerate(found["findings"], 1):
        lines += ["", f"  {number}. in {counted(finding['count'], 'case')}"]
        lines += [f"     {line}" for line in _finding(finding)]
    first = next((f["text"] for f in found["findings"] if 0 < len(f["text"]) <= SHORT_TEXT), "")
    if first:
        lines += ["", "  To run the first again, keep it in contracts/NAME.http:", ""]
        lines += [f"    {line}".rstrip() for line in first.splitlines()]
    lines += _remarks(found)
    return visible("\n".join(lines))


def whole(routes: Iterable[Mapping[str, Any]]) -> str:
    """The file with all that the terminal leaves out, of routes in the order of a report."""
    texts = [
        full(route) if route["findings"] else "\n".join([_verdict(route), *_remarks(route)])
        for route in routes
    ]
    return visible("\n\n\n".join(texts)) + "\n"


def _verdict(found: Mapping[str, Any]) -> str:
    word, why = verdict(found)
    text = f"{found['route']}: {counted(found['cases'], 'case')}, {word}"
    return f"{text}: {why}" if why else text


def _finding(finding: Mapping[str, Any]) -> Iterator[str]:
    yield from finding["what"]
    for place in finding["also"]:
        yield f"also {place}"
    hidden = finding["places"] - 1 - len(finding["also"])
    if hidden > 0:
        yield f"also in {counted(hidden, 'place')} more"
    for cause in finding["causes"]:
        yield from (line[4:] for line in wrapped("why: ", f"[{cause['code']}] {cause['cause']}"))
        yield from (line[4:] for line in wrapped("seen: ", cause["evidence"]))
        yield from (line[4:] for line in wrapped("fix: ", cause["fix"]))
    for rule in finding["expired"]:
        yield f"note: a deviation that has expired: {rule}"
    for name, request in finding["cases"]:
        yield f"    {name}: {request}"
    if finding["count"] > len(finding["cases"]):
        yield f"    and {finding['count'] - len(finding['cases'])} more"
    if finding["approve"]:
        yield "if this is right, it is approved by these lines of the map:"
        yield from (f"    {line}".rstrip() for line in finding["approve"].splitlines())
    yield from (f"  {line[:_WIDTH]}" for line in finding["trace"])


def _first(lines: list[str]) -> str:
    return lines[0] if lines else ""


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def blind_lines(blind: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What each rule hides, one line for each."""
    for each in blind:
        names = some(each["mutants"], _MOST_BLIND)
        if each["rule"]:
            yield f"{each['count']} not noticed because of {each['rule']}: {names}"
        else:
            yield f"{each['count']} not noticed, and no rule says why: {names}"


def _remarks(found: Mapping[str, Any]) -> list[str]:
    lines = [f"  noise: {where}: Flask differs from itself" for where in found["noise"]]
    lines += [f"  overlooked {count} times: {rule}" for rule, count in found["used"].items()]
    lines += [f"  broken answers: {line}" for line in blind_lines(found["blind"])]
    lines += [f"  matches nothing, remove it: {rule}" for rule in found["stale"]]
    lines += [f"  has expired and counts no longer: {rule}" for rule in found["expired"]]
    lines += [f"  note: {remark}" for remark in found["remarks"]]
    lines += [f"  slow: {found['slow']}"] if found["slow"] else []
    return ["", *lines] if lines else []
