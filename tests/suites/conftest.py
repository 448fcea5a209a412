"""The suites in here are run by tests, each in its own root; they are no part of ours."""

from __future__ import annotations

collect_ignore = ["flaskr"]
