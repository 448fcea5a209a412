"""What a file may be: a device, a pipe, too large, too deep; and whose it is afterwards."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from crossfade.contract.cases.http_file import CaseError, parse_cases, read_cases
from crossfade.contract.receipts.store import Folder, file_name
from crossfade.errors import MapError
from crossfade.files import MOST, read_small, replace_file
from crossfade.migration_map.parse import parse_map, read_map
from tests.unit.test_maps import load


def a_device(path: Path) -> None:
    """Link to what never ends."""
    path.symlink_to("/dev/zero")


def a_pipe(path: Path) -> None:
    """Make a pipe that nobody writes to."""
    os.mkfifo(path)


def too_large(path: Path) -> None:
    """Make a file with more than a map has."""
    with path.open("wb") as file:
        file.truncate(MOST + 1)


ODD: dict[Callable[[Path], None], str] = {
    a_device: "it is a device, not a regular file",
    a_pipe: "it is a pipe, not a regular file",
    too_large: f"it is larger than {MOST} bytes",
}


@pytest.fixture(params=ODD, ids=lambda make: make.__name__)
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """Return what is no file to read whole, and what is said of it."""
    path = tmp_path / "odd"
    request.param(path)
    return path, ODD[request.param]


def test_read_map_odd_file_is_a_problem(odd: tuple[Path, str]) -> None:
    """At boot: at once, with the reason."""
    path, reason = odd
    with pytest.raises(MapError, match=f"it can't be read: {reason}"):
        read_map(path)


def test_poll_odd_file_leaves_the_last_good_map(odd: tuple[Path, str], tmp_path: Path) -> None:
    """On reload: the map in force stays."""
    odd_file, reason = odd
    path = tmp_path / "map.toml"
    path.write_text('[routes]\n"GET /hello" = "native"\n', encoding="utf-8")
    live = load(path)
    odd_file.replace(path)
    assert not live.poll()
    assert reason.partition(",")[0] in str(live.rejected)
    assert len(live.snapshot.map.entries) == 1


def test_read_receipt_odd_file_is_said(odd: tuple[Path, str], tmp_path: Path) -> None:
    """A receipt that is none proves nothing."""
    path, reason = odd
    path.rename(tmp_path / file_name("GET /a"))
    with pytest.raises(ValueError, match=reason):
        Folder(tmp_path).read("GET /a")


@pytest.mark.parametrize("make", [a_device, a_pipe], ids=lambda make: make.__name__)
def test_read_cases_odd_file_is_a_problem(make: Callable[[Path], None], tmp_path: Path) -> None:
    """Any file below contracts/ may be a link."""
    make(tmp_path / "odd.http")
    with pytest.raises(CaseError, match="can't be read: it is a"):
        read_cases(tmp_path / "odd.http")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[routes]\na = " + "[" * 100_000, 2),
        ("[routes]\na = " + "[" * 100 + "]" * 100, 2),
        ("[routes]\n\na = " + "{a=" * 100_000, 3),
        ("[routes]\n" + ".".join("a" * 60) + " = 1", 2),
        ("[" + ".".join("a" * 500_000) + "]", 1),
        ("[routes]\na = " + "9" * 10_000, 2),
    ],
    ids=["arrays", "closed arrays", "tables", "a key", "a header", "a number"],
)
def test_parse_map_deep_text_is_a_problem(text: str, line: int) -> None:
    """Parsers recurse, or take the square of the time."""
    with pytest.raises(MapError) as caught:
        parse_map(text.encode())
    (problem,) = caught.value.problems
    assert problem.reason.startswith("this is not TOML: ")
    assert problem.line == line


def test_parse_map_dots_in_texts_are_no_depth() -> None:
    """Many dots are fine where they are no key."""
    reason = "." * 300
    text = f'[[deviations]]\nroute = "GET /a"\nwhat = "status"\nreason = "{reason}"\n'
    assert parse_map(text.encode()).deviations[0].reason == reason


@pytest.mark.parametrize(
    "lines",
    [
        [r"\(x*100000000)"],
        [r"\(xx*40000000)"],
        [rf"\(x*{'9' * 5000})"],
        [r"\(x*30000000)"] * 3,
    ],
    ids=["one", "two bytes", "a number of 5,000 digits", "three"],
)
def test_parse_cases_repeats_are_bounded(lines: list[str]) -> None:
    """A line of text asks for gigabytes; together they may not either."""
    body = "\n".join(lines)
    text = f"### large\n# @body escaped\nPOST /a\n\n{body}\n"
    with pytest.raises(CaseError, match="the repeats are too many"):
        parse_cases(text, "large.http")


def test_parse_cases_repeats_that_fit_are_read() -> None:
    """An upload of a few megabytes is a case like any other."""
    text = "### large\n# @body escaped\nPOST /a\n\n\\(xy*3000000)\n"
    (case,) = parse_cases(text, "large.http")
    assert len(case.request.body) == 6_000_000


# --- writing --------------------------------------------------------------------------------------


as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")


@as_root
def test_replace_file_as_root_keeps_owner_and_mode(tmp_path: Path) -> None:
    """`sudo crossfade rollback` leaves a map that its owner can still edit."""
    path = tmp_path / "map.toml"
    path.write_bytes(b"old")
    path.chmod(0o640)
    os.chown(path, 1234, 2345)
    replace_file(path, b"new")
    found = path.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (1234, 2345, 0o640)
    assert path.read_bytes() == b"new"


@as_root
def test_replace_file_whose_owner_can_not_be_kept_is_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder of the group's: the file stays the one that it is."""
    path = tmp_path / "map.toml"
    path.write_bytes(b"old and longer")
    os.chown(path, 1234, 2345)
    before = path.stat()

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "fchown", refuse)
    replace_file(path, b"new")
    after = path.stat()
    assert (path.read_bytes(), after.st_ino, after.st_uid) == (b"new", before.st_ino, 1234)
    assert [each.name for each in tmp_path.iterdir()] == ["map.toml"]


def test_replace_file_new_one_is_made_with_the_usual_mode(tmp_path: Path) -> None:
    """As the umask says, not as temporary files are."""
    old = os.umask(0o027)
    try:
        replace_file(tmp_path / "new", b"x")
    finally:
        os.umask(old)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640
    assert read_small(tmp_path / "new") == b"x"
