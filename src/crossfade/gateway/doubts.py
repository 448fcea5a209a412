"""What a team may not have meant with a migration map, as messages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from crossfade.checks.report import Message
from crossfade.gateway.live_map import Snapshot
from crossfade.gateway.status_page import token_problem
from crossfade.routing import NativeApp, Target, mount_doubts
from crossfade.wording import some

NOT_KNOWN_TO_BE_FLASK: Final = (
    "the legacy application is not known to be Flask, so native routes run without whatever it "
    "does around its views. If there is a Flask inside, name it: mount_legacy(…, flask_app=…)"
)


def doubts_of(
    snapshot: Snapshot, native: NativeApp, skipped_hooks: Callable[[Target], Sequence[str]]
) -> Iterator[Message]:
    """Return what to log of a map, whatever the native handlers do.

    Args:
        snapshot: the map with its table.
        native: the FastAPI application.
        skipped_hooks: what Flask does around a view that a native answer does without.
    """
    file = snapshot.map.file
    closed = token_problem(snapshot.map.gateway)
    if closed is not None:
        yield Message(logging.WARNING, f"{file}: {closed}")
    if snapshot.map.is_blank:
        yield Message(
            logging.WARNING,
            f"{file} is empty, so Flask answers every route. If that is meant, "
            'write the one line "[routes]": a running server takes over no empty map',
        )
    for target in snapshot.table.targets():
        skipped = skipped_hooks(target)
        if skipped:
            yield Message(
                logging.WARNING,
                f'{target.route} has hooks = "none" in {file}: a native answer '
                f"skips {', '.join(skipped)}",
            )
    for text in mount_doubts(snapshot.table, native):
        yield Message(logging.WARNING, f"{file}: {text}")


def pages_that_are_off(snapshot: Snapshot) -> str:
    """Return that FastAPI's pages are not there, for who looks for them; "" where they know."""
    pages = snapshot.table.unserved_documents()
    if not pages or snapshot.map.gateway.api_docs is not None:
        return ""
    return (
        f"FastAPI's own pages {some(pages)} are off, so that no URL appears that Flask did not "
        "have. To serve them, or to silence this, put api_docs = true, or api_docs = false, under "
        f"[gateway] in {snapshot.map.file}"
    )
