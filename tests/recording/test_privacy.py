"""Recorded requests are for their owner: modes of files, and folders that nobody serves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from flask import Blueprint, Flask
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.middleware.shared_data import SharedDataMiddleware

from crossfade import mount_legacy
from crossfade.contract.cases.files import write_file
from crossfade.errors import MapError
from tests.asgi.kit import save_map
from tests.recording.test_traffic import MAP, RECORD, Served


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """What a server may be started with."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_files_are_their_owners_alone(tmp_path: Path, umask: int) -> None:
    """0600, the folders that were made 0700, whatever the umask."""
    served = Served(tmp_path, RECORD)
    served.send(("GET", "/items/a", {}))
    (file,) = served.folder.rglob("*.http")
    assert file.stat().st_mode & 0o777 == 0o600
    for folder in list(file.parents)[: len(file.relative_to(tmp_path).parts) - 1]:
        assert folder.stat().st_mode & 0o777 == 0o700, folder


def test_write_file_leaves_folders_that_are_there(tmp_path: Path) -> None:
    """A folder of the project keeps its mode."""
    tmp_path.chmod(0o755)
    write_file(tmp_path / "a/b/c.http", "x")
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def legacy(**options: str) -> Flask:
    """A Flask application."""
    return Flask("shop", root_path=options.pop("root"), **options)  # type: ignore[arg-type]


def mount(folder: Path, record: str, app: Flask, fastapi: FastAPI | None = None) -> None:
    """Serve it by a map in a folder."""
    path = folder / "migration_map.toml"
    path.write_text(f"[routes]\n[record]\nshare = 0.5\nfolder = {record!r}\n", encoding="utf-8")
    mount_legacy(fastapi or FastAPI(), app, migration_map=path)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("../elsewhere", "is outside of the map's folder"),
        ("/elsewhere", "is outside of the map's folder"),
        ("link", "is outside of the map's folder"),
        ("files/x", "the static folder of the Flask application"),
        ("shared", "served by SharedDataMiddleware"),
        ("views/recorded", "the template folder of the Flask application"),
        ("admin/own/x", "the static folder of the blueprint 'admin'"),
        ("admin/pages", "the template folder of the blueprint 'admin'"),
        ("starlette/x", "served by StaticFiles at /st"),
        ("inner", "served by StaticFiles"),
        ("deploy/public/x", "web servers serve what is in a folder named 'public'"),
        ("static/x", "web servers serve what is in a folder named 'static'"),
    ],
)
def test_mount_with_a_folder_that_is_served_is_refused(
    tmp_path: Path, record: str, reason: str
) -> None:
    """By Flask, its blueprints, WSGI middleware, Starlette, or whoever serves `static`."""
    for name in ("starlette", "inner", "shared"):
        (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path.parent)
    app = legacy(root=str(tmp_path), static_folder="files", template_folder="views")
    blueprint = Blueprint(
        "admin",
        "admin",
        root_path=str(tmp_path / "admin"),
        static_folder="own",
        static_url_path="/own",
        template_folder="pages",
    )
    app.register_blueprint(blueprint)
    shared = SharedDataMiddleware(app.wsgi_app, {"/s": str(tmp_path / "shared")})
    app.wsgi_app = ProxyFix(shared)  # type: ignore[method-assign]
    fastapi = FastAPI()
    fastapi.mount("/st", StaticFiles(directory=tmp_path / "starlette"))
    inside = Starlette(routes=[Mount("/in", StaticFiles(directory=tmp_path / "inner"))])
    fastapi.mount("/app", inside)
    with pytest.raises(MapError) as caught:
        mount(tmp_path, record, app, fastapi)
    (problem,) = caught.value.problems
    assert reason in problem.reason
    assert (problem.line, problem.subject) == (4, "record.folder")
    assert 'folder = "contracts/recorded"' in problem.remedy


def test_mount_with_the_folder_of_a_frontend_or_of_templates_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What FastAPI keeps apart from its routes, and what an endpoint's module renders."""
    fastapi = FastAPI()
    (tmp_path / "pages").mkdir()
    monkeypatch.setitem(page.__globals__, "PAGES", Jinja2Templates(tmp_path / "pages"))
    fastapi.get("/page")(page)
    found = ["pages/x"]
    if hasattr(fastapi, "frontend"):
        (tmp_path / "built").mkdir()
        fastapi.frontend("/", directory=tmp_path / "built")
        found.append("built/x")
    for record in found:
        with pytest.raises(MapError, match="recorded requests are private"):
            mount(tmp_path, record, legacy(root=str(tmp_path), static_folder="files"), fastapi)


def page() -> str:
    """An endpoint."""
    return ""


def test_mount_where_the_whole_project_is_served_is_refused(tmp_path: Path) -> None:
    """The default folder is no better there; without recording nothing is refused."""
    app = legacy(root=str(tmp_path), static_folder=".")
    path = tmp_path / "migration_map.toml"
    path.write_text("[routes]\n", encoding="utf-8")
    mount_legacy(FastAPI(), app, migration_map=path)
    with pytest.raises(MapError, match="the static folder of the Flask application"):
        mount(tmp_path, "contracts/recorded", app)


def test_mount_with_a_private_folder_is_served(tmp_path: Path) -> None:
    """Next to what is served, and the absolute path of a folder in the map's."""
    app = legacy(root=str(tmp_path), static_folder="files")
    for record in ("files-recorded", str(tmp_path / "own"), "a/b/c"):
        mount(tmp_path, record, app)


def test_live_edit_does_not_move_the_folder(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Until the next start what is recorded goes where it went; a bad folder is no map."""
    served = Served(tmp_path, RECORD)
    save_map(served.gateway, f'{RECORD}folder = "other"\n')
    served.send(("GET", "/items/a", {}))
    assert [case.name for case in served.cases()] == ["GET /items/a → 200"]
    assert not (tmp_path / "other").exists()
    assert "record.folder 'other' counts from the next start of the server on" in caplog.text
    with pytest.raises(MapError, match="is outside of the map's folder"):
        served.gateway.live.preview(f'{MAP}[record]\nfolder = "../x"\n')
