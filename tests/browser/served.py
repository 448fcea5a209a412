"""The example's `gateway.py` with its map's path from the environment."""

from __future__ import annotations

import os

from crossfade import mount_legacy
from legacy_flask import create_app
from new_fastapi import app

mount_legacy(app, create_app(), migration_map=os.environ["CROSSFADE_TEST_MAP"])
