"""Edits of a map's text: only what is meant changes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from crossfade.migration_map.edit import listed, read_file, remove_route, set_stage, write_file
from crossfade.migration_map.parse import parse_map
from crossfade.model import Stage, Waiver

WAIVER = Waiver("why", date(2030, 1, 31))
MAPS = Path(__file__).parent.parent / "maps" / "valid"

CASES = {
    "a value, its comment and its column stay": (
        '[routes]\n"GET /a"   = "legacy"   # soon\n"GET /b" = "native"\n',
        '[routes]\n"GET /a"   = "native"   # soon\n"GET /b" = "native"\n',
    ),
    "an inline table keeps its other keys": (
        '[routes]\n"GET /a" = { stage = "legacy", hooks = "none" } # x\n',
        '[routes]\n"GET /a" = { stage = "native", hooks = "none" } # x\n',
    ),
    "a table": (
        '[routes."GET /a"]\nstage = "legacy" # x\nhooks = "none"\n',
        '[routes."GET /a"]\nstage = "native" # x\nhooks = "none"\n',
    ),
    "a new line stands behind the last, in its columns": (
        '[routes]\n"GET /bcd" = "legacy" # x\n\n# end\n[bridge]\n',
        '[routes]\n"GET /bcd" = "legacy" # x\n"GET /a"   = "native"\n\n# end\n[bridge]\n',
    ),
    "before the tables of single routes": (
        '[routes]\n[routes."GET /b"]\nstage = "native"\n',
        '[routes]\n"GET /a" = "native"\n[routes."GET /b"]\nstage = "native"\n',
    ),
    "beside tables of single routes alone": (
        '[routes."GET /b"]\nstage = "native"\n',
        '[routes."GET /b"]\nstage = "native"\n\n[routes]\n"GET /a" = "native"\n',
    ),
    "dotted keys": (
        'routes."GET /b" = "native"\n',
        'routes."GET /b" = "native"\nroutes."GET /a" = "native"\n',
    ),
    "an empty file": ("", '[routes]\n"GET /a" = "native"\n'),
    "no end of line": ("[routes]", '[routes]\n"GET /a" = "native"\n'),
    "Windows": (
        '[routes]\r\n"GET /b" = "native"\r\n',
        '[routes]\r\n"GET /b" = "native"\r\n"GET /a" = "native"\r\n',
    ),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_a_route_becomes_native(before: str, after: str) -> None:
    """And nothing else changes."""
    assert set_stage(before, "GET /a", Stage.NATIVE) == after
    stages = {entry.key: entry.stage for entry in parse_map(after.encode()).entries}
    assert stages["GET /a"] is Stage.NATIVE


@pytest.mark.parametrize("before", [before for before, _ in CASES.values()], ids=CASES)
def test_a_waiver_comes_and_goes(before: str) -> None:
    """With it, the map is one that parses; without it, as if it had not been there."""
    waived = set_stage(before, "GET /a", Stage.NATIVE, WAIVER)
    (entry,) = (e for e in parse_map(waived.encode()).entries if e.key == "GET /a")
    assert entry.receipt == WAIVER
    without = set_stage(waived, "GET /a", Stage.NATIVE)
    assert without.split() == set_stage(before, "GET /a", Stage.NATIVE).split()


@pytest.mark.parametrize("before", [before for before, _ in CASES.values()], ids=CASES)
def test_one_route_goes_back(before: str) -> None:
    """What the map said of it comes back, whatever else was edited."""
    edited = set_stage(before, "GET /a", Stage.NATIVE, WAIVER) + "\n# edited\n"
    undo = set_stage(edited, "GET /a", Stage.LEGACY)
    back = undo if "GET /a" in listed(before) else remove_route(edited, "GET /a")
    assert back.endswith("# edited\n")
    assert parse_map(back.encode()).entries == parse_map(before.encode()).entries


def test_remove_route_line_with_more_than_a_stage_stays() -> None:
    """Somebody wrote it: it only goes back to Flask."""
    text = '[routes]\n"GET /a" = { stage = "native", guards = ["login_required"] } # ours\n'
    assert remove_route(text, "GET /a") == text.replace('"native"', '"legacy"')


@pytest.mark.parametrize("path", sorted(MAPS.glob("*.toml")), ids=lambda path: path.name)
def test_an_edit_and_its_opposite_are_nothing(path: Path) -> None:
    """On every valid map of the tests, byte for byte."""
    text = path.read_bytes().decode("utf-8-sig")
    for key in listed(text):
        (entry,) = (e for e in parse_map(text.encode()).entries if e.key == key)
        assert set_stage(text, key, entry.stage, entry.receipt) == text


def test_a_file_is_replaced_through_its_links_with_its_permissions(tmp_path: Path) -> None:
    """As ConfigMaps and deployments have them."""
    real = tmp_path / "real.toml"
    real.write_bytes(b"old\r\n")
    real.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(real)
    write_file(link, "new\r\n")
    assert link.is_symlink()
    assert real.read_bytes() == b"new\r\n"
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.toml", "real.toml"]


def test_a_byte_order_mark_stays(tmp_path: Path) -> None:
    """As editors on Windows save it; an edit never sees it."""
    path = tmp_path / "map.toml"
    path.write_bytes(b'\xef\xbb\xbf[routes]\r\n"GET /a" = "legacy"\r\n')
    write_file(path, set_stage(read_file(path), "GET /a", Stage.NATIVE))
    assert path.read_bytes() == b'\xef\xbb\xbf[routes]\r\n"GET /a" = "native"\r\n'
