"""What holds for the run of all tests."""

from __future__ import annotations

import gc

# Thousands of tests make an application each: a full collection after every few of them takes a
# fifth of the run.
gc.set_threshold(*gc.get_threshold()[:2], 100)
