"""The reports of one result, word for word, in each form.

To write them anew: CROSSFADE_WRITE_SNAPSHOTS=1 pytest tests/reports/test_golden.py
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crossfade.contract.reporting.findings import worst_first
from crossfade.contract.reporting.html import html_report
from crossfade.contract.reporting.json import json_report
from crossfade.contract.reporting.markdown import markdown
from crossfade.contract.reporting.terminal import full, short, whole
from tests.reports.accounts import ROUTES

FOLDER = Path(__file__).parent / "golden"


def terminal(routes: list[dict[str, Any]], unfinished: bool) -> str:
    """What the terminal shows of the routes that differ."""
    shown = (short(route, "all of it: contracts.txt") for route in routes if route["findings"])
    return "\n\n".join(shown) + "\n"


def page(routes: list[dict[str, Any]], unfinished: bool) -> str:
    """The page without its styles and its date."""
    text = html_report(routes, unfinished)
    text = re.sub(r"<style>.*?</style>", "<style></style>", text, flags=re.DOTALL)
    return re.sub(r"<time.*?</time>", "<time></time>", text) + "\n"


FORMS: dict[str, Callable[[list[dict[str, Any]], bool], str]] = {
    "terminal.txt": terminal,
    "whole.txt": lambda routes, unfinished: whole(worst_first(routes)),
    "report.md": markdown,
    "report.html": page,
    "report.json": json_report,
}


@pytest.mark.parametrize("name", FORMS)
def test_report_of_a_run_is_word_for_word_as_kept(name: str) -> None:
    """What a reader sees of every kind of verdict, finding and list."""
    text = FORMS[name](ROUTES, True)
    file = FOLDER / name
    if os.environ.get("CROSSFADE_WRITE_SNAPSHOTS"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_terminal_shows_five_lines_a_route_at_most() -> None:
    """However many findings, causes, cases and lines there are."""
    (route,) = [each for each in ROUTES if each["route"] == "POST /orders"]
    many = {**route, "findings": route["findings"] * 20}
    for each in (*ROUTES, many):
        if each["findings"]:
            assert len(short(each, "all of it: contracts.txt").splitlines()) <= 5
    assert len(full(many).splitlines()) > 100


def test_terminal_cuts_a_long_line() -> None:
    """A traceback's message or a body may have any length."""
    (route,) = [each for each in ROUTES if each["route"] == "POST /orders"]
    long = {**route["findings"][0], "what": ["x" * 5000], "causes": []}
    text = short({**route, "findings": [long]}, "")
    assert max(map(len, text.splitlines())) < 200


def test_routes_that_differ_come_first_in_every_form() -> None:
    """Those with a matter of security before all others."""
    order = [route["route"] for route in worst_first(ROUTES)]
    assert order == [
        "GET /admin",
        "POST /orders",
        "GET /weak",
        "PUT /ruled",
        "GET /mine",
        "GET /hello",
    ]
    for name, form in FORMS.items():
        if name == "terminal.txt":
            continue
        text = form(ROUTES, False).replace("&lt;", "<").replace("&gt;", ">")
        at = [text.index(route) for route in order]
        assert at == sorted(at), name


def test_json_has_all_of_it() -> None:
    """Nothing is cut: what the other forms leave out is there."""
    found = json.loads(json_report(ROUTES))
    assert found["format"] == 1
    assert found["verdicts"] == {
        "differs": 2,
        "can't fail": 1,
        "rule matches nothing": 1,
        "not proven": 1,
        "proven": 1,
    }
    by_name = {each["route"]: each for each in found["routes"]}
    for route in ROUTES:
        kept = by_name[route["route"]]
        assert {key: kept[key] for key in route} == json.loads(json.dumps(route))
