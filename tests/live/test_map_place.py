"""Where the map is: found once, beside the code that names it, and not lost after that."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

from crossfade import MapError
from tests.live.kit import LEGACY, NATIVE, Workers, replace
from tests.servers import uvicorn

GATEWAY = """\
import os
from crossfade import mount_legacy
from fastapi import FastAPI
from flask import Flask

legacy = Flask("shop", static_folder=None)
app = FastAPI()
legacy.add_url_rule("/users/<int:user_id>", "user", lambda user_id: "flask")

@app.get("/users/{user_id}")
def user(user_id: int) -> str:
    return "fastapi"

gateway = mount_legacy(app, legacy, migration_map="config/map.toml")
os.chdir(os.environ.get("TEST_CHANGE_TO", "."))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with a gateway and its map."""
    (tmp_path / "shop" / "config").mkdir(parents=True)
    (tmp_path / "shop" / "placed_gateway.py").write_text(GATEWAY)
    (tmp_path / "shop" / "config" / "map.toml").write_text(LEGACY)
    return tmp_path / "shop"


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to a folder that has nothing to do with the project."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def load(project: Path) -> ModuleType:
    """Import the gateway of a project, past the cache of modules."""
    spec = importlib.util.spec_from_file_location("placed", project / "placed_gateway.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_relative_map_is_found_beside_the_module_that_names_it(
    project: Path, elsewhere: Path
) -> None:
    """Wherever the process was started; messages then have the whole path."""
    gateway = load(project).gateway
    assert gateway.live.path == project / "config" / "map.toml"
    assert gateway.live.snapshot.map.file == str(project / "config" / "map.toml")


def test_relative_map_beside_the_module_goes_before_one_in_the_working_directory(
    project: Path, elsewhere: Path
) -> None:
    """A map that happens to be there is another application's."""
    (elsewhere / "config").mkdir()
    (elsewhere / "config" / "map.toml").write_text(NATIVE)
    assert load(project).gateway.live.path == project / "config" / "map.toml"


def test_relative_map_may_be_in_the_working_directory(project: Path, elsewhere: Path) -> None:
    """For a gateway inside of a package, whose map is at the project's root."""
    (project / "config").rename(elsewhere / "config")
    gateway = load(project).gateway
    assert gateway.live.path == elsewhere / "config" / "map.toml"
    assert gateway.live.snapshot.map.file == "config/map.toml"


def test_missing_map_names_every_place_that_was_looked_at(project: Path, elsewhere: Path) -> None:
    """Each once."""
    (project / "config" / "map.toml").unlink()
    with pytest.raises(MapError) as caught:
        load(project)
    (problem,) = caught.value.problems
    places = f"{project}/config/map.toml and {elsewhere}/config/map.toml"
    assert f"there is no such file (looked for {places})" in problem.reason
    os.chdir(project)
    with pytest.raises(MapError, match=r"looked for [^ ]*/shop/config/map\.toml\)"):
        load(project)


def test_map_is_followed_after_the_process_changed_its_directory(
    project: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next edit is seen, and what stands beside the map is still beside it."""
    monkeypatch.chdir(project)
    path = project / "config" / "map.toml"
    record = '[record]\nshare = 1.0\nfolder = "kept"\n'
    replace(path, record + LEGACY)
    gateway = load(project).gateway
    assert gateway.live.snapshot.map.file == "config/map.toml"
    os.chdir(elsewhere)
    replace(path, record + NATIVE)
    assert gateway.live.poll()
    gateway.recorder.tap(gateway.live.snapshot)
    assert gateway.recorder.status()["folder"] == str(project / "config" / "kept")


def test_server_started_elsewhere_that_changes_its_directory_follows_the_map(
    project: Path, elsewhere: Path
) -> None:
    """As a user has it: `uvicorn --app-dir`, and an application that changes to its data."""
    server = uvicorn(
        "placed_gateway:app",
        "--app-dir",
        str(project),
        env={"TEST_CHANGE_TO": str(elsewhere)},
        ready="/_crossfade",
    )
    with server:
        workers = Workers(server, 1)
        for text, side in ((LEGACY, "flask"), (NATIVE, "fastapi"), (LEGACY, "flask")):
            replace(project / "config" / "map.toml", text)
            workers.follow(text)
            assert workers.sides() == {side}
        workers.close()
