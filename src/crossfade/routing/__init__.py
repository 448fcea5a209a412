"""Routing: Flask's URL map decides which rule owns a URL; the migration map who answers it."""

from crossfade.routing.chosen import CHOSEN, Chosen, RouterEntry, Values, child_scope
from crossfade.routing.legacy import LegacyApp, LegacyRule
from crossfade.routing.mounts import mount_doubts
from crossfade.routing.native import NativeApp, NativeRoute
from crossfade.routing.table import Found, RouteTable, RouteTableBuilder, Target

__all__ = [
    "CHOSEN",
    "Chosen",
    "Found",
    "LegacyApp",
    "LegacyRule",
    "NativeApp",
    "NativeRoute",
    "RouteTable",
    "RouteTableBuilder",
    "RouterEntry",
    "Target",
    "Values",
    "child_scope",
    "mount_doubts",
]
