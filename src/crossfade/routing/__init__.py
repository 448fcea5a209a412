"""Routing: Flask's URL map decides which rule owns a URL; the migration map who answers it."""

from crossfade.routing.legacy import LegacyApp, LegacyRule
from crossfade.routing.mounts import mount_doubts
from crossfade.routing.native import TAKES_ANY_TEXT, NativeApp, NativeRoute
from crossfade.routing.table import RouteTable, RouteTableBuilder, Target

__all__ = [
    "TAKES_ANY_TEXT",
    "LegacyApp",
    "LegacyRule",
    "NativeApp",
    "NativeRoute",
    "RouteTable",
    "RouteTableBuilder",
    "Target",
    "mount_doubts",
]
