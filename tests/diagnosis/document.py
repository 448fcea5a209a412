"""`docs/causes.md`, made from the registry of causes and from the rows that each rule explains."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap

from crossfade.contract.diagnosis import RULES, Severity, diagnose
from crossfade.contract.reporting.text import difference_lines
from tests.diagnosis.kit import Seen

_HEAD = """\
# Causes

What a failed contract says after *why*, such as `[XF161] q came twice: Flask takes the first value,
Starlette the last`. Each cause has a code that stays the same, and is named only where its evidence
is there; the report says what was *seen*. Two causes that both fit are both said. Where nothing
fits nothing is said: the difference itself is shown, and that is where to look.

What is called *security* comes first in every report, and no report offers lines that approve it.
"""

_CHAPTERS = {
    "XF100": "A side raised",
    "XF110": "Statuses",
    "XF150": "Input",
    "XF201": "Headers",
    "XF301": "Cookies",
    "XF400": "Bodies",
    "XF601": "What is left",
}

_WORDS = {
    Severity.SECURITY: "Security: somebody may see or do what Flask forbids.",
    Severity.BEHAVIOUR: "",
    Severity.FORM: "Form: the same content, written in another way.",
}


def page_of_causes(rows: Mapping[str, Seen]) -> str:
    """Return the page.

    Args:
        rows: by its code what each rule explains.
    """
    lines = [_HEAD.rstrip()]
    for rule in RULES:
        if rule.code in _CHAPTERS:
            lines += ["", f"## {_CHAPTERS[rule.code]}"]
        lines += ["", f"### {rule.code}", "", f"**{rule.title}**"]
        if _WORDS[rule.severity]:
            lines += ["", _WORDS[rule.severity]]
        lines += ["", *wrap(f"Evidence: {rule.needs}.", 118)]
        lines += ["", *_example(rule.code, rows[rule.code])]
    return "\n".join(lines) + "\n"


def _example(code: str, seen: Seen) -> list[str]:
    view = seen.view()
    found = next(each.found for each in diagnose(view) if each.rule.code == code)
    lines = [f"    {line}" for line in difference_lines(view.difference)]
    for label, text in (("why", found.cause), ("seen", found.evidence), ("fix", found.fix)):
        first, indent = f"        {label + ':':<6}", " " * 14
        lines += wrap(text, 116, initial_indent=first, subsequent_indent=indent)
    return [line.rstrip() for line in lines]
