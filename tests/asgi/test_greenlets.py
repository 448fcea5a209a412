"""A process whose threads gevent or eventlet replaced is refused before it serves anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from crossfade.bridge import Bridge
from crossfade.errors import MountError
from tests.asgi.kit import flask_with

pytestmark = pytest.mark.slow

APP = """
{before}
from fastapi import FastAPI
from flask import Flask
from crossfade import mount_legacy

app = FastAPI()
mount_legacy(app, Flask("legacy"), migration_map="migration_map.toml")
{after}
"""
PATCH = "from gevent import monkey; monkey."


def serve(folder: Path, before: str, after: str = "") -> subprocess.CompletedProcess[str]:
    """Start uvicorn with the application; it has to end by itself."""
    (folder / "migration_map.toml").write_text("[routes]\n", encoding="utf-8")
    (folder / "gateway.py").write_text(APP.format(before=before, after=after), encoding="utf-8")
    command = [sys.executable, "-m", "uvicorn", "gateway:app", "--port", "0"]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("patch", ["patch_all()", "patch_thread()", "patch_queue()"])
def test_gevent_that_replaced_threads_is_refused_at_start(tmp_path: Path, patch: str) -> None:
    """With the way out, whichever part of the patch does it."""
    pytest.importorskip("gevent")
    run = serve(tmp_path, PATCH + patch)
    assert run.returncode != 0
    assert "gevent.monkey has replaced this process's threads by greenlets" in run.stderr
    assert 'async_mode="threading"' in run.stderr


def test_gevent_that_patches_after_mounting_is_refused_at_start(tmp_path: Path) -> None:
    """The server ends before it takes a request."""
    pytest.importorskip("gevent")
    run = serve(tmp_path, "", after=PATCH + "patch_all()")
    assert run.returncode != 0
    assert "has replaced this process's threads by greenlets" in run.stderr


@pytest.mark.parametrize("patch", ["patch_socket()", "patch_time()", "patch_ssl()"])
def test_gevent_that_left_threads_alone_is_served(tmp_path: Path, patch: str) -> None:
    """What does no harm is not refused."""
    pytest.importorskip("gevent")
    (tmp_path / "migration_map.toml").write_text("[routes]\n", encoding="utf-8")
    code = APP.format(before=PATCH + patch, after="")
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, timeout=60, check=True)


def test_eventlet_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its own word of what it patched. It is not among the dependencies of these tests."""
    patched = SimpleNamespace(is_monkey_patched=lambda name: name == "thread")
    monkeypatch.setitem(sys.modules, "eventlet.patcher", patched)
    with pytest.raises(MountError, match=r"eventlet\.monkey_patch"):
        Bridge(flask_with())
