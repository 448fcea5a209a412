"""The HTML report as a person reads it: a file without a network, with hostile bodies in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from crossfade.contract.reporting.html import html_report
from tests.reports.accounts import account

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

HOSTILE = [
    "<script>document.title = 'owned'</script>",
    "<img src=x onerror=\"document.title = 'owned'\">",
    "</pre></details><svg onload=\"document.title = 'owned'\">",
    '"><iframe srcdoc="<script>parent.document.title = \'owned\'</script>"></iframe>',
    "'><a href=\"javascript:document.title = 'owned'\">click</a>",
    "<style>body { display: none }</style><meta http-equiv=refresh content=0;url=//evil.example>",
    "{{ 7 * 7 }}{% for x in y %}",
    "</title><base href=//evil.example>",
]
EVIL = "\n".join(HOSTILE)


def finding(what: list[str], text: str = "", count: int = 1) -> dict[str, Any]:
    """Return a finding whose every text may be somebody else's."""
    return {
        "what": what,
        "also": [f"body.{EVIL}: Flask 1, FastAPI 2"],
        "places": 9,
        "causes": [
            {
                "code": "XF401",
                "title": "Another form of the same JSON",
                "severity": "form",
                "cause": f"Flask sorts keys, FastAPI keeps their order {EVIL}",
                "evidence": EVIL,
                "fix": "return FlaskJSONResponse (crossfade.compat)",
                "anchor": "docs/causes.md#xf401",
            }
        ],
        "approve": f'[[deviations]]\nwhat = "{EVIL}"',
        "expired": [f"GET /a: body ({EVIL})"],
        "cases": [["good request", "GET /users/1"], [EVIL, f"GET /{EVIL}"]],
        "count": count,
        "text": text,
        "trace": [f"KeyError: {EVIL}"],
    }


ROUTES = [
    account("GET /hello"),
    account("GET /mine", succeeded=0, unproven=f"every answer was an error (4xx): {EVIL}"),
    account("GET /weak", too_weak=f"this contract can't fail: {EVIL}", strength=[100, 118]),
    account("PUT /ruled", stale=["PUT /ruled: body.gone"], used={f"PUT /ruled: {EVIL}": 3}),
    account(
        "POST /users/<int:user_id>",
        failed=9,
        findings=[
            finding(['body.name: Flask "Ada", FastAPI "ada"'], "### good request\nGET /users/1", 7),
            finding([f"line {n} \u202e{EVIL}" for n in range(40)], f"### evil\n\n{EVIL}\x00"),
            finding(HOSTILE),
        ],
        noise=[f"body.{EVIL}"],
        remarks=[EVIL],
        blind=[{"rule": EVIL, "count": 1, "mutants": [f"body.id changed {EVIL}"]}],
        expired=[EVIL],
        slow=EVIL,
    ),
]


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """Return the report of those routes as a file."""
    path = tmp_path / "report.html"
    path.write_text(html_report(ROUTES, unfinished=True), encoding="utf-8")
    return path


@pytest.fixture
def offline(browser: Browser) -> Iterator[Page]:
    """Return a page that has no network; its end fails the test if it asked for one or had errors.

    What the page's Content-Security-Policy had to stop is an error as well.
    """
    context = browser.new_context(viewport={"width": 1200, "height": 900}, offline=True)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.on("request", lambda r: wrong.append(r.url) if not r.url.startswith("file:") else None)
    yield page
    context.close()
    assert wrong == []


def test_the_verdicts_stand_first_the_worst_at_the_top(offline: Page, report: Path) -> None:
    """One row for each route, with its verdict and why."""
    offline.goto(report.as_uri())
    expect(offline).to_have_title(re.compile(r"^Contracts: 1 of 5 routes"))
    rows = offline.locator("tbody tr")
    assert [row.split("\n")[0] for row in rows.locator("td:first-child").all_inner_texts()] == [
        "✗ differs",
        "✗ can't fail",
        "✗ rule matches nothing",
        "? not proven",
        "✓ proven",
    ]
    expect(rows.nth(0)).to_contain_text("POST /users/<int:user_id>")
    expect(rows.nth(2)).to_contain_text("PUT /ruled: body.gone")
    expect(rows.nth(3)).to_contain_text("every answer was an error")
    expect(rows.nth(1)).to_contain_text("100 of 118")
    expect(offline.get_by_text("The run ended early")).to_be_visible()
    expect(offline.get_by_text("1 not noticed because of ")).to_be_visible()


def test_bodies_are_text(offline: Page, report: Path) -> None:
    """Nothing of what a request or an answer holds becomes a part of the page."""
    offline.goto(report.as_uri())
    offline.locator("details summary").first.click()
    assert offline.title().startswith("Contracts: ")
    assert (
        offline.locator("script, img, svg, iframe, base, a[href^=javascript], object").count() == 0
    )
    assert offline.locator("style").count() == 1
    shown = offline.locator("body").inner_text()
    for text in HOSTILE:
        assert text in shown
    assert r"\u202e" in shown
    assert "\u202e" not in offline.content()


def test_a_finding_has_cause_fix_and_the_request_to_keep(offline: Page, report: Path) -> None:
    """Reached from the table; what is long opens by a click."""
    offline.goto(report.as_uri())
    offline.get_by_role("link", name="POST /users").click()
    first = offline.locator("article").first
    expect(first).to_be_in_viewport()
    expect(first).to_contain_text('body.name: Flask "Ada", FastAPI "ada"')
    expect(first.locator("dd")).to_have_text(
        [
            re.compile("Flask sorts keys, FastAPI keeps their order.*XF401, Another form", re.S),
            re.compile("document.title"),
            "return FlaskJSONResponse (crossfade.compat)",
        ]
    )
    expect(first).to_contain_text("and in 7 places more")
    expect(first).to_contain_text("and 5 more")
    kept = first.locator("details.keep pre")
    expect(kept).to_be_hidden()
    first.locator("details.keep summary").click()
    expect(kept).to_be_visible()
    expect(kept).to_have_text("### good request\nGET /users/1")
    long = offline.locator("article").nth(1).locator("details").first
    expect(long.locator("pre")).to_be_hidden()
    long.get_by_text("all 40 lines").click()
    expect(long.locator("pre")).to_contain_text("line 39")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_system_and_fits(
    offline: Page, report: Path, scheme: Literal["light", "dark"]
) -> None:
    """Dark where the system is, readable there, and no wider than a narrow window."""
    offline.emulate_media(color_scheme=scheme)
    offline.set_viewport_size({"width": 420, "height": 800})
    offline.goto(report.as_uri())
    back, text = offline.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    light = [sum(map(int, re.findall(r"\d+", color)[:3])) for color in (back, text)]
    assert light[0] > light[1] + 450 if scheme == "light" else light[1] > light[0] + 450
    assert offline.evaluate("document.documentElement.scrollWidth") <= 420


def test_it_prints(offline: Page, report: Path) -> None:
    """On white, with all lines of a finding, whatever the system's colours."""
    offline.emulate_media(color_scheme="dark", media="print")
    offline.goto(report.as_uri())
    assert (
        offline.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    )
    expect(offline.get_by_text("line 39").last).to_be_visible()
    assert offline.pdf(format="A4").startswith(b"%PDF")


def test_nothing_was_run(offline: Page, tmp_path: Path) -> None:
    """A run without routes says that nothing is proven."""
    path = tmp_path / "empty.html"
    path.write_text(html_report([]), encoding="utf-8")
    offline.goto(path.as_uri())
    expect(offline.get_by_text("No route was compared: nothing is proven.")).to_be_visible()
    expect(offline.locator("table")).to_have_count(0)
