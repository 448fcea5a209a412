"""`LiveMap.poll`: what it takes over, what it refuses, and what it says."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from crossfade.errors import MapError, Problem
from crossfade.gateway.live_map import LiveMap, Snapshot
from crossfade.migration_map.parse import MigrationMap
from crossfade.routing import LegacyApp, NativeApp, RouteTable, RouteTableBuilder
from tests.live import app as apps
from tests.live.kit import BAD, LEGACY, NATIVE, replace


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a map that leaves the route to Flask."""
    file = tmp_path / "migration_map.toml"
    file.write_text(LEGACY)
    return file


@pytest.fixture
def build() -> Callable[[MigrationMap], RouteTable]:
    """Return what builds a table for the application of this folder."""
    return RouteTableBuilder(LegacyApp(apps.legacy, apps.legacy), NativeApp(apps.app)).build


@pytest.fixture
def live(path: Path, build: Callable[[MigrationMap], RouteTable]) -> LiveMap:
    """Return a live map that nobody follows: tests poll it."""
    return LiveMap(path, build)


def stage(live: LiveMap) -> str:
    """Return the stage of the user's route in the snapshot in force."""
    (entry,) = live.snapshot.map.entries
    return entry.stage.value


def test_takes_over_a_save(live: LiveMap, path: Path) -> None:
    """One poll after a save, the snapshot is the new file."""
    before = live.snapshot
    path.write_text(NATIVE)
    assert live.poll()
    assert stage(live) == "native"
    assert live.snapshot is not before
    assert (before.map.entries[0].stage.value, live.rejected) == ("legacy", None)


def test_an_unchanged_file_is_ignored(live: LiveMap, caplog: pytest.LogCaptureFixture) -> None:
    """The very same snapshot stays, and nothing is logged."""
    before = live.snapshot
    with caplog.at_level(logging.DEBUG):
        assert [live.poll() for _ in range(5)] == [False] * 5
    assert live.snapshot is before
    assert caplog.records == []


def test_an_unchanged_save_is_ignored(
    live: LiveMap, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Writing the same text again, or touching the file, changes nothing."""
    before = live.snapshot
    with caplog.at_level(logging.DEBUG):
        for save in (lambda: path.write_text(LEGACY), path.touch, lambda: replace(path, LEGACY)):
            save()
            assert not live.poll()
    assert live.snapshot is before
    assert caplog.records == []


def test_a_settled_file_is_not_read_again(
    live: LiveMap, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once its times are older than the coarsest clock, a poll costs one stat."""
    os.utime(path, (1, 1))
    now = path.stat().st_ctime + 10
    monkeypatch.setattr("crossfade.gateway.live_map.time", SimpleNamespace(time=lambda: now))
    live.poll()
    reads: list[Path] = []
    read = Path.read_bytes

    def counted(file: Path) -> bytes:
        reads.append(file)
        return read(file)

    monkeypatch.setattr(Path, "read_bytes", counted)
    assert not any(live.poll() for _ in range(3))
    assert reads == []


def test_a_save_within_the_clocks_grain_is_seen(
    live: LiveMap, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Same size, times and inode, as with a coarse clock: the file is read all the same."""
    found = path.stat()
    monkeypatch.setattr("crossfade.gateway.live_map.os", SimpleNamespace(stat=lambda _: found))
    path.write_text(NATIVE)
    assert live.poll()
    path.write_text(LEGACY)
    assert live.poll()


def test_a_bad_edit_changes_nothing(
    live: LiveMap, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The last good snapshot stays; all problems are kept and logged, once."""
    before = live.snapshot
    path.write_text(BAD)
    assert not any(live.poll() for _ in range(3))
    assert live.snapshot is before
    assert live.rejected is not None
    assert [(p.line, p.subject) for p in live.rejected.problems] == [
        (5, "GET /users/<int:user_id>"),
        (6, "GET /typo"),
    ]
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    for problem in live.rejected.problems:
        assert str(problem) in record.getMessage()
    assert before.revision[:12] in record.getMessage()


def test_the_way_back_from_a_bad_edit(live: LiveMap, path: Path) -> None:
    """A good file clears the problems: the old text and a new one."""
    before = live.snapshot
    path.write_text(BAD)
    live.poll()
    path.write_text(LEGACY)
    assert not live.poll()
    assert live.rejected is None
    assert live.snapshot is before
    path.write_text(BAD)
    live.poll()
    path.write_text(NATIVE)
    assert live.poll()
    assert (live.rejected, stage(live)) == (None, "native")


def test_flapping_is_not_lost(live: LiveMap, path: Path) -> None:
    """There and back between two polls is no change; there, back and there is one."""
    path.write_text(NATIVE)
    path.write_text(LEGACY)
    assert not live.poll()
    path.write_text(NATIVE)
    assert live.poll()
    path.write_text(LEGACY)
    assert live.poll()
    assert stage(live) == "legacy"


def test_ten_saves_end_at_the_last(live: LiveMap, path: Path) -> None:
    """Whatever was polled in between."""
    for number in range(10):
        replace(path, (NATIVE if number % 2 else LEGACY) + f"# {number}\n")
        if number % 3 == 0:
            live.poll()
    live.poll()
    assert live.snapshot.map.revision == LiveMap(path, live._build).snapshot.revision
    assert stage(live) == "native"


def test_a_file_that_is_still_being_written_is_waited_for(
    live: LiveMap, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Truncated, half written, whole: only what stays for a while is looked at."""
    steps = [NATIVE[:40], NATIVE[:90], NATIVE]
    path.write_text("")

    def wait(timeout: float | None = None) -> bool:
        if steps:
            path.write_text(steps.pop(0))
        return False

    monkeypatch.setattr(live._stop, "wait", wait)
    assert live.poll()
    assert stage(live) == "native"
    assert steps == []


def test_an_empty_file_is_given_more_time(
    live: LiveMap, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mostly it is the first half of a slow save, which is not worth an error."""
    waits: list[float] = []

    def wait(timeout: float | None = None) -> bool:
        waits.append(timeout or 0)
        return False

    path.write_text(NATIVE)
    live.poll()
    monkeypatch.setattr(live._stop, "wait", wait)
    path.write_text(LEGACY)
    live.poll()
    path.write_text("")
    assert not live.poll()
    assert waits[1] > 5 * waits[0]


@pytest.mark.parametrize(
    "text",
    ["", "\n \t\r\n", "\ufeff", "# only\n  # comments", '#[routes]\n#"GET /a" = "native"'],
    ids=["no byte", "blanks", "byte order mark", "comments", "all commented out"],
)
def test_a_blank_file_moves_nothing_back(
    live: LiveMap, path: Path, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    """A save that broke off: the last map stays, and it is said once, with the way to mean it."""
    path.write_text(NATIVE)
    live.poll()
    before = live.snapshot
    path.write_text(text, encoding="utf-8")
    assert not any(live.poll() for _ in range(3))
    assert live.snapshot is before
    (record,) = [each for each in caplog.records if each.levelname == "ERROR"]
    for words in ("the file is empty", 'write the one line "[routes]"', "stays in force"):
        assert words in record.getMessage()
    path.write_text(NATIVE)
    assert not live.poll()
    assert live.rejected is None


def test_an_empty_table_moves_everything_back(live: LiveMap, path: Path) -> None:
    """The one line that says that it is meant."""
    path.write_text(NATIVE)
    live.poll()
    path.write_text("[routes]")
    assert live.poll()
    assert live.snapshot.map.entries == ()
    path.write_text("# a save that broke off\n")
    assert not live.poll()


def test_a_gateway_may_start_with_a_blank_file(
    path: Path, build: Callable[[MigrationMap], RouteTable]
) -> None:
    """Flask answers everything, and there is nothing that was moved back."""
    path.write_text("")
    live = LiveMap(path, build)
    assert live.snapshot.map.entries == ()
    path.write_text("# begun\n")
    assert live.poll()


def test_a_route_that_this_process_does_not_have_is_called_one_to_restart_for(
    live: LiveMap, path: Path
) -> None:
    """The code may have it by now, and this process does not."""
    path.write_text(BAD)
    live.poll()
    assert live.rejected is not None
    stage_problem, route_problem = live.rejected.problems
    assert "restart the server first" in route_problem.remedy
    assert "restart" not in stage_problem.remedy


def test_a_deleted_file_keeps_the_last_map(
    live: LiveMap, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once, and the map that was in force stays so; restored, it counts again."""
    before = live.snapshot
    path.unlink()
    assert not any(live.poll() for _ in range(3))
    assert live.snapshot is before
    assert live.rejected is not None
    assert "can't be read any more" in str(live.rejected)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    path.write_text(LEGACY)
    assert not live.poll()
    assert live.rejected is None
    assert live.snapshot is before
    path.unlink()
    live.poll()
    path.write_text(NATIVE)
    assert live.poll()
    assert stage(live) == "native"


def test_a_file_that_an_editor_moves_aside_for_a_moment_is_not_missed(
    live: LiveMap, path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vim renames the old file before it writes the new one: that is no deletion."""
    path.rename(path.with_suffix(".toml~"))

    def wait(timeout: float | None = None) -> bool:
        path.write_text(NATIVE)
        return False

    monkeypatch.setattr(live._stop, "wait", wait)
    assert live.poll()
    assert stage(live) == "native"
    assert [record.levelname for record in caplog.records if record.levelno > logging.INFO] == []


def test_a_directory_in_its_place(live: LiveMap, path: Path) -> None:
    """A volume that is not mounted yet: the last map stays."""
    path.unlink()
    path.mkdir()
    assert not live.poll()
    assert live.rejected is not None
    path.rmdir()
    path.write_text(NATIVE)
    assert live.poll()


def test_a_pipe_in_its_place(live: LiveMap, path: Path) -> None:
    """Nobody waits for what may never be written; and what is wrong now is what is said."""
    path.unlink()
    assert not live.poll()
    assert "No such file" in str(live.rejected)
    os.mkfifo(path)
    assert not live.poll()
    assert "it is a pipe" in str(live.rejected)
    path.unlink()
    path.write_text(NATIVE)
    assert live.poll()


def test_whoever_is_told_of_a_change_is_told_by_the_thread_that_saw_it(
    live: LiveMap, path: Path
) -> None:
    """No request waits for it."""
    told: list[Snapshot] = []
    live.on_change = told.append
    path.write_text(NATIVE)
    assert live.poll()
    assert told == [live.snapshot]


def test_symbolic_links_swapped_as_by_kubernetes(
    tmp_path: Path,
    build: Callable[[MigrationMap], RouteTable],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`map.toml` → `..data/map.toml`, and `..data` → a directory of its own per version."""
    volume = tmp_path / "config"
    volume.mkdir()

    def publish(version: str, text: str) -> None:
        folder = volume / f"..2026_01_01_{version}"
        folder.mkdir()
        (folder / "map.toml").write_text(text)
        os.utime(folder / "map.toml", (1, 1))  # kubelet may keep times
        link = volume / "..data_tmp"
        link.symlink_to(folder.name)
        link.rename(volume / "..data")

    later = time.time() + 1000  # so that nothing is read again only because it is new
    monkeypatch.setattr("crossfade.gateway.live_map.time", SimpleNamespace(time=lambda: later))
    publish("1", LEGACY)
    (volume / "map.toml").symlink_to("..data/map.toml")
    live = LiveMap(volume / "map.toml", build)
    live.poll()
    publish("2", NATIVE)
    assert live.poll()
    assert stage(live) == "native"


@pytest.mark.parametrize("failure", [RuntimeError("bug"), MapError([Problem("f", 1, "", "no")])])
def test_a_table_that_can_not_be_built_is_refused(
    live: LiveMap, path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """Whatever goes wrong, the last map stays in force and the failure is visible."""

    def fail(migration_map: MigrationMap) -> RouteTable:
        raise failure

    before = live.snapshot
    build = live._build
    monkeypatch.setattr(live, "_build", fail)
    path.write_text(NATIVE)
    assert not live.poll()
    assert live.snapshot is before
    assert live.rejected is not None
    monkeypatch.setattr(live, "_build", build)
    path.write_text(NATIVE + "# again\n")
    assert live.poll()
    assert live.rejected is None


def test_what_moved_is_logged(live: LiveMap, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Revisions and routes: enough to say later when a route moved."""
    before = live.snapshot.revision
    path.write_text(NATIVE)
    with caplog.at_level(logging.INFO, "crossfade.live"):
        live.poll()
    (message,) = [record.getMessage() for record in caplog.records]
    assert before[:12] in message
    assert live.snapshot.revision[:12] in message
    assert "GET /users/<int:user_id> legacy → native" in message


def test_settings_of_the_bridge_wait_for_the_next_start(
    live: LiveMap, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """That is said, as nothing else would tell."""
    path.write_text("[bridge]\nthreads = 3\n" + LEGACY)
    assert live.poll()
    assert "[bridge] change with the next start" in caplog.text


def test_a_request_that_has_its_snapshot_keeps_it(live: LiveMap, path: Path) -> None:
    """The old table goes on deciding as it did, after the swap."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/users/1",
        "query_string": b"",
        "headers": [(b"host", b"h")],
    }
    before = live.snapshot
    path.write_text(NATIVE)
    live.poll()
    old, new = before.table.match(scope).target, live.snapshot.table.match(scope).target
    assert old is not None
    assert new is not None
    assert (old.stage.value, new.stage.value) == ("legacy", "native")


def test_it_is_followed_by_one_thread(live: LiveMap, path: Path) -> None:
    """Starting twice is starting once; stopping ends it; it can be started again."""
    live.start()
    thread = live._thread
    live.start()
    assert live._thread is thread
    live.stop()
    assert thread is not None
    assert not thread.is_alive()
    live.start()
    try:
        path.write_text(NATIVE)
        deadline = threading.Event()
        for _ in range(500):
            if stage(live) == "native":
                break
            deadline.wait(0.02)
        assert stage(live) == "native"
    finally:
        live.stop()
    live.stop()


def test_check_validates_another_file_and_changes_nothing(live: LiveMap, tmp_path: Path) -> None:
    """As `crossfade check-map` does."""
    other = tmp_path / "other.toml"
    other.write_text(NATIVE)
    before = live.snapshot
    assert live.check(other).map.entries[0].stage.value == "native"
    other.write_text(BAD)
    with pytest.raises(MapError):
        live.check(other)
    assert live.snapshot is before
