"""docs/same-answer.md is true: each of its rows is a pair of handlers that answer alike."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask

from crossfade.model import FORCE_SIDE, Side
from tests.asgi.kit import Answer, Mount, ask
from tests.compat.same_answer import ROWS, Ask, Row

PAGE = Path(__file__).parents[2] / "docs" / "same-answer.md"
ROW = re.compile(r"^\| (?P<name>.+?) \| (?P<do>.+?) \|$", re.MULTILINE)


def written() -> dict[str, str]:
    """Return what the page says: the row's name, and what to do."""
    rows = [match.groups() for match in ROW.finditer(PAGE.read_text(encoding="utf-8"))]
    return {name: do for name, do in rows if name not in {"in Flask", "---"}}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize("debug", [False, True], ids=["", "debug"])
def test_the_answer_is_the_same(mount: Mount, row: Row, debug: bool) -> None:
    """Status, headers and body bytes, for every request of the row."""
    legacy, app = Flask(__name__, static_folder=None), FastAPI()
    legacy.secret_key = "k"
    legacy.debug = debug
    legacy.config["PROPAGATE_EXCEPTIONS"] = False
    row.build(legacy, app)
    mount(app, legacy, settings="[bridge]\nlimit_request_line = 0")
    for request in row.asks:
        expected = answer_of(app, request, Side.LEGACY)
        # FastAPI's pages are no counterparts that anybody chose.
        side = None if row.name.startswith("`/docs`") else Side.NATIVE
        assert answer_of(app, request, side) == expected, request


def answer_of(app: FastAPI, request: Ask, side: Side | None) -> Any:
    """Return what a client sees; a session's cookie without its time stamp."""
    answer: Answer = ask(
        app,
        request.method,
        request.target,
        *request.headers,
        body=request.body,
        **{FORCE_SIDE: side},
    )
    headers = sorted(
        (name, re.sub(r"(session=[^.]+)\.[^;]+", r"\1", value)) for name, value in answer.headers
    )
    if request.method == "OPTIONS":
        headers = [(n, str(sorted(v.split(", ")))) if n == "allow" else (n, v) for n, v in headers]
    return answer.status, headers, answer.body


def test_the_page_and_the_rows_are_the_same() -> None:
    """No row without a test, no test without a row."""
    assert list(written()) == [row.name for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_page_shows_what_is_tested(row: Row) -> None:
    """Every piece of code in the column "natively" is in the handlers that are compared."""
    source = inspect.getsource(row.build)
    for code in re.findall(r"`([^`]+)`", written()[row.name]):
        assert code in source, code
