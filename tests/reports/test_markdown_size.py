"""Markdown stays below what a pull request takes, whatever a run found."""

from __future__ import annotations

import re
from typing import Any

import pytest

from crossfade.contract.reporting.markdown import MOST_BYTES, markdown
from tests.reports.accounts import account, cause, finding

LONG = "é€😀`|<b>\ud800" * 4000
EVIL = "](http://evil.example) <img src=x> **bold** `code` | cell\n# head"


def different(number: int, findings: int = 3, text: str = "x") -> dict[str, Any]:
    """Return a route that differs in several ways."""
    return account(
        f"GET /things/{number}",
        failed=9,
        findings=[
            finding(
                [f"body.{n}: {text}"] * 40,
                also=[text] * 6,
                places=60,
                causes=[cause("XF120", text, evidence=text, fix=text)] * 2,
                approve=text,
                expired=[text],
                cases=[[text, text]] * 4,
                text=text[:1900],
                trace=[text] * 24,
            )
            for n in range(findings)
        ],
        noise=[text] * 20,
        used={f"{text}{n}": n for n in range(20)},
        expired=[text] * 5,
        stale=[text] * 5,
        remarks=[text] * 5,
        blind=[{"rule": text, "count": 9, "mutants": [text] * 9}] * 9,
        slow=text,
    )


def size(text: str) -> int:
    """Bytes of the file that is written."""
    return len(text.encode("utf-8", "backslashreplace"))


RUNS: dict[str, list[dict[str, Any]]] = {
    "three thousand proven routes": [account(f"GET /things/{n}") for n in range(3000)],
    "three thousand routes that differ": [different(n) for n in range(3000)],
    "five routes with everything in them": [different(n, 40, LONG) for n in range(5)],
    "one route with a thousand findings": [different(1, 1000)],
    "a hundred long names": [account("GET /" + LONG + str(n)) for n in range(100)],
    "a hundred reasons": [account(f"GET /{n}", unproven=LONG) for n in range(100)],
}


@pytest.mark.parametrize("routes", RUNS.values(), ids=RUNS)
def test_markdown_of_any_run_is_below_60_kb(routes: list[dict[str, Any]]) -> None:
    """And says where the rest is."""
    text = markdown(routes, unfinished=True)
    assert size(text) < MOST_BYTES
    assert "the HTML and JSON reports" in text
    assert text.startswith("# Contracts\n")


def test_markdown_counts_what_it_leaves_out() -> None:
    """What is shown and what is counted is all there is."""
    text = markdown(RUNS["three thousand routes that differ"])
    rows = len(re.findall(r"^\| `GET /things", text, re.MULTILINE))
    more = re.search(r"… and (\d+) routes more \(\1 differs\)", text)
    assert more
    assert rows + int(more[1]) == 3000
    shown = len(re.findall(r"^\d+\. in ", text, re.MULTILINE))
    hidden = re.search(r"… and (\d+) findings more", text)
    assert hidden
    assert shown + int(hidden[1]) == 9000


def test_markdown_shows_the_first_finding_of_each_route_before_any_second() -> None:
    """Room is shared: no route hides another."""
    text = markdown([different(n, 30) for n in range(6)])
    for number in range(6):
        assert f"## `GET /things/{number}`" in text


def test_markdown_of_a_small_run_leaves_nothing_out() -> None:
    """Every finding with causes, evidence, fix, cases and the lines that approve it."""
    text = markdown([different(1)])
    assert "HTML and JSON" not in text
    assert text.count("**Seen:**") == 6


def test_markdown_of_strangers_texts_is_text() -> None:
    """Names of cases, causes and rules make no link, element, cell or heading."""
    text = markdown([different(1, 1, EVIL)])
    outside = re.sub(r"^ *(`{3,}).*?^ *\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    outside = re.sub(r"(`+) ?.+? ?\1", "", outside)
    assert not re.search(r"(?<!\\)\]\(", outside)
    assert not re.search(r"(?<!\\)<img", outside)
    assert "\n# head" not in outside
    assert not re.search(r"(?<!\\)\*\*bold", outside)
