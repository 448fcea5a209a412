"""What `uvicorn blog_gateway:app` serves."""

from __future__ import annotations

from pathlib import Path

from flaskr import create_app
from flaskr_native import app

from crossfade import mount_legacy

mount_legacy(app, create_app(), migration_map=Path(__file__).parent / "migration_map.toml")
