"""Tables of the command line: whole names, whatever the width."""

from __future__ import annotations

import pytest

from crossfade.console import table

HANDLER = "shop.routers.invoices.lines.read_the_lines_of_one_invoice_by_number"


def test_table_without_width_keeps_each_row_on_one_line() -> None:
    """For pipes and files: one row, one line."""
    lines = list(table(("route", "handler"), [("GET /a", HANDLER), ("POST /abc", "-")]))
    assert lines == ["route      handler", f"GET /a     {HANDLER}", "POST /abc  -"]


@pytest.mark.parametrize("width", [8, 20, 40, 60, 80, 120])
def test_table_at_any_width_shows_every_word_whole(width: int) -> None:
    """A name that is too long for the terminal is folded by the terminal, not cut."""
    rows = [("GET /a", HANDLER), ("DELETE /" + "long/" * 12, "words that may be wrapped " * 5)]
    words = "\n".join(table(("route", "handler"), rows, width)).split()
    assert words == ["route", "handler", *" ".join(" ".join(row) for row in rows).split()]


def test_table_in_a_narrow_terminal_wraps_under_its_column() -> None:
    """What is wrapped stays below its heading."""
    rows = [("a", "one two three four five six seven eight nine ten")]
    assert list(table(("x", "text"), rows, 40)) == [
        "x  text",
        "a  one two three four five six seven",
        "   eight nine ten",
    ]


def test_table_takes_markup_for_text() -> None:
    """Square brackets, colons and backslashes mean nothing here."""
    rows = [("GET /[red]x[/]", ":smile: \\[a] [record]")]
    assert list(table(("a", "b"), rows, 80))[1] == "GET /[red]x[/]  :smile: \\[a] [record]"
