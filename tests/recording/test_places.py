"""Strangers choose what they send; they don't choose what is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.recording.test_traffic import RECORD, Served

FLOOD = 40


@pytest.fixture
def served(tmp_path: Path) -> Served:
    """A gateway with few places."""
    return Served(tmp_path, f"{RECORD}per_route = 5\ncount = 8\n")


def junk(path: str = "/items/a") -> list[tuple[str, str, dict[str, Any]]]:
    """Requests of as many shapes: names of parameters, then of headers, that nobody asks for."""
    half = range(FLOOD // 2)
    queries: list[tuple[str, str, dict[str, Any]]] = [("GET", f"{path}?x{n}=1", {}) for n in half]
    return [*queries, *(("GET", path, {"headers": {f"x-junk-{n}": "1"}}) for n in half)]


def kept(served: Served, route: str) -> list[str]:
    """The request lines that were kept of a route."""
    return [case.request.line for case in served.cases() if case.route == route]


def test_keeper_after_a_flood_of_shapes_keeps_the_plain_request(served: Served) -> None:
    """A request without odd names takes the place of one with them."""
    served.send(*junk(), ("GET", "/items/real", {"headers": {"accept": "text/html"}}))
    lines = kept(served, "GET /items/<name>")
    assert len(lines) == 5
    assert "GET /items/real" in lines


def test_keeper_after_a_flood_keeps_what_the_view_reads(served: Served) -> None:
    """A field that the view asks for is usual the first time."""
    flood = [("POST", "/login", {"data": {"user": "a", f"x{n}": "1"}}) for n in range(FLOOD)]
    served.send(*flood, ("POST", "/login", {"data": {"user": "ada"}}))
    bodies = [case.request.body for case in served.cases()]
    assert len(bodies) == 5
    assert b"user=ada" in bodies


def test_keeper_after_a_flood_keeps_what_comes_again(served: Served) -> None:
    """Of names that no source shows, those count that are sent more often."""
    again: list[Any] = [("GET", f"/items/{n}?page={n}", {}) for n in range(4)]
    served.send(*junk(), *again)
    lines = kept(served, "GET /items/<name>")
    assert len(lines) == 5
    assert any("?page=" in line for line in lines)


def test_keeper_after_a_flood_keeps_another_status(served: Served) -> None:
    """A status that has no case yet gets a place."""
    flood: list[Any] = [("POST", f"/login?x{n}=1", {"data": {}}) for n in range(FLOOD)]
    served.send(
        *flood, ("POST", "/login?y=1", {"data": {}}), ("POST", "/login", {"data": {"user": "a"}})
    )
    names = {case.name for case in served.cases() if case.route == "POST /login"}
    assert names == {"POST /login → 400", "POST /login → 200"}
    assert len(kept(served, "POST /login")) == 5


def test_full_folder_gives_a_place_to_a_route_that_has_none(served: Served) -> None:
    """Junk for two routes does not fill the folder for the third."""
    served.send(*junk(), *junk("/native/1"), ("POST", "/login", {"data": {"user": "ada"}}))
    assert len(served.cases()) == 8
    assert kept(served, "POST /login") == ["POST /login"]
    assert served.gateway.status()["recording"]["kept"] >= 8


def test_flood_of_one_shape_is_looked_at_once(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once the places are taken, junk costs no reading of the folder each time."""
    looks = []
    rglob = Path.rglob

    def counting(path: Path, *arguments: Any) -> Any:
        looks.append(path)
        return rglob(path, *arguments)

    monkeypatch.setattr(Path, "rglob", counting)
    served.send(*(("GET", f"/items/a?x{n}=1", {}) for n in range(60)))
    assert len(looks) < 10
    assert served.gateway.status()["recording"]["skipped"] == {"enough of this route": 55}


def test_file_that_somebody_wrote_keeps_its_place(served: Served) -> None:
    """What was edited or written by hand is nobody's to replace."""
    folder = served.folder / "contracts/recorded/get-items-name"
    folder.mkdir(parents=True)
    for name in ("200-aaaaaaaaaaaa", "mine", "200-bbbbbbbbbbbb", "d", "e"):
        text = f"# @route GET /items/<name>\n\n### by hand\nGET /items/{name}?odd{name}=1\n"
        (folder / f"{name}.http").write_text(text, encoding="utf-8")
    served.send(("GET", "/items/real", {}))
    assert len(kept(served, "GET /items/<name>")) == 5
    assert "GET /items/real" not in kept(served, "GET /items/<name>")
