"""Serve the Flask application through FastAPI, route by route: `uvicorn gateway:app`."""

from crossfade import mount_legacy
from legacy_flask import create_app
from new_fastapi import app

mount_legacy(app, create_app(), migration_map="migration_map.toml")
