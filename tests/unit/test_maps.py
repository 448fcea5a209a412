"""Every map under tests/maps: the valid ones load, the invalid ones say what their .txt holds.

To write the snapshots anew: CROSSFADE_WRITE_SNAPSHOTS=1 pytest tests/unit/test_maps.py
"""

from __future__ import annotations

import json
import os
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from flask import Flask

from crossfade.errors import MapError
from crossfade.gateway.live_map import LiveMap
from crossfade.migration_map.parse import parse_map, read_map
from crossfade.migration_map.schema import MapDocument
from crossfade.model import Stage
from crossfade.routing import LegacyApp, NativeApp, RouteTableBuilder

MAPS = Path(__file__).parent.parent / "maps"
INVALID = sorted((MAPS / "invalid").glob("*.toml"))
VALID = sorted((MAPS / "valid").glob("*.toml"))


def _view(**_: object) -> str:
    return ""


@cache
def builder() -> RouteTableBuilder:
    """Return the builder for the two applications that the maps speak of."""
    flask_app = Flask("maps", static_folder=None)
    for rule, methods in {
        "/hello": ["GET"],
        "/users": ["GET", "POST"],
        "/users/<int:user_id>": ["GET"],
        "/todos/<int:todo_id>": ["PUT", "DELETE"],
        "/items/<uuid:key>": ["GET"],
        "/items/<name>": ["GET"],
        "/pairs/<left>/<right>": ["GET"],
        "/files/<path:name>": ["GET"],
        "/legacy-only": ["GET"],
    }.items():
        flask_app.add_url_rule(
            rule, endpoint=rule.replace(".", ""), view_func=_view, methods=methods
        )
    flask_app.add_url_rule("/moved", "moved", redirect_to="/hello")

    api = FastAPI()
    users = APIRouter(prefix="/users")
    users.post("")(_view)
    users.get("/{number}")(_view)
    api.include_router(users)
    api.get("/hello")(_view)
    api.put("/todos/{todo_id}")(_view)
    api.get("/items/{key}")(_view)
    api.get("/pairs/{both}")(_view)
    api.get("/files/{name}")(_view)
    api.get("/moved")(_view)
    api.get("/only-in-fastapi/{anything:path}")(_view)
    return RouteTableBuilder(LegacyApp(flask_app, flask_app), NativeApp(api))


def load(path: Path) -> LiveMap:
    """Load a map as a gateway does when it starts."""
    return LiveMap(path, builder().build)


def test_the_folders_are_not_empty() -> None:
    """A moved folder must not turn the tests below into nothing."""
    assert len(INVALID) > 10
    assert len(VALID) > 2


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_accepts(path: Path) -> None:
    """A valid map loads."""
    assert load(path).rejected is None


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_rejects(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid map is refused with exactly the problems of its snapshot."""
    monkeypatch.chdir(path.parent)
    with pytest.raises(MapError) as caught:
        load(Path(path.name))
    text = "".join(f"{problem}\n" for problem in caught.value.problems)
    snapshot = path.with_suffix(".txt")
    if os.environ.get("CROSSFADE_WRITE_SNAPSHOTS"):
        snapshot.write_text(text, encoding="utf-8")
    assert text == snapshot.read_text(encoding="utf-8")


def test_rejects_a_missing_file(tmp_path: Path) -> None:
    """A map that is not there says where it was looked for, and how to begin."""
    with pytest.raises(MapError, match=r"no such file.*Create it") as caught:
        load(tmp_path / "absent.toml")
    assert str(tmp_path / "absent.toml") in str(caught.value)


def test_rejects_a_folder(tmp_path: Path) -> None:
    """A path that can't be read says why."""
    with pytest.raises(MapError, match="can't be read: it is a folder"):
        load(tmp_path)


def test_the_order_and_the_stages_are_the_files() -> None:
    """What a valid map says arrives as it stands."""
    migration_map = read_map(MAPS / "valid" / "spellings.toml")
    assert [(str(entry.name), entry.stage) for entry in migration_map.entries][:3] == [
        ("GET /hello", Stage.NATIVE),
        ("GET /users/<int:user_id>", Stage.NATIVE),
        ("POST /users", Stage.NATIVE),
    ]
    assert migration_map.gateway.served_by_header is True
    assert migration_map.bridge.threads == 4


def test_the_revision_is_of_the_bytes() -> None:
    """Two files that differ in a comment only are two revisions."""
    assert parse_map(b"").revision == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
    assert parse_map(b"# a").revision != parse_map(b"# b").revision


def test_the_shipped_schema_is_the_models() -> None:
    """Editors check a map by the same rules as the gateway."""
    shipped = files("crossfade").joinpath("migration_map.schema.json").read_text(encoding="utf-8")
    assert _rules(json.loads(shipped)) == _rules(MapDocument.model_json_schema())


def _rules(schema: dict[str, Any]) -> dict[str, Any]:
    for definition in schema["$defs"].values():
        definition.pop("description", None)  # only newer versions of pydantic give it
    return schema
