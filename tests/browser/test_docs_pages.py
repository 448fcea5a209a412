"""`/docs` and `/redoc` as a person sees them: both sides, tried out, before and after a move."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.servers.harness import Server, until

pytestmark = [pytest.mark.slow, pytest.mark.newest_versions]

MOVED = '"GET /players/<int:player_id>" = "native"\n'


def open_docs(page: Page, server: Server) -> None:
    """Open Swagger UI and wait until it shows the operations."""
    page.goto(f"http://127.0.0.1:{server.port}/docs")
    expect(page.locator(".opblock").first).to_be_visible()


def operation(page: Page, method: str, path: str) -> Locator:
    """Return an operation's block."""
    exact = page.locator(f'.opblock-summary-path[data-path="{path}"]')
    block = page.locator(f".opblock.opblock-{method.lower()}").filter(has=exact)
    expect(block).to_have_count(1)
    return block


def execute(block: Locator, body: str | None = None, **parameters: str) -> tuple[str, Any, str]:
    """Try an operation out; return the status, the JSON and the headers that the page shows."""
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    for name, value in parameters.items():
        block.locator(f'tr[data-param-name="{name}"] input').fill(value)
    if body is not None:
        block.locator("textarea.body-param__text").fill(body)
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .response")
    expect(answer).to_be_visible()
    shown, headers = answer.locator(".highlight-code code, .microlight"), "Response headers"
    status = answer.locator(".response-col_status").inner_text().split()[0]
    head = answer.locator("h5", has_text=headers).locator("xpath=following-sibling::*[1]")
    return status, json.loads(shown.first.inner_text()), head.inner_text()


def rows(page: Page) -> list[str]:
    """Return what the closed list says of each operation: method, path, summary."""
    return [" ".join(text.split()) for text in page.locator(".opblock-summary").all_inner_texts()]


def without_marks(listed: list[str]) -> list[str]:
    """Return method and path of each row."""
    return [" ".join(row.split()[:2]) for row in listed]


def test_both_sides_are_shown(page: Page, server: Server) -> None:
    """Every operation of the document, each with the side that answers it."""
    open_docs(page, server)
    document = page.request.get(f"http://127.0.0.1:{server.port}/openapi.json").json()
    listed = rows(page)
    assert len(listed) == sum(map(len, document["paths"].values())) > 30
    assert sum("[native]" in row for row in listed) == 2
    assert sum("[legacy]" in row for row in listed) == len(listed) - 2
    assert any(row.startswith("GET /teams Return every team. [legacy]") for row in listed)


def test_a_native_route_is_tried_out(page: Page, server: Server) -> None:
    """The right answer, from FastAPI."""
    open_docs(page, server)
    status, answer, headers = execute(operation(page, "GET", "/users/{user_id}"), user_id="1")
    assert (status, answer["id"]) == ("200", 1)
    assert "x-served-by: fastapi" in headers


def test_a_legacy_route_is_tried_out(page: Page, server: Server) -> None:
    """The right answer, from Flask."""
    open_docs(page, server)
    status, answer, headers = execute(operation(page, "GET", "/players/{player_id}"), player_id="2")
    assert (status, answer["id"]) == ("200", 2)
    assert "x-served-by: flask" in headers


def test_a_legacy_route_is_sent_a_body(page: Page, server: Server) -> None:
    """Flask declares none, and one can be typed all the same."""
    open_docs(page, server)
    body = json.dumps({"name": "Browsers", "city": "Oslo"})
    status, answer, headers = execute(operation(page, "POST", "/teams"), body=body)
    assert (status, answer["team"]["city"]) == ("201", "Oslo")
    assert "x-served-by: flask" in headers


def test_after_a_move(page: Page, server: Server, migration_map: Path) -> None:
    """The same list with another mark, and the same answer from the other side."""
    open_docs(page, server)
    before = rows(page)
    player = "/players/{player_id}"
    _, answer, _ = execute(operation(page, "GET", player), player_id="1")
    migration_map.write_text(migration_map.read_text() + MOVED)

    def moved() -> bool:
        document = page.request.get(f"http://127.0.0.1:{server.port}/openapi.json").json()
        return bool(document["paths"][player]["get"]["x-crossfade"]["served_by"] == "fastapi")

    until(moved, what="the move")
    open_docs(page, server)
    after = rows(page)
    assert without_marks(after) == without_marks(before)
    assert [row for row in after if row not in before] == [f"GET {player} Get Player [native]"]
    status, again, headers = execute(operation(page, "GET", player), player_id="1")
    assert (status, again) == ("200", answer)
    assert "x-served-by: fastapi" in headers


def test_redoc(page: Page, server: Server) -> None:
    """The other page shows both sides too."""
    page.goto(f"http://127.0.0.1:{server.port}/redoc")
    expect(page.get_by_role("heading", name="Return every team. [legacy]")).to_be_visible()
    expect(page.get_by_role("heading", name="Get User [native]")).to_be_visible()
