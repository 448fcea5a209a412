"""A live server follows its map: every way to save, in every worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.kit import BAD, LEGACY, NATIVE, Workers, replace, serve
from tests.servers import Connection, Server, get, until


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder as Kubernetes mounts a ConfigMap: `map.toml` → `..data` → a version."""
    folder = tmp_path_factory.mktemp("config")
    publish(folder, "first", LEGACY)
    (folder / "map.toml").symlink_to("..data/map.toml")
    return folder


@pytest.fixture(scope="module")
def two(volume: Path) -> Iterator[Workers]:
    """Two workers that follow a link of links."""
    with serve(volume / "map.toml", "--workers", "2") as server:
        workers = Workers(server, 2)
        yield workers
        workers.close()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a map that is a plain file."""
    path = tmp_path_factory.mktemp("map") / "map.toml"
    path.write_text(LEGACY)
    return path


@pytest.fixture(scope="module")
def one(path: Path) -> Iterator[Workers]:
    """One worker that follows a plain file."""
    with serve(path) as server:
        workers = Workers(server, 1)
        yield workers
        workers.close()


def publish(folder: Path, version: str, text: str) -> None:
    """Swap the volume's version by one rename of a link, as the kubelet does."""
    (folder / f"..{version}").mkdir()
    (folder / f"..{version}" / "map.toml").write_text(text)
    (folder / "..data_tmp").symlink_to(f"..{version}")
    (folder / "..data_tmp").rename(folder / "..data")


def test_a_swapped_volume_moves_the_route_in_every_worker(two: Workers, volume: Path) -> None:
    """Kubernetes' way: no file that was opened ever changes."""
    two.follow(LEGACY)
    assert two.sides() == {"flask"}
    for number in range(2):
        publish(volume, f"native{number}", NATIVE)
        two.follow(NATIVE)
        assert two.sides() == {"fastapi"}
        publish(volume, f"legacy{number}", LEGACY)
        two.follow(LEGACY)
        assert two.sides() == {"flask"}


def test_a_bad_edit_is_visible_in_every_worker(two: Workers, volume: Path) -> None:
    """It changes nothing; each worker shows and logs all of its problems."""
    two.follow(LEGACY)
    publish(volume, "bad", BAD)
    until(lambda: all(status["problems"] for status in two.statuses()), 10, "problems shown")
    two.follow(LEGACY)
    assert two.sides() == {"flask"}
    for status in two.statuses():
        lines = [problem.removeprefix(f"{volume}/map.toml:") for problem in status["problems"]]
        assert lines[0].startswith("5: GET /users/<int:user_id>: unknown stage 'natve'")
        assert lines[1].startswith("6: GET /typo: unknown route")
    log = two.server.log()
    for word in ("unknown stage 'natve'", "GET /typo: unknown route", "stays in force"):
        assert log.count(word) == 2
    publish(volume, "good", NATIVE)
    two.follow(NATIVE)
    assert [status["problems"] for status in two.statuses()] == [[], []]


def in_place(path: Path, text: str) -> None:
    """Truncate and write, as `>` of a shell does."""
    path.write_text(text)


def in_two_steps(path: Path, text: str) -> None:
    """Truncate, write half of it, then the rest: as a slow writer does."""
    with path.open("w") as file:
        file.flush()
        file.write(text[: len(text) // 2])
        file.flush()
        file.write(text[len(text) // 2 :])


def with_backup(path: Path, text: str) -> None:
    """Rename the old file, write a new one, remove the old: vim with `backup`."""
    backup = path.with_name(path.name + "~")
    path.rename(backup)
    path.write_text(text)
    backup.unlink()


def deleted_and_restored(path: Path, text: str) -> None:
    """Delete it, then write it anew."""
    path.unlink()
    path.write_text(text)


@pytest.mark.parametrize(
    "save", [in_place, in_two_steps, replace, with_backup, deleted_and_restored]
)
def test_every_way_to_save(one: Workers, path: Path, save: Callable[[Path, str], None]) -> None:
    """The route moves there and back."""
    for text, side in ((NATIVE, "fastapi"), (LEGACY, "flask")):
        save(path, text)
        one.follow(text)
        assert one.sides() == {side}


def test_a_deleted_map_keeps_serving(one: Workers, path: Path) -> None:
    """Until it is back, the last one is in force and the loss is shown."""
    replace(path, NATIVE)
    one.follow(NATIVE)
    path.unlink()
    until(lambda: one.statuses()[0]["problems"], 10, "the loss shown")
    assert one.sides() == {"fastapi"}
    replace(path, NATIVE)
    until(lambda: not one.statuses()[0]["problems"], 10, "the map back")
    assert one.sides() == {"fastapi"}


def test_ten_saves_in_a_row_end_at_the_last(one: Workers, path: Path) -> None:
    """However many of them were seen."""
    for number in range(10):
        last = (NATIVE if number % 2 else LEGACY) + f"# {number}\n"
        in_place(path, last)
    one.follow(last)
    assert one.sides() == {"fastapi"}


def test_an_unchanged_save_is_ignored(one: Workers, path: Path) -> None:
    """No word of it in the log, while a change after it has one."""
    replace(path, LEGACY)
    one.follow(LEGACY)
    before = one.server.log()
    replace(path, LEGACY)
    path.touch()
    replace(path, BAD)
    until(lambda: one.statuses()[0]["problems"], 10, "problems shown")
    added = one.server.log().removeprefix(before)
    assert added.count("migration map") == 2  # the heading of the problems, and who says it
    replace(path, LEGACY)
    until(lambda: not one.statuses()[0]["problems"], 10, "the map back")


def test_a_request_in_flight_finishes_on_its_snapshot(path: Path) -> None:
    """A request that Flask began is answered by Flask, though the route has moved meanwhile."""
    slow = LEGACY + '"GET /slow" = "legacy"\n'
    replace(path, slow)
    with serve(path) as server:
        workers = Workers(server, 1)
        with Connection(server.address) as first, Connection(server.address) as second:
            first.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            until(lambda: waits(server) == ["flask"], 10, "Flask waiting")
            moved = slow.replace('"GET /slow" = "legacy"', '"GET /slow" = "native"')
            replace(path, moved)
            workers.follow(moved)
            second.send(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            until(lambda: waits(server) == ["flask", "fastapi"], 10, "FastAPI waiting")
            get(server.address, "/open")
            answers = [connection.response() for connection in (first, second)]
        workers.close()
    assert [answer.body for answer in answers] == [b"flask", b"fastapi"]
    assert [answer.get("x-side") for answer in answers] == ["flask", "fastapi"]
    assert [answer.get("x-served-by") for answer in answers] == ["flask", "fastapi"]


def waits(server: Server) -> list[str]:
    """Return which sides have a request that waits."""
    found: list[str] = get(server.address, "/waiting").body.decode().split()
    return found
