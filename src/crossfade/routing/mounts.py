"""Applications that FastAPI mounts: which the map leaves out, and what Flask keeps below them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crossfade.model import Stage
from crossfade.routing.legacy import LegacyRule
from crossfade.routing.native import NativeApp, NativeRoute
from crossfade.routing.table import RouteTable
from crossfade.wording import some


def mount_doubts(table: RouteTable, native: NativeApp) -> Iterator[str]:
    """Say what a team may not have meant: for each mounted application, in one sentence.

    Args:
        table: the map in force.
        native: the FastAPI application's routes.
    """
    mounts = [route for route in native.routes if route.is_mount]
    if not mounts:
        return
    served = {id(route.native) for route in table.routes if route.entry.stage is Stage.NATIVE}
    rules = {id(t.legacy): t.legacy for t in table.targets() if t.legacy is not None}.values()
    for mount in mounts:
        prefix = mount.path.removesuffix("/{path:path}") or "/"
        if id(mount) in served:
            kept = list(_below(mount, rules))
            if kept and prefix != "/":
                yield (
                    f"Flask keeps what it has below {prefix}, where FastAPI mounts an "
                    f"application: {some(kept)}. Mount it elsewhere, or take these rules out of "
                    "Flask"
                )
        elif not any(rule.shape.skeleton == mount.shape.skeleton for rule in rules):
            yield (
                f"nobody serves the application that FastAPI mounts at {prefix}, nor its "
                f'WebSockets. List it by method: "GET {mount.path}" = "native"'
            )


def _below(mount: NativeRoute, rules: Iterable[LegacyRule]) -> Iterator[str]:
    """Yield Flask's rules for URLs that the mounted application would have."""
    start = mount.shape.skeleton[:-1]  # without the path, which is the last variable
    for rule in rules:
        skeleton = rule.shape.skeleton
        if skeleton.startswith(start) and skeleton != mount.shape.skeleton:
            yield rule.spelling
