"""What holds for the run of all tests."""

from __future__ import annotations

import gc

from hypothesis import HealthCheck, settings

# Thousands of tests make an application each: a full collection after every few of them takes a
# fifth of the run.
gc.set_threshold(*gc.get_threshold()[:2], 100)

# How fast a machine is that does other things meanwhile is no property of what is tested.
settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any speed")
