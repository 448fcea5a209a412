"""A small application for servers under test: every answer says twice who gave it.

    CROSSFADE_TEST_MAP=map.toml uvicorn tests.live.app:app

The side is named in a header and in the body, so that an answer that mixes the two can be seen.
"""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from anyio import to_thread
from fastapi import FastAPI, Response
from flask import Flask

from crossfade import mount_legacy
from crossfade.gateway import live_map as live

legacy = Flask("legacy", static_folder=None)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Do nothing: an application that has one may add routes."""
    yield


app = FastAPI(lifespan=lifespan if "CROSSFADE_TEST_LIFESPAN" in os.environ else None)

# Long enough that an answer leaves in several pieces.
PADDING = 20_000


@legacy.get("/users/<int:user_id>")
def flask_user(user_id: int) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Return a user as Flask."""
    return {"id": user_id, "side": "flask", "pad": "f" * PADDING}, 200, {"X-Side": "flask"}


@app.get("/users/{user_id}")
async def fastapi_user(user_id: int, response: Response) -> dict[str, Any]:
    """Return a user as FastAPI."""
    response.headers["X-Side"] = "fastapi"
    return {"id": user_id, "side": "fastapi", "pad": "n" * PADDING}


# Three requests of one test: `GET /slow` answers once `GET /open` has been asked; `GET /waiting`
# tells how many wait.
gate = threading.Event()
waiting: list[str] = []


@legacy.get("/slow")
def flask_slow() -> tuple[str, dict[str, str]]:
    """Wait for the gate as Flask."""
    waiting.append("flask")
    gate.wait(30)
    return "flask", {"X-Side": "flask"}


@app.get("/slow")
async def fastapi_slow(response: Response) -> Response:
    """Wait for the gate as FastAPI."""
    waiting.append("fastapi")
    await to_thread.run_sync(gate.wait, 30)
    return Response("fastapi", headers={"X-Side": "fastapi"})


@legacy.get("/waiting")
def who_waits() -> str:
    """Return which sides have a request that waits."""
    return " ".join(waiting)


@legacy.get("/open")
def open_gate() -> str:
    """Let them answer."""
    gate.set()
    return "open"


@legacy.get("/")
def ready() -> str:
    """Answer the harness."""
    return "ready"


if "CROSSFADE_TEST_POLL" in os.environ:
    # Hundreds of moves in one test: look at the file more often than is useful otherwise.
    interval = float(os.environ["CROSSFADE_TEST_POLL"])
    vars(live).update(POLL_INTERVAL=interval, _SETTLE=interval)

if os.environ.get("CROSSFADE_TEST_MAP"):
    mount_legacy(app, legacy, migration_map=os.environ["CROSSFADE_TEST_MAP"])
