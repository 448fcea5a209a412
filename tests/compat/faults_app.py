"""A gateway for faults: native routes that read a body in every way, and some that must go on.

The environment variable `NATIVE_SETTINGS` holds more of the map.
"""

# Without postponed annotations: FastAPI could not resolve names that are local to a function.
import dataclasses
import os
import tempfile
import threading
from pathlib import Path
from typing import Annotated, Any

import flask
from fastapi import APIRouter, FastAPI, Request
from flask import Flask
from pydantic import BaseModel

from crossfade import compat, mount_legacy

BARE = ["GET /stats", "GET /open", "POST /bare"]
"""Routes that borrow nothing."""

router = APIRouter()
gate = threading.Event()


class Data(BaseModel):
    """What FastAPI reads by itself."""

    name: str


def reads(view: Any) -> Any:
    """Decorate a view: look at the body first."""

    def guarded(**values: Any) -> Any:
        flask.request.get_data()
        return view(**values)

    return guarded


@router.post("/hook")
async def hook(name: Annotated[str, compat.form("name")]) -> int:
    """Answer after a hook has read."""
    return len(name)


@router.post("/decorated", dependencies=[compat.decorated(reads)])
async def decorated() -> int:
    """Answer after a guard has read."""
    return len(flask.request.get_data())


@router.post("/plain")
def plain() -> int:
    """Read in one of FastAPI's threads."""
    return len(flask.request.get_data())


@router.post("/json")
async def json(data: Annotated[Any, compat.json(force=True, silent=True)]) -> int:
    """Read by a dependency."""
    return len(flask.request.get_data())


@router.post("/model")
async def model(data: Data) -> int:
    """Let FastAPI read."""
    return len(data.name)


@router.post("/stream")
async def stream(request: Request) -> int:
    """Read chunk by chunk."""
    return sum([len(chunk) async for chunk in request.stream()])


@router.post("/quick")
def quick() -> str:
    """Read nothing."""
    return "quick"


@router.post("/slow")
async def slow() -> str:
    """Answer once a hook has waited for the gate."""
    return "slow"


@router.get("/open")
async def open_gate() -> str:
    """Open the gate."""
    gate.set()
    return "open"


@router.get("/stats")
async def stats(request: Request) -> Any:
    """Tell what the threads of hooks are doing."""
    return dataclasses.asdict(request.app.state.crossfade.borrower.stats())


@router.post("/bare")
async def bare(request: Request) -> int:
    """Read where nothing is borrowed."""
    return len(await request.body())


def legacy_app() -> Flask:
    """Return the legacy side, whose hooks read and wait."""
    legacy = Flask("legacy", static_folder=None)
    legacy.config["MAX_FORM_MEMORY_SIZE"] = None

    @legacy.before_request
    def before() -> None:
        if flask.request.path == "/hook":
            flask.request.form.get("csrf")
        if flask.request.path == "/slow":
            gate.wait()

    def view(path: str) -> str:
        return f"legacy {len(flask.request.get_data())}"

    legacy.add_url_rule("/<path:path>", "view", view, methods=["GET", "POST"])
    return legacy


def make() -> FastAPI:
    """Return the application."""
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    lines = [os.environ.get("NATIVE_SETTINGS", ""), "[routes]"]
    lines += [f'"{route}" = {{ stage = "native", hooks = "none" }}' for route in BARE]
    hooked = ("hook", "decorated", "plain", "json", "model", "stream", "quick", "slow")
    lines += [f'"POST /{name}" = "native"' for name in hooked]
    path = Path(tempfile.mkdtemp()) / "migration_map.toml"
    path.write_text("\n".join(lines))
    mount_legacy(app, legacy_app(), migration_map=path)
    return app
