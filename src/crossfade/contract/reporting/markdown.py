"""The report of a run as Markdown, to attach to a pull request.

A pull request takes some 65,000 characters. However many routes there are, the report stays below
`MOST_BYTES`: what comes first is what a reader needs first, and what is left out is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from crossfade.contract.reporting.findings import VERDICTS, verdict, worst_first
from crossfade.contract.reporting.marks import cell, code, fenced, prose
from crossfade.contract.reporting.terminal import SHORT_TEXT, blind_lines
from crossfade.wording import counted, visible

MOST_BYTES: Final = 60_000
"""Bytes of the report, as it is written in UTF-8."""

_TABLE: Final = 16_000  # bytes of it for the table,
_LISTS: Final = 10_000  # and for all lists after the findings
_MARGIN: Final = 1_500  # and for the lines that say what is left out
_CELL: Final = 200
_LINE: Final = 400
_MOST_LINES: Final = 24

_REST: Final = "the HTML and JSON reports (`--crossfade-report FILE.html`, `FILE.json`) have all"


class _Room:
    """Bytes that may still be written."""

    def __init__(self, size: int) -> None:
        self.left = size

    def takes(self, lines: Iterable[str]) -> bool:
        """Whether there is room for these lines; then it is taken."""
        # As the file is written: half of a surrogate pair takes six bytes there.
        size = sum(len(line.encode("utf-8", "backslashreplace")) + 1 for line in lines)
        if size > self.left:
            return False
        self.left -= size
        return True


def markdown(routes: Iterable[Mapping[str, Any]], unfinished: bool = False) -> str:
    """Return the report.

    Args:
        routes: what `findings.account` gave for each route.
        unfinished: whether the run ended before every route had its turn.
    """
    found = worst_first(routes)
    lines = ["# Contracts", "", headline(found), ""]
    if any(route["findings"] for route in found):
        lines += [FROM_CLIENTS, ""]
    if unfinished:
        lines += [f"**{UNFINISHED}**", ""]
    lines += _table(found)
    lists = list(_lists(found, _Room(_LISTS)))
    used = sum(len(line.encode("utf-8", "backslashreplace")) + 1 for line in (*lines, *lists))
    lines += _all_findings(found, _Room(MOST_BYTES - _MARGIN - used))
    return "\n".join([*lines, *lists]) + "\n"


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


# --- the table ------------------------------------------------------------------------------------


def _table(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "| route | cases | differ | served (2xx, 3xx) | broken answers noticed | verdict |"
    yield "| --- | --: | --: | --: | --: | --- |"
    room = _Room(_TABLE)
    for number, route in enumerate(found):
        row = (
            f"| {_cell(route['route'])} | {route['cases']} | {route['failed']} "
            f"| {route['succeeded']} | {strength(route)} | {_verdict(route)} |"
        )
        if not room.takes([row]):
            words = Counter(verdict(each)[0] for each in found[number:])
            shown = ", ".join(f"{words[word]} {word}" for word in VERDICTS if words[word])
            yield ""
            yield f"… and {counted(len(found) - number, 'route')} more ({shown}); {_REST}."
            return
        yield row


def _verdict(route: Mapping[str, Any]) -> str:
    word, why = verdict(route)
    if word == "not proven":
        return f"{word}: {_cell(why)}"
    return f"**{word}**" if word in VERDICTS[:3] else word


def _cell(text: str) -> str:
    return cell(_cut(" ".join(text.split()), _CELL))


# --- findings -------------------------------------------------------------------------------------


def _all_findings(found: Sequence[Mapping[str, Any]], room: _Room) -> Iterator[str]:
    """Of every route the first finding, as far as there is room, then their others."""
    different = [route for route in found if route["findings"]]
    shown: list[list[str]] = []
    for route in different:
        block = ["", f"## {_code(_cut(route['route'], _CELL))}", *_finding(route, 0)]
        if not room.takes(block):
            break
        shown.append(block)
    hidden = 0
    for route, block in zip(different, shown, strict=False):
        for number in range(1, len(route["findings"])):
            more = list(_finding(route, number))
            if room.takes(more):
                block += more
            else:
                hidden += 1
    for block in shown:
        yield from block
    left_out = different[len(shown) :]
    hidden += sum(len(route["findings"]) for route in left_out)
    if hidden:
        of = f", {counted(len(left_out), 'whole route')} among them" if left_out else ""
        yield ""
        yield f"… and {counted(hidden, 'finding')} more{of}; {_REST}."


def _finding(route: Mapping[str, Any], index: int) -> Iterator[str]:
    finding = route["findings"][index]
    yield ""
    yield f"{index + 1}. in {counted(finding['count'], 'case')}"
    yield ""
    yield from ("   " + line for line in _fenced([*finding["what"], *_also(finding)]))
    for cause in finding["causes"]:
        yield ""
        yield f"   **Why** ([{cause['code']}]): {_plain(cause['cause'])}"
        yield ""
        yield f"   **Seen:** {_plain(cause['evidence'])}"
        yield ""
        yield f"   **Fix:** {_plain(cause['fix'])}"
    for rule in finding["expired"]:
        yield ""
        yield f"   A deviation that has expired: {_plain(rule)}"
    yield ""
    yield from (
        f"   - {_code(name)}: {_code(_cut(' '.join(line.split()), _LINE))}"
        for name, line in finding["cases"]
    )
    if finding["trace"]:
        yield ""
        yield from ("   " + line for line in _fenced(finding["trace"]))
    if 0 < len(finding["text"]) <= SHORT_TEXT:
        yield ""
        yield from ("   " + line for line in _fenced(finding["text"].rstrip().splitlines(), "http"))
    if finding["approve"]:
        yield ""
        yield "   If this is right, these lines of the map approve it:"
        yield ""
        yield from ("   " + line for line in _fenced(finding["approve"].splitlines(), "toml"))


def _also(finding: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"also {place}" for place in finding["also"])
    hidden = finding["places"] - 1 - len(finding["also"])
    if hidden > 0:
        yield f"also in {counted(hidden, 'place')} more"


def _fenced(lines: Sequence[str], info: str = "") -> list[str]:
    lines = "\n".join(lines).splitlines()
    shown = [_cut(line, _LINE) for line in lines[:_MOST_LINES]]
    if len(lines) > _MOST_LINES:
        shown.append(f"… {counted(len(lines) - _MOST_LINES, 'line')} more")
    return fenced("\n".join(shown), info)


def _plain(text: str) -> str:
    """A sentence of ours, in which words of a request may stand."""
    return prose(_cut(" ".join(text.split()), 2 * _LINE))


def _code(text: str) -> str:
    """Words of a request or an answer."""
    return code(_cut(" ".join(text.split()), 2 * _LINE))


def _cut(text: str, most: int) -> str:
    text = visible(text[: most + 1])
    return text if len(text) <= most else f"{text[: most - 1]}…"


# --- lists ----------------------------------------------------------------------------------------


def _lists(found: Sequence[Mapping[str, Any]], room: _Room) -> Iterator[str]:
    for title, lines in (
        ("Overlooked by rules of the map", _used(found)),
        ("Deviations that have expired", (_plain(e) for r in found for e in r["expired"])),
        ("Rules that match nothing", (_code(s) for r in found for s in r["stale"])),
        (
            "Noise: Flask differs from itself",
            (f"{_cell(r['route'])}: {_cell(w)}" for r in found for w in r["noise"]),
        ),
        (
            "Broken answers that would pass",
            (f"{_cell(r['route'])}: {_code(b)}" for r in found for b in blind_lines(r["blind"])),
        ),
        ("Slow routes", (_plain(r["slow"]) for r in found if r["slow"])),
        ("Notes", (_plain(n) for n in dict.fromkeys(n for r in found for n in r["remarks"]))),
    ):
        yield from _section(title, list(lines), room)


def _used(found: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for route in found:
        for rule, count in route["used"].items():
            yield f"{_code(rule)}: {counted(count, 'time')}"


def _section(title: str, lines: Sequence[str], room: _Room) -> Iterator[str]:
    if not lines:
        return
    yield from ("", f"## {title}", "")
    for number, line in enumerate(lines):
        if not room.takes([f"- {line}"]):
            yield f"- … and {len(lines) - number} more; {_REST}"
            return
        yield f"- {line}"
